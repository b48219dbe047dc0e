"""How a record lies in a file and in a message: length, checksum, sequence number, payload.

The same bytes go from the actor's spool over the wire into the learner's log, so that the checksum made by the actor
is the one that a restarted learner checks.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import google_crc32c

FRAME = struct.Struct("<IIQ")
"""Payload length, CRC-32C of sequence number and payload, sequence number."""
SEQ = struct.Struct("<Q")
MAX_PAYLOAD = 6 << 20
"""Largest payload [bytes]; an observation with larger images is refused when the client is made."""


def frame(seq: int, payload: bytes) -> bytes:
    """One record with its header."""
    crc = google_crc32c.extend(google_crc32c.value(SEQ.pack(seq)), payload)
    return FRAME.pack(len(payload), crc, seq) + payload


def intact(buffer: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Walk the records of a buffer, up to the first that is torn or damaged.

    Args:
        buffer: Framed records, perhaps with a torn tail.

    Yields:
        Sequence number, payload, and the offset at which the record ends.
    """
    at = 0
    while at + FRAME.size <= len(buffer):
        length, crc, seq = FRAME.unpack_from(buffer, at)
        start, end = at + FRAME.size, at + FRAME.size + length
        if length > MAX_PAYLOAD or end > len(buffer):
            return
        payload = buffer[start:end]
        if google_crc32c.extend(google_crc32c.value(SEQ.pack(seq)), payload) != crc:
            return
        yield seq, payload, end
        at = end
