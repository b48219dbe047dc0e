"""A machine that is far too busy is slow; it is not away."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from transport_samples import SPEC, observation, step

from robot_rl.transport import sender
from robot_rl.transport.client import ExperienceClient
from robot_rl.transport.inbox import Inbox
from robot_rl.transport.server import ExperienceServer


class Sluggish(threading.Thread):
    """A line whose far end says nothing for a while after each connection."""

    def __init__(self, target: str, delay: float) -> None:
        super().__init__(daemon=True)
        host, _, port = target.rpartition(":")
        self.target, self.delay = (host, int(port)), delay
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.connections = 0

    def run(self) -> None:
        while True:
            near, _ = self.listener.accept()
            far = socket.create_connection(self.target)
            self.connections += 1
            for source, sink, delay in ((near, far, 0.0), (far, near, self.delay)):
                threading.Thread(target=self.pump, args=(source, sink, delay), daemon=True).start()

    def pump(self, source: socket.socket, sink: socket.socket, delay: float) -> None:
        time.sleep(delay)
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def test_a_connection_may_take_more_than_a_second(tmp_path) -> None:
    with ExperienceServer("127.0.0.1:0", tmp_path / "log", SPEC) as server:
        server.start(lambda arrival: None)
        line = Sluggish(server.address, 1.4)
        line.start()
        with ExperienceClient(line.address, tmp_path / "spool", SPEC) as client:
            client.connect(15.0)
            assert line.connections <= 2


def test_an_answer_that_takes_long_is_waited_for_longer_then(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    hello, asked = Inbox.hello, []

    def slow(self, header):
        asked.append(time.monotonic())
        time.sleep(0.5)
        return hello(self, header)

    monkeypatch.setattr(Inbox, "hello", slow)
    monkeypatch.setattr(sender, "HELLO_TIMEOUT", 0.1)
    arrived = []
    with ExperienceServer("127.0.0.1:0", tmp_path / "log", SPEC) as server:
        server.start(arrived.append)
        with ExperienceClient(server.address, tmp_path / "spool", SPEC) as client:
            client.connect(20.0)
            assert len(asked) > 1
            client.begin({})
            client.add(step(0, 0))
            client.end(observation(0, 1))
            assert client.drain(10.0)
    assert [a.seq for a in arrived] == [1, 2, 3]
