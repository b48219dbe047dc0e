"""What the steps of an episode say of their time: ages, overruns, dropped periods, who acted, by which weights.

Each figure is a column of the episode; here is what they come to together, kept with the episode when it is committed,
so that a dataset of any size is told from its index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.records import Source
from robot_rl.data.layout import AGES

ATTRIBUTE: Final = "ledger"
COLUMNS: Final = ("source", "intervention", "overrun", "missed", "weights_version", *AGES)
"""What is read."""
Columns = Mapping[str, NDArray] | NDArray[np.void]


def ledger(columns: Columns, names: Iterable[str]) -> dict[str, Any]:
    """The figures of one episode, as plain types.

    Args:
        columns: Of T steps, by name.
        names: Of the columns that there are; an older program wrote fewer.
    """
    known = [name for name in COLUMNS if name in set(names)]
    rows = {name: np.asarray(columns[name]) for name in known}
    person = rows["source"] == Source.HUMAN
    taken, weights = rows["intervention"], rows.get("weights_version", np.zeros(0))
    found: dict[str, Any] = {"steps": len(person), "person": int(person.sum())}
    found["interventions"] = len(np.unique(taken[taken > 0]))
    found["overruns"] = int((rows.get("overrun", np.zeros(0)) > 0).sum())
    found["missed"] = int(rows.get("missed", np.zeros(0)).sum())
    found["versions"] = len(np.unique(weights[weights > 0]))
    for name in AGES:
        ages = rows.get(name, np.zeros(0)).astype(np.float64)
        ages = ages[np.isfinite(ages)]
        found[name] = [len(ages), float(ages.sum()), float(ages.max(initial=0.0))]
    return found


@dataclass(frozen=True, kw_only=True)
class Age:
    """Of something, over many steps."""

    steps: int
    """In which it is known."""
    mean: float
    """[s]; NaN where only the largest is known."""
    most: float
    """[s]."""


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """Of many episodes."""

    steps: int = 0
    """Of the episodes that have one."""
    person: int = 0
    """Of these, by a person."""
    interventions: int = 0
    overruns: int = 0
    """Steps that ran beyond their period."""
    missed: int = 0
    """Periods that were dropped because of that."""
    ages: Mapping[str, Age] = field(default_factory=dict)
    """Of observations, actions and weights, where anybody measured them."""

    @property
    def share(self) -> float:
        """Of the steps that a person made, in [0, 1]."""
        return self.person / self.steps if self.steps else 0.0

    @staticmethod
    def of(found: Iterable[Mapping[str, Any]]) -> Ledger:
        """The figures of some episodes together."""
        parts = list(found)
        sums = {k: sum(int(p[k]) for p in parts) for k in ("steps", "person", "interventions", "overruns", "missed")}
        ages = {}
        for name in AGES:
            count = sum(int(part[name][0]) for part in parts)
            if count:
                mean = sum(float(part[name][1]) for part in parts) / count
                ages[name] = Age(steps=count, mean=mean, most=max(float(part[name][2]) for part in parts))
        return Ledger(**sums, ages=ages)

    def told(self) -> dict[str, str]:
        """In words: what -> how much; nothing that nobody measured."""
        if not self.steps:
            return {}
        times = "once" if self.interventions == 1 else f"{self.interventions} times"
        said = {"person": f"{self.share:.1%} of the steps, took over {times}"}
        said["loop"] = f"{self.overruns} overruns, {self.missed} periods dropped"
        for name, age in self.ages.items():
            mean = "" if np.isnan(age.mean) else f"{1e3 * age.mean:.1f} ms, "
            said[name.replace("_", " ")] = f"{mean}at most {1e3 * age.most:.1f} ms"
        return said
