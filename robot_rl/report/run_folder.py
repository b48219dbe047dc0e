"""Read a run folder, however much of it there is; write the figures that come out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from robot_rl.core.errors import DatasetError
from robot_rl.core.spec import IMAGES
from robot_rl.data.dataset import open_dataset
from robot_rl.data.episode import Episode
from robot_rl.report.ledgers import ledgers, plain
from robot_rl.report.records import Evaluation, Run, Trace, worst

RUN_FILE = "run.json"
"""What was run: task, method, settings, the phases and how long each took."""
EVALUATIONS = {"before": "base policy", "after": "fine-tuned"}
"""File stem -> what the report calls it."""


def read_run(folder: Path) -> Run:
    """Everything there is in ``folder``; ``DatasetError`` when it holds nothing of a run."""
    if not folder.is_dir():
        raise DatasetError(f"{folder} is no folder: give a run folder, such as the newest one in runs/")
    about = read_json(folder / RUN_FILE)
    evaluations = {name: e for stem, name in EVALUATIONS.items() if (e := _evaluation(folder / f"{stem}.json"))}
    deployment = _evaluation(folder / "deploy.json")
    if not (about or evaluations or deployment):
        raise DatasetError(f"{folder} holds no {RUN_FILE}, before.json, after.json or deploy.json: run 'robot-rl demo'")
    found = [*evaluations.values(), *([deployment] if deployment else [])]
    return Run(
        name=folder.resolve().name,
        task=str(about.get("task") or (found[0].task if found else "")),
        evaluations=evaluations,
        deployment=deployment,
        trace=_trace(folder),
        learning=learning(folder / "online" / "metrics.jsonl"),
        phases=[(str(p["name"]), float(p["seconds"])) for p in about.get("phases", [])],
        settings={str(k): str(v) for k, v in about.get("settings", {}).items()},
        ledgers=ledgers(folder),
    )


def figures(run: Run) -> dict[str, Any]:
    """The figures of ``report.json``; a figure whose phase is missing is None."""
    before, after = (run.evaluations.get(name) for name in EVALUATIONS.values())
    episodes = [e for found in (before, after, run.deployment) if found for e in found.episodes]
    deployed = run.deployment.success if run.deployment else None
    return {
        "run": run.name,
        "task": run.task,
        "success_before": before.success if before else None,
        "success_before_interval": list(before.interval) if before else None,
        "success_after": after.success if after else None,
        "success_after_interval": list(after.interval) if after else None,
        "evaluation_episodes": len(after.episodes) if after else None,
        "success_deployed": deployed,
        "deployed_episodes": len(run.deployment.episodes) if run.deployment else None,
        **worst(episodes),
        "env_steps": int(run.learning[-1][0]) if run.learning else None,
        "online_episodes": len(run.learning),
        "timing": dict(run.deployment.timing) if run.deployment else {},
        "ledgers": {name: plain(ledger) for name, ledger in run.ledgers.items()},
        "phases": dict(run.phases),
        "wall_s": sum(seconds for _, seconds in run.phases),
    }


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, empty where there is no such file; ``DatasetError`` if it is not one."""
    if not path.is_file():
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        data = None
    if not isinstance(data, dict):
        raise DatasetError(f"{path} is not a JSON object: remove it, or run its phase again")
    return data


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write a JSON object whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def _evaluation(path: Path) -> Evaluation | None:
    data = read_json(path)
    try:
        return Evaluation.from_json(data) if data else None
    except (KeyError, TypeError):
        raise DatasetError(f"{path} is not an evaluation: run 'robot-rl evaluate' again") from None


def learning(metrics: Path) -> list[tuple[float, bool]]:
    """Environment steps so far and success, per complete episode of a learner's ``metrics.jsonl``."""
    if not metrics.is_file():
        return []
    whole = [text for text in metrics.read_text(encoding="utf-8").splitlines() if text.endswith("}")]
    rows = [json.loads(text) for text in whole if '"kind": "episode"' in text]
    return [(float(row["env_steps"]), bool(row["success"])) for row in rows if row["complete"]]


def _trace(folder: Path) -> Trace | None:
    """The deployment's episode with the most contact: the one worth looking at."""
    try:
        episodes = [e for e in open_dataset(folder / "deploy").episodes() if len(e) > 1]
    except DatasetError:
        return None
    won = [e for e in episodes if e.outcome == "success"] or episodes
    return trace(max(won, key=lambda e: float(np.max(e.peak_force)))) if won else None


def trace(episode: Episode) -> Trace:
    """The charts' view of a recorded episode."""
    energy = {name: np.asarray(episode.energy[name], float) for name in ("tank", "spring", "work", "budget", "scale")}
    images = {k.removeprefix(IMAGES): v[1:] for k, v in episode.obs.items() if k.startswith(IMAGES)}
    time = np.asarray(episode.stamp, float) - float(episode.stamp[0])
    return Trace(time=time, force=np.asarray(episode.peak_force, float), images=images, **energy)
