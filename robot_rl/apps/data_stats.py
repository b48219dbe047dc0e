"""``robot-rl data stats``: range, mean, spread and quantiles of every feature."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import tyro
from rich.markup import escape
from rich.table import Table

from robot_rl.apps.menu import tables
from robot_rl.core.names import check_name
from robot_rl.data.dataset import open_dataset
from robot_rl.data.statistics import FeatureStatistics

SHOWN = ("min", "q01", "q50", "q99", "max", "mean", "std")


@dataclass(frozen=True, kw_only=True)
class Config:
    """Statistics of every feature; each episode is read for them only once ever."""

    dataset: tyro.conf.Positional[Path]
    """Its folder."""
    feature: str | None = None
    """Only this one."""
    json: bool = False
    """Print JSON (with q10 and q90) instead of a table."""


def main(config: Config) -> None:
    """Bring the statistics up to date and print them."""
    found = open_dataset(config.dataset).statistics()
    if config.feature is not None:
        found = {config.feature: found[check_name("feature", config.feature, found)]}
    console = tables()
    if config.json:
        console.print_json(json.dumps({name: plain(statistics) for name, statistics in found.items()}))
    else:
        console.print(table(found))


def plain(statistics: FeatureStatistics) -> dict[str, object]:
    """Types that JSON knows; a number that is not finite is none."""
    values = asdict(statistics).items()
    return {
        k: [x if np.isfinite(x) else None for x in v.tolist()] if isinstance(v, np.ndarray) else v for k, v in values
    }


def table(found: Mapping[str, FeatureStatistics]) -> Table:
    """One row per component."""
    rows = Table(box=None, pad_edge=False)
    for heading in ("feature", "rows", *SHOWN):
        rows.add_column(heading, justify="left" if heading == "feature" else "right", overflow="fold")
    for name, statistics in found.items():
        columns = [getattr(statistics, key) for key in SHOWN]
        for i in range(len(columns[0])):
            label = f"{name} {i}" if len(columns[0]) > 1 else name
            rows.add_row(escape(label), str(statistics.count) if i == 0 else "", *(f"{c[i]:.4g}" for c in columns))
    return rows
