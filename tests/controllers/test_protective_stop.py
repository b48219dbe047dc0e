"""What the robot does by itself, what its line may do, and numbers that are none: no excuse in the observer is left."""

from dataclasses import replace

import numpy as np
import pytest

from controllers.arms.panda import panda
from controllers.guard.lifecycle import Phase, Reason
from controllers.guard.supervisor import Measurement, Supervisor
from controllers.impedance_controller import PassiveImpedance
from controllers.parameters.line import LineLimits, provide
from controllers.parameters.presets import preset
from robot_rl.core.errors import ActivationRefusedError, CommandRejectedError, ConfigError
from robot_rl.core.records import Command, Mode
from sim.adversaries import observer
from sim.adversaries.battery import BOLD, CONTROLLERS, Arena, Case, blank_log, table_of
from sim.adversaries.campaign import Tally
from sim.adversaries.plants import BATTERY
from sim.adversaries.relations import relate
from sim.adversaries.world import AFTER_STOP
from sim.guarded_twin import GuardedTwin

AIR = BATTERY[0]
RELATIONS = {"I6 I11 proposals", "I10 infinite budget", "I11 equal cases", "I12 echoes", "I13 rest"}


def test_the_robot_stops_by_itself_when_a_joint_is_too_fast_and_no_torque_of_ours_is_left():
    arena = Arena(AIR, BOLD)
    slow = arena.arm.dq_max * np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.08])
    arena.controller.model["dq_max"] = slow
    arena.rules = replace(arena.rules, dq_max=slow)
    fast = Case(kind=1, trouble=AIR, config=BOLD, ticks=1200)
    log, rules = arena.play(fast, table_of(fast), blank_log(1200)), arena.rules_of(fast)
    stopped = observer.column(log, "stopped") > 0.0
    assert stopped.any()
    assert 0 < np.count_nonzero(stopped) <= AFTER_STOP + 1
    assert not log.tau[stopped].any()
    assert np.abs(np.diff(log.q, axis=0)[-1]).max() < 1e-6
    assert arena.controller.state["mode"] == Mode.FAULT
    assert not any(observer.judge(log, rules).values())


def test_a_guarded_arm_that_stopped_by_itself_is_at_fault_until_a_person_recovers_it():
    with GuardedTwin("reach", preset("rl_explore")) as twin:
        twin.advance(20)
        twin.data.qvel[0] = 2.3
        twin.advance(2)
        supervisor = twin.supervisor
        assert (supervisor.phase, supervisor.reason) == (Phase.FAULT, Reason.ROBOT_STOP)
        assert twin.protective_stops == 1
        twin.advance(200)
        assert np.abs(twin.data.qvel[:7]).max() < 1e-6
        supervisor.recover(twin.now())
        twin.advance(1500)
        assert supervisor.phase is Phase.ACTIVE
        assert twin.protective_stops == 1


def test_runs_in_pairs_break_no_invariant_and_every_relation_is_checked():
    """I6, I10 to I13"""
    tally = Tally()
    relations = relate(tally, CONTROLLERS, 6, 400)
    assert tally.examples == []
    assert set(relations.checked) == RELATIONS


def test_a_supervisor_refuses_a_line_that_its_controller_was_not_told_of():
    supervisor = Supervisor(PassiveImpedance(panda(), preset("rl_explore")))
    supervisor.configure()
    supervisor.line = LineLimits(lost=19, late=2)
    rest = Measurement(q=panda().home, dq=np.zeros(7), tau_external=np.zeros(7), now=0.0)
    with pytest.raises(ActivationRefusedError, match=r"21 packets in a row.*in hand for 0.*2 ticks old"):
        supervisor.activate(rest)
    supervisor.change_config(provide(preset("rl_explore"), supervisor.line))
    supervisor.activate(rest)
    assert supervisor.phase is Phase.SOFT_START


def test_a_command_that_takes_forever_is_refused():
    """It left a goal that was no number behind (an A8 of 1e308 s, then a refusal)."""
    control = PassiveImpedance(panda(), preset("rl_explore"))
    pose = control.state["goal"].copy()
    command = Command(stamp=0.0, seq=1, valid_until=1.0, duration=1e308, pose=pose, gripper=0.0)
    with pytest.raises(CommandRejectedError, match="60 s"):
        control.submit(command, 0.0)


def test_a_torque_that_is_no_number_is_never_sent():
    control = PassiveImpedance(panda(), replace(preset("rl_explore"), velocity_feed_forward=1.0))
    rest = np.zeros(7)
    control.tick(panda().home, rest, rest, 0.001)
    control.state["goal"] = np.nan
    for tick in range(2, 6):
        assert np.isfinite(control.tick(panda().home, rest, rest, 0.001 * tick)).all()
    assert control.state["mode"] == Mode.FAULT


@pytest.mark.parametrize("late", [0, 3])
def test_the_cap_on_kinetic_energy_has_room_for_late_states_and_a_heavier_arm(late):
    config = replace(preset("rl_explore"), delay_ticks=late, mass_error=0.25)
    assert config.record(panda())["kinetic_max"] == pytest.approx((1.0 - 20.0 * late * 0.001) / 1.25)
    with pytest.raises(ConfigError, match="lower P_max"):
        replace(config, delay_ticks=60).record(panda())
