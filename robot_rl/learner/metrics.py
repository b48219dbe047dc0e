"""What a learner writes about itself: one JSON object per line, and TensorBoard curves of the same numbers."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
from torch.utils.tensorboard.writer import SummaryWriter

from robot_rl.learner.tally import ActorTally, EpisodeSummary

RECENT = 50
"""Episodes in the running success rate."""


class Metrics:
    """Appends to ``metrics.jsonl`` in the run's folder; its ``kind`` says what a line is about.

    ``learner``: counts and averages; ``episode``: one that is learnt from; ``evaluation``: one that is not; ``actor``:
    what one of them has sent so far.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.successes: deque[bool] = deque(maxlen=RECENT)
        self._file = (folder / "metrics.jsonl").open("a", buffering=1)
        self._board = SummaryWriter(str(folder / "tensorboard"))
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
        self._board.add_scalar("actor/recent_success", self.recent_success, episode.env_steps)
        self._board.add_scalar("actor/episode_return", episode.episode_return, episode.env_steps)

    def update(self, metrics: Mapping[str, float]) -> None:
        """One gradient update; its metrics are averaged until ``learner`` is called."""
        for name, value in metrics.items():
            self._sums.setdefault(name, []).append(value)

    def learner(self, counts: Mapping[str, float], env_steps: int) -> None:
        """Write the counts and the averages since the last call."""
        means = {name: float(np.mean(values)) for name, values in self._sums.items()}
        self._sums.clear()
        self._line("learner", {"env_steps": env_steps, **counts, **means})
        for name, value in {**counts, **means}.items():
            self._board.add_scalar(f"learner/{name}", value, env_steps)

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
        self._board.add_scalar("evaluation/success", success, episode.env_steps)

    def close(self) -> None:
        """Flush and close the files."""
        self._file.close()
        self._board.close()

    def _line(self, kind: str, data: Mapping[str, object]) -> None:
        self._file.write(json.dumps({"kind": kind, "time": round(time.time(), 3), **data}) + "\n")
