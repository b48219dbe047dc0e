"""The guarded arm on the twin: starts, stages, stops, faults, leases, the way home."""

from dataclasses import replace

import numpy as np
import pytest

from controllers.arms.panda_shape import panda_shape, table
from controllers.guard.collision import SPHERE, Obstacle
from controllers.guard.lifecycle import Ask, Phase, Reason
from controllers.guard.supervisor import Measurement
from controllers.parameters.presets import preset
from robot_rl.core.errors import ActivationRefusedError, CommandRejectedError, ConfigError
from robot_rl.core.records import Command, Source
from sim.guarded_twin import GuardedTwin
from sim.twin import Twin


class Arm(GuardedTwin):
    """With a sender of commands."""

    seq = 0

    def order(self, move=(0.0, 0.0, 0.0), valid=0.1, epoch=0, **fields):
        self.seq, now = self.seq + 1, self.now()
        pose = self.controller.state["goal"].copy()
        pose[:3] += move
        made = Command(
            stamp=now, seq=self.seq, valid_until=now + valid, duration=0.1, pose=pose, gripper=0.04, **fields
        )
        self.supervisor.submit(made, now, epoch)

    def carry_on(self, steps, move=(0.0, 0.0, 0.004)):
        for _ in range(steps):
            self.order(move)
            self.advance(100)

    @property
    def phase(self):
        return self.supervisor.phase

    @property
    def speed(self):
        return float(np.abs(self.data.qvel[:7]).max())


@pytest.fixture
def arm():
    made = Arm("reach", preset("rl_explore"), shape=panda_shape([table()]))
    made.reset(0)
    return made


def test_the_guard_changes_no_bit_of_a_healthy_run(arm):
    plain = Twin("reach", preset("rl_explore"))
    plain.reset(0)
    for k in range(10):
        arm.order((0.003, 0.002 * (k % 3), 0.002))
        last = arm.controller.state["valid_until"]
        pose = arm.controller.state["goal"].copy()
        plain.send(Command(stamp=plain.now(), seq=k + 1, valid_until=last, duration=0.1, pose=pose, gripper=0.04))
        for twin in (arm, plain):
            twin.advance(100)
        assert np.array_equal(arm.controller.state["tau"], plain.controller.state["tau"])
    assert np.array_equal(arm.data.qpos, plain.data.qpos)


def test_a_start_is_soft_and_refuses_commands_until_it_is_done(arm):
    arm.supervisor.ask(Ask.DEACTIVATE)
    arm.advance(50)
    assert arm.phase is Phase.INACTIVE
    arm.supervisor.activate(arm.measured())
    softness = []
    for _ in range(10):
        with pytest.raises(CommandRejectedError, match="follows no commands"):
            arm.order()
        arm.advance(100)
        softness.append(float(arm.controller.state["soften"]))
    assert np.all(np.diff(softness) > 0)
    assert softness[0] < 0.05
    arm.advance(20)
    assert arm.phase is Phase.ACTIVE
    assert arm.supervisor.guard["ignored"] == 10
    arm.carry_on(2)


def test_a_moving_or_badly_loaded_arm_does_not_start(arm):
    arm.supervisor.ask(Ask.DEACTIVATE)
    arm.advance(5)
    m = arm.measured()
    bad = Measurement(q=m.q, dq=m.dq + 0.1, tau_external=np.array([0, 9.0, 0, 0, 0, 0, 0]), now=m.now)
    with pytest.raises(ActivationRefusedError, match=r"at rest; joint 2 bears 9\.0 N m"):
        arm.supervisor.activate(bad)
    assert arm.phase is Phase.INACTIVE
    with pytest.raises(ActivationRefusedError, match="nothing to recover"):
        arm.supervisor.recover(0.0)


def test_commands_that_stay_away_hold_then_damp_then_idle(arm):
    arm.carry_on(5)
    end = float(arm.supervisor.guard["valid_until"])
    phases = {}
    while arm.now() < end + 2.1:
        arm.advance(1)
        phases.setdefault(arm.phase, arm.now() - end)
    assert phases[Phase.DAMP] == pytest.approx(0.3, abs=2.1e-3)
    assert phases[Phase.INACTIVE] == pytest.approx(2.0, abs=2.1e-3)
    assert arm.supervisor.reason is Reason.IDLE
    with pytest.raises(CommandRejectedError):
        arm.order()


def test_commands_that_come_back_in_time_resume(arm):
    arm.carry_on(3)
    arm.advance(600)
    assert (arm.phase, arm.supervisor.reason) == (Phase.DAMP, Reason.STALE)
    before = arm.state().ee_pose[:3]
    arm.carry_on(10)
    assert arm.phase is Phase.ACTIVE
    assert arm.state().ee_pose[2] - before[2] > 0.025


def test_a_stop_brakes_in_the_same_tick_and_stays_latched(arm):
    arm.carry_on(5, (0.0, 0.02, 0.0))
    assert arm.speed > 0.1
    tau, dq = arm.controller.state["tau"].copy(), arm.data.qvel[:7].copy()
    arm.supervisor.ask(Ask.STOP)
    arm.advance(1)
    change = arm.controller.state["tau"] - tau
    assert change @ dq < 0.0, "the first torque after the request brakes"
    arm.advance(300)
    assert arm.speed < 1e-3
    with pytest.raises(CommandRejectedError):
        arm.order()
    for refused in (lambda: arm.supervisor.activate(arm.measured()), lambda: arm.supervisor.recover(arm.now())):
        with pytest.raises(ActivationRefusedError, match="STOPPED"):
            refused()
    arm.supervisor.clear(arm.now())
    arm.supervisor.activate(arm.measured())
    arm.advance(1100)
    assert arm.phase is Phase.ACTIVE


