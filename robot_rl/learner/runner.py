"""The learner's process: experience in, updates at a bounded rate, weights out, checkpoints and metrics on disk."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from robot_rl.core.errors import ConfigError
from robot_rl.core.stopping import on_stop_signal
from robot_rl.data.mixture import Mixture, Pool
from robot_rl.data.replay import Replay
from robot_rl.data.transitions import Source, empty_batch
from robot_rl.learner import checkpoint, start
from robot_rl.learner.feed import Feed
from robot_rl.learner.metrics import Metrics
from robot_rl.learner.pace import Pace
from robot_rl.learner.protocol import Learner, to_torch
from robot_rl.transport.inbox import Arrival
from robot_rl.transport.server import ExperienceServer

IDLE = 0.05
"""Longest sleep of the loop [s]."""


@dataclass(frozen=True, kw_only=True)
class RunnerConfig:
    """How a learner runs."""

    folder: Path
    """Where ``start``, ``finetuned``, ``metrics.jsonl``, ``tensorboard`` and ``address`` appear."""
    task: str = ""
    """Name of the task, for the checkpoints; empty: that of the demonstrations."""
    max_env_steps: int = 15_000
    """Environment steps to learn from; then actors are told to stop."""
    max_minutes: float = 0.0
    """Longest time to learn; then actors are told to stop. 0: no limit."""
    target_success: float = 0.0
    """Stop before that, once this share of the newest 50 episodes succeeded; 0: never."""
    utd: float | None = None
    """Updates per environment step; None: what the method was tuned for; 0: as fast as possible."""
    learning_starts: int | None = None
    """Environment steps before the first update; None: what the method was tuned for."""
    max_lead: int = 100
    """Environment steps by which actors may be ahead of the updates."""
    capacity: int = 200_000
    """Steps that the replay holds."""
    publish_every: int = 20
    """Updates from one version of the weights to the next."""
    checkpoint_every: int = 5_000
    """Updates from one checkpoint to the next."""
    metrics_every: float = 1.0
    """Time between two lines of metrics [s]."""
    wandb: str = ""
    """Project at Weights & Biases that gets the curves, beside TensorBoard; empty: none."""
    farewell: float = 20.0
    """Longest time to wait at the end for actors to send what they have [s]."""
    seed: int = 0
    """Of the replay's sampling."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a learner is."""

    env_steps: int
    updates: int
    episodes: int
    recent_success: float
    """Of the last 50 episodes, exploration included."""
    version: int
    """Of the weights that were published last."""


