"""Grippers on the wire: a Franka hand (version 3, TCP 1338 and UDP) and a Robotiq behind its URCap (text, TCP 63352).

The fingers close until they meet an object, if ``--object`` says how wide one is. Run as a process: the real client
holds the GIL while it waits.
"""

import argparse
import select
import socket
import struct
import time

HEADER = struct.Struct("<HII")
STATE = struct.Struct("<IddBH")
CONNECT, HOMING, GRASP, MOVE, STOP = range(5)
FAIL = 1


class Fingers:
    def __init__(self, flags):
        self.flags, self.width, self.target = flags, flags.start, flags.start

    def step(self, dt):
        least = self.flags.object if self.width >= self.flags.object else 0.0
        goal = max(self.target, least)
        reach = 0.1 * dt
        self.width += min(max(goal - self.width, -reach), reach)

    @property
    def arrived(self):
        return abs(self.width - max(self.target, self.flags.object if self.target < self.flags.object else 0.0)) < 1e-6


class Hand:
    """One client of a Franka hand."""

    def __init__(self, flags, fingers, line, udp):
        self.flags, self.fingers, self.line, self.udp = flags, fingers, line, udp
        self.number, self.client, self.waiting = 0, None, None

    def answer(self, command, ident, *values):
        payload = struct.pack(f"<{len(values)}H", *values)
        self.line.sendall(HEADER.pack(command, ident, HEADER.size + len(payload)) + payload)

    def request(self):
        head = self.line.recv(HEADER.size, socket.MSG_WAITALL)
        if not head:
            raise ConnectionError
        command, ident, size = HEADER.unpack(head)
        body = self.line.recv(size - HEADER.size, socket.MSG_WAITALL) if size > HEADER.size else b""
        if command == CONNECT:
            self.client = (self.line.getpeername()[0], struct.unpack("<HH", body)[1])
            self.answer(command, ident, 0, 3)
        elif self.flags.broken:
            self.answer(command, ident, FAIL)
        else:
            self.fingers.target, self.waiting = struct.unpack_from("<d", body)[0], (command, ident)

    def run(self):
        while True:
            if select.select([self.line], [], [], 0.01)[0]:
                self.request()
            self.fingers.step(0.01)
            if self.waiting and self.fingers.arrived:
                self.answer(*self.waiting, 0)
                self.waiting = None
            if self.client:
                self.number += 1
                self.udp.sendto(STATE.pack(self.number, self.fingers.width, self.flags.widest, 0, 30), self.client)


def franka(flags):
    fingers, server = Fingers(flags), socket.create_server((flags.address, 1338))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    print("ready", flush=True)  # noqa: T201  (the test waits for it)
    while True:
        line, _ = server.accept()
        try:
            Hand(flags, fingers, line, udp).run()
        except OSError:
            line.close()


def robotiq(flags):
    fingers, server = Fingers(flags), socket.create_server((flags.address, 63352))
    values = {"STA": flags.status, "GTO": 0, "SPE": 0, "FOR": 0}
    print("ready", flush=True)  # noqa: T201  (the test waits for it)
    while True:
        line, _ = server.accept()
        last = time.monotonic()
        while text := line.recv(1024).decode():
            now = time.monotonic()
            fingers.step(now - last)
            last = now
            for words in map(str.split, text.splitlines()):
                if words[:2] == ["SET", "POS"]:
                    if values["GTO"] == 1:
                        fingers.target = flags.widest * (1 - int(words[2]) / 255)
                    line.sendall(b"ack")
                elif words[0] == "SET":
                    values[words[1]] = int(words[2])
                    line.sendall(b"?" if flags.broken else b"ack")
                elif words[1] == "POS":
                    line.sendall(f"POS {round(255 * (1 - fingers.width / flags.widest))}".encode())
                else:
                    line.sendall(f"{words[1]} {values[words[1]]}".encode())
        line.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("kind", choices=["franka_hand", "robotiq"])
    parser.add_argument("--start", type=float, default=0.04)
    parser.add_argument("--object", type=float, default=0.0)
    parser.add_argument("--widest", type=float, default=0.08)
    parser.add_argument("--status", type=int, default=3)
    parser.add_argument("--broken", action="store_true")
    flags = parser.parse_args()
    (franka if flags.kind == "franka_hand" else robotiq)(flags)


if __name__ == "__main__":
    main()
