"""How kernels are compiled: nopython, without the GIL, cached on disk, and never stale."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Callable
from functools import cache, partial
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


def _index_of(load: Callable[[], dict[Any, Any]]) -> dict[Any, Any]:
    """What a cache's index lists; nothing when it was written before a module of this project was moved."""
    try:
        return load()
    except (ImportError, AttributeError):
        return {}


def kernel(function: Callable[..., Any]) -> Any:  # noqa: ANN401  (numba's dispatcher has no static type)
    """Compile ``function`` with numba for the control tick.

    Numba's cache looks at the file of the function alone, but a compiled kernel contains the kernels it calls. Here
    the cached code also depends on every module that the function's own imports, so a changed law can never run as
    its old machine code, and an index that names modules which are gone counts as empty. This needs two private
    names of numba's cache: the stamp that it compares, and how it reads its index.
    """
    dispatcher = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=False)(function)
    file = dispatcher._cache._cache_file
    file._source_stamp = sources_stamp(Path(inspect.getfile(function)).resolve())
    file._load_index = partial(_index_of, file._load_index)
    return dispatcher