class LearnerRunner:
    """Trains ``learner`` on what actors send to ``server``, mixed with demonstrations.

    Everything that arrived before is in the server's log, so a runner that is started again in the same folder goes
    on from its last checkpoint with all its experience.
    """

    def __init__(self, learner: Learner, demos: Source | None, server: ExperienceServer, config: RunnerConfig) -> None:
        sampling = learner.sampling
        if sampling.chunk > 0:
            method = learner.policy.recipe.method
            raise ConfigError(f"{method} learns from a dataset alone: use robot-rl train {method}")
        self.learner, self.server, self.config = learner, server, config
        self.replay = Replay(learner.spec, config.capacity, config.seed)
        shown = [source for source in (demos, self.replay.corrections(config.seed + 1)) if source is not None]
        self.mixture = Mixture(self.replay, Pool(shown, config.seed + 2), sampling.demo_ratio)
        self.metrics = Metrics(config.folder, config.wandb)
        self.feed = Feed(self.replay, learner.spec, self.metrics.remember)
        self.pace = Pace(
            utd=sampling.utd if config.utd is None else config.utd,
            learning_starts=sampling.learning_starts if config.learning_starts is None else config.learning_starts,
            max_lead=config.max_lead,
        )
        self.updates = 0
        self.version = 0
        self._batch = empty_batch(learner.spec, sampling.batch_size)
        self._tensors = to_torch(self._batch)
        self._paused = self._stopping = False
        self._reported = (0, 0)
        self._began = time.monotonic()

    def stop(self) -> None:
        """End ``run`` soon and cleanly; from any thread or signal handler."""
        self._stopping = True

    def run(self, on_progress: Callable[[Progress], None] | None = None) -> Progress:
        """Learn until ``max_env_steps`` or ``stop``; ``on_progress`` is called about once per second."""
        with on_stop_signal(self.stop):
            try:
                self._open()
                self._loop(on_progress or _ignore)
                self._save("finetuned")
                if not self._stopping:
                    self._farewell()
            finally:
                (self.config.folder / "address").unlink(missing_ok=True)
                self.server.stop()
                self.metrics.close()
        return self.progress()

    def progress(self) -> Progress:
        """Where the run is."""
        return Progress(
            env_steps=self.feed.env_steps,
            updates=self.updates,
            episodes=self.feed.episodes,
            recent_success=self.metrics.recent_success,
            version=self.version,
        )

    def _open(self) -> None:
        """Restore what an earlier run left, write the start checkpoint, listen, publish."""
        saved = [p for p in (self.config.folder / n for n in ("checkpoint", "finetuned")) if p.exists()]
        if saved:
            newest = max(saved, key=lambda path: start.counters(path)["updates"])
            checkpoint.resume(newest, self.learner)
            self.updates = start.counters(newest)["updates"]
        self.feed.take_all(self.server.recorded())
        self.feed.on_episode = self.metrics.episode
        if not (self.config.folder / "start").exists():
            self._save("start")
        self.version = self.server.publish(self.learner.weights())
        self._ask()
        self._began = time.monotonic()
        self.server.start(self._arrived)
        temporary = self.config.folder / "address.tmp"
        temporary.write_text(self.server.address + "\n")
        temporary.rename(self.config.folder / "address")

    def _arrived(self, arrival: Arrival) -> None:
        """Called by the server's threads; asks actors to wait even while the loop is held up by a long update."""
        self.feed.put(arrival)
        if self.pace.utd > 0 and not self._paused and self.feed.backlog > self.config.max_lead:
            self._paused = True
            self.server.ask(finished=False, paused=True)

    def _loop(self, on_progress: Callable[[Progress], None]) -> None:
        reported = time.monotonic()
        while not self._stopping:
            if self.server.error is not None:
                raise self.server.error
            taken = self.feed.drain()
            due = self._due()
            if due:
                self._update()
            elif self._enough():
                break
            elif not taken:
                self.feed.wait(IDLE)
            self._ask()
            if time.monotonic() - reported >= self.config.metrics_every:
                self._report(time.monotonic() - reported)
                on_progress(self.progress())
                reported = time.monotonic()
        self._report(max(time.monotonic() - reported, 1e-3))
        on_progress(self.progress())

    def _enough(self) -> bool:
        """Whether actors need not act any more."""
        config = self.config
        target = config.target_success
        reached = target > 0 and self.metrics.full and self.metrics.recent_success >= target
        return reached or self._late() or self.feed.env_steps >= config.max_env_steps

    def _late(self) -> bool:
        minutes = self.config.max_minutes
        return minutes > 0 and time.monotonic() - self._began > 60 * minutes

    def _due(self) -> bool:
        """Whether one more update is to be made now."""
        if len(self.mixture) == 0 or self._late() or (self.pace.utd <= 0 and self._enough()):
            return False
        return self.pace.owed(min(self.feed.env_steps, self.config.max_env_steps), self.updates)

    def _update(self) -> None:
        sampling = self.learner.sampling
        self.mixture.sample(sampling.batch_size, sampling.n_step, sampling.gamma, out=self._batch)
        self.metrics.update(self.learner.update(self._tensors))
        self.updates += 1
        if self.updates % self.config.publish_every == 0:
            self.version = self.server.publish(self.learner.weights())
        if self.updates % self.config.checkpoint_every == 0:
            self._save("checkpoint")

    def _ask(self) -> None:
        """Tell actors to stop when there is enough, and to wait when they are too far ahead."""
        self._paused = self.pace.paused(self.feed.env_steps, self.updates, was=self._paused)
        self.server.ask(finished=self._enough(), paused=self._paused)

    def _report(self, elapsed: float) -> None:
        before, self._reported = self._reported, (self.feed.env_steps, self.updates)
        counts = {
            "updates": self.updates,
            "recent_success": self.metrics.recent_success,
            "version": self.version,
            "replay": len(self.replay),
            **self.feed.counts(),
            "actors": self.server.watchers,
            "paused": int(self._paused),
            "steps_per_s": (self.feed.env_steps - before[0]) / elapsed,
            "updates_per_s": (self.updates - before[1]) / elapsed,
        }
        self.metrics.learner(counts, self.feed.env_steps)
        self.metrics.actors(self.feed.tallies(), self.feed.env_steps)

    def _save(self, name: str) -> None:
        counts = {"updates": self.updates, "env_steps": self.feed.env_steps, "episodes": self.feed.episodes}
        start.save(self.config.folder / name, self.learner, self.config.task, counts)

    def _farewell(self) -> None:
        """Publish the last weights, tell actors to stop, and stay until they have sent what they have."""
        self.version = self.server.publish(self.learner.weights())
        self.server.ask(finished=True, paused=False)
        deadline = time.monotonic() + self.config.farewell
        while self.server.watchers and time.monotonic() < deadline:
            self.feed.drain()
            self.feed.wait(IDLE)


def _ignore(progress: Progress) -> None:
    """Takes the place of a callback that was not given."""
