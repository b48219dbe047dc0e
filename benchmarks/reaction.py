"""How soon the arm reacts: to commands that stay away, to a bridge that dies, to a stop, and others to a dead loop.

In lockstep every figure is a number of ticks of the twin. Between processes the arm runs as on a real robot: its own
process, its own clock; this one plays the bridge, and both read one monotonic clock.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import mujoco
import numpy as np
from peers import result

from controllers.guard.lifecycle import Ask
from controllers.guard.supervisor import Measurement, Supervisor
from controllers.loop.alarm import LoopAlarm
from controllers.loop.exchange import Exchange, shared_path
from controllers.loop.snapshot import COMMAND, dtype_from_names, names, snapshot_dtype, write_command
from controllers.loop.words import HOLD
from controllers.parameters.presets import preset
from robot_rl.core.records import Command, Mode
from sim.twin import Twin

HOLD_AFTER = 0.1
"""Of the twin's station: a bridge that is silent for this long makes the arm hold [s]."""
REST = 0.05
"""Joint speed, as a norm, below which an arm is at rest; a faster one is not activated either [rad/s]."""
LIMITS = {
    "hold after the time-out, ticks": 1,
    "at rest after the hold, s": 0.5,
    "stop in lockstep, ticks": 1,
    "stop between processes, median ms": 2.0,
    "dead loop noticed, ms": 5.0,
}


class Guarded:
    """A twin under its guard in lockstep, moving sideways at full speed."""

    def __init__(self) -> None:
        self.twin = Twin("reach", preset("rl_explore"), ())
        self.twin.reset(0)
        self.state = self.twin.controller.state
        self.supervisor = Supervisor(self.twin.controller)
        self.supervisor.configure()
        data = self.twin.data
        self.joints = data.qpos[:7], data.qvel[:7]
        self.supervisor.reset(*self.joints)
        start = self.state["ee_pose"].copy()
        for k in range(5):
            pose = start + np.array([0.0, 0.06 * (k + 1), 0.0, 0.0, 0.0, 0.0, 0.0])
            self.until = self.now + 0.15
            stamps = {"stamp": self.now, "valid_until": self.until, "duration": 0.1}
            self.supervisor.submit(Command(seq=k + 1, pose=pose, gripper=0.0, **stamps), self.now)
            for _ in range(100):
                self.tick()

    @property
    def now(self) -> float:
        """Time of the next tick [s]."""
        return float(self.twin.data.time)

    def tick(self) -> np.ndarray:
        """One guarded tick and one step of the physics; the torque."""
        data, (q, dq) = self.twin.data, self.joints
        tau = self.supervisor.tick(Measurement(q=q, dq=dq, tau_external=data.qfrc_constraint[:7], now=self.now))
        data.qfrc_applied[:7] = tau
        mujoco.mj_step(self.twin.model, data)
        return tau

    def rest_after(self, start: float) -> float:
        """Time from ``start`` [s] until no more speed above ``REST``; 1.5 s are looked at."""
        last = start
        for _ in range(1500):
            self.tick()
            if np.linalg.norm(self.joints[1]) > REST:
                last = self.now
        return round(last - start, 3)


def lost_commands() -> dict[str, float]:
    """Commands stay away: ticks from the end of the time-out to the hold, and time from there to rest."""
    arm = Guarded()
    speed = float(np.linalg.norm(arm.joints[1]))
    while arm.state["mode"] != Mode.HOLD:
        arm.tick()
    held = float(arm.state["stamp"])
    timeout = float(arm.twin.controller.config["hold_timeout"])
    ticks = round((held - arm.until - timeout) / arm.twin.period)
    return {"joint_speed_before": round(speed, 3), "hold_ticks": ticks, "rest_s": arm.rest_after(held)}


def software_stop() -> dict[str, float]:
    """A stop in lockstep: ticks until the torque takes power out of the motion, and time to rest."""
    arm = Guarded()
    arm.supervisor.ask(Ask.STOP)
    asked, before = arm.now, arm.state["tau"].copy()
    ticks = 0
    while True:
        dq = arm.joints[1].copy()
        ticks += 1
        if float((arm.tick() - before) @ dq) < 0.0:
            break
        before = arm.state["tau"].copy()
    return {"first_braking_torque_ticks": ticks, "rest_s": arm.rest_after(asked)}


