"""A robot of paper in real time, whose driver holds the interpreter while it waits, behind the loop of such robots."""

import ctypes
import gc
import os
import sys
import time
from contextlib import contextmanager

import numpy as np
from paper_link import Link

from controllers.guard.lifecycle import Phase
from controllers.guard.requests import ArmRequests
from controllers.loop.arm_loop import ArmLoop
from controllers.loop.exchange import Exchange
from controllers.loop.realtime_loop import LoopSettings
from controllers.loop.snapshot import COMMAND, snapshot_dtype, write_command
from controllers.parameters.presets import preset
from drivers.driven_arm import DrivenArm
from drivers.link import ArmRefusedError
from robot_rl.core.records import Command

HOLDING_THE_INTERPRETER = ctypes.PyDLL(None)


class PacedLink(Link):
    """Sends a packet every ms of real time, and holds the interpreter while it waits, as pylibfranka does."""

    def __init__(self):
        super().__init__()
        self.next, self.refuses, self.lose, self.late, self.moves = time.monotonic(), "", 0, [], False

    def take_control(self):
        if self.refuses:
            raise ArmRefusedError(self.refuses)
        return super().take_control()

    def read(self):
        self.next = max(self.next + self.period, time.monotonic())
        wait = self.next - time.monotonic()
        if wait > 2e-5:
            HOLDING_THE_INTERPRETER.usleep(int(1e6 * wait))
        self.packet.lost, self.lose = self.lose, 0
        if self.moves and self.sent:
            self.packet.dq += self.period * self.sent[-1]
            self.packet.q += self.period * self.packet.dq
        self.came = time.monotonic()
        return super().read()

    def write(self, tau):
        super().write(tau)
        self.late.append(time.monotonic() - self.came)

    def peek(self):
        time.sleep(self.period)
        return super().peek()


class Rig:
    def __init__(self, link, around=None):
        self.link, self.arm = link, DrivenArm(link, preset("rl_explore"), around)
        self.arm.open()
        dtype = snapshot_dtype(7, ())
        name, sizes = f"test.loop.{os.getpid()}.{time.monotonic_ns()}", (dtype.itemsize // 8, COMMAND.itemsize // 8)
        self.exchange = Exchange.create(name, sizes, {})
        self.loop = ArmLoop(self.arm, self.exchange, LoopSettings(hold_after=5.0))
        self.desk = ArmRequests(self.loop, self.loop.supervisor)
        self.record = np.zeros((), dtype)

    def read(self):
        self.exchange.read(self.record.reshape(1).view(np.float64))
        return self.record

    def phase(self):
        return Phase(int(self.read()["phase"]))

    def until(self, condition, patience=20.0):
        end = time.monotonic() + patience
        while not condition() and time.monotonic() < end:
            self.exchange.beat(time.monotonic())
            self.loop.serve()
            time.sleep(0.005)
        return condition()

    def activate(self):
        self.desk.activate({})
        return self.until(lambda: self.phase() is Phase.ACTIVE)

    def lead(self):
        record, now = np.zeros((), COMMAND), time.monotonic()
        pose = self.read()["ee_pose"] + np.array([0, 0, 0.02, 0, 0, 0, 0])
        write_command(record, Command(seq=1, stamp=now, valid_until=now + 5.0, duration=0.1, pose=pose, gripper=0.0))
        self.exchange.put_command(record.reshape(1).view(np.float64))

    def end(self):
        self.loop.close()
        self.exchange.unlink()
        self.arm.close()


@contextmanager
def quick_switches():
    """Threads hand the interpreter over as in the arm's process; afterwards all is as it was."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    yield
    sys.setswitchinterval(interval)
    gc.unfreeze()
    gc.enable()
