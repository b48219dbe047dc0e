"""``robot-rl train METHOD``: a policy from a dataset alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import tyro
from rich.console import Console

from robot_rl.apps.progress import bar
from robot_rl.core.errors import ConfigError
from robot_rl.data.dataset import open_dataset
from robot_rl.learner import checkpoint, registry
from robot_rl.learner.offline import Choice, Recordings, demonstrations, statistics, train
from robot_rl.nets.cpu import prepare
from robot_rl.nets.vision.config import seen

MethodT = TypeVar("MethodT")


@dataclass(frozen=True, kw_only=True)
class Config(Generic[MethodT]):
    """Train a policy from a dataset (behaviour cloning and its kin)."""

    algorithm: tyro.conf.Positional[str]
    """Name of the method; each is a file in robot_rl/methods."""
    dataset: Path
    """Folder of the dataset, from ``robot-rl collect``."""
    more: tuple[Path, ...] = ()
    """Further datasets to learn from beside it."""
    out: Path
    """Folder of the checkpoint; an older one there is replaced when the training is done."""
    choice: Choice = field(default_factory=Choice)
    """Which of their episodes, and how often each."""
    hide: tuple[str, ...] = ()
    """Features of the recordings that the policy is not given, such as poses that only a simulator knows."""
    threads: int = 1
    """Threads of torch; small networks are fastest with one."""
    method: MethodT
    """Its hyper-parameters."""


def configure(name: str | None) -> Any:  # noqa: ANN401
    """``Config`` with the hyper-parameters of the named method."""
    return Config[registry.load(name or "bc").Config]  # type: ignore[misc]


def main(config: Config[Any]) -> None:
    """Train, with a bar, and write the checkpoint."""
    updates = getattr(config.method, "updates", 0)
    if not updates:
        raise ConfigError(f"{config.algorithm} learns online and not from a dataset alone: use robot-rl learner")
    dataset = open_dataset(config.dataset)
    recordings = Recordings((dataset, *map(open_dataset, config.more)), config.choice)
    prepare(config.threads)
    spec = seen(config.method, dataset.spec, config.hide)
    method = registry.load(config.algorithm)
    learner = method.make(config.method, spec, base=None, statistics=statistics(recordings, spec))
    demos = demonstrations(recordings, learner)
    with bar(f"training {config.algorithm} on {len(demos)} steps", updates) as advance:
        every = max(1, updates // 200)

        def show(done: int, metrics: dict[str, float]) -> None:
            if done % every == 0 or done == updates:
                advance(done, " ".join(f"{name} {value:.4g}" for name, value in metrics.items()))

        train(learner, demos, updates, show)
    facts = {"task": str(dataset.meta.get("task", "")), "dataset": str(config.dataset), "updates": updates}
    facts |= {"station": str(dataset.meta.get("station", ""))}
    recipe = learner.policy.recipe
    checkpoint.save(config.out, config.algorithm, recipe.config, recipe.spec, learner, facts)
    Console(highlight=False).print(f"checkpoint: {config.out}")
