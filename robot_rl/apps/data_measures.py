"""``robot-rl data measures``: quality and coverage of a dataset, and which methods they advise."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import tyro
from rich.console import Console

from robot_rl.data.dataset import open_dataset
from robot_rl.data.review.measures import measure


@dataclass(frozen=True, kw_only=True)
class Config:
    """TQ and SACo (Schweighofer et al. 2022), and what they advise."""

    dataset: tyro.conf.Positional[Path]
    """Its folder."""
    reference: Path | None = None
    """Dataset of a run that learnt online on the same task; without it there is no SACo."""
    worst: float | None = None
    """Return of a random policy; none: 0 for sparse rewards, else the least return found."""
    best: float | None = None
    """Return of the best policy known; none: 1 for sparse rewards, else that of the best tenth of the episodes."""
    json: bool = False
    """Print JSON instead of sentences."""


def main(config: Config) -> None:
    """Measure and print."""
    reference = None if config.reference is None else open_dataset(config.reference)
    found = measure(open_dataset(config.dataset), reference, config.worst, config.best)
    console = Console(highlight=False)
    if config.json:
        console.print_json(json.dumps({**asdict(found), "advice": found.advice}))
        return
    returns = f"mean return {found.mean_return:.3g} between {found.worst:.3g} and {found.best:.3g}, {found.said}"
    saco = "unknown without --reference" if found.saco is None else f"{found.saco:.2f}"
    console.print(f"TQ    {found.tq:.2f} ({returns})", soft_wrap=True)
    console.print(f"SACo  {saco} ({found.different:.0f} different state-action pairs in {found.steps} steps)")
    console.print(f"advice: {found.advice}", soft_wrap=True)
