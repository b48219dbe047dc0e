"""Who acted in each part of a run, how old everything was, what came too late: from its datasets and its learner."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from robot_rl.core.errors import DatasetError
from robot_rl.data.dataset import open_dataset
from robot_rl.data.ledger import Age, Ledger
from robot_rl.data.review.overview import overview

DATASETS = {"demonstrations": "demos", "online": "online/experience", "deployed": "deploy"}
"""Part of a run -> folder of the dataset that it recorded."""


def ledgers(folder: Path) -> dict[str, Ledger]:
    """Part of the run -> its ledger, of the parts that have one."""
    found = {name: _of_dataset(folder / place) for name, place in DATASETS.items()}
    found["online"] = found["online"] or _of_learner(folder / "online" / "metrics.jsonl")
    return {name: ledger for name, ledger in found.items() if ledger is not None and ledger.steps}


def table(found: Mapping[str, Ledger]) -> list[list[str]]:
    """A table for people: what, and how much of it in each part of the run."""
    told = {name: ledger.told() for name, ledger in found.items()}
    kinds = dict.fromkeys(kind for said in told.values() for kind in said)
    return [["", *told]] + [[kind, *(said.get(kind, "–") for said in told.values())] for kind in kinds]


def plain(ledger: Ledger) -> dict[str, Any]:
    """As plain types; a mean that is not known is None."""
    found = {**asdict(ledger), "person_share": ledger.share}
    for age in found["ages"].values():
        age["mean"] = None if math.isnan(age["mean"]) else age["mean"]
    return found


def _of_dataset(root: Path) -> Ledger | None:
    try:
        return overview(open_dataset(root)).ledger
    except DatasetError:
        return None


def _of_learner(metrics: Path) -> Ledger | None:
    """What a learner wrote of every episode, where it kept no dataset of them: sums, and the largest ages."""
    if not metrics.is_file():
        return None
    texts = [text for text in metrics.read_text(encoding="utf-8").splitlines() if text.endswith("}")]
    lines = [json.loads(text) for text in texts if '"kind": "episode"' in text]
    lines = [line for line in lines if "action_age" in line]  # an older learner did not say

    def total(key: str) -> int:
        return sum(int(line[key]) for line in lines)

    return Ledger(
        steps=total("steps"),
        person=total("human_steps"),
        interventions=total("interventions"),
        overruns=total("overruns"),
        missed=total("missed"),
        ages=_largest(lines, total("steps")),
    )


def _largest(lines: Sequence[Mapping[str, Any]], steps: int) -> dict[str, Age]:
    names = {"observation_age": "observation_age", "action_age": "action_age", "weights_age": "policy_age"}
    most = {name: max((float(line[key]) for line in lines), default=0.0) for name, key in names.items()}
    return {name: Age(steps=steps, mean=math.nan, most=value) for name, value in most.items()}