def test_a_fault_waits_for_a_person_and_only_three_times_a_minute(arm):
    for k in range(4):
        arm.advance_through(2, lambda m: Measurement(q=m.q * np.nan, dq=m.dq, tau_external=m.tau_external, now=m.now))
        assert (arm.phase, arm.supervisor.reason) == (Phase.FAULT, Reason.MEASUREMENT)
        arm.advance(100)
        if k < 3:
            arm.supervisor.recover(arm.now())
            arm.advance(1300)
            assert arm.phase is Phase.ACTIVE
    with pytest.raises(ActivationRefusedError, match="too many recoveries"):
        arm.supervisor.recover(arm.now())


@pytest.mark.parametrize(("speed", "phase"), [(1e-9, Phase.ACTIVE), (0.01, Phase.FAULT)])
def test_an_arm_that_has_faded_to_rest_is_believed_and_one_that_is_frozen_in_motion_is_not(arm, speed, phase):
    last = arm.measured()
    arm.order()
    arm.advance_through(40, lambda m: replace(last, dq=np.full_like(last.dq, speed), now=m.now))
    assert arm.phase is phase


def test_a_person_takes_over_and_the_policy_is_ignored_not_refused_as_broken(arm):
    epoch = arm.supervisor.acquire(Source.POLICY, 1.0, arm.now())
    arm.order((0.0, 0.0, 0.01), epoch=epoch)
    arm.advance(50)
    mine = arm.supervisor.acquire(Source.HUMAN, 1.0, arm.now())
    arm.order((0.0, 0.03, 0.0), epoch=mine, source=Source.HUMAN)
    rejected = int(arm.controller.state["rejected"])
    for wrong in (epoch, 0, 99):
        with pytest.raises(CommandRejectedError, match="lease"):
            arm.order((0.0, -0.1, 0.0), epoch=wrong)
    assert arm.controller.state["rejected"] == rejected
    assert arm.supervisor.guard["ignored"] == 3
    arm.advance(150)
    assert arm.controller.state["goal"][1] > 0.025


def test_the_way_home_ends_at_home_with_a_full_tank(arm):
    arm.carry_on(12, (0.0, 0.012, -0.004))
    start = arm.state().ee_pose
    arm.supervisor.home(arm.measured())
    highest = start[2]
    for _ in range(80):
        arm.advance(100)
        highest = max(highest, arm.state().ee_pose[2])
        if arm.phase is Phase.ACTIVE:
            break
    assert arm.phase is Phase.ACTIVE
    assert np.abs(arm.state().q - arm.arm.home).max() < 0.03
    assert arm.state().energy.tank == pytest.approx(2.0, abs=0.01)
    assert highest > start[2] + 0.045
    assert arm.state().energy.violations == 0


def test_something_in_the_way_home_ends_it(arm):
    arm.carry_on(12, (0.0, 0.012, -0.004))
    arm.supervisor.home(arm.measured())
    arm.advance(1200)
    force = arm.controller.arm.jacobian(arm.data.qpos[:7])[:3].T @ np.array([40.0, 0.0, 0.0])
    push = lambda m: Measurement(q=m.q, dq=m.dq, tau_external=force, now=m.now)  # noqa: E731
    arm.advance_through(30, push)
    assert (arm.phase, arm.supervisor.reason) == (Phase.DAMP, Reason.CONTACT)


def test_the_tool_stops_short_of_an_obstacle():
    ball = Obstacle(kind=SPHERE, pos=(0.66, 0.0, 0.45), size=(0.1, 0.0, 0.0))
    arm = Arm("reach", preset("rl_explore"), shape=panda_shape([ball]))
    arm.reset(0)
    nearest = 1.0
    for _ in range(30):
        arm.order((0.01, 0.0, 0.0))
        arm.advance(100)
        nearest = min(nearest, float(arm.supervisor.guard["clearance"]))
    assert arm.phase is Phase.ACTIVE
    assert 0.005 < nearest < 0.04
    assert arm.supervisor.guard["vetoed"] > 0


def test_parameters_only_tighten_while_it_is_active(arm):
    with pytest.raises(ConfigError):
        arm.supervisor.change_config(preset("precise"))
    arm.supervisor.ask(Ask.DEACTIVATE)
    arm.advance(1)
    arm.supervisor.change_config(preset("precise"))
    assert arm.controller.config["T0"] == 5.0


def test_the_ledger_stays_exact_through_every_phase(arm):
    work, budget, worst = 0.0, float(arm.controller.state["budget"]), 0.0
    asks = {700: Ask.DAMP, 1500: Ask.STOP}
    for k in range(2000):
        if k % 100 == 0 and arm.phase is Phase.ACTIVE:
            arm.order((0.01 if k % 200 else -0.01, 0.01, 0.0))
        if k in asks:
            arm.supervisor.ask(asks[k])
        before = arm.data.qpos[:7].copy()
        arm.advance(1)
        work += arm.controller.state["tau"] @ (arm.data.qpos[:7] - before)
        worst = max(worst, work)
    arm.advance(1)
    state = arm.controller.state
    assert worst < budget
    assert state["T"] + state["V"] + state["work"] + state["discard"] == pytest.approx(state["budget"], abs=1e-9)
    assert state["work"] == pytest.approx(work, abs=1e-9)
