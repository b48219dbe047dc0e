"""C functions called from kernels by their addresses, without Python or GIL: the clock, and the step of a plant."""

from __future__ import annotations

import ctypes
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from robot_rl.core.errors import MissingDependencyError

_WORD, _INT = ir.IntType(64), ir.IntType(32)
_TIMESPEC = ir.ArrayType(_WORD, 2)
_MONOTONIC, _ABSOLUTE = 1, 1
"""CLOCK_MONOTONIC, which ``time.monotonic`` reads too, and TIMER_ABSTIME, as Linux numbers them."""


def address_in(library: str | None, function: str) -> int:
    """Address of a C function of ``library``; None: of what this process has loaded, the C library with it."""
    try:
        address = ctypes.cast(getattr(ctypes.CDLL(library), function), ctypes.c_void_p).value
    except (OSError, AttributeError):
        address = None
    if address is None:
        raise MissingDependencyError(f"{library or 'the C library'} has no {function}: run the arm process on Linux")
    return address


def clock_functions() -> tuple[int, int]:
    """Addresses of ``clock_gettime`` and ``clock_nanosleep``."""
    return address_in(None, "clock_gettime"), address_in(None, "clock_nanosleep")


@intrinsic
def clock_now(_context: Any, function: Any) -> Any:  # noqa: ANN401, ARG001  (numba's own types)
    """Monotonic time [ns], by ``clock_gettime`` at address ``function``."""

    def generate(_target: Any, builder: Any, _signature: Any, args: Any) -> Any:  # noqa: ANN401
        spec = cgutils.alloca_once(builder, _TIMESPEC)
        kind = ir.FunctionType(_INT, [_INT, spec.type])
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), [_INT(_MONOTONIC), spec])
        seconds, rest = (builder.load(builder.gep(spec, [_INT(0), _INT(i)])) for i in range(2))
        return builder.add(builder.mul(seconds, _WORD(1_000_000_000)), rest)

    return types.int64(types.int64), generate


@intrinsic
def sleep_until(_context: Any, function: Any, deadline: Any) -> Any:  # noqa: ANN401, ARG001
    """Sleep to the monotonic ``deadline`` [ns], by ``clock_nanosleep`` at address ``function``; 0, or an error."""

    def generate(_target: Any, builder: Any, _signature: Any, args: Any) -> Any:  # noqa: ANN401
        spec = cgutils.alloca_once(builder, _TIMESPEC)
        billion = _WORD(1_000_000_000)
        for i, part in enumerate((builder.sdiv(args[1], billion), builder.srem(args[1], billion))):
            builder.store(part, builder.gep(spec, [_INT(0), _INT(i)]))
        kind = ir.FunctionType(_INT, [_INT, _INT, spec.type, spec.type])
        call = builder.inttoptr(args[0], kind.as_pointer())
        return builder.call(call, [_INT(_MONOTONIC), _INT(_ABSOLUTE), spec, ir.Constant(spec.type, None)])

    return types.int32(types.int64, types.int64), generate


@intrinsic
def call_two(_context: Any, function: Any, first: Any, second: Any) -> Any:  # noqa: ANN401
    """``void function(void*, void*)``; all three are addresses. Not an argument of the compiled code's cache."""

    def generate(_target: Any, builder: Any, _signature: Any, args: Any) -> Any:  # noqa: ANN401
        pointer = builder.inttoptr(args[0], ir.FunctionType(ir.VoidType(), [_WORD, _WORD]).as_pointer())
        builder.call(pointer, [args[1], args[2]])
        return _target.get_dummy_value()

    return types.void(function, first, second), generate
