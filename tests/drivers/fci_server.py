"""A Franka robot's control interface, version 10, on the wire: TCP for requests, UDP for states and torques.

Time passes in lockstep: one step of physics per answered state, so a slow machine changes nothing. Run as a process:
the real client holds the GIL while it waits. Faults are injected by flags, at a tick counted from the first torque.
"""

import argparse
import select
import socket
import struct
import time

import numpy as np
from arm_physics import ArmPhysics
from arm_urdf import urdf_of

from drivers.franka import arm_of

MOVE, STOP_MOVE, RECOVERY, GET_MODEL = 1, 2, 10, 11
IDLE, MOVING, REFLEX, USER_STOPPED = 1, 2, 4, 5
SUCCESS, STARTED, PREEMPTED, REFLEX_ABORTED, ABORTED = 0, 1, 2, 8, 11
NONE, EXTERNAL, OTHER = 5, 2, 3
CARTESIAN_REFLEX = 7
HEADER = struct.Struct("<III")
BLOCKS = (
    "O_T_EE:16 O_T_EE_d:16 F_T_EE:16 EE_T_K:16 F_T_NE:16 NE_T_EE:16 m_ee:1 I_ee:9 F_x_Cee:3 m_load:1 I_load:9 "
    "F_x_Cload:3 elbow:2 elbow_d:2 tau_J:7 tau_J_d:7 dtau_J:7 q:7 q_d:7 dq:7 dq_d:7 ddq_d:7 joint_contact:7 "
    "cartesian_contact:6 joint_collision:7 cartesian_collision:6 tau_ext_hat_filtered:7 O_F_ext_hat_K:6 "
    "K_F_ext_hat_K:6 O_dP_EE_d:6 O_ddP_O:3 elbow_c:2 delbow_c:2 ddelbow_c:2 O_T_EE_c:16 O_dP_EE_c:6 O_ddP_EE_c:6 "
    "theta:7 dtheta:7 accelerometer_top:18 accelerometer_bottom:18"
)
STATE = np.dtype(
    [("message_id", "<u8")]
    + [(name, "<f4", (int(size),)) for name, size in (block.split(":") for block in BLOCKS.split())]
    + [("generator", "u1"), ("controller", "u1"), ("errors", "u1", (41,)), ("reasons", "u1", (41,))]
    + [("mode", "u1"), ("success_rate", "<f4")]
)
COMMAND = np.dtype(
    [
        ("message_id", "<u8"),
        ("motion", "<f8", (38,)),
        ("valid_elbow", "u1"),
        ("finished", "u1"),
        ("tau", "<f8", (7,)),
        ("torque_finished", "u1"),
    ]
)


class Robot:
    def __init__(self, flags):
        self.flags = flags
        self.physics = ArmPhysics(arm_of(flags.version), 0.001, flags.wall)
        self.urdf = urdf_of(self.physics.arm)
        self.tau, self.message_id, self.ticks = np.zeros(7), 1000, 0
        self.mode, self.reason = flags.mode, 0
        self.move_id = None
        self.seen = []

    def state(self):
        record = np.zeros((), STATE)
        record["message_id"] = self.message_id
        record["q"], record["dq"] = self.physics.q, self.physics.dq + self.flags.creep
        if 0 <= self.flags.garble_at <= self.ticks:
            record["q"] = np.nan
        record["tau_J_d"] = self.tau
        record["tau_J"] = self.tau + self.physics.gravity()
        record["O_ddP_O"] = [0.0, 0.0, -9.81]
        record["tau_ext_hat_filtered"] = self.physics.external + self.flags.load
        moving = self.mode == MOVING
        record["generator"], record["controller"] = (NONE, EXTERNAL) if moving else (0, OTHER)
        record["mode"], record["success_rate"] = self.mode, 1.0 if moving else 0.0
        if self.mode == REFLEX:
            record["errors"][CARTESIAN_REFLEX] = record["reasons"][CARTESIAN_REFLEX] = 1
        return record.tobytes()

    def step(self):
        if self.mode == MOVING:
            self.physics.step(self.tau)
        else:
            self.tau[:] = 0.0
            self.physics.brake()
        self.message_id += 1

    def end(self, mode):
        self.mode, self.tau[:], move, self.move_id = mode, 0.0, self.move_id, None
        return move


