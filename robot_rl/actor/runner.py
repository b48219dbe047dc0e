"""The actor's process: episodes, one after the other, with the newest weights there are."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from numpy.typing import NDArray

from robot_rl.actor.pilots import Abandoned, Pilot, PolicyPilot
from robot_rl.actor.rollout import EpisodeResult, Facts, Labelled, run_episode
from robot_rl.actor.watchdog import rest, watched
from robot_rl.core.errors import CommandRejectedError, ConnectionLostError, RobotRLError, StaleDataError
from robot_rl.core.memory import keep_freed
from robot_rl.core.protocols import Env, Policy
from robot_rl.core.stopping import on_stop_signal
from robot_rl.core.teleop import Event
from robot_rl.envs.robot_env import RobotEnv
from robot_rl.transport.client import ExperienceClient

MISHAPS = (StaleDataError, CommandRejectedError)
"""A sensor or the arm did not answer as it should: the episode is interrupted, and the next one may do better."""


class LoadingPolicy(Policy, Protocol):
    """A policy that can adopt weights between two control steps."""

    def load_weights(self, weights: Mapping[str, NDArray]) -> None: ...


@dataclass(frozen=True, kw_only=True)
class ActorConfig:
    """How an actor runs."""

    max_steps: int = 0
    """Control steps of this process, 0: until the learner says that it has enough."""
    first_seed: int = 1_000_000
    """Seed of the first episode; the next ones count up."""
    evaluate: int = 0
    """Positive: learn nothing, examine. Every new version of the weights is tried in so many episodes without
    exploration, from the same starts each time, as ``robot-rl evaluate`` does; nobody learns from them."""
    evaluation_seed: int = 1000
    """Seed of the first episode of each round of evaluation."""
    wait: Literal["step", "hold", "episode", "never"] = "step"
    """Where the actor stops for a learner that asks it to wait: a lockstep twin between any two steps, an arm in real
    time between episodes, or at any step by holding."""
    max_unsent: int = 1000
    """Records that the learner may lack, when it is away, before the actor stops there too and waits for it."""
    max_away: float = 60.0
    """Longest time without the learner before the actor stops there too [s]."""
    patience: float = 300.0
    """Longest time to wait for a learner that is away [s]."""
    connect_timeout: float = 30.0
    """Longest time to wait for the learner at the start [s]."""
    drain_timeout: float = 30.0
    """Longest time to wait at the end for the learner to have everything on its disk [s]."""
    mishaps: int = 5
    """Episodes in a row that a camera or the arm may break off; after one more the actor ends, and says why."""


@dataclass(frozen=True, kw_only=True)
class ActorSummary:
    """What an actor's process did."""

    steps: int
    episodes: int
    adopted: int
    """Versions of weights that were adopted."""
    delivered: bool
    """Whether the learner has everything on its disk; what it has not stays in the spool."""
    mishaps: int = 0
    """Episodes that a camera or the arm broke off."""


class _Enough(Exception):
    """Leaves an episode in the middle."""


