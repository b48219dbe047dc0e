"""How kernels are compiled: nopython, without the GIL, cached on disk, and never stale."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba

IMPORT = re.compile(r"^from (\w+(?:\.\w+)+) import", re.MULTILINE)


def _closure(path: Path, seen: dict[Path, bytes]) -> None:
    """Collect ``path`` and, recursively, the modules of this project that it imports."""
    if path in seen or not path.exists():
        return
    seen[path] = path.read_bytes()
    for module in IMPORT.findall(seen[path].decode()):
        file = f"{module.replace('.', '/')}.py"
        for root in path.parents:
            _closure(root / file, seen)


@cache
def sources_stamp(path: Path) -> str:
    """A digest of a module's source and of all sources that its kernels can contain."""
    seen: dict[Path, bytes] = {}
    _closure(path, seen)
    digest = hashlib.sha256()
    for name in sorted(seen):
        digest.update(name.name.encode() + seen[name])
    return digest.hexdigest()


def kernel(function: Callable[..., Any]) -> Any:  # noqa: ANN401  (numba's dispatcher has no static type)
    """Compile ``function`` with numba for the control tick.

    Numba's cache looks at the file of the function alone, but a compiled kernel contains the kernels it calls. Here
    the cached code also depends on every module that the function's own imports, so a changed law can never run as
    its old machine code. This needs one private field of numba's cache, the stamp that it compares.
    """
    dispatcher = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=False)(function)
    dispatcher._cache._cache_file._source_stamp = sources_stamp(Path(inspect.getfile(function)).resolve())
    return dispatcher
