"""Runs one episode: the loop that collection, evaluation, the actor and deployment share."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from robot_rl.core.protocols import Env, EpisodeSink, Policy, Teleoperator
from robot_rl.core.records import Action, Observation, Source, Step, StepRecord
from robot_rl.envs.robot_env import RobotEnv


@dataclass(frozen=True, kw_only=True)
class EpisodeResult:
    """What an episode came to."""

    seed: int
    success: bool
    steps: int
    peak_force: float
    """Largest external force [N]."""
    violations: int
    """Ticks at which the controller's work exceeded its budget."""
    worst_ratio: float
    """Largest work / budget [-]."""
    least_scale: float
    """Smallest share of a reference motion that the filter let through, in [0, 1]."""
    wall: float
    """Duration [s]."""


class NoSink:
    """Keeps nothing: for evaluation."""

    def begin(self, meta: Mapping[str, str | int | float | bool]) -> None:
        """Ignore."""

    def add(self, step: StepRecord) -> None:
        """Ignore."""

    def end(self, final_obs: Observation | None) -> None:
        """Ignore."""


class TeleoperatorPolicy:
    """A teleoperator in the place of a policy, so that demonstrations are recorded by the same loop."""

    def __init__(self, env: RobotEnv, teleoperator: Teleoperator) -> None:
        self.env = env
        self.teleoperator = teleoperator

    def reset(self) -> None:
        """Nothing to forget; ``run_episode`` seeds the teleoperator."""

    def augment(self, obs: Observation) -> Observation:
        """The observation as it is."""
        return obs

    def act(self, obs: Observation, *, explore: bool = False) -> Action:  # noqa: ARG002
        """Her action as a chunk of one, (1, A)."""
        return self.teleoperator.act(self.env.state, self.env.objects)[None].astype(np.float32)


def run_episode(
    env: Env,
    policy: Policy,
    seed: int,
    *,
    explore: bool = False,
    sink: EpisodeSink | None = None,
    before_step: Callable[[], None] | None = None,
) -> EpisodeResult:
    """Reset to ``seed``, act until the episode ends, hand every step to ``sink``, commit.

    ``before_step`` runs between control steps: the place to adopt new weights. When anything raises, the steps so far
    are committed as an interrupted episode.
    """
    started = time.monotonic()
    obs = env.reset(seed)
    policy.reset()
    source = Source.POLICY
    if isinstance(policy, TeleoperatorPolicy):
        policy.teleoperator.reset(seed)
        source = Source.HUMAN
    sink = NoSink() if sink is None else sink
    sink.begin({"seed": seed, "source": source.name.lower()})
    try:
        steps = _steps(env, policy, obs, sink, _Choice(explore, source, before_step))
    except BaseException:
        sink.end(None)
        raise
    sink.end(policy.augment(steps[-1].obs))
    return _result(seed, steps, time.monotonic() - started)


@dataclass(frozen=True)
class _Choice:
    explore: bool
    source: Source
    before_step: Callable[[], None] | None


def _steps(env: Env, policy: Policy, obs: Observation, sink: EpisodeSink, choice: _Choice) -> list[Step]:
    chunk: deque[np.ndarray] = deque()
    steps: list[Step] = []
    while not steps or not (steps[-1].terminated or steps[-1].truncated):
        if choice.before_step is not None:
            choice.before_step()
        seen = policy.augment(obs)
        if not chunk:
            chunk.extend(policy.act(seen, explore=choice.explore))
        proposal = np.clip(chunk.popleft(), -1.0, 1.0).astype(np.float32)
        step = env.step(proposal)
        sink.add(_record(seen, proposal, step, choice.source))
        steps.append(step)
        obs = step.obs
    return steps


def _record(obs: Observation, proposal: np.ndarray, step: Step, source: Source) -> StepRecord:
    return StepRecord(
        obs=obs,
        action=step.executed,
        proposal=proposal,
        reward=step.reward,
        success=step.success,
        terminated=step.terminated,
        truncated=step.truncated,
        source=source,
        stamp=step.stamp,
        energy=step.energy,
        peak_force=step.peak_force,
    )


def _result(seed: int, steps: list[Step], wall: float) -> EpisodeResult:
    last = steps[-1]
    return EpisodeResult(
        seed=seed,
        success=last.success,
        steps=len(steps),
        peak_force=max(s.peak_force for s in steps),
        violations=last.energy.violations,
        worst_ratio=last.energy.worst_ratio,
        least_scale=min(s.energy.scale for s in steps),
        wall=wall,
    )


def summary(results: list[EpisodeResult]) -> Mapping[str, float]:
    """Success rate and the worst figures of some episodes."""
    return {
        "episodes": len(results),
        "successes": sum(r.success for r in results),
        "success": float(np.mean([r.success for r in results])),
        "mean_steps": float(np.mean([r.steps for r in results])),
        "peak_force_n": max(r.peak_force for r in results),
        "passivity_violations": sum(r.violations for r in results),
        "worst_energy_ratio": max(r.worst_ratio for r in results),
        "least_scale": min(r.least_scale for r in results),
    }
