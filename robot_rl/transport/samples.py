"""Signals that are faster than the steps, gathered into few records."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import SpecError
from robot_rl.transport.codec import DTYPES, encode_samples

GATHER = 256
"""Samples of one record, at most."""
LARGEST = 1 << 14
"""Of one sample [bytes]; images are part of the observation."""


@dataclass(kw_only=True)
class _Signal:
    like: NDArray
    stamps: list[float] = field(default_factory=list)
    values: list[NDArray] = field(default_factory=list)


class SampleBuffer:
    """Samples of the open episode that are not in a record yet."""

    def __init__(self) -> None:
        self._signals: dict[str, _Signal] = {}

    def add(self, name: str, stamp: float, value: NDArray) -> bytes | None:
        """Add one sample; returns a payload when there are enough of its signal.

        ``SpecError`` if it does not look as the first sample of its signal.
        """
        signal = self._signals.setdefault(name, _Signal(like=value))
        sound = "/" not in name and not name.startswith(".") and value.nbytes <= LARGEST
        if not sound or value.dtype.name not in DTYPES:
            raise SpecError(f"signal {name!r} of {value.dtype}{value.shape}: give it a plain name and few numbers")
        if (value.shape, value.dtype) != (signal.like.shape, signal.like.dtype):
            began = f"it began as {signal.like.dtype}{signal.like.shape}"
            raise SpecError(f"signal {name!r} is {value.dtype}{value.shape}, {began}: check its sensor")
        signal.stamps.append(stamp)
        signal.values.append(value)
        return (
            self._take(name) if len(signal.stamps) >= max(1, min(GATHER, (1 << 20) // max(1, value.nbytes))) else None
        )

    def rest(self) -> list[bytes]:
        """Payloads of all that is left, at the end of an episode."""
        payloads = [self._take(name) for name, signal in self._signals.items() if signal.stamps]
        self._signals.clear()
        return payloads

    def _take(self, name: str) -> bytes:
        signal = self._signals[name]
        payload = encode_samples(name, signal.stamps, np.stack(signal.values))
        signal.stamps, signal.values = [], []
        return payload
