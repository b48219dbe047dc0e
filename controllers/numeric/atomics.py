"""Memory that two processes share without locks: ordered words, a seqlock, three slots with an atomic swap.

Plain numpy stores keep no order on every processor; these do. The orders are acquire and release, which an ARM keeps
only where it is told to (``ldar``, ``stlr``, ``dmb``); a test reads the machine code of both families.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from controllers.numeric.jit import kernel

Values = NDArray[np.float64]
_FRESH = 4
"""Set in the middle word while its slot holds a command that nobody took."""
_WORD = ir.IntType(64)


def _pointer(builder: Any, address: Any) -> Any:  # noqa: ANN401  (llvmlite's own types)
    return builder.inttoptr(address, _WORD.as_pointer())


@intrinsic
def atomic_exchange(typing: Any, address: Any, value: Any) -> Any:  # noqa: ANN401, ARG001  (numba's own types)
    """Store ``value`` in the word at ``address``; return what it held. Acquire and release."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401, ARG001
        return builder.atomic_rmw("xchg", _pointer(builder, args[0]), args[1], "acq_rel")

    return types.int64(types.intp, types.int64), generate


@intrinsic
def atomic_add(typing: Any, address: Any, value: Any) -> Any:  # noqa: ANN401, ARG001
    """Add ``value`` to the word at ``address``; return what it held. Acquire and release."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401, ARG001
        return builder.atomic_rmw("add", _pointer(builder, args[0]), args[1], "acq_rel")

    return types.int64(types.intp, types.int64), generate


@intrinsic
def atomic_load(typing: Any, address: Any) -> Any:  # noqa: ANN401, ARG001
    """The word at ``address``; nothing that follows is read before it (acquire)."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401, ARG001
        return builder.load_atomic(_pointer(builder, args[0]), "acquire", 8, typ=_WORD)

    return types.int64(types.intp), generate


@intrinsic
def atomic_store(typing: Any, address: Any, value: Any) -> Any:  # noqa: ANN401, ARG001
    """Store ``value`` in the word at ``address``, after everything that was stored before (release)."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401, ARG001
        builder.store_atomic(args[1], _pointer(builder, args[0]), "release", 8)
        return context.get_dummy_value()

    return types.void(types.intp, types.int64), generate


@intrinsic
def atomic_or(typing: Any, address: Any, value: Any) -> Any:  # noqa: ANN401, ARG001
    """Set the bits of ``value`` in the word at ``address``; return what it held. Acquire and release."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401, ARG001
        return builder.atomic_rmw("or", _pointer(builder, args[0]), args[1], "acq_rel")

    return types.int64(types.intp, types.int64), generate


@intrinsic
def fence(typing: Any) -> Any:  # noqa: ANN401, ARG001
    """No load or store moves across this line, in the compiler or in the processor."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401, ARG001
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def fence_acquire(typing: Any) -> Any:  # noqa: ANN401, ARG001
    """Loads before this line are done before anything that follows it."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401, ARG001
        builder.fence("acquire")
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def fence_release(typing: Any) -> Any:  # noqa: ANN401, ARG001
    """Everything before this line is done before any store that follows it."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:  # noqa: ANN401, ARG001
        builder.fence("release")
        return context.get_dummy_value()

    return types.void(), generate


@kernel
def load_word(address: int) -> int:
    """The shared word at ``address``."""
    return atomic_load(address)


@kernel
def store_word(address: int, value: int) -> None:
    """Store ``value`` at ``address``, after all that was written before."""
    atomic_store(address, value)


@kernel
def exchange_word(address: int, value: int) -> int:
    """Store ``value`` at ``address``; return what it held."""
    return atomic_exchange(address, value)


@kernel
def add_word(address: int, value: int) -> int:
    """Add ``value`` to the word at ``address``; return the sum."""
    return atomic_add(address, value) + value


@kernel
def set_bits(address: int, bits: int) -> int:
    """Set ``bits`` in the word at ``address``; return what it held."""
    return atomic_or(address, bits)


@kernel
def _copy(source: Values, target: Values) -> None:
    for i in range(source.shape[0]):
        target[i] = source[i]


@kernel
def write_locked(lock: int, source: Values, target: Values) -> None:
    """Copy under the seqlock whose word is at ``lock``; the one writer never waits."""
    count = atomic_load(lock)
    atomic_store(lock, count + 1)
    fence_release()
    _copy(source, target)
    atomic_store(lock, count + 2)


@kernel
def read_locked(lock: int, source: Values, target: Values, tries: int) -> int:
    """The count of the snapshot that was read; 0: none was written yet; -1: the writer stopped half-way."""
    for _ in range(tries):
        before = atomic_load(lock)
        if before % 2 == 1:
            continue
        _copy(source, target)
        fence_acquire()
        if atomic_load(lock) == before:
            return before
    return -1


@kernel
def put_slot(middle: int, writer: int, source: Values, slots: Values) -> None:
    """Fill the writer's slot, then swap it for the one in the middle: three slots, so nobody waits."""
    mine = atomic_load(writer)
    _copy(source, slots[mine])
    atomic_store(writer, atomic_exchange(middle, mine | _FRESH) & 3)


@kernel
def take_slot(middle: int, reader: int, slots: Values, target: Values) -> bool:
    """Copy the middle slot into ``target`` if it is fresh."""
    if atomic_load(middle) & _FRESH == 0:
        return False
    mine = atomic_exchange(middle, atomic_load(reader)) & 3
    atomic_store(reader, mine)
    _copy(slots[mine], target)
    return True
