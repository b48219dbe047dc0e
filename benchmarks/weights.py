"""Weights from a learner's process into the network of an actor's: published, sent, checked, applied (data.md §7.4).

How long the learner's own thread is held up by publishing is told too, how much longer the steps of an actor's control
thread are that adopt new weights or are made while some arrive, and how soon an actor is back after an outage.
LeRobot's way is the peer. The limit copies the same bytes through a bare TCP connection and into the network.

usage: weights.py [--quick]    quick: a short outage, no peer
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from crashes.relay import Relay, free_port
from learners.lerobot_rl import lerobot_python
from peers import result, run_peer
from wires import adoption

from robot_rl.core.spec import Feature, Spec
from robot_rl.nets.cpu import prepare
from robot_rl.nets.policy import Weights
from robot_rl.transport import certificates
from robot_rl.transport.access import Credentials
from robot_rl.transport.client import ExperienceClient
from robot_rl.transport.server import ExperienceServer

QUICK = "--quick" in sys.argv
TIMES = 3 if QUICK else 25
LEROBOT = Path(__file__).with_name("wires") / "weights_lerobot.py"
OUTAGE = 2.0 if QUICK else 20.0
SPEC = Spec(observation={"state": Feature((19,))}, action_dim=4, rate=10.0)


def network(megabytes: int) -> dict[str, torch.Tensor]:
    """Ten layers."""
    generator = torch.Generator().manual_seed(megabytes)
    return {f"layer{i}": torch.rand(25_000 * megabytes, generator=generator) for i in range(10)}


class Network(torch.nn.Module):
    """The same as a module."""

    def __init__(self, megabytes: int) -> None:
        super().__init__()
        for name, value in network(megabytes).items():
            self.register_parameter(name, torch.nn.Parameter(value))


class Pipe:
    """Lines of JSON from a child to this process."""

    def __init__(self) -> None:
        self.out, self.into = os.pipe()

    def tell(self, value: float) -> None:
        """From the child."""
        os.write(self.into, (json.dumps(value) + "\n").encode())

    def hear(self) -> float:
        """In the parent."""
        line = b""
        while not line.endswith(b"\n"):
            line += os.read(self.out, 1)
        return float(json.loads(line))


def forked(work: Callable[[], None]) -> int:
    """The pid of a child that does ``work``."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    return child


def act(address: str, folder: Path, secure: Path | None, pipe: Pipe, megabytes: int) -> None:
    """The actor: puts every new version into its network, and tells when."""
    torch.set_num_threads(1)
    mine = Weights(Network(megabytes))
    shown = Credentials.load(secure / "arm") if secure else None
    with ExperienceClient(address, folder / "spool", SPEC, credentials=shown) as client:
        client.connect(60.0)
        pipe.tell(time.monotonic())
        version = 0
        while True:
            while (weights := client.newest(version)) is None:
                time.sleep(0.0005)
            mine.put(weights.tensors)
            version = weights.version
            pipe.tell(time.monotonic())


def ours(folder: Path, megabytes: int, secure: Path | None) -> dict[str, float]:
    """Through our transport, plain or with mutual TLS."""
    address, pipe, kind = f"127.0.0.1:{free_port()}", Pipe(), "_tls" if secure else ""
    folder = folder / f"{megabytes}mb{kind}"
    child = forked(lambda: act(address, folder, secure, pipe, megabytes))
    tensors = {name: value.numpy() for name, value in network(megabytes).items()}
    held = Credentials.load(secure / "learner") if secure else None
    applied, blocked = [], []
    with ExperienceServer(address, folder / "log", SPEC, credentials=held) as server:
        server.start(lambda arrival: None)  # noqa: ARG005
        pipe.hear()
        for _ in range(TIMES):
            started = time.monotonic()
            server.publish(tensors)
            blocked.append(time.monotonic() - started)
            applied.append(pipe.hear() - started)
            time.sleep(0.02)
        os.kill(child, 9)
        os.waitpid(child, 0)
    return {
        f"applied_{megabytes}mb{kind}_ms": round(statistics.median(applied) * 1e3, 2),
        f"applied_{megabytes}mb{kind}_best_ms": round(min(applied) * 1e3, 2),
        f"publish_{megabytes}mb{kind}_ms": round(statistics.median(blocked) * 1e3, 2),
    }


