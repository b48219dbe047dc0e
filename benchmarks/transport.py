"""Transitions from an actor to a learner over loopback (workload W1), beside LeRobot's and agentlace's wires.

Ours writes every transition to two disks on its way; the peers keep it in memory. The limit is a bare TCP connection.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from peers import peer_python, result, run_peer

WIRES = Path(__file__).with_name("wires")
LEROBOT = (
    ["torch==2.13.0", "numpy<2.3", "grpcio==1.73.1", "protobuf>=6.31.1,<6.32", "huggingface_hub==0.35.3"],
    ["--no-deps", "lerobot==0.4.4"],
)
AGENTLACE = (["numpy<2.3", "pyzmq==27.1.0", "lz4==4.4.5"],)
ROUNDS = 3


def measure(python: Path, wire: str) -> dict[str, Any]:
    """Figures of one wire, once."""
    path = WIRES / f"wire_{wire}.py"
    return run_peer(python, f"import runpy, sys; sys.path.insert(0, {str(WIRES)!r}); runpy.run_path({str(path)!r})")


def median(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Median of every figure."""
    return {name: statistics.median(r[name] for r in rounds) for name in rounds[0]}


def weights_ms(megabytes: int) -> float:
    """From ``publish`` in the learner to arrays in the actor, both in this process, median [ms]."""
    from robot_rl.core.spec import Feature, Spec
    from robot_rl.transport.client import ExperienceClient
    from robot_rl.transport.server import ExperienceServer

    spec = Spec(observation={"state": Feature((19,))}, action_dim=4, rate=10.0)
    tensors = {f"layer{i}": np.random.default_rng(i).random(25_000 * megabytes, np.float32) for i in range(10)}
    folder, times = Path(tempfile.mkdtemp()), []
    with ExperienceServer("127.0.0.1:0", folder / "log", spec) as server:
        server.start(lambda arrival: None)  # noqa: ARG005
        with ExperienceClient(server.address, folder / "spool", spec) as client:
            client.connect(10.0)
            for _ in range(15):
                started = time.perf_counter()
                version = server.publish(tensors)
                while client.newest(version - 1) is None:
                    time.sleep(0.0005)
                times.append(time.perf_counter() - started)
    return round(statistics.median(times) * 1e3, 2)


def main() -> None:
    """Interleave the wires, so that a busy moment of the machine hits all of them."""
    here = Path(sys.executable)
    pythons = {
        "ours": here,
        "lerobot": peer_python("lerobot-wire", *LEROBOT),
        "agentlace": peer_python("agentlace", *AGENTLACE),
        "tcp": here,
    }
    rounds: dict[str, list[dict[str, Any]]] = {wire: [] for wire in pythons}
    for _ in range(ROUNDS):
        for wire, python in pythons.items():
            rounds[wire].append(measure(python, wire))
    medians = {wire: median(of) for wire, of in rounds.items()}
    ours, limit = medians.pop("ours"), medians.pop("tcp")
    ours |= {"weights_5mb_ms": weights_ms(5), "weights_50mb_ms": weights_ms(50)}
    result("transport", ours, medians, limit)


if __name__ == "__main__":
    main()
