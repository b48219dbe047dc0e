"""A session of demonstrations: episode after episode, each judged, until there are as many good ones as wanted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from robot_rl.actor.pilots import Abandoned
from robot_rl.actor.punctuality import COUNTS, Punctuality
from robot_rl.actor.review import Recorder, ReviewSink
from robot_rl.actor.rollout import EpisodeResult, run_episode
from robot_rl.actor.shared_control import SharedControl
from robot_rl.core.protocols import Poses
from robot_rl.core.records import RobotState
from robot_rl.core.teleop import Event
from robot_rl.data.dataset import open_dataset
from robot_rl.data.layout import DATASET_FILE
from robot_rl.envs.robot_env import RobotEnv

EPISODE = (Event.SUCCESS, Event.FAILURE, Event.RERECORD, Event.DISCARD, Event.PAUSE, Event.STOP)
SHARED = (Event.TAKE_OVER, Event.HAND_BACK)
HELD = (Event.RESUME, *EPISODE)
REVIEW = (Event.KEEP, Event.DISCARD, Event.RERECORD, Event.SUCCESS, Event.FAILURE, Event.PAUSE, Event.STOP)

WORDS = {
    "POLICY": ("the policy has the arm", "move your device, or take over"),
    "HUMAN": ("you have the arm", "say success or failure when it is over"),
    "PAUSED": ("paused", "the arm holds; resume when all is ready"),
    "SAFETY": ("safety hold", "your device is silent, or the arm has failed: mend that, then resume"),
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a session is to bring."""

    good: int
    """Good demonstrations of the task that the dataset shall have in the end; those that it has already count."""
    seed: int = 0
    """Of the first episode; the others count up."""
    keep_failures: bool = False
    """Keep failed episodes too, labelled."""
    review: float = 0.0
    """Time to look at each episode, and to judge it otherwise [s]."""
    facts: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    """Stored with every episode: task, instruction, operator, device, station."""


@dataclass
class Tally:
    """What a session has brought so far."""

    good: int = 0
    """Good demonstrations in the dataset."""
    failures: int = 0
    """Failed ones that were kept."""
    discarded: int = 0
    """Episodes that were forgotten, since this session began."""
    tries: int = 0
    """Episodes since this session began."""
    next_seed: int = 0


def resume(root: Path, task: str, seed: int) -> Tally:
    """What the dataset at ``root`` has of the task already; its next seed is ``seed`` or later."""
    tally = Tally(next_seed=seed)
    if not (root / DATASET_FILE).is_file():
        return tally
    for entry in open_dataset(root).index:
        meta = entry["meta"]
        tally.next_seed = max(tally.next_seed, int(meta.get("seed", -1)) + 1)
        if meta.get("task", task) == task:
            tally.good += entry["outcome"] == "success"
            tally.failures += entry["outcome"] == "failure"
    return tally


class View(Protocol):
    """Who looks on."""

    def show(self, state: Mapping[str, Any]) -> None: ...
    def image(self, name: str, rgb: NDArray) -> None: ...


class Nobody:
    """Nobody looks on."""

    def show(self, state: Mapping[str, Any]) -> None:
        """Nothing."""

    def image(self, name: str, rgb: NDArray) -> None:
        """Nothing."""


