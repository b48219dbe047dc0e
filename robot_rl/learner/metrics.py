"""What a learner writes about itself: one JSON object per line, and curves of the same numbers on its boards."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np

from robot_rl.learner.boards import Board, open_boards
from robot_rl.learner.tally import ActorTally, EpisodeSummary

RECENT = 50
"""Episodes in the running success rate."""
CURVES = ("episode_return", "steps", "policy_version", "policy_age", "observation_age", "action_age", "overruns")
CURVES += ("missed", "interventions", "peak_force", "violations")
"""What is drawn of every episode, beside the running success rate and a person's share."""


class Metrics:
    """Appends to ``metrics.jsonl`` in the run's folder; its ``kind`` says what a line is about.

    ``learner``: counts and averages; ``episode``: one that is learnt from; ``evaluation``: one that is not; ``actor``:
    what one of them has sent so far.

    Args:
        folder: Of the run.
        wandb: Project at Weights & Biases for the curves, beside TensorBoard; empty: none.
    """

    def __init__(self, folder: Path, wandb: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.successes: deque[bool] = deque(maxlen=RECENT)
        self._file = (folder / "metrics.jsonl").open("a", buffering=1)
        self._boards: list[Board] = open_boards(folder, wandb)
        self._sums: dict[str, list[float]] = {}
        self._steps: dict[str, int] = {}
        self._rounds: dict[tuple[str, int], list[bool]] = {}

    @property
    def recent_success(self) -> float:
        """Success rate of the newest episodes, exploration included; 0 while there is none."""
        return float(np.mean(self.successes)) if self.successes else 0.0

    @property
    def full(self) -> bool:
        """Whether the running success rate has all the episodes it wants."""
        return len(self.successes) == RECENT

    def remember(self, episode: EpisodeSummary) -> None:
        """Count an episode in the running success rate."""
        if episode.complete and not episode.evaluation:
            self.successes.append(episode.success)

    def episode(self, episode: EpisodeSummary) -> None:
        """One episode ended."""
        if episode.evaluation:
            self._evaluation(episode)
            return
        self.remember(episode)
        self._line("episode", {**asdict(episode), "recent_success": self.recent_success})
        values = asdict(episode)
        curves = {"recent_success": self.recent_success, **{name: float(values[name]) for name in CURVES}}
        curves["intervention_share"] = episode.human_steps / max(episode.steps, 1)
        self._draw("actor", curves, episode.env_steps)

    def update(self, metrics: Mapping[str, float]) -> None:
        """One gradient update; its metrics are averaged until ``learner`` is called."""
        for name, value in metrics.items():
            self._sums.setdefault(name, []).append(value)

    def learner(self, counts: Mapping[str, float], env_steps: int) -> None:
        """Write the counts and the averages since the last call."""
        means = {name: float(np.mean(values)) for name, values in self._sums.items()}
        self._sums.clear()
        self._line("learner", {"env_steps": env_steps, **counts, **means})
        self._draw("learner", {**counts, **means}, env_steps)

    def actors(self, tallies: Iterable[ActorTally], env_steps: int) -> None:
        """Write a line for every actor that has sent something since the last call."""
        for tally in tallies:
            if self._steps.get(tally.actor) == tally.steps:
                continue
            self._steps[tally.actor] = tally.steps
            success = float(np.mean(tally.recent)) if tally.recent else 0.0
            self._line("actor", {**asdict(tally), "recent": None, "env_steps": env_steps, "recent_success": success})

    def _evaluation(self, episode: EpisodeSummary) -> None:
        """One episode of an evaluating actor; its round's success so far."""
        won = self._rounds.setdefault((episode.actor, episode.evaluation), [])
        won += [episode.success] if episode.complete else []
        success = float(np.mean(won)) if won else 0.0
        self._line("evaluation", {**asdict(episode), "round_episodes": len(won), "round_success": success})
        self._draw("evaluation", {"success": success}, episode.env_steps)

    def close(self) -> None:
        """Flush and close the files."""
        self._file.close()
        for board in self._boards:
            board.close()

    def _draw(self, group: str, values: Mapping[str, float], env_steps: int) -> None:
        for board in self._boards:
            board.add({f"{group}/{name}": value for name, value in values.items()}, env_steps)

    def _line(self, kind: str, data: Mapping[str, object]) -> None:
        self._file.write(json.dumps({"kind": kind, "time": round(time.time(), 3), **data}) + "\n")
