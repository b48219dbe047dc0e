"""Where a learner's curves are shown: on TensorBoard always, on Weights & Biases if installed and asked for."""

from __future__ import annotations

import importlib
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from torch.utils.tensorboard.writer import SummaryWriter

from robot_rl.core.errors import MissingDependencyError

AXIS = "env_steps"
"""What the curves are drawn over."""


class Board(Protocol):
    """Takes points of curves."""

    def add(self, values: Mapping[str, float], env_steps: int) -> None:
        """One point on each of the named curves."""
        ...

    def close(self) -> None:
        """Bring everything to where it can be read."""
        ...


class TensorBoard:
    """Event files in ``<folder>/tensorboard``; ``tensorboard --logdir <folder>`` shows them."""

    def __init__(self, folder: Path) -> None:
        self._writer = SummaryWriter(str(folder / "tensorboard"))

    def add(self, values: Mapping[str, float], env_steps: int) -> None:
        """One point on each of the named curves."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, env_steps)

    def close(self) -> None:
        """Flush the files."""
        self._writer.close()


class WeightsAndBiases:
    """A run of a project at Weights & Biases; a learner that is started again goes on with the same run.

    Its own process sends what was logged, so that no update waits for a network. ``WANDB_MODE=offline`` keeps
    everything in ``<folder>/wandb``.

    Args:
        folder: Of the learner; its name is the run's.
        project: Name of the project.
    """

    def __init__(self, folder: Path, project: str) -> None:
        wandb: Any = _wandb()
        known = folder / "wandb.id"
        if not known.exists():
            known.write_text(uuid.uuid4().hex[:8] + "\n")
        name = folder.resolve().name
        self._run = wandb.init(
            project=project, dir=str(folder), id=known.read_text().strip(), name=name, resume="allow"
        )
        self._run.define_metric(AXIS)
        self._run.define_metric("*", step_metric=AXIS)

    def add(self, values: Mapping[str, float], env_steps: int) -> None:
        """One point on each of the named curves."""
        self._run.log({**values, AXIS: env_steps})

    def close(self) -> None:
        """Hand over what is left."""
        self._run.finish()


def open_boards(folder: Path, project: str = "") -> list[Board]:
    """TensorBoard, and Weights & Biases when a project is named; ``MissingDependencyError`` when that is not here."""
    if not project:
        return [TensorBoard(folder)]
    _wandb()
    return [TensorBoard(folder), WeightsAndBiases(folder, project)]


def _wandb() -> Any:  # noqa: ANN401  (a module that need not be here)
    try:
        return importlib.import_module("wandb")
    except ImportError:
        raise MissingDependencyError(
            "Weights & Biases is not here: pip install 'robot-rl[wandb]', or leave --wandb out"
        ) from None
