"""``robot-rl rewards evaluate``: a success classifier on episodes that it has not learnt from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import tyro
from rich.console import Console
from rich.table import Table

from robot_rl.data.dataset import open_dataset
from robot_rl.rewards.classifier import load_classifier
from robot_rl.rewards.testing import evaluate

ROWS = (
    ("area under the ROC curve", "auc", "{:.4f}"),
    ("threshold (probability)", "threshold", "{:.4f}"),
    ("false positives at it", "fpr", "{:.2%}"),
    ("true positives at it", "tpr", "{:.2%}"),
    ("false positives, threshold from other episodes", "crossed_fpr", "{:.2%}"),
    ("true positives, threshold from other episodes", "crossed_tpr", "{:.2%}"),
    ("false positives at 99 % true positives", "fpr_at_99_tpr", "{:.2%}"),
    ("the same without the two frames before a success", "clear_fpr_at_99_tpr", "{:.2%}"),
)


@dataclass(frozen=True, kw_only=True)
class Config:
    """Test a classifier; episodes that it learnt from are left out, however they were edited since."""

    dataset: tyro.conf.Positional[Path]
    """Folder of the dataset."""
    classifier: Path
    """Folder of the classifier."""
    json: bool = False
    """Print JSON instead of a table."""
    threads: int = 1
    """Threads of torch."""


def main(config: Config) -> int:
    """Print the rates, and the drift; code 1 when what it sees has drifted."""
    torch.set_num_threads(config.threads)
    report, held, drift = evaluate(open_dataset(config.dataset), load_classifier(config.classifier))
    console = Console(highlight=False)
    if config.json:
        console.print_json(json.dumps({**report, "drift": drift.to_json()}))
    else:
        console.print(table(report, held))
        said = f"DRIFT: {drift.alarm}: label some of these frames (robot-rl rewards review) and train again"
        fine = f"no drift: scores {drift.score:+.1f}, frames {drift.distance:+.1f} standard deviations from training"
        console.print(said if drift.alarm else fine, soft_wrap=True)
    return int(bool(drift.alarm))


def table(report: Mapping[str, Any], held: Sequence[str]) -> Table:
    """What there is to say of a classifier."""
    title = f"{report['frames']} frames of {len(held)} held-out episodes, {report['successes']} of them successes"
    found = Table(title=title, show_header=False)
    for words, name, form in ROWS:
        found.add_row(words, form.format(report[name]))
    episodes = report["episodes"]
    found.add_row("episodes ended without a success", f"{episodes['false']} of {episodes['episodes']}")
    found.add_row("episodes whose success was never seen", f"{episodes['missed']} of {episodes['won']}")
    found.add_row("steps by which a success is seen late", f"{episodes['late']:.2f}")
    if "parameters" in report:
        shares = f"{report['parameters_with_gradient']} of {report['parameters']}"
        found.add_row("parameters that learn", shares)
    return found
