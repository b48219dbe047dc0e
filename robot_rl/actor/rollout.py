"""Runs one episode: the loop that collection, evaluation, the actor and deployment share."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import numpy as np

from robot_rl.actor.pilots import Abandoned, Pilot, PolicyPilot, Proposal
from robot_rl.core.protocols import Env, EpisodeSink, Policy, Teleoperator
from robot_rl.core.records import Action, Observation, Source, Step, StepRecord
from robot_rl.core.teleop import Event
from robot_rl.envs.robot_env import RobotEnv

Facts = Mapping[str, str | int | float | bool]
"""What is stored with an episode."""


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
    interventions: int = 0
    """How often a person took over."""
    human_steps: int = 0
    """In how many steps a person had the arm."""
    verdict: str = ""
    """A person's word that ended the episode: success or failure; empty: the task's."""


class NoSink:
    """Keeps nothing: for evaluation."""

    def begin(self, meta: Facts) -> None:
        """Ignore."""

    def add(self, step: StepRecord) -> None:
        """Ignore."""

    def end(self, final_obs: Observation | None) -> None:
        """Ignore."""


class Labelled:
    """A sink whose episodes carry further facts."""

    def __init__(self, sink: EpisodeSink, facts: Facts) -> None:
        self.sink, self.facts = sink, facts

    def begin(self, meta: Facts) -> None:
        """Open an episode."""
        self.sink.begin({**meta, **self.facts})

    def add(self, step: StepRecord) -> None:
        """Hand over one step."""
        self.sink.add(step)

    def end(self, final_obs: Observation | None) -> None:
        """Close the episode."""
        self.sink.end(final_obs)


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
    policy: Policy | Pilot,
    seed: int,
    *,
    explore: bool = False,
    sink: EpisodeSink | None = None,
    before_step: Callable[[], None] | None = None,
) -> EpisodeResult:
    """Reset to ``seed``, act until the episode ends, hand every step to ``sink``, commit.

    ``before_step`` runs between control steps: the place to adopt new weights. When anything raises, the steps so far
    are committed as an interrupted episode; when a person abandons the episode, they are discarded where that can be.
    """
    started = time.monotonic()
    pilot = _pilot(policy, explore)
    obs = env.reset(seed)
    pilot.reset(seed)
    if isinstance(policy, TeleoperatorPolicy):
        policy.teleoperator.reset(seed)
    sink = NoSink() if sink is None else sink
    sink.begin({"seed": seed, "source": pilot.source.name.lower()})
    done = _Steps()
    try:
        obs = _run(env, pilot, obs, sink, done, before_step)
    except Abandoned:
        sink.discard() if isinstance(sink, Discarding) else sink.end(None)
        raise
    except BaseException:
        sink.end(None)
        raise
    sink.end(pilot.augment(obs))
    return _result(seed, done, time.monotonic() - started)


@runtime_checkable
class Discarding(Protocol):
    """A sink that can forget the open episode."""

    def discard(self) -> None: ...


class _Steps:
    """What has happened in an episode so far."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.proposals: list[tuple[Source, int]] = []
        self.verdict: Event | None = None


def _pilot(policy: Policy | Pilot, explore: bool) -> Pilot:
    if isinstance(policy, Pilot):
        return policy
    source = Source.HUMAN if isinstance(policy, TeleoperatorPolicy) else Source.POLICY
    return PolicyPilot(policy, explore=explore, source=source)


def _run(
    env: Env, pilot: Pilot, obs: Observation, sink: EpisodeSink, done: _Steps, before_step: Callable[[], None] | None
) -> Observation:
    """Step until the episode ends; the last observation."""
    steps = done.steps
    while not steps or not (steps[-1].terminated or steps[-1].truncated):
        if before_step is not None:
            before_step()
        seen = pilot.augment(obs)
        proposal = pilot.propose(seen)
        step = _judged(_execute(env, proposal), proposal.verdict)
        planned = steps[len(steps) - proposal.row].stamp if proposal.row else None
        sink.add(proposal.record(seen, step, planned))
        steps.append(step)
        done.proposals.append((proposal.source, proposal.intervention))
        done.verdict = proposal.verdict
        obs = step.obs
    return obs


def _execute(env: Env, proposal: Proposal) -> Step:
    if proposal.waiting is None or not isinstance(env, RobotEnv):
        return env.step(proposal.action, proposal.source)
    return env.idle(proposal.action, proposal.waiting, proposal.holder)


def _judged(step: Step, verdict: Event | None) -> Step:
    """The step with a person's word instead of the task's."""
    if verdict is None:
        return step
    success = verdict is Event.SUCCESS
    return replace(step, success=success, terminated=True, truncated=False, reward=float(success))


def _result(seed: int, done: _Steps, wall: float) -> EpisodeResult:
    steps, last = done.steps, done.steps[-1]
    return EpisodeResult(
        seed=seed,
        success=last.success,
        steps=len(steps),
        peak_force=max(s.peak_force for s in steps),
        violations=last.energy.violations,
        worst_ratio=last.energy.worst_ratio,
        least_scale=min(s.energy.scale for s in steps),
        wall=wall,
        interventions=len({number for _, number in done.proposals if number}),
        human_steps=sum(source is Source.HUMAN for source, _ in done.proposals),
        verdict="" if done.verdict is None else done.verdict.value,
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
