"""The arm between packets, over a link of a few lines: order of calls, what is sent, how it is left."""

import numpy as np
import pytest
from paper_link import Link

from controllers.guard.lifecycle import Phase, Reason
from controllers.guard.record import GuardConfig
from controllers.parameters.line import LineLimits
from controllers.parameters.presets import preset
from drivers.contract import raised, target
from drivers.driven_arm import Surroundings
from drivers.link import ArmFaultError, ArmRefusedError, refuse_unfit
from drivers.torque_arm import TorqueArm
from robot_rl.core.errors import ActivationRefusedError, CommandRejectedError

SETTINGS = preset("rl_explore")


def entered(link, **around):
    return TorqueArm(link, SETTINGS, Surroundings(**around))


def test_nothing_is_opened_before_it_is_entered_and_nothing_controlled_before_it_is_asked():
    link = Link()
    arm = entered(link)
    assert link.diary == []
    with arm:
        assert link.diary == ["open"]
        arm.advance(1)
        assert link.diary == ["open", "take control"]
    assert link.diary[2] == "close"


def test_it_is_found_inactive_and_moves_only_after_activation():
    link = Link()
    with entered(link) as arm:
        arm.advance(5)
        assert arm.supervisor.phase is Phase.INACTIVE
        with pytest.raises(CommandRejectedError, match="follows no commands"):
            arm.send(target(arm, raised(arm.state().ee_pose, 0.02), 1))
        assert np.abs(link.sent).max() == 0.0
        arm.activate()
        arm.send(target(arm, raised(arm.state().ee_pose, 0.02), 2))
        arm.advance(200)
        assert np.abs(link.sent[-1]).max() > 0.1


def test_one_answer_per_packet():
    link = Link()
    with entered(link) as arm:
        arm.advance(25)
        assert len(link.sent) == 25


def test_it_is_left_without_torque_and_without_a_jump():
    link = Link()
    with entered(link) as arm:
        arm.advance(5)
        arm.controller.state["tau"][:] = link.packet.tau[:] = 8.0
        arm.advance(1)
        link.sent.clear()
    assert np.abs(link.sent[-1]).max() == 0.0
    assert np.abs(np.diff(np.array(link.sent), axis=0)).max() <= 1.0 + 1e-9


def test_the_ledger_takes_the_torque_that_the_robot_reports():
    link = Link()
    with entered(link) as arm:
        arm.advance(3)
        before = arm.state().energy.work
        link.packet.tau[:] = 2.0
        link.packet.q[:] += 0.001
        arm.advance(1)
        assert arm.state().energy.work - before == pytest.approx(7 * 2.0 * 0.001)


def test_the_torque_that_the_robot_measured_is_accounted_beside_it():
    link = Link()
    with entered(link) as arm:
        arm.advance(3)
        assert not np.isfinite(arm.controller.state["tau_measured"]).any()
        link.packet.tau_measured[:] = 1.0
        arm.advance(1)
        before = float(arm.controller.state["work_measured"])
        link.packet.q[:] += 0.001
        arm.advance(1)
        assert float(arm.controller.state["work_measured"]) - before == pytest.approx(7 * 0.001)


def test_a_fault_ends_the_control_and_a_person_ends_the_fault():
    link = Link()
    with entered(link) as arm:
        arm.activate()
        sent = len(link.sent)
        link.breaks_at = link.packet.stamp + 0.0105
        arm.advance(20)
        assert arm.fault == "paper arm: torn; glue it"
        assert (arm.supervisor.phase, arm.supervisor.reason) == (Phase.FAULT, Reason.ROBOT_STOP)
        assert len(link.sent) == sent + 10
        with pytest.raises(ActivationRefusedError, match="glue it"):
            arm.activate()
        arm.recover()
        assert arm.supervisor.phase is Phase.ACTIVE
        assert len(link.sent) > sent + 11


def test_a_measurement_that_is_no_number_is_a_fault():
    link = Link()
    with entered(link) as arm:
        arm.activate()
        link.packet.q[2] = np.nan
        arm.advance(5)
        assert (arm.supervisor.phase, arm.supervisor.reason) == (Phase.FAULT, Reason.MEASUREMENT)
        assert np.isfinite(link.sent).all()
        link.packet.q[2] = link.arm.home[2]


def test_lost_packets_count_as_time():
    link = Link()
    with entered(link) as arm:
        arm.advance(10)
        link.packet.lost = 4
        arm.advance(1)
        link.packet.lost = 0
        assert (arm.ticks, arm.lost) == (15, 4)
        assert arm.controller.state["missed"] == 4


def test_a_line_that_loses_more_than_the_controller_was_told_is_not_started():
    with entered(Link(), line=LineLimits(lost=3)) as arm, pytest.raises(ActivationRefusedError, match="loss_ticks"):
        arm.activate()


def test_the_way_home_can_be_interrupted():
    link = Link()
    link.packet.q[0] += 0.3
    with entered(link) as arm:
        arm.activate()
        arm.interrupt = lambda: True
        with pytest.raises(ArmFaultError, match="way home was ended: INACTIVE"):
            arm.reset(0)


def test_an_arm_that_does_not_come_home_is_reported():
    link = Link()
    link.packet.q[0] += 0.3
    with entered(link, guard=GuardConfig(home_timeout=1.0)) as arm:
        arm.activate()
        with pytest.raises(ArmFaultError, match="took too long"):
            arm.reset(0)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [("q", np.nan, "finite"), ("q", 5.0, "outside"), ("dq", 0.1, "at rest"), ("tau_external", 6.0, "payload")],
)
def test_an_unfit_arm_is_refused_with_the_remedy(field, value, reason):
    link = Link()
    getattr(link.packet, field)[0] = value
    with pytest.raises(ArmRefusedError, match=reason):
        refuse_unfit(link.name, link.arm, link.packet)
