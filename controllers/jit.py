"""How kernels are compiled: nopython, without the GIL, cached on disk, and never stale."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba


@cache
def _sources_stamp(folders: tuple[Path, ...]) -> str:
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.glob("*.py")):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def kernel(function: Callable[..., Any]) -> Any:  # noqa: ANN401  (numba's dispatcher has no static type)
    """Compile ``function`` with numba for the control tick.

    Numba's cache looks at the file of the function alone, but a compiled kernel contains the kernels it calls. Here
    the cached code also depends on every source of this folder and of the function's own, so a changed law can never
    run as its old machine code. This needs one private field of numba's cache, the stamp it compares.
    """
    dispatcher = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=False)(function)
    folders = {Path(__file__).parent.resolve(), Path(inspect.getfile(function)).parent.resolve()}
    dispatcher._cache._cache_file._source_stamp = _sources_stamp(tuple(sorted(folders)))
    return dispatcher
