"""The learner's process: experience in, updates at a bounded rate, weights out, checkpoints and metrics on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from robot_rl.core.errors import ConfigError
from robot_rl.core.stopping import on_stop_signal
from robot_rl.data.layout import Layout
from robot_rl.data.mixture import Mixture, Pool
from robot_rl.data.replay import Replay
from robot_rl.data.transitions import Batch, Source
from robot_rl.learner import checkpoint, start
from robot_rl.learner.batches import Batches, device_of
from robot_rl.learner.feed import Feed
from robot_rl.learner.kept import Kept, Part
from robot_rl.learner.metrics import Metrics
from robot_rl.learner.pace import Pace
from robot_rl.learner.protocol import Learner
from robot_rl.learner.settings import Progress, RunnerConfig
from robot_rl.learner.snapshot import Scribe, Snapshot, take
from robot_rl.learner.swap import tidy
from robot_rl.transport.inbox import Arrival
from robot_rl.transport.server import ExperienceServer

IDLE = 0.05
"""Longest sleep of the loop [s]."""


class LearnerRunner:
    """Trains ``learner`` on what actors send to ``server``, mixed with demonstrations.

    Everything that arrived before is in the server's log, so a runner that is started again in the same folder goes
    on from its last checkpoint with all its experience. A checkpoint says which records its replay held, in which
    order. Where updates are tied to steps, a record enters the replay when the updates before it are done, however
    early it came; so with one actor a learner that was killed ends bit for bit where it would have ended.
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
        self.kept = Kept(config.folder / "experience", learner.spec) if Layout(learner.spec).large else None
        self.feed.on_applied = self.kept.saw if self.kept else None
        self.pace = Pace(
            utd=sampling.utd if config.utd is None else config.utd,
            learning_starts=sampling.learning_starts if config.learning_starts is None else config.learning_starts,
            max_lead=config.max_lead,
        )
        self.updates = 0
        self.version = 0
        self._batches = Batches(learner.spec, sampling.batch_size, device_of(learner))
        self._paused = self._stopping = False
        self._reported = (0, 0)
        self._since_checkpoint = 0
        self._scribe = Scribe(self._write)
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
                self._scribe.wait()
                if not self._stopping:
                    self._farewell()
            finally:
                (self.config.folder / "address").unlink(missing_ok=True)
                self.server.stop()
                self.metrics.close()
                if self.kept:
                    self.kept.close()
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
        for name in ("checkpoint", "finetuned", "start"):
            tidy(self.config.folder, name)
        saved = [p for p in (self.config.folder / n for n in ("checkpoint", "finetuned")) if p.exists()]
        before: dict[str, Any] = {}
        newest = max(saved, key=lambda path: start.counters(path)["updates"], default=None)
        if newest is not None:
            self.updates = start.counters(newest)["updates"]
            before = checkpoint.progress(newest)
        self.feed.restore(before.get("feed", {}), self._streams(before))
        if newest is not None:
            checkpoint.resume(newest, self.learner)
        if before:
            self.mixture.load_state_dict(before["draws"])
        self.feed.on_episode = self.metrics.episode
        if not (self.config.folder / "start").exists():
            self._save("start")
            self._scribe.wait()
        self.version = self.server.publish(self.learner.weights())
        self._ask()
        self._began = time.monotonic()
        self.server.start(self._arrived)
        temporary = self.config.folder / "address.tmp"
        temporary.write_text(self.server.address + "\n")
        temporary.rename(self.config.folder / "address")

    def _streams(self, before: dict[str, Any]) -> dict[str, Iterator[Arrival | Part]]:
        """What earlier runs got; images of episodes that the checkpoint's replay held are mapped, not read."""
        logs = self.server.inbox.logs()
        kept = self.kept
        return kept.streams(logs, before.get("feed", {})) if kept else {name: log(0) for name, log in logs.items()}

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
            if self.kept and self.kept.error is not None:
                raise self.kept.error
            taken = self.feed.drain(self._due if self.pace.utd > 0 else None)
            if self._due():
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
        self.metrics.update(self.learner.update(self._batches.next(self._draw)))
        self._batches.prefetch(self._draw)
        self.updates += 1
        if self.updates % self.config.publish_every == 0:
            self.version = self.server.publish(self.learner.weights())
        self._since_checkpoint += 1
        due = self._since_checkpoint >= self.config.checkpoint_every or self._scribe.torn
        if due and self._scribe.ready(self.learner):
            self._save("checkpoint")
            self._since_checkpoint = 0

    def _draw(self, batch: Batch) -> None:
        self.learner.sampling.draw(self.mixture, batch)

    def _ask(self) -> None:
        """Tell actors to stop when there is enough, and to wait when they are too far ahead."""
        arrived = self.feed.env_steps + self.feed.backlog
        self._paused = self.pace.paused(arrived, self.updates, was=self._paused)
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
            "waiting": self.feed.backlog,
            "free_running": int(self.pace.utd <= 0),
            "utd": self.updates / max(1, self.feed.env_steps - self.pace.learning_starts + 1),
            "checkpoint_pause_ms": 1e3 * self._scribe.pause,
            "checkpoint_pause_worst_ms": 1e3 * self._scribe.longest_pause,
            "steps_per_s": (self.feed.env_steps - before[0]) / elapsed,
            "updates_per_s": (self.updates - before[1]) / elapsed,
        }
        self.metrics.learner(counts, self.feed.env_steps)
        self.metrics.actors(self.feed.tallies(), self.feed.env_steps)

    def _save(self, name: str) -> None:
        counts = {"updates": self.updates, "env_steps": self.feed.env_steps, "episodes": self.feed.episodes}
        self._scribe.save(self.config.folder / name, self._snapshot, counts)

    def _snapshot(self) -> Snapshot:
        return take(self.learner, {"feed": self.feed.state_dict(), "draws": self.mixture.state_dict()})

    def _write(self, path: Path, snapshot: Snapshot, counts: dict[str, int]) -> None:
        like = self.config.folder / "start"
        start.write(path, snapshot, start.Origin(self.learner.spec, self.config.task), counts, like)

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
