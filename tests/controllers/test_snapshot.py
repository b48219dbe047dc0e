"""What the processes of an arm share: every number has a name, and crosses unchanged."""

import numpy as np
import pytest

from controllers.loop.snapshot import (
    COMMAND,
    dtype_from_names,
    names,
    objects_of,
    read_command,
    read_objects,
    read_state,
    snapshot_dtype,
    write_command,
    write_state,
)
from robot_rl.core.errors import CommandRejectedError
from robot_rl.core.records import Command, EnergyState, Mode, RobotState, Source

HOME = np.array([0.4, 0.0, 0.4, 1.0, 0.0, 0.0, 0.0])
ENERGY = EnergyState(
    tank=1.0, spring=0.5, work=0.1, budget=2.0, scale=1.0, mode=Mode.LOW, violations=0, worst_ratio=0.05
)


def command(**changes):
    fields = {"stamp": 5.0, "seq": 5, "valid_until": 5.3, "duration": 0.1, "gripper": 0.04, "pose": HOME, **changes}
    return Command(**fields)


def test_names_describe_every_number():
    dtype = snapshot_dtype(7, ("hole", "cube"))
    flat = names(dtype)
    assert len(flat) == len(set(flat)) == dtype.itemsize // 8
    assert dtype_from_names(tuple(flat)) == dtype
    assert objects_of(dtype) == ["hole", "cube"]


def test_no_stiffness_stays_none():
    record = np.zeros((), COMMAND)
    write_command(record, command())
    assert read_command(record).stiffness is None


def test_state_crosses_unchanged():
    state = RobotState(
        stamp=1.25,
        q=np.arange(7.0),
        dq=np.linspace(0, 1, 7),
        tau=np.ones(7),
        ee_pose=HOME,
        ee_twist=np.arange(6.0),
        wrench=np.arange(6.0),
        peak_force=3.0,
        reference=HOME + 0.5,
        gripper=0.04,
        energy=ENERGY,
    )
    record = np.zeros((), snapshot_dtype(7, ("hole",)))
    write_state(record, state, {"hole": np.arange(7.0)})
    back = read_state(record)
    for field in ("q", "dq", "tau", "ee_pose", "ee_twist", "wrench", "reference"):
        np.testing.assert_array_equal(getattr(back, field), getattr(state, field))
    assert back.energy == ENERGY
    assert (back.stamp, back.gripper, back.peak_force) == (1.25, 0.04, 3.0)
    np.testing.assert_array_equal(read_objects(record)["hole"], np.arange(7.0))


def test_a_command_crosses_with_its_times_moved():
    sent, record = command(stiffness=np.array([600.0, 30.0]), source=Source.HUMAN), np.zeros((), COMMAND)
    write_command(record, sent)
    got = read_command(record, shift=-4.0)
    assert (got.seq, got.source, got.gripper) == (5, Source.HUMAN, 0.04)
    assert (got.stamp, got.valid_until) == (1.0, pytest.approx(1.3))
    np.testing.assert_array_equal(got.stiffness, sent.stiffness)
    np.testing.assert_array_equal(got.pose, HOME)


@pytest.mark.parametrize(("field", "value"), [("seq", np.nan), ("seq", 1e300), ("source", np.nan), ("source", 9.0)])
def test_a_command_from_nobody_is_refused(field, value):
    record = np.zeros((), COMMAND)
    write_command(record, command())
    record[field] = value
    with pytest.raises(CommandRejectedError, match="correct its sender"):
        read_command(record)
