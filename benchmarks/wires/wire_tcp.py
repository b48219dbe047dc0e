"""The limit: the same bytes, once each, through a bare TCP connection into memory. Nothing kept, nothing decoded."""

from __future__ import annotations

import socket
import time

from workload import Observation, Tally, run

SIZE = 19 * 4 + 2 * 128 * 128 * 3


def learner(port: int, tally: Tally) -> None:
    """Receive into one buffer."""
    listener = socket.create_server(("127.0.0.1", port))
    connection, _ = listener.accept()
    buffer = memoryview(bytearray(SIZE))
    while True:
        at = 0
        while at < SIZE:
            got = connection.recv_into(buffer[at:])
            if not got:
                return
            at += got
        tally.add(1)


class Actor:
    """Send three arrays per step from the control thread."""

    def __init__(self, port: int) -> None:
        self.sent = 0
        deadline = time.monotonic() + 60
        while True:
            try:
                self.connection = socket.create_connection(("127.0.0.1", port))
                return
            except ConnectionRefusedError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def begin(self) -> None:
        """Nothing."""

    def add(self, obs: Observation, next_obs: Observation) -> None:  # noqa: ARG002
        """Send."""
        for array in obs.values():
            self.connection.sendall(array.data)
        self.sent += SIZE

    def end(self, obs: Observation) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


run(learner, Actor)