class Session:
    """One client, from its connection to its end."""

    def __init__(self, robot, line, udp):
        self.robot, self.line, self.udp, self.client = robot, line, udp, None

    def receive(self, size):
        data = b""
        while len(data) < size:
            part = self.line.recv(size - len(data))
            if not part:
                raise ConnectionError
            data += part
        return data

    def answer(self, command, ident, status, extra=b""):
        payload = bytes([status]) + extra
        self.line.sendall(HEADER.pack(command, ident, HEADER.size + len(payload)) + payload)

    def connect(self):
        command, ident, size = HEADER.unpack(self.receive(HEADER.size))
        version, port = struct.unpack("<HH", self.receive(size - HEADER.size))
        spoken = self.robot.flags.version
        self.answer(command, ident, 0 if version == spoken else 1, struct.pack("<H", spoken))
        self.client = (self.line.getpeername()[0], port)
        return version == spoken

    def requests(self):
        while select.select([self.line], [], [], 0.0)[0]:
            command, ident, size = HEADER.unpack(self.receive(HEADER.size))
            self.receive(size - HEADER.size)
            robot = self.robot
            if command == MOVE:
                robot.mode, robot.move_id, robot.ticks = MOVING, ident, 0
                self.answer(command, ident, STARTED)
                continue
            self.answer(command, ident, SUCCESS, self.robot.urdf if command == GET_MODEL else b"")
            if command == STOP_MOVE and robot.move_id is not None:
                self.answer(MOVE, robot.end(IDLE), PREEMPTED)
            if command == RECOVERY:
                robot.mode = IDLE

    def take(self):
        """The torque that answers the state just sent; without one the last is held."""
        robot = self.robot
        patience = 0.5 if robot.ticks else 0.002
        if not select.select([self.udp], [], [], patience)[0]:
            return
        command = np.frombuffer(self.udp.recv(COMMAND.itemsize), COMMAND)[0]
        robot.tau[:] = command["tau"]
        robot.ticks += 1
        if command["finished"] or command["torque_finished"]:
            self.answer(MOVE, robot.end(IDLE), SUCCESS)

    def inject(self):
        robot, flags = self.robot, self.robot.flags
        if robot.ticks == flags.lose_at and flags.lose:
            for _ in range(flags.lose):
                robot.step()
        if robot.ticks == flags.reflex_at and robot.mode == MOVING:
            self.answer(MOVE, robot.end(REFLEX), REFLEX_ABORTED)
        if robot.ticks == flags.drop_at and robot.mode == MOVING:
            raise ConnectionError

    def run(self):
        if not self.connect():
            return
        due = time.monotonic()
        while True:
            self.requests()
            self.udp.sendto(self.robot.state(), self.client)
            if self.robot.mode == MOVING:
                self.take()
            else:
                select.select([self.line], [], [], 0.001)
            self.robot.step()
            self.inject()
            due = max(due + 0.001, time.monotonic() - 0.005)
            time.sleep(max(0.0, due - time.monotonic()) if self.robot.flags.real_time else 0.0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("--version", type=int, default=10)
    parser.add_argument("--mode", type=int, default=IDLE)
    parser.add_argument("--creep", type=float, default=0.0)
    parser.add_argument("--load", type=float, default=0.0)
    parser.add_argument("--wall", type=float)
    parser.add_argument("--lose", type=int, default=0)
    parser.add_argument("--real-time", action="store_true")
    for name in ("--lose-at", "--reflex-at", "--drop-at", "--garble-at"):
        parser.add_argument(name, type=int, default=-1)
    flags = parser.parse_args()
    server = socket.create_server((flags.address, 1337))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((flags.address, 0))
    robot = Robot(flags)
    print("ready", flush=True)  # noqa: T201  (the test waits for it)
    while True:
        line, _ = server.accept()
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            Session(robot, line, udp).run()
        except (ConnectionError, OSError):
            robot.end(IDLE if robot.mode == MOVING else robot.mode)
        finally:
            line.close()


if __name__ == "__main__":
    main()
