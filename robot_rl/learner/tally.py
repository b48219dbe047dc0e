"""What a learner knows of its actors and of their episodes, beside the steps themselves."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field

from robot_rl.core.records import Source, StepRecord
from robot_rl.transport.experience_pb2 import Event
from robot_rl.transport.inbox import Arrival


@dataclass(kw_only=True)
class EpisodeSummary:
    """One episode of an actor, as the learner saw it."""

    actor: str
    env_steps: int = 0
    """Steps of all actors when it ended."""
    steps: int = 0
    success: bool = False
    episode_return: float = 0.0
    complete: bool = False
    """False: interrupted."""
    policy_version: int = 0
    """Weights that chose its last action."""
    policy_age: float = 0.0
    """Age of those weights then [s]."""
    peak_force: float = 0.0
    """Largest external force [N]."""
    violations: int = 0
    """Ticks at which the controller's work exceeded its budget."""
    worst_ratio: float = 0.0
    """Largest work / budget [-]."""
    seed: int = -1
    station: str = ""
    """Of the actor; empty: it did not say."""
    evaluation: int = 0
    """Number of the actor's round of evaluation, counted from 1; 0: none, the episode is learnt from."""
    human_steps: int = 0
    """Steps that a person made."""
    interventions: int = 0
    """How often a person took over."""
    observation_age: float = 0.0
    """Largest: of the oldest part of an observation when the arm got the command [s]; 0 as well if nobody measured."""
    action_age: float = 0.0
    """Largest: of the observation that an action was planned from when the arm got it [s]."""
    overruns: int = 0
    """Steps that ran beyond their period."""
    missed: int = 0
    """Periods that were dropped because of that."""


@dataclass(kw_only=True)
class ActorTally:
    """What one actor has sent, over all its lives."""

    actor: str
    station: str = ""
    steps: int = 0
    human_steps: int = 0
    episodes: int = 0
    """Complete ones, evaluations included."""
    evaluations: int = 0
    """Complete episodes of evaluation."""
    policy_version: int = 0
    policy_age: float = 0.0
    """Of the weights that chose its newest action [s]."""
    recent: deque[bool] = field(default_factory=lambda: deque(maxlen=50))
    """Whether its newest complete episodes succeeded, evaluations left out."""


@dataclass
class Correspondent:
    """An actor, and what it sent that is not in the replay yet."""

    name: str
    waiting: deque[Arrival] = field(default_factory=deque)
    """Records, decoded."""
    heard: float = 0.0
    waits_since: float = 0.0
    """When the oldest of the waiting arrived [s]."""
    newest: StepRecord | None = None
    """Its newest step in the replay, while that episode goes on."""
    episode: EpisodeSummary = field(init=False)
    tally: ActorTally = field(init=False)

    def __post_init__(self) -> None:
        self.episode, self.tally = EpisodeSummary(actor=self.name), ActorTally(actor=self.name)

    def ended(self, episode: EpisodeSummary) -> None:
        """Take an episode that is over into its figures; its steps are in them."""
        self.tally.episodes += episode.complete
        self.tally.evaluations += bool(episode.complete and episode.evaluation)
        if episode.complete and not episode.evaluation:
            self.tally.recent.append(episode.success)

    def sent(self, episode: EpisodeSummary) -> None:
        """Take a whole episode into its figures, steps and all."""
        self.episode, tally = episode, self.tally
        tally.station = episode.station
        tally.steps += episode.steps
        tally.human_steps += episode.human_steps
        tally.policy_version, tally.policy_age = episode.policy_version, episode.policy_age
        self.ended(episode)


def begun(actor: str, meta: str) -> EpisodeSummary:
    """An episode that has just begun, with what its actor says of it."""
    said = json.loads(meta)
    if not isinstance(said, dict):
        raise ValueError("the meta data of an episode are no JSON object")
    return EpisodeSummary(
        actor=actor,
        seed=int(said.get("seed", -1)),
        station=str(said.get("station", "")),
        evaluation=int(said.get("evaluation", 0)),
    )


def count_step(tally: ActorTally, event: Event) -> None:
    """Take a step into its actor's figures."""
    step = event.step
    tally.steps += 1
    tally.human_steps += step.source == Source.HUMAN
    tally.policy_version, tally.policy_age = step.policy_version, step.policy_age


def add_step(episode: EpisodeSummary, event: Event) -> None:
    """Take a step into an episode's summary."""
    step = event.step
    episode.steps += 1
    episode.success = step.success
    episode.episode_return += step.reward
    episode.policy_version, episode.policy_age = step.policy_version, step.policy_age
    episode.peak_force = max(episode.peak_force, step.peak_force)
    episode.violations = step.energy.violations
    episode.worst_ratio = max(episode.worst_ratio, step.energy.worst_ratio)
    episode.human_steps += step.source == Source.HUMAN
    episode.interventions = max(episode.interventions, step.intervention)
    fresh = step.freshness
    episode.observation_age = max(episode.observation_age, fresh.observation_age)  # NaN is not larger
    episode.action_age = max(episode.action_age, fresh.action_age)
    episode.overruns += fresh.overrun > 0
    episode.missed += fresh.missed
