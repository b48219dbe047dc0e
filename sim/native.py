"""Calls MuJoCo's C functions from kernels, without Python and without the GIL."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import mujoco
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from robot_rl.core.errors import MissingDependencyError


def address_of(function: str) -> int:
    """Address of a function of the MuJoCo library that the Python package itself uses."""
    folder = Path(mujoco.__file__).parent
    for path in sorted(folder.glob("libmujoco*")):
        address = ctypes.cast(getattr(ctypes.CDLL(str(path)), function), ctypes.c_void_p).value
        if address is not None:
            return address
    raise MissingDependencyError(f"no MuJoCo library in {folder}: install it again, `pip install --force mujoco`")


@intrinsic
def call_model_data(_context: Any, function: Any, model: Any, data: Any) -> Any:  # noqa: ANN401  (numba's own types)
    """``void function(mjModel*, mjData*)``; all three are addresses. Not an argument of the compiled code's cache."""

    def generate(_target: Any, builder: Any, _signature: Any, args: Any) -> Any:  # noqa: ANN401
        word = ir.IntType(64)
        pointer = builder.inttoptr(args[0], ir.FunctionType(ir.VoidType(), [word, word]).as_pointer())
        builder.call(pointer, [args[1], args[2]])
        return _target.get_dummy_value()

    return types.void(function, model, data), generate
