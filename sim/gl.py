"""An offscreen GL context: on a GPU or in software, without a display."""

from __future__ import annotations

import ctypes
import os
from typing import Any

from robot_rl.core.errors import MissingDependencyError

LIBRARIES = {"egl": ("libEGL.so.1",), "osmesa": ("libOSMesa.so.8", "libOSMesa.so.6")}
REMEDY = "no offscreen OpenGL: install libegl1 (or libosmesa6), as in `apt install libegl1 libosmesa6`"


def choose_backend() -> str:
    """``egl`` or ``osmesa``: what MUJOCO_GL says, else the first that this machine has.

    Raises ``MissingDependencyError`` when there is neither. The two draw equally fast in software.
    """
    wanted = os.environ.get("MUJOCO_GL", "").lower()
    if wanted in LIBRARIES:
        return wanted
    for backend, names in LIBRARIES.items():
        if any(_loads(name) for name in names):
            return backend
    raise MissingDependencyError(REMEDY)


def make_context(width: int, height: int) -> Any:  # noqa: ANN401  (mujoco's contexts have no common type)
    """A current offscreen context of at least ``width`` x ``height`` pixels; keep it and call ``make_current``.

    Software GL draws in the calling thread alone: helper threads cost more time than they save on small images, and
    would disturb a control loop beside them.
    """
    backend = choose_backend()
    os.environ["MUJOCO_GL"] = backend  # MuJoCo's own loader reads it when it makes its context
    os.environ.setdefault("LP_NUM_THREADS", "0")
    try:
        if backend == "egl":
            from mujoco.egl import GLContext  # importing it opens the display
        else:
            from mujoco.osmesa import GLContext
        context = GLContext(width, height)
        context.make_current()
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        raise MissingDependencyError(REMEDY) from error
    return context


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
