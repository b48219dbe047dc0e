"""A UR e-Series robot on the wire: dashboard (29999), script (30003) and RTDE version 2 (30004).

The script that ``ur_rtde`` uploads is not interpreted: its part is played here, command registers in, status registers
out, for the commands that the driver uses. While commands come, one period passes per command (lockstep, so that a slow
machine changes nothing); else time passes as on the clock.
"""

import argparse
import select
import socket
import struct
import time

import numpy as np
from arm_physics import ArmPhysics

from controllers.arms.ur5e import ur5e

PERIOD = 0.002
PATIENCE = 0.3
PORTS = (29999, 30001, 30002, 30003, 30004)
READY, DONE = 1, 2
CLEAR, SPEED_J, SPEED_STOP, DIRECT_TORQUE, STOP_SCRIPT = 0, 9, 15, 66, 255
CONTINUOUS = (SPEED_J, DIRECT_TORQUE)
PROTOCOL, CONTROLLER, DATA, OUTPUTS, INPUTS, START, PAUSE = 86, 118, 85, 79, 73, 83, 80
FORMATS = {"INT32": "i", "UINT32": "I", "DOUBLE": "d", "VECTOR6D": "6d"}


def type_of(name):
    """The RTDE type of a variable, of those that the driver and the library ask for."""
    if "_int_register" in name:
        return "INT32"
    if name in ("robot_status_bits", "safety_status_bits", "runtime_state"):
        return "UINT32"
    return "VECTOR6D" if name.startswith(("actual_q", "actual_TCP", "external_force")) else "DOUBLE"


class Robot:
    def __init__(self, flags):
        self.flags = flags
        self.physics = ArmPhysics(ur5e(), PERIOD)
        self.physics.data.qpos[:] += flags.offset
        self.registers = {}
        self.status = READY
        self.running, self.stopped, self.ticks, self.time = False, False, 0, 10.0
        self.fresh, self.moving = False, False

    def value(self, name):
        fixed = {
            "timestamp": self.time,
            "actual_q": self.physics.q,
            "actual_qd": self.physics.dq,
            "actual_TCP_force": np.full(6, self.flags.push),
            "robot_status_bits": 3 if self.running else 1,
            "safety_status_bits": 4 if self.stopped else 1,
            "runtime_state": 2 if self.running else 1,
            "output_int_register_0": self.status,
        }
        return fixed.get(name, 0)

    def command(self, number):
        if number == CLEAR:
            self.status = READY
        elif number in CONTINUOUS:
            self.fresh = self.moving = True
        elif number == STOP_SCRIPT:
            self.running = self.moving = False
        else:
            self.moving = self.moving and number != SPEED_STOP
            self.status = READY if number == self.flags.watchdog else DONE

    def step(self):
        values = np.array([self.registers.get(f"input_double_register_{i}", 0.0) for i in range(8)])
        number = self.registers.get("input_int_register_0", 0)
        data = self.physics.data
        if not (self.moving and self.running) or self.stopped or self.ticks == self.flags.stuck_at:
            self.physics.brake()
        elif number == DIRECT_TORQUE:
            self.physics.step(values[:6])
        else:
            reach = values[6] * PERIOD
            data.qvel[:] += np.clip(values[:6] - data.qvel, -reach, reach)
            data.qpos[:] += PERIOD * data.qvel
        self.time += PERIOD
        self.ticks += self.moving
        if self.ticks == self.flags.stop_at:
            self.stopped, self.running, self.moving = True, False, False


