"""The actor's process: episodes, one after the other, with the newest weights there are."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from numpy.typing import NDArray

from robot_rl.actor.pilots import Abandoned, Pilot
from robot_rl.actor.rollout import EpisodeResult, run_episode
from robot_rl.core.errors import ConnectionLostError
from robot_rl.core.protocols import Env, Policy
from robot_rl.core.stopping import on_stop_signal
from robot_rl.core.teleop import Event
from robot_rl.transport.client import ExperienceClient


class LoadingPolicy(Policy, Protocol):
    """A policy that can adopt weights between two control steps."""

    def load_weights(self, weights: Mapping[str, NDArray]) -> None: ...


@dataclass(frozen=True, kw_only=True)
class ActorConfig:
    """How an actor runs."""

    max_steps: int = 0
    """Control steps of this process, 0: until the learner says that it has enough."""
    first_seed: int = 1_000_000
    """Seed of the first episode; the next ones count up. Evaluation counts from 0."""
    wait: Literal["step", "episode", "never"] = "step"
    """Where the actor stops for a learner that asks it to wait: a lockstep twin anywhere, an arm between episodes."""
    max_unsent: int = 1000
    """Records that the learner may lack, when it is away, before the actor stops there too and waits for it."""
    patience: float = 300.0
    """Longest time to wait for a learner that is away [s]."""
    connect_timeout: float = 30.0
    """Longest time to wait for the learner at the start [s]."""
    drain_timeout: float = 30.0
    """Longest time to wait at the end for the learner to have everything on its disk [s]."""


@dataclass(frozen=True, kw_only=True)
class ActorSummary:
    """What an actor's process did."""

    steps: int
    episodes: int
    adopted: int
    """Versions of weights that were adopted."""
    delivered: bool
    """Whether the learner has everything on its disk; what it has not stays in the spool."""


class _Enough(Exception):
    """Leaves an episode in the middle."""


class ActorRunner:
    """Runs ``policy`` in ``env`` and gives every step to ``client``, which the caller closes."""

    def __init__(
        self,
        env: Env,
        policy: LoadingPolicy,
        client: ExperienceClient,
        config: ActorConfig,
        pilot: Pilot | None = None,
    ) -> None:
        self.env, self.policy, self.client, self.config = env, policy, client, config
        self.pilot = pilot
        """A person who shares the arm with ``policy`` (``SharedControl``); None: the policy is alone."""
        self.steps = 0
        self.episodes = 0
        self.adopted = 0
        self.version = 0
        """Version of the weights in use; 0: those the policy came with."""
        self._stopping = False

    def stop(self) -> None:
        """End ``run`` at the next control step; from any thread or signal handler."""
        self._stopping = True

    def run(self, on_episode: Callable[[EpisodeResult], None] | None = None) -> ActorSummary:
        """Act until enough, then wait until the learner has everything."""
        self.client.connect(self.config.connect_timeout)
        self._first_weights()
        with on_stop_signal(self.stop):
            while not self._enough():
                try:
                    self._episode(on_episode)
                except _Enough:
                    break
        delivered = self.client.drain(self.config.drain_timeout)
        return ActorSummary(steps=self.steps, episodes=self.episodes, adopted=self.adopted, delivered=delivered)

    def _episode(self, on_episode: Callable[[EpisodeResult], None] | None) -> None:
        if self.config.wait != "never":
            self._wait()
        seed = self.config.first_seed + self.episodes
        acting = self.policy if self.pilot is None else self.pilot
        try:
            result = run_episode(self.env, acting, seed, explore=True, sink=self.client, before_step=self._before_step)
        except Abandoned as left:
            self._stopping = self._stopping or left.event is Event.STOP
            self.episodes += left.event is Event.DISCARD
            return
        self.episodes += 1
        if on_episode is not None:
            on_episode(result)

    def _before_step(self) -> None:
        """Between two control steps: stop, wait, adopt weights. Nothing here touches a network or a disk."""
        if self.config.wait == "step":
            self._wait()
        if self._enough():
            raise _Enough
        self._adopt()
        self.steps += 1

    def _adopt(self) -> None:
        weights = self.client.newest(self.version)
        if weights is not None:
            self.policy.load_weights(weights.tensors)
            self.client.adopt(weights)
            self.version = weights.version
            self.adopted += 1

    def _enough(self) -> bool:
        limit = self.config.max_steps
        return self._stopping or self.client.status.finished or 0 < limit <= self.steps

    def _wait(self) -> None:
        """Wait while the learner asks to, or is away with too much to catch up on."""
        gone = time.monotonic()
        while not self._stopping and (self.client.wait_while_paused(0.2) or self._too_far()):
            if self.client.status.connected:
                gone = time.monotonic()
            elif time.monotonic() - gone > self.config.patience:
                raise ConnectionLostError(f"the learner has been away for {self.config.patience:g} s: start it again")
            else:
                time.sleep(0.05)

    def _too_far(self) -> bool:
        return self.client.spool.pending > self.config.max_unsent and not self.client.status.finished

    def _first_weights(self) -> None:
        """An actor that joins late starts with the learner's weights, not with those of the first day."""
        deadline = time.monotonic() + min(2.0, self.config.connect_timeout)
        while self.client.newest(0) is None and time.monotonic() < deadline and not self._stopping:
            time.sleep(0.01)
        self._adopt()
