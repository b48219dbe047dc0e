"""The methods there are: the files of the folder ``robot_rl/methods``."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Protocol, cast

from robot_rl.core.names import check_name
from robot_rl.core.protocols import Policy
from robot_rl.core.spec import Spec
from robot_rl.learner.protocol import Learner, WeightedPolicy
from robot_rl.nets.normaliser import Statistics

FOLDER = Path(__file__).parent.parent / "methods"


class Method(Protocol):
    """A module of ``robot_rl.methods``."""

    Config: type[Any]
    """A frozen dataclass whose fields all have defaults."""

    def make(self, config: Any, spec: Spec, *, base: Policy | None, statistics: Statistics | None) -> Learner: ...  # noqa: ANN401
    def make_policy(self, config: Any, spec: Spec, *, base: Policy | None) -> WeightedPolicy: ...  # noqa: ANN401


def names() -> list[str]:
    """All methods, sorted."""
    return sorted(f.stem for f in FOLDER.glob("*.py") if f.stem != "__init__")


def load(name: str) -> Method:
    """The module of a method; ``ConfigError`` with the nearest name when there is none."""
    check_name("method", name, names())
    return cast(Method, importlib.import_module(f"robot_rl.methods.{name}"))
