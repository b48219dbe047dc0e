"""``robot-rl rewards relabel``: judge stored episodes again with a classifier."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import tyro
from rich.console import Console

from robot_rl.apps.progress import bar
from robot_rl.data.dataset import open_dataset
from robot_rl.data.edit import Editor
from robot_rl.rewards.classifier import load_classifier
from robot_rl.rewards.relabel import RelabelConfig, judge_again, relabel


@dataclass(frozen=True, kw_only=True)
class Config:
    """Give every episode the rewards, the successes and the end that a classifier sees, as one edit."""

    dataset: tyro.conf.Positional[Path]
    """Folder of the dataset."""
    classifier: Path
    """Folder of the classifier."""
    dry_run: bool = False
    """Only say what would change."""
    note: str = ""
    """Why; kept with the edit."""
    how: Annotated[RelabelConfig, tyro.conf.arg(name="")] = RelabelConfig()  # noqa: RUF009
    """How."""


def main(config: Config) -> None:
    """Judge, with a bar, change, and say what has changed and how to undo it."""
    torch.set_num_threads(1)
    dataset, classifier = open_dataset(config.dataset), load_classifier(config.classifier)
    with bar(f"judging {config.dataset}", max(1, len(dataset))) as advance:
        found = judge_again(dataset, classifier, config.how, lambda done: advance(done, ""))
    console = Console(highlight=False)
    console.print(", ".join(f"{count} {words}" for words, count in found.counts().items()), soft_wrap=True)
    if found.drift is not None and found.drift.alarm:
        console.print(f"DRIFT: {found.drift.alarm}: review before you trust this", soft_wrap=True)
    if config.dry_run:
        return
    with Editor(config.dataset) as editor:
        edit = relabel(editor, found, config.note or f"by {config.classifier}")
    said = "nothing has changed" if edit is None else f"{edit}; robot-rl data edit undo {config.dataset} takes it back"
    console.print(said, soft_wrap=True)