class Client:
    """One RTDE connection."""

    def __init__(self, line, robot):
        self.line, self.robot, self.buffer = line, robot, b""
        self.outputs, self.recipes, self.started = [], {}, False

    def send(self, kind, payload):
        self.line.sendall(struct.pack(">HB", 3 + len(payload), kind) + payload)

    def take(self):
        data = self.line.recv(65536)
        if not data:
            raise ConnectionError
        self.buffer += data
        while len(self.buffer) >= 3:
            size, kind = struct.unpack_from(">HB", self.buffer)
            if len(self.buffer) < size:
                return
            body, self.buffer = self.buffer[3:size], self.buffer[size:]
            self.answer(kind, body)

    def answer(self, kind, body):
        if kind == PROTOCOL:
            self.send(kind, b"\x01")
        elif kind == CONTROLLER:
            self.send(kind, struct.pack(">4I", *self.robot.flags.polyscope, 0, 1))
        elif kind == OUTPUTS:
            self.outputs = [name for name in body[8:].decode().split(",") if name]
            self.send(kind, b"\x01" + ",".join(map(type_of, self.outputs)).encode())
        elif kind == INPUTS:
            names = [name for name in body.decode().split(",") if name]
            self.recipes[len(self.recipes) + 1] = names
            self.send(kind, bytes([len(self.recipes)]) + ",".join(map(type_of, names)).encode())
        elif kind in (START, PAUSE):
            self.started = kind == START
            self.send(kind, b"\x01")
        elif kind == DATA:
            self.inputs(body)

    def inputs(self, body):
        names, place = self.recipes[body[0]], 1
        for name in names:
            form = ">" + FORMATS[type_of(name)]
            values = struct.unpack_from(form, body, place)
            self.robot.registers[name] = values[0]
            place += struct.calcsize(form)
        self.robot.command(self.robot.registers["input_int_register_0"])

    def publish(self):
        payload = b"\x01"
        for name in self.outputs:
            payload += struct.pack(">" + FORMATS[type_of(name)], *np.atleast_1d(self.robot.value(name)))
        self.send(DATA, payload)


class Server:
    """All ports of one robot."""

    def __init__(self, flags):
        self.robot = Robot(flags)
        self.listeners = {socket.create_server((flags.address, port)): port for port in PORTS}
        self.lines, self.clients = {}, {}

    def dashboard(self, line, text):
        version = "URSoftware {}.{}.0.1 (Jan 01 2026)\n".format(*self.robot.flags.polyscope)
        answers = {"polyscopeversion": version, "is in remote control": "true\n", "get serial number": "20250000\n"}
        line.sendall(answers.get(text.strip().lower(), "done\n").encode())

    def handle(self, line):
        if line in self.listeners:
            new, _ = line.accept()
            new.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            port = self.listeners[line]
            self.lines[new] = port
            if port == 30004:
                self.clients[new] = Client(new, self.robot)
            elif port == 29999:
                new.sendall(b"Connected: Universal Robots Dashboard Server\n")
            return
        if line in self.clients:
            self.clients[line].take()
            return
        data = line.recv(65536)
        if not data:
            raise ConnectionError
        if self.lines[line] == 29999:
            self.dashboard(line, data.decode())
        elif not self.robot.stopped:
            self.robot.running, self.robot.status = True, READY

    def listen(self, wait):
        ready = select.select([*self.listeners, *self.lines], [], [], wait)[0]
        for line in ready:
            try:
                self.handle(line)
            except (ConnectionError, OSError):
                self.drop(line)

    def drop(self, line):
        self.lines.pop(line, None)
        self.clients.pop(line, None)
        line.close()

    def run(self):
        while True:
            robot, began = self.robot, time.monotonic()
            lockstep = robot.moving and robot.running
            while time.monotonic() - began < (PATIENCE if lockstep else PERIOD) and not (lockstep and robot.fresh):
                self.listen(5e-4)
                if lockstep and not robot.moving:
                    break
            robot.fresh = False
            if robot.flags.real_time:
                time.sleep(max(0.0, began + PERIOD - time.monotonic()))
            robot.step()
            for line, client in list(self.clients.items()):
                try:
                    if client.started:
                        client.publish()
                except OSError:
                    self.drop(line)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("--polyscope", type=int, nargs=2, default=(5, 26))
    parser.add_argument("--push", type=float, default=0.0)
    parser.add_argument("--offset", type=float, default=0.0)
    parser.add_argument("--watchdog", type=int, default=99)
    parser.add_argument("--real-time", action="store_true")
    for name in ("--stop-at", "--stuck-at"):
        parser.add_argument(name, type=int, default=-1)
    server = Server(parser.parse_args())
    print("ready", flush=True)  # noqa: T201  (the test waits for it)
    server.run()


if __name__ == "__main__":
    main()
