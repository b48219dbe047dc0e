"""Which versions of the wire two programs have in common, so that learner and actors need not be updated at once.

Schema 1: steps, weights checked by SHA-256. Schema 2 adds who judged a step, exposures of its images, its freshness,
and signals that are faster than the steps; weights are checked by CRC-32C. A program reads all records since
``OLDEST``, and of newer ones those whose writer says that an older reader may.
"""

from __future__ import annotations

from robot_rl.core.errors import SpecError
from robot_rl.transport.experience_pb2 import Header

SCHEMA = 2
"""What this program writes."""
READER = 1
"""Oldest schema whose programs may read that; they leave out what they do not know."""
OLDEST = 1
"""Oldest schema that this program reads."""

SAMPLES_SINCE = 2
"""Schema that brought signals faster than the steps; they are not sent to a learner that would not read them."""


def agree(header: Header, *, newest: int = SCHEMA, oldest: int = OLDEST) -> int:
    """The newest schema that the writer of a stream and its reader both know; ``SpecError`` if there is none.

    Args:
        header: What the writer says of itself.
        newest: Newest schema that the reader knows.
        oldest: Oldest that it reads.
    """
    if header.schema < oldest:
        line = f"the actor's records are of schema {header.schema}, the learner reads {oldest} to {newest}"
        raise SpecError(f"{line}: update the actor's program")
    if header.schema > newest and not 0 < header.reader <= newest:
        line = f"the actor's records are of schema {header.schema}, the learner reads {oldest} to {newest}"
        raise SpecError(f"{line}: update the learner's program")
    return min(header.schema, newest)
