"""Where MuJoCo's C functions are, for kernels that call them without Python and without the GIL."""

from __future__ import annotations

from pathlib import Path

import mujoco

from controllers.numeric.native import address_in
from controllers.numeric.native import call_two as call_model_data
from robot_rl.core.errors import MissingDependencyError

__all__ = ["address_of", "call_model_data"]


def address_of(function: str) -> int:
    """Address of a function of the MuJoCo library that the Python package itself uses."""
    folder = Path(mujoco.__file__).parent
    for path in sorted(folder.glob("libmujoco*")):
        return address_in(str(path), function)
    raise MissingDependencyError(f"no MuJoCo library in {folder}: install it again, `pip install --force mujoco`")
