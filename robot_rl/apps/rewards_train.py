"""``robot-rl rewards train``: a success classifier from a dataset with images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import tyro
from rich.console import Console

from robot_rl.apps.progress import bar
from robot_rl.apps.rewards_evaluate import table
from robot_rl.data.dataset import open_dataset
from robot_rl.rewards.classifier import save_classifier
from robot_rl.rewards.training import TrainingConfig, train_classifier


@dataclass(frozen=True, kw_only=True)
class Config:
    """Train a classifier on a part of the episodes, and choose its threshold on the others."""

    dataset: tyro.conf.Positional[Path]
    """Folder of the dataset: successes and failures, with images."""
    out: Path
    """Folder of the classifier; an older one there is replaced when the training is done."""
    threads: int = 1
    """Threads of torch."""
    training: Annotated[TrainingConfig, tyro.conf.arg(name="")] = TrainingConfig()  # noqa: RUF009
    """How."""


def main(config: Config) -> None:
    """Train, with a bar, write the classifier and say how good it is."""
    torch.set_num_threads(config.threads)
    dataset = open_dataset(config.dataset)
    with bar(f"training a classifier on {config.dataset}", config.training.updates) as advance:
        every = max(1, config.training.updates // 100)

        def show(done: int, loss: float) -> None:
            if done % every == 0:
                advance(done, f"loss {loss:.4f}")

        classifier = train_classifier(dataset, config.training, show)
    save_classifier(config.out, classifier)
    console = Console(highlight=False)
    console.print(table(classifier.facts.report, classifier.facts.held_out))
    console.print(f"classifier: {config.out}; use it with --reward {config.out}", soft_wrap=True)
