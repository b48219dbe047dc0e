"""A person and a policy share an arm: she takes it over, hands it back, pauses, and judges the episode.

While she has the arm it is hers by lease, the policy is still asked and its proposal stored beside what she did, and
everything goes through the same controller with the same ledger. Collection, deployment and learning with a person in
the loop use this one class. Without a policy she always has the arm, and all else is the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from robot_rl.actor.pilots import Abandoned, PolicyPilot, Proposal, Row
from robot_rl.core.errors import ActivationRefusedError
from robot_rl.core.protocols import Policy, Poses
from robot_rl.core.records import Array, Mode, Observation, RobotState, Source
from robot_rl.core.teleop import Event, Leased, Operator, Reading
from robot_rl.envs.robot_env import RobotEnv
from robot_rl.teleop.action_map import ActionMap
from robot_rl.teleop.takeover import Stage, Takeover, TakeoverConfig

LEASE = 1.0
"""How long her lease lasts beyond each of her commands [s]."""
VERDICTS = (Event.SUCCESS, Event.FAILURE)
GOODBYES = (Event.DISCARD, Event.RERECORD, Event.STOP)


def _nothing() -> None:
    """Nobody looks on."""


class SharedControl:
    """A ``Pilot``: the policy's, a person's, or nobody's turn, step by step.

    Args:
        env: The task on the robot.
        operator: Her device.
        policy: What acts when she does not; None: a demonstration, she always has the arm.
        config: When she has the arm.
        explore: Whether the policy explores.
        clock: Monotonic time of the device's stamps [s].
    """

    def __init__(
        self,
        env: RobotEnv,
        operator: Operator,
        policy: Policy | None = None,
        config: TakeoverConfig | None = None,
        *,
        explore: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.env, self.operator, self.clock = env, operator, clock
        self.pilot = None if policy is None else PolicyPilot(policy, explore=explore)
        self.machine = Takeover(config, policy=policy is not None)
        self.source = self.machine.home.source
        self.lost = 0
        """How often the device or the arm failed while she had it."""
        self.on_wait: Callable[[], None] = _nothing
        """Called every period while the arm holds."""
        self.on_look: Callable[[], None] = _nothing
        """Called then, and before every other step."""
        self._actions: ActionMap | None = None
        self._begin()

    def _begin(self) -> None:
        self._stage, self._leased = self.machine.home, False
        self._heard: list[Event] = []
        self.held = False
        """Whether the arm held in the last step."""
        self._last: Row | None = None

    def reset(self, seed: int) -> None:
        """A new episode."""
        self._release()
        self.machine.reset()
        self._begin()
        self.operator.reset(seed)
        if self.pilot is not None:
            self.pilot.reset(seed)
        elif isinstance(self.env.robot, Leased):
            self._leased = bool(self._acquired())

    @property
    def stage(self) -> Stage:
        """Who has the arm."""
        return self.machine.stage

    def augment(self, obs: Observation) -> Observation:
        """What the policy adds to an observation."""
        return obs if self.pilot is None else self.pilot.augment(obs)

    def propose(self, obs: Observation) -> Proposal:
        """What shall happen next, and on whose account; ``Abandoned`` when she wants no more of the episode."""
        reading = self._read(self.env.state, self.env.objects)
        reading = self._hand_over(reading)
        verdict = self._verdict()
        stage = self._stage
        policy = None if self.pilot is None else self.pilot.row(obs)
        action = self._choose(stage, reading, policy)
        self._last, self.held = action, stage.holds
        self.on_look()
        return Proposal(
            action=action,
            source=stage.source,
            policy=None if stage is Stage.POLICY else policy,
            intervention=self.machine.intervention,
            row=self.pilot.taken if stage is Stage.POLICY and self.pilot is not None else 0,
            waiting=self._waiting if stage.holds and verdict is None else None,
            verdict=verdict,
        )

    def _choose(self, stage: Stage, reading: Reading, policy: Row | None) -> Row:
        if stage is Stage.POLICY and policy is not None:
            return policy
        self.replan()
        if stage is Stage.HUMAN:
            return np.clip(reading.action, -1.0, 1.0).astype(np.float32)
        return self.hold()

    def replan(self) -> None:
        """The arm goes elsewhere: the policy plans anew from there."""
        if self.pilot is not None:
            self.pilot.replan()

    def quiet(self, state: RobotState, objects: Poses) -> bool:
        """Look at her device while the arm holds; whether she wants nothing."""
        return self._waiting(state, objects)

    def hold(self) -> Row:
        """The action that moves nothing and keeps the gripper as it is."""
        return self._map().holding(self._before()).astype(np.float32)

    def _before(self) -> Array:
        """The last action, (A,); zeros at the start."""
        return np.zeros(self.env.spec.action_dim) if self._last is None else self._last.astype(np.float64)

    def _read(self, state: RobotState, objects: Poses) -> Reading:
        """Her device's word; the stage follows it."""
        reading = self.operator.read(state, objects)
        self._heard += [e for e in reading.events if e in VERDICTS or e in GOODBYES]
        before = self.machine.stage
        stage = self.machine.update(self.clock(), reading, arm_ok=state.energy.mode is not Mode.FAULT)
        self.lost += stage is Stage.SAFETY and before is not Stage.SAFETY
        return reading

    def _waiting(self, state: RobotState, objects: Poses) -> bool:
        self._read(state, objects)
        self.on_wait()
        self.on_look()
        return self.machine.stage is self._stage and not self._heard

    def _verdict(self) -> Event | None:
        heard, self._heard = self._heard, []
        for event in heard:
            if event in GOODBYES:
                raise Abandoned(event)
        return heard[-1] if heard else None

    def _hand_over(self, reading: Reading) -> Reading:
        """Give the arm to whom it belongs now; her reading, counted from where she took it."""
        before, stage = self._stage, self.machine.stage
        if stage is before:
            return reading
        if stage is Stage.POLICY:
            self._release()
        elif not self._leased and not self._acquired():
            self.machine.refuse()
            self._stage = self.machine.stage
            return reading
        self._stage = stage
        if stage is not Stage.HUMAN:
            return reading
        self.operator.engage(self.env.state, self._before())
        again = self.operator.read(self.env.state, self.env.objects)
        self._heard += [e for e in again.events if e in VERDICTS or e in GOODBYES]
        return again

    def _acquired(self) -> bool:
        """Whether the arm is hers; one that knows no leases always is, by the rank of her commands."""
        robot = self.env.robot
        if not isinstance(robot, Leased):
            return True
        try:
            self._leased = robot.acquire(Source.HUMAN, LEASE) != 0
        except ActivationRefusedError:
            self._leased = False
        return self._leased

    def _release(self) -> None:
        robot = self.env.robot
        if self._leased and isinstance(robot, Leased):
            robot.release()
        self._leased = False

    def _map(self) -> ActionMap:
        if self._actions is None:
            self._actions = ActionMap.of(self.env.task, self.env.state)
        return self._actions
