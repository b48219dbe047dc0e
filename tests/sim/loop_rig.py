"""A real-time loop over a twin, driven from the same process as a bridge would drive it."""

import gc
import os
import time

import numpy as np

from controllers.loop.exchange import Exchange
from controllers.loop.realtime_loop import LoopSettings, RealtimeLoop
from controllers.loop.snapshot import COMMAND, read_state, snapshot_dtype, write_command
from controllers.parameters.presets import preset
from robot_rl.core.records import Command
from sim.twin import Twin


class LoopRig:
    """``with LoopRig() as rig``: the loop runs; this side beats, commands and reads."""

    def __init__(self, scene="reach", **settings):
        self.twin = Twin(scene, preset("rl_explore"), ())
        self.twin.reset(0)
        dtype = snapshot_dtype(7, tuple(self.twin.objects()))
        sizes = (dtype.itemsize // 8, COMMAND.itemsize // 8)
        self.name = f"test.{os.getpid()}.{time.monotonic_ns()}"
        exchange = Exchange.create(self.name, sizes, {"objects": list(self.twin.objects()), "joints": 7})
        self.loop = RealtimeLoop(self.twin, exchange, LoopSettings(**settings))
        self.bridge = Exchange.attach(self.name, 1.0, writer=True)
        self.record = np.zeros((), dtype)

    def __enter__(self):
        self.bridge.beat(time.monotonic())
        self.loop.start()
        self.bridge.beat(time.monotonic())
        return self

    def __exit__(self, *exc):
        self.loop.close()
        self.loop.exchange.unlink()
        gc.unfreeze()
        gc.enable()

    def send(self, **changes):
        now = time.monotonic()
        fields = {"stamp": now, "seq": 1, "valid_until": now + 0.3, "duration": 0.1, "gripper": 0.04, **changes}
        put(self.bridge, Command(**fields))

    def wait(self, seconds, beat=True):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if beat:
                self.bridge.beat(time.monotonic())
            self.loop.serve()
            time.sleep(0.005)
        return self.read()

    def until(self, condition, patience=20.0):
        """Go on beating until something is so."""
        end = time.monotonic() + patience
        while not condition():
            assert time.monotonic() < end
            self.wait(0.002)

    def read(self):
        self.bridge.read(self.record.reshape(1).view(np.float64))
        return self.record

    def state(self):
        return read_state(self.record)

    def advance(self, ticks):
        """In lockstep: run so many ticks."""
        goal = self.bridge.total + ticks
        self.bridge.advance_to(goal)
        end = time.monotonic() + 20.0
        while self.bridge.total < goal:
            assert time.monotonic() < end
            time.sleep(0.0005)
        return self.read()


def put(exchange, command):
    record = np.zeros((), COMMAND)
    write_command(record, command)
    exchange.put_command(record.reshape(1).view(np.float64))


def script(start, length=12):
    """Commands (tick, Command) with times in the plant's own clock: moves, a push too far, a stiffer spring."""
    rng = np.random.default_rng(3)
    for k in range(length):
        now = 0.1 * k
        pose = start + np.r_[rng.uniform(-0.04, 0.04, 3), np.zeros(4)]
        stiffness = np.array([200.0 + 50 * k, 20.0]) if k % 3 == 0 else None
        yield (
            100 * k,
            Command(
                stamp=now,
                seq=k + 1,
                valid_until=now + 0.25,
                duration=0.1,
                pose=pose,
                gripper=0.04,
                stiffness=stiffness,
            ),
        )


def digest_of(torques):
    """What the loop's digest is after these torques (t, n): FNV-1a over their bits, then 53 bits of it."""
    value, mask = 1469598103934665603, (1 << 64) - 1
    for word in np.ascontiguousarray(torques).view(np.uint64).ravel():
        value = ((value ^ int(word)) * 1099511628211) & mask
    return float(value & ((1 << 53) - 1))


def twin_torques(twin, length=12):
    """The torques (t, 7) of a bare twin in lockstep under ``script``, 100 ticks per command."""
    twin.reset(0)
    torques = []
    for _, command in script(twin.controller.state["ee_pose"].copy(), length):
        twin.send(command)
        for _ in range(100):
            twin.advance(1)
            torques.append(twin.controller.state["tau"].copy())
    return np.array(torques)