def bare(megabytes: int) -> dict[str, float]:
    """Through a bare connection."""
    pipe = Pipe()
    listener = socket.create_server(("127.0.0.1", 0))

    def act() -> None:
        torch.set_num_threads(1)
        mine = network(megabytes)
        connection = socket.create_connection(listener.getsockname())
        buffers = {name: bytearray(value.numel() * 4) for name, value in mine.items()}
        while True:
            for name, buffer in buffers.items():
                view = memoryview(buffer)
                while view:
                    view = view[connection.recv_into(view) :]
                mine[name].copy_(torch.frombuffer(buffer, dtype=torch.float32))
            pipe.tell(time.monotonic())

    child = forked(act)
    connection, _ = listener.accept()
    tensors, applied = network(megabytes), []
    for _ in range(TIMES):
        started = time.monotonic()
        for value in tensors.values():
            connection.sendall(value.numpy().copy().data.cast("B"))
        applied.append(pipe.hear() - started)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return {
        f"applied_{megabytes}mb_ms": round(statistics.median(applied) * 1e3, 2),
        f"applied_{megabytes}mb_best_ms": round(min(applied) * 1e3, 2),
    }


def reconnect(folder: Path, secure: Path | None) -> float:
    """From the moment at which a learner listens again after an outage to the actor's greeting [s]."""
    address = f"127.0.0.1:{free_port()}"
    shown, held = (Credentials.load(secure / name) if secure else None for name in ("arm", "learner"))
    with ExperienceClient(address, folder / "spool", SPEC, credentials=shown) as client:
        with ExperienceServer(address, folder / "log", SPEC, credentials=held) as server:
            server.start(lambda arrival: None)  # noqa: ARG005
            client.connect(60.0)
        time.sleep(OUTAGE)
        with ExperienceServer(address, folder / "log", SPEC, credentials=held) as server:
            server.start(lambda arrival: None)  # noqa: ARG005
            server.publish({"w": np.zeros(3, np.float32)})
            started = time.monotonic()
            while client.newest(0) is None or not client.connected:
                time.sleep(0.001)
            return time.monotonic() - started


def after_a_hole(folder: Path, relay: Relay, port: int) -> float:
    """From the moment at which a line that had gone silent passes bytes again to the weights made meanwhile [s].

    Args:
        folder: For what both sides write.
        relay: The line.
        port: Where it leads to.
    """
    with ExperienceServer(f"127.0.0.1:{port}", folder / "log", SPEC) as server:
        server.start(lambda arrival: None)  # noqa: ARG005
        with ExperienceClient(f"127.0.0.1:{relay.port}", folder / "spool", SPEC) as client:
            client.connect(60.0)
            relay.mode("hole")
            time.sleep(OUTAGE / 2)
            version = server.publish({"w": np.zeros(3, np.float32)})
            time.sleep(OUTAGE / 2)
            if client.newest(version - 1) is not None:
                raise SystemExit("the hole lets something through")
            relay.mode("open")
            started = time.monotonic()
            while client.newest(version - 1) is None:
                time.sleep(0.001)
            took = time.monotonic() - started
    relay.close()
    return took


def after_outages(folder: Path, secure: Path, relay: Relay, port: int) -> dict[str, float]:
    """How soon there are weights again [s]."""
    plain, encrypted = (reconnect(folder / f"outage_{n}", secure if n else None) for n in range(2))
    hole = after_a_hole(folder / "hole", relay, port)
    found = {"reconnect_s": plain, "reconnect_tls_s": encrypted, "reconnect_after_a_hole_s": hole}
    return {"outage_s": OUTAGE, **{name: round(value, 3) for name, value in found.items()}}


def main() -> None:
    """All sizes, plain and encrypted."""
    prepare(1)  # as in a learner and in an actor
    port = free_port()
    relay = Relay(port)  # forked before there are threads
    figures, limit, peer = {}, {}, {}
    script = f"import runpy; runpy.run_path({str(LEROBOT)!r})"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        secure = folder / "certificates"
        certificates.make(secure, ["127.0.0.1"], ["arm"], 30)
        for megabytes in (5, 50):
            figures |= ours(folder, megabytes, None) | ours(folder, megabytes, secure)
            limit |= bare(megabytes)
            figures |= adoption.measure(megabytes, TIMES, both=not QUICK)
            peer |= {} if QUICK else run_peer(lerobot_python(), script, str(megabytes), str(TIMES))
        figures |= after_outages(folder, secure, relay, port)
    result("weights", figures, {} if QUICK else {"lerobot": peer}, limit)


if __name__ == "__main__":
    main()