class Collector:
    """Runs a session.

    Args:
        env: The task on the robot.
        pilot: The person at the controls, alone or with a policy.
        recorder: Where episodes go.
        plan: What is wanted.
        tally: What is there already.
        view: Who looks on.
    """

    def __init__(
        self,
        env: RobotEnv,
        pilot: SharedControl,
        recorder: Recorder,
        plan: Plan,
        tally: Tally,
        view: View | None = None,
    ) -> None:
        self.env, self.pilot, self.plan, self.tally = env, pilot, plan, tally
        self.view = view or Nobody()
        self.sink = ReviewSink(recorder, plan.facts)
        self.times = Punctuality(env)
        self.stopped = False
        self.tank = 1.0
        self.watch: Callable[[], None] = pilot.on_wait
        """Called before every step, too."""
        pilot.on_wait = self._look

    def run(self, on_episode: Callable[[dict[str, Any]], None] | None = None) -> Tally:
        """Record until there is enough, or until she stops; ``on_episode`` hears of each that was kept or not."""
        while self.tally.good < self.plan.good and not self.stopped:
            line = self._episode()
            if on_episode is not None and line is not None:
                on_episode(line)
        self._show("done", "done" if not self.stopped else "stopped", "", ())
        return self.tally

    def _episode(self) -> dict[str, Any] | None:
        seed = self.tally.next_seed
        self.times.restart()
        self._show("reset", "going to the start", "", ())
        try:
            result = run_episode(self.env, self.pilot, seed, sink=self.sink, before_step=self._before_step)
            decision = self._review(result)
        except Abandoned as left:
            self._count(left.event, None)
            return None
        self._count(decision, result)
        line = {**asdict(result), "success": self._success(decision, result), "kept": self._kept(decision)}
        return {**line, **asdict(self.tally), **self.times.facts()}

    def _before_step(self) -> None:
        self.watch()
        self.times.measure(held=self.pilot.held)
        self.tank = max(self.tank, self.env.state.energy.budget)
        for name, frame in self.env.frames.items():
            self.view.image(name, frame.rgb)
        self._look()

    def _look(self) -> None:
        """Show who has the arm and what she may say."""
        stage = self.pilot.stage
        words, hint = WORDS[stage.name]
        allowed = HELD if stage.holds else EPISODE
        self._show(stage.name.lower(), words, hint, allowed + (SHARED if self.pilot.pilot is not None else ()))

    def _review(self, result: EpisodeResult) -> Event:
        """Her word on the episode, or what follows from its result once the time is over; the arm holds."""
        usual = Event.SUCCESS if result.success else Event.FAILURE
        if self.plan.review <= 0.0:
            return usual
        word: list[Event] = []
        end = time.monotonic() + self.plan.review
        asked = "success" if result.success else "failure"

        def waiting(state: RobotState, objects: Poses) -> bool:
            nonlocal end
            for event in self.pilot.operator.read(state, objects).events:
                end = float("inf") if event is Event.PAUSE else end
                word.extend([event] if event in REVIEW and event is not Event.PAUSE else [])
            left = end - time.monotonic()
            usually = "kept" if self._kept(usual) else "discarded"
            self._show("review", f"{asked}: keep it?", f"{usually} in {left:.0f} s; pause to think", REVIEW)
            return not word and left > 0

        self.env.idle(self.pilot.hold(), waiting)
        said = word[0] if word else usual
        return usual if said is Event.KEEP and result.success else said

    def _success(self, decision: Event, result: EpisodeResult) -> bool:
        return decision is Event.SUCCESS or (decision is Event.KEEP and result.success)

    def _kept(self, decision: Event) -> bool:
        """Whether the episode stays: a success, one that she asks for, a failure that the plan wants."""
        return decision in (Event.SUCCESS, Event.KEEP) or (decision is Event.FAILURE and self.plan.keep_failures)

    def _count(self, decision: Event, result: EpisodeResult | None) -> None:
        """Commit or forget the episode; what comes next."""
        tally = self.tally
        tally.tries += 1
        self.stopped = decision is Event.STOP
        if result is not None and self._kept(decision):
            success = self._success(decision, result)
            by = "person" if success != result.success or result.verdict else "task"
            self.sink.keep(success, {"labelled_by": by, "interventions": result.interventions, **self.times.facts()})
            tally.good += success
            tally.failures += not success
        else:
            tally.discarded += 1
            if result is not None:
                self.sink.discard()
        tally.next_seed += decision is not Event.RERECORD

    def _show(self, phase: str, words: str, hint: str, allowed: tuple[Event, ...]) -> None:
        times, tally = self.times, self.tally
        figures = {
            "steps": f"{times.steps} of at most {self.env.max_steps}",
            "rate": f"{times.rate:.1f} of {self.env.spec.rate:g} Hz",
            **{name.replace("_", " "): f"{getattr(times, name)}, {times.total.get(name, 0)} in all" for name in COUNTS},
            "interventions": str(self.pilot.machine.count),
        }
        state = {"phase": phase, "words": words, "hint": hint, "allowed": [e.value for e in allowed]}
        state |= {"wanted": self.plan.good, "figures": figures, "tank": self.env.state.energy.tank}
        self.view.show({**state, "tank_full": self.tank, **asdict(tally)})