class Bridge:
    """This process as the bridge of an arm process."""

    def __init__(self, name: str) -> None:
        self.exchange = Exchange.attach(name, 600.0, writer=True)
        info = self.exchange.info
        self.record = np.zeros((), snapshot_dtype(int(info["joints"]), tuple(info["objects"])))
        assert dtype_from_names(tuple(names(self.record.dtype))) == self.record.dtype
        self.command, self.seq = np.zeros((), COMMAND), 0
        self.beat(0.3)

    def beat(self, seconds: float) -> None:
        """Live for a while."""
        end = time.monotonic() + seconds
        while True:
            self.exchange.beat(time.monotonic())
            if time.monotonic() >= end:
                break
            time.sleep(0.005)
        self.exchange.read(self.record.reshape(1).view(np.float64))

    def move(self) -> None:
        """Send the arm a little to one side or the other."""
        self.seq += 1
        now = time.monotonic()
        pose = np.array(self.record["ee_pose"]) + np.array([0.0, 0.03 * (-1) ** self.seq, 0.0, 0.0, 0.0, 0.0, 0.0])
        stamps = {"stamp": now, "valid_until": now + 0.3, "duration": 0.1}
        write_command(self.command, Command(seq=self.seq, pose=pose, gripper=0.04, **stamps))
        self.exchange.put_command(self.command.reshape(1).view(np.float64))


@contextmanager
def arm_process() -> Iterator[tuple[subprocess.Popen[bytes], Bridge]]:
    """The arm of the station ``twin``, in a process of its own."""
    name = f"reaction.{os.getpid()}"
    call = [sys.executable, "-m", "robot_rl.nodes.arm_process", "--graph", name, "--parent", str(os.getpid())]
    process = subprocess.Popen(call)
    try:
        yield process, Bridge(name)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        process.wait(20.0)
        for left in shared_path(name).parent.glob(f"{shared_path(name).name}*"):
            left.unlink()


def milliseconds(values: list[float]) -> dict[str, float]:
    """Median and extremes of times [s], in ms."""
    low, middle, high = np.percentile(np.array(values) * 1e3, [0, 50, 100])
    return {"median_ms": round(float(middle), 3), "best_ms": round(float(low), 3), "worst_ms": round(float(high), 3)}


def wait_for_hold(bridge: Bridge, since: float, beating: bool) -> float:
    """When the first torque after ``since`` [s] that answers something was applied [s]."""
    end = time.monotonic() + 2.0
    while bridge.exchange.held_at() <= since and time.monotonic() < end:
        if beating:
            bridge.exchange.beat(time.monotonic())
        time.sleep(0.0005)
    return bridge.exchange.held_at()


def stops(bridge: Bridge, count: int) -> dict[str, float]:
    """A stop is asked for while the arm moves: time to the first torque of the tick that knows."""
    waits, rng = [], np.random.default_rng(0)
    for _ in range(count):
        bridge.move()
        bridge.beat(0.02 + 0.002 * rng.random())
        asked = time.monotonic()
        bridge.exchange.ask(HOLD)
        waits.append(wait_for_hold(bridge, asked, beating=True) - asked)
    return milliseconds(waits)


def losses(bridge: Bridge, count: int) -> dict[str, float]:
    """The bridge falls silent while the arm moves: time to the hold, beyond the time that it may be silent."""
    waits = []
    for _ in range(count):
        bridge.beat(0.05)
        bridge.move()
        bridge.beat(0.02)
        last = time.monotonic()
        bridge.exchange.beat(last)
        waits.append(wait_for_hold(bridge, last, beating=False) - last - HOLD_AFTER)
    return milliseconds(waits)


def dead_loops(process: subprocess.Popen[bytes], bridge: Bridge, count: int) -> dict[str, float]:
    """The arm process is stopped, and at last killed: time from its last turn to when the alarm noticed."""
    waits, alarm = [], LoopAlarm(bridge.exchange, priority=20)
    for k in range(count):
        bridge.beat(0.1)
        before = alarm.stalls
        process.send_signal(signal.SIGKILL if k == count - 1 else signal.SIGSTOP)
        time.sleep(0.03)
        assert alarm.stalls > before, "a dead loop was not noticed"
        waits.append(alarm.reaction)
        process.send_signal(signal.SIGCONT)
    alarm.close()
    return milliseconds(waits)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few samples only")
    count = 5 if parser.parse_args().quick else 100
    figures: dict[str, object] = {"commands_lost": lost_commands(), "stop_in_lockstep": software_stop()}
    with arm_process() as (process, bridge):
        figures["stop_between_processes"] = stops(bridge, count)
        figures["bridge_lost_beyond_timeout"] = losses(bridge, max(3, count // 5))
        bridge.beat(0.6)
        figures["loop_lateness_us"] = {
            name: round(float(bridge.record[f"lateness_{name}"]) * 1e6, 1) for name in ("p50", "p99", "max")
        }
        figures["real_time_priority"] = bool(bridge.record["fifo"])
        figures["dead_loop_noticed"] = dead_loops(process, bridge, max(3, count // 5))
    result("reaction", figures, {}, LIMITS)


if __name__ == "__main__":
    main()
