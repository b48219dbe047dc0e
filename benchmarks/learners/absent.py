"""Goes before ``lerobot_sac.py``: what LeRobot imports and a state-only SAC never uses."""

import importlib.abc
import importlib.machinery
import sys
import types


class Absent(types.ModuleType):
    """A module with any class that is asked for. A real torchvision would have to match torch's build."""

    def __getattr__(self, name: str) -> type:
        """An empty class."""
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds torchvision where there is none."""

    def find_spec(self, name: str, *_: object) -> importlib.machinery.ModuleSpec | None:
        """A package for torchvision and for all below it."""
        if name.split(".")[0] != "torchvision":
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Absent:
        """An empty module."""
        return Absent(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        """Nothing to run."""


sys.meta_path.append(Finder())
