"""The Franka driver: tables by version, refusals, faults; on the wire with the manufacturer's own client."""

import socket
import threading

import numpy as np
import pytest

from controllers.guard.lifecycle import Phase
from controllers.parameters.presets import preset
from drivers.contract import raised, target
from drivers.fci import PORT, server_version
from drivers.franka import GUARANTEE, FrankaConfig, FrankaLink, arm_of
from drivers.link import ArmFaultError, ArmRefusedError, vendor
from drivers.torque_arm import TorqueArm
from robot_rl.core.errors import CommandRejectedError, ConfigError, MissingDependencyError

SETTINGS = preset("rl_explore")


def arm_at(address):
    return TorqueArm(FrankaLink(FrankaConfig(address=address, soft_realtime=True)), SETTINGS)


@pytest.fixture
def open_arm(serve, library):
    """open_arm("--lose", 5) -> an arm on the wire, not entered."""
    library("pylibfranka")
    return lambda *flags: arm_at(serve("fci_server.py", *flags))


@pytest.mark.parametrize(
    ("version", "name", "last"), [(3, "panda", 3.7525), (5, "panda", 3.7525), (6, "fr3", 4.5169), (9, "fr3", 4.5169)]
)
def test_the_table_is_chosen_by_version(version, name, last):
    assert (arm_of(version).name, arm_of(version).q_max[5]) == (name, last)


def test_system_5_9_has_wider_ranges():
    assert arm_of(10).q_max[5] == arm_of(11).q_max[5] == 4.6216
    np.testing.assert_array_equal(arm_of(10).tau_max, [87, 87, 87, 87, 12, 12, 12])


@pytest.mark.parametrize("wrong", [{"collision_force": 150.0}, {"collision_torque": 0.0}, {"load_mass": 9.0}])
def test_thresholds_that_protect_nothing_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        FrankaConfig(address="x", **wrong)


def test_a_missing_library_is_one_line_with_the_remedy():
    with pytest.raises(MissingDependencyError) as caught:
        vendor("no_such_library", "no-such-wheel")
    assert str(caught.value).endswith("install it with: pip install no-such-wheel")
    assert "\n" not in str(caught.value)


def test_the_guarantee_names_its_limits():
    assert "outside the ledger" in GUARANTEE


@pytest.mark.parametrize("version", [5, 10])
def test_the_version_is_asked_without_taking_control(serve, version):
    address = serve("fci_server.py", "--version", version)
    assert server_version(address) == server_version(address) == version


def test_nobody_answers():
    with pytest.raises(ArmRefusedError, match="FCI is activated"):
        server_version("127.9.9.9", timeout=0.5)


def test_somebody_else_answers():
    with socket.create_server(("127.9.9.8", PORT)) as server:

        def speak():
            line, _ = server.accept()
            with line:
                line.recv(64)
                line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=speak)
        thread.start()
        with pytest.raises(ArmRefusedError, match="not a Franka"):
            server_version("127.9.9.8")
        thread.join()


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (("--version", 5), "a FER needs a build against libfranka 0.9"),
        (("--version", 8), "update the robot's system"),
        (("--mode", 4), "recover it"),
        (("--mode", 5), "stop button"),
        (("--creep", 0.2), "moves at 0.20 rad/s"),
        (("--load", 8.0), "set the payload"),
    ],
)
def test_a_robot_that_is_not_fit_is_refused(open_arm, flags, reason):
    with pytest.raises(ArmRefusedError, match=reason), open_arm(*flags):
        pass


def test_a_station_that_names_another_arm_is_refused(serve, library):
    library("pylibfranka")
    link = FrankaLink(FrankaConfig(address=serve("fci_server.py"), arm="fer", soft_realtime=True))
    with pytest.raises(ArmRefusedError, match="it is a fr3, the station says fer"), TorqueArm(link, SETTINGS):
        pass


def test_the_measured_torque_comes_without_the_weight_of_the_arm(open_arm):
    with open_arm() as arm:
        arm.activate()
        arm.send(target(arm, raised(arm.state().ee_pose, 0.03), 1))
        arm.advance(100)
        state = arm.controller.state
        assert np.abs(state["tau"]).max() > 0.1
        arm.listen()
        np.testing.assert_allclose(state["tau_measured"], state["tau"], atol=0.01)
        assert abs(state["work_measured"] - state["work"]) < 0.02


def test_a_reflex_is_a_fault_until_a_person_recovers_it(open_arm):
    with open_arm("--reflex-at", 1200) as arm:
        arm.activate()
        arm.advance(300)
        assert "cartesian_reflex" in arm.fault
        assert arm.supervisor.phase is Phase.FAULT
        before = arm.now()
        arm.advance(5)
        assert arm.now() > before, "its state goes on"
        with pytest.raises(CommandRejectedError, match="recovered"):
            arm.send(target(arm, arm.state().ee_pose, 1))
        with pytest.raises(ArmFaultError, match="cannot reset"):
            arm.reset(0)
        assert arm.fault, "nothing of this recovers it"
        arm.recover()
        assert not arm.fault
        assert arm.supervisor.phase is Phase.ACTIVE
        arm.send(target(arm, arm.state().ee_pose, 1))


def test_lost_packets_are_counted_and_settled(open_arm):
    with open_arm("--lose", 7, "--lose-at", 1200) as arm:
        arm.activate()
        arm.send(target(arm, raised(arm.state().ee_pose, 0.03), 1))
        arm.advance(300)
        energy = arm.state().energy
        assert not arm.fault
        assert arm.lost >= 7
        assert energy.violations == 0
        assert energy.work < energy.budget


def test_a_lost_connection_is_a_fault_not_a_crash(open_arm):
    with open_arm("--drop-at", 60) as arm:
        arm.advance(80)
        assert "recover" in arm.fault
        arm.advance(3)


def test_the_wall_is_felt(open_arm):
    with open_arm("--wall", 0.45) as arm:
        arm.activate()
        pose = arm.state().ee_pose
        for seq in range(1, 9):
            arm.send(target(arm, raised(pose, -0.04), seq))
            arm.advance(200)
        state = arm.state()
        assert 5.0 < state.peak_force < 60.0
        assert state.wrench[2] > 3.0
        assert state.energy.violations == 0


def test_it_is_left_at_rest_and_can_be_opened_again(serve, library):
    library("pylibfranka")
    address = serve("fci_server.py")
    for _ in range(2):
        with arm_at(address) as arm:
            arm.activate()
            arm.send(target(arm, raised(arm.state().ee_pose, 0.02), 1))
            arm.advance(100)
        assert not arm.fault
