"""Copies rows of memory, wherever they lie, at the speed of the memory: several threads, no GIL, no cache pollution.

A row is given by its address, so rows of mapped files, of a ring and of plain arrays go through one kernel.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from robot_rl.core.errors import ConfigError

LINE: Final = 64
"""Bytes of a cache line."""
STREAM: Final = 1 << 22
"""Batches of at least this size go past the cache, which they would only empty [B]."""
ALONE: Final = 1 << 18
"""Batches below this size are not worth waking a thread [B]."""
in_line: Any = intrinsic
"""Makes a function of machine code; without its first argument for who calls it."""
_BYTE: Final = ir.IntType(8).as_pointer()
_HALF: Final = ir.VectorType(ir.IntType(64), 4)


class Job(Protocol):
    """Rows of one feature that go to the places ``at`` of ``target``, as they are or changed on the way."""

    @property
    def target(self) -> NDArray:
        """Contiguous, (N, ...)."""
        ...

    @property
    def at(self) -> NDArray[np.int64]:
        """Places in ``target``, (B,)."""
        ...

    def copy(self, some: slice, stream: bool) -> None:
        """Copy some of the B rows, past the cache if ``stream``."""
        ...


@dataclass(frozen=True)
class Rows:
    """Rows of one feature to copy: row ``b`` goes from ``address[b]`` to ``target[at[b]]``."""

    address: NDArray[np.int64]
    """Where each row starts, (B,)."""
    target: NDArray
    """Contiguous, (N, ...)."""
    at: NDArray[np.int64]
    """Places in ``target``, (B,)."""

    def copy(self, some: slice, stream: bool) -> None:
        """Copy some of the rows."""
        copy_rows(self.address[some], self.target.ctypes.data, row_size(self.target), self.at[some], stream)


class Copier:
    """Copies rows with a fixed number of threads, the caller's included; any thread may call it."""

    def __init__(self, threads: int = 0) -> None:
        """``threads`` 0: as many as there are processors, four at most."""
        if threads < 0:
            raise ConfigError(f"{threads} threads: give 1 or more, or 0 for as many as there are processors")
        self.threads = threads or min(4, len(os.sched_getaffinity(0)))
        self._pool = ThreadPoolExecutor(max(1, self.threads - 1), thread_name_prefix="copier")

    def copy(self, jobs: Sequence[Job]) -> None:
        """Copy all rows of all jobs; returns when they lie at their places."""
        for job in jobs:
            if not job.target.flags.c_contiguous:
                raise ConfigError("a batch to write into must be contiguous: take it from empty_batch()")
            if len(job.at) and not 0 <= job.at.min() <= job.at.max() < len(job.target):
                raise ConfigError(
                    f"a batch to write into has {len(job.target)} rows, too few: make it as large as wanted"
                )
        total = sum(row_size(job.target) * len(job.at) for job in jobs)
        stream = total >= STREAM

        def part(first: float, last: float) -> None:
            for job in jobs:
                job.copy(slice(int(len(job.at) * first), int(len(job.at) * last)), stream)

        self.spread(part, total)

    def spread(self, part: Callable[[float, float], Any], total: int) -> None:
        """Call ``part(first, last)`` for shares of the work that together make [0, 1): one per thread."""
        if total < ALONE or self.threads == 1:
            part(0.0, 1.0)
            return
        bounds = [k / self.threads for k in range(self.threads + 1)]
        others = [self._pool.submit(part, *pair) for pair in itertools.pairwise(bounds[1:])]
        part(bounds[0], bounds[1])
        for other in others:
            other.result()


def row_addresses(array: NDArray, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the given rows of a contiguous array start."""
    if not array.flags.c_contiguous:
        raise ConfigError("rows to copy must be contiguous: copy the array first")
    return array.ctypes.data + rows * row_size(array)


def row_size(array: NDArray) -> int:
    """Bytes of one row of a contiguous array."""
    return array.nbytes // max(1, len(array))


@in_line
def move(typingctx, target, source, size):  # noqa: ANN001, ANN201, ARG001  (typed by numba)
    """``memcpy`` of ``size`` bytes between two addresses."""

    def build(context, builder, signature, args):  # noqa: ANN001, ANN202, ARG001
        where, whence = (builder.inttoptr(address, _BYTE) for address in args[:2])
        cgutils.raw_memcpy(builder, where, whence, args[2], 1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), build


@in_line
def stream_line(typingctx, target, source):  # noqa: ANN001, ANN201, ARG001
    """Copy one cache line to an aligned address without reading what was there, and past the cache."""

    def build(context, builder, signature, args):  # noqa: ANN001, ANN202, ARG001
        where, whence = (builder.inttoptr(address, _HALF.as_pointer()) for address in args)
        mark = builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)])
        for half in (0, 1):
            offset = [ir.Constant(ir.IntType(64), half)]
            value = builder.load(builder.gep(whence, offset), align=1)
            stored = builder.store(value, builder.gep(where, offset), align=LINE // 2)
            stored.set_metadata("nontemporal", mark)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), build


@in_line
def settle(typingctx):  # noqa: ANN001, ANN201, ARG001
    """Wait until all streamed lines can be seen by other threads."""

    def build(context, builder, signature, args):  # noqa: ANN001, ANN202, ARG001
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), build


@njit(cache=True, nogil=True)
def stream_row(target: int, source: int, size: int) -> None:
    """Copy ``size`` bytes: whole aligned lines past the cache, the ends through it."""
    head = min(size, (-target) % LINE)
    move(target, source, head)
    lines = (size - head) // LINE
    for line in range(lines):
        stream_line(target + head + line * LINE, source + head + line * LINE)
    done = head + lines * LINE
    move(target + done, source + done, size - done)


@njit(cache=True, nogil=True)
def copy_rows(address: NDArray, target: int, size: int, at: NDArray, stream: bool) -> None:
    """Copy ``size`` bytes from ``address[b]`` to place ``at[b]`` of ``target``, for every b."""
    for b in range(len(at)):
        if stream and size >= 1024:
            stream_row(target + at[b] * size, address[b], size)
        else:
            move(target + at[b] * size, address[b], size)
    if stream:
        settle()
