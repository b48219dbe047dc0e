"""The arm process's loop over a plant of three lines: commands, holds, resets, counters."""

import os
import time

import numpy as np
import pytest

from controllers.loop.arm_loop import ArmLoop
from controllers.loop.exchange import Exchange, shared_path
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
)
from robot_rl.core.errors import CommandRejectedError
from robot_rl.core.records import Command, EnergyState, Mode, RobotState, Source

HOME = np.array([0.4, 0.0, 0.4, 1.0, 0.0, 0.0, 0.0])


class Plant:
    """Is at once where it is told to be."""

    period = 0.001

    def __init__(self):
        self.pose, self.ticks, self.stops, self.sent = HOME.copy(), 0, 0, []

    def now(self):
        return self.ticks * self.period

    def advance(self, ticks):
        self.ticks += ticks

    def stop(self):
        self.stops += 1

    def reset(self, seed):
        self.ticks, self.pose = 0, HOME + np.array([0, 0, 0.001 * seed, 0, 0, 0, 0])

    def send(self, command):
        if not np.isfinite(command.pose).all():
            raise CommandRejectedError("not finite")
        self.sent.append(command)
        self.pose = command.pose
        return command

    def objects(self):
        return {"hole": np.arange(7.0)}

    def state(self):
        energy = EnergyState(
            tank=1.0, spring=0.5, work=0.1, budget=2.0, scale=1.0, mode=Mode.LOW, violations=0, worst_ratio=0.05
        )
        return RobotState(
            stamp=self.now(),
            q=np.arange(7.0),
            dq=np.zeros(7),
            tau=np.zeros(7),
            ee_pose=self.pose,
            ee_twist=np.zeros(6),
            wrench=np.arange(6.0),
            peak_force=3.0,
            reference=self.pose,
            gripper=0.04,
            energy=energy,
        )


def command(seq=1, pose=HOME, **changes):
    now = time.monotonic()
    fields = {"stamp": now, "valid_until": now + 0.3, "duration": 0.1, "gripper": 0.04, **changes}
    return Command(seq=seq, pose=np.array(pose), **fields)


class Rig:
    def __init__(self):
        self.name = f"test.{os.getpid()}.{time.monotonic_ns()}"
        record = np.zeros((), snapshot_dtype(7, ("hole",)))
        sizes = (record.nbytes // 8, COMMAND.itemsize // 8)
        self.plant = Plant()
        self.loop = ArmLoop(self.plant, Exchange.create(self.name, sizes, {}), record, hold_after=0.2)
        self.bridge = Exchange.attach(self.name, 1.0, writer=True)
        self.record = np.zeros((), record.dtype)
        self.bridge.beat(time.monotonic())
        self.loop.step()

    def send(self, value):
        record = np.zeros((), COMMAND)
        write_command(record, value)
        self.bridge.put_command(record.reshape(1).view(np.float64))

    def steps(self, count=1):
        for _ in range(count):
            self.bridge.beat(time.monotonic())
            self.loop.step()
        self.loop.publish(time.monotonic())
        self.bridge.read(self.record.reshape(1).view(np.float64))
        return self.record


@pytest.fixture
def rig():
    made = Rig()
    yield made
    shared_path(made.name).unlink(missing_ok=True)


def test_names_describe_every_number():
    dtype = snapshot_dtype(7, ("hole", "cube"))
    flat = names(dtype)
    assert len(flat) == len(set(flat)) == dtype.itemsize // 8
    assert dtype_from_names(tuple(flat)) == dtype
    assert objects_of(dtype) == ["hole", "cube"]


def test_state_crosses_unchanged(rig):
    record = rig.steps()
    state, expected = read_state(record), rig.plant.state()
    for field in ("q", "dq", "tau", "ee_pose", "ee_twist", "wrench", "reference"):
        np.testing.assert_array_equal(getattr(state, field), getattr(expected, field))
    assert state.energy == expected.energy
    assert (state.gripper, state.peak_force) == (0.04, 3.0)
    np.testing.assert_array_equal(read_objects(record)["hole"], np.arange(7.0))
    assert state.stamp == pytest.approx(time.monotonic(), abs=0.5), "shared stamps are the machine's, not the twin's"


def test_a_command_arrives_in_the_plants_own_time(rig):
    sent = command(seq=5, stiffness=np.array([600.0, 30.0]), source=Source.HUMAN)
    rig.send(sent)
    rig.steps()
    (got,) = rig.plant.sent
    assert (got.seq, got.source, got.gripper) == (5, Source.HUMAN, 0.04)
    np.testing.assert_array_equal(got.stiffness, sent.stiffness)
    assert 0.0 < got.valid_until - rig.plant.now() <= 0.3 + 1e-6  # some of it is spent on the way


def test_no_stiffness_stays_none():
    record = np.zeros((), COMMAND)
    write_command(record, command())
    assert read_command(record).stiffness is None


@pytest.mark.parametrize("pose", [np.full(7, np.nan), np.r_[np.inf, HOME[1:]]])
def test_what_the_plant_refuses_is_counted(rig, pose):
    rig.send(command(pose=pose))
    assert rig.steps()["rejected"] == 1
    rig.send(command(seq=2))
    assert rig.steps()["rejected"] == 1
    assert len(rig.plant.sent) == 1


@pytest.mark.parametrize(("field", "value"), [("seq", np.nan), ("seq", 1e300), ("source", np.nan), ("source", 9.0)])
def test_a_command_from_nobody_is_counted_and_holds(rig, field, value):
    record = np.zeros((), COMMAND)
    write_command(record, command())
    record[field] = value
    stops = rig.plant.stops
    rig.bridge.put_command(record.reshape(1).view(np.float64))
    assert rig.steps()["rejected"] == 1
    assert rig.plant.stops == stops + 1
    assert not rig.plant.sent


def test_a_silent_bridge_holds_and_its_last_command_is_dropped(rig):
    rig.steps()
    stops = rig.plant.stops
    time.sleep(0.25)
    rig.send(command())
    rig.loop.step()
    assert rig.plant.stops == stops + 1
    rig.loop.step()
    assert rig.plant.stops == stops + 1, "one hold is enough"
    assert rig.steps(2)["connected"] == 1
    assert not rig.plant.sent, "a command from before the silence must not move the arm after it"
    rig.send(command(seq=2))
    rig.steps()
    assert len(rig.plant.sent) == 1


def test_a_halted_arm_takes_neither_commands_nor_resets(rig):
    rig.bridge.halt("camera_front was killed")
    ticket = rig.bridge.ask_reset(3)
    rig.send(command())
    record = rig.steps(3)
    assert record["halted"] == 1
    assert rig.plant.stops >= 1
    assert not rig.plant.sent
    assert not rig.bridge.reset_done(ticket)


def test_reset_and_stop(rig):
    ticket, stops = rig.bridge.ask_reset(3), rig.plant.stops
    record = rig.steps()
    assert rig.bridge.reset_done(ticket)
    assert (record["resets"], record["seed"]) == (1, 3)
    assert record["ee_pose"][2] == pytest.approx(0.403)
    rig.bridge.ask_stop()
    rig.steps()
    assert rig.plant.stops == stops + 1


def test_ticks_are_counted_and_timed(rig):
    before = int(rig.steps()["ticks"])
    record = rig.steps(50)
    assert record["ticks"] - before >= 50
    assert rig.loop.compute.counts.sum() >= 50