class ActorRunner:
    """Runs ``policy`` in ``env`` and gives every step to ``client``, which the caller closes.

    Args:
        env: The task on a robot.
        policy: What acts; its weights are replaced by the learner's.
        client: The way to the learner.
        config: How.
        pilot: A person who shares the arm with ``policy`` (``SharedControl``); None: the policy is alone.
        facts: Sent with every episode: the station, say.
    """

    def __init__(
        self,
        env: Env,
        policy: LoadingPolicy,
        client: ExperienceClient,
        config: ActorConfig,
        pilot: Pilot | None = None,
        facts: Facts | None = None,
    ) -> None:
        self.env, self.policy, self.client, self.config = env, policy, client, config
        self.facts = dict(facts or {})
        self.pilot = PolicyPilot(policy, explore=True) if pilot is None else pilot
        if config.wait == "hold":
            self.pilot = watched(self.pilot, env, self._must_wait)
        self.steps = 0
        self.episodes = 0
        self.adopted = 0
        self.mishaps = 0
        self.version = 0
        """Version of the weights in use; 0: those the policy came with."""
        self._stopping = False
        self._in_a_row = 0
        self._heard = time.monotonic()

    def stop(self) -> None:
        """End ``run`` at the next control step; from any thread or signal handler."""
        self._stopping = True

    def run(self, on_episode: Callable[[EpisodeResult], None] | None = None) -> ActorSummary:
        """Act until enough, then wait until the learner has everything."""
        keep_freed()
        self.client.connect(self.config.connect_timeout)
        self._first_weights()
        with on_stop_signal(self.stop):
            while not self._enough():
                try:
                    self._round(on_episode) if self.config.evaluate else self._episode(on_episode)
                except _Enough:
                    break
        delivered = self.client.drain(self.config.drain_timeout)
        return ActorSummary(
            steps=self.steps,
            episodes=self.episodes,
            adopted=self.adopted,
            delivered=delivered,
            mishaps=self.mishaps,
        )

    def _episode(self, on_episode: Callable[[EpisodeResult], None] | None) -> None:
        if self.config.wait in ("step", "episode"):
            self._wait()
        sink = Labelled(self.client, self.facts)
        seed = self.config.first_seed + self.episodes
        try:
            result = run_episode(self.env, self.pilot, seed, sink=sink, before_step=self._before_step)
        except Abandoned as left:
            self._stopping = self._stopping or left.event is Event.STOP
            self.episodes += left.event is Event.DISCARD
            return
        except MISHAPS as mishap:
            self._mishap(mishap)
            return
        self._done(result, on_episode)

    def _round(self, on_episode: Callable[[EpisodeResult], None] | None) -> None:
        """Examine the newest weights, once they are newer than those examined before."""
        if not self._adopt() and self.episodes:
            rest(self.env, self._idle, real_time=self.config.wait == "hold")
            return
        number = 1 + self.episodes // self.config.evaluate
        sink = Labelled(self.client, {**self.facts, "evaluation": number, "version": self.version})
        while self.episodes < number * self.config.evaluate and not self._enough():
            seed = self.config.evaluation_seed + self.episodes % self.config.evaluate
            try:
                result = run_episode(self.env, self.policy, seed, sink=sink, before_step=self._count)
            except MISHAPS as mishap:
                self._mishap(mishap)
                continue
            self._done(result, on_episode)

    def _done(self, result: EpisodeResult, on_episode: Callable[[EpisodeResult], None] | None) -> None:
        self.episodes += 1
        self._in_a_row = 0
        if on_episode is not None:
            on_episode(result)

    def _mishap(self, mishap: RobotRLError) -> None:
        """The arm holds; after too many in a row the reason is given up to the caller."""
        self.mishaps += 1
        self._in_a_row += 1
        if isinstance(self.env, RobotEnv):
            self.env.robot.stop()
        if self._in_a_row > self.config.mishaps:
            raise mishap
        time.sleep(min(1.0, 0.1 * 2**self._in_a_row))

    def _before_step(self) -> None:
        """Between two control steps: stop, wait, adopt weights. Nothing here touches a network or a disk."""
        if self.config.wait == "step":
            self._wait()
        self._adopt()
        self._count()

    def _count(self) -> None:
        if self._enough():
            raise _Enough
        self.steps += 1

    def _adopt(self) -> bool:
        """Take the newest weights; False if there are none newer than those in use.

        They were received, checked and laid out by another thread; a policy only changes its references to them.
        """
        weights = self.client.newest(self.version)
        if weights is None:
            return False
        self.policy.load_weights(weights.tensors)
        self.client.adopt(weights)
        self.version = weights.version
        self.adopted += 1
        return True

    def _idle(self) -> bool:
        return self.client.newest(self.version) is None and not self._enough()

    def _enough(self) -> bool:
        limit = self.config.max_steps
        return self._stopping or self.client.status.finished or 0 < limit <= self.steps

    def _wait(self) -> None:
        """Wait while the learner asks to, or is away with too much to catch up on."""
        while not self._stopping and self._must_wait():
            self.client.wait_while_paused(0.2)
            if not self.client.status.connected:
                time.sleep(0.05)

    def _must_wait(self) -> bool:
        """Whether the policy may not act now; ``ConnectionLostError`` when the learner has been away for too long."""
        status, now = self.client.status, time.monotonic()
        if status.finished or self._stopping:
            return False
        if status.connected:
            self._heard = now
            return status.paused or self.client.spool.pending > self.config.max_unsent
        away, config = now - self._heard, self.config
        waits = away > config.max_away or self.client.spool.pending > config.max_unsent
        if waits and away > config.patience:
            raise ConnectionLostError(f"the learner has been away for {config.patience:g} s: start it again")
        return waits

    def _first_weights(self) -> None:
        """An actor that joins late starts with the learner's weights, not with those of the first day."""
        deadline = time.monotonic() + min(2.0, self.config.connect_timeout)
        while self.client.newest(0) is None and time.monotonic() < deadline and not self._stopping:
            time.sleep(0.01)
        self._adopt()
