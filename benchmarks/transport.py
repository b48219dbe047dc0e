"""Transitions from an actor to a learner over loopback (workload W1), beside LeRobot's and agentlace's wires.

Ours writes every transition to two disks on its way; the peers keep it in memory. The limit is a bare TCP connection.

usage: transport.py [--quick]    quick: few episodes, no peers
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Any

from learners.lerobot_rl import lerobot_python
from peers import peer_python, result, run_peer

WIRES = Path(__file__).with_name("wires")
AGENTLACE = (["numpy<2.3", "pyzmq==27.1.0", "lz4==4.4.5"],)
RATE = "transitions_per_s"
QUICK = "--quick" in sys.argv
ROUNDS = 1 if QUICK else 3
SIZES = ("2", "1") if QUICK else ()
"""Episodes flooded, and paced; else as in ``workload.py``."""


def measure(python: Path, wire: str) -> dict[str, Any]:
    """Figures of one wire, once."""
    path = WIRES / f"wire_{wire.removesuffix('_tls')}.py"
    script = f"import runpy, sys; sys.path.insert(0, {str(WIRES)!r}); runpy.run_path({str(path)!r})"
    return run_peer(python, script, *SIZES, *(["--tls"] if wire.endswith("_tls") else []))


def median(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Median of every figure."""
    return {name: statistics.median(r[name] for r in rounds) for name in rounds[0]}


def main() -> None:
    """Interleave the wires, so that a busy moment of the machine hits all of them."""
    here = Path(sys.executable)
    pythons = {"ours": here, "ours_tls": here, "tcp": here}
    if not QUICK:
        pythons |= {"lerobot": lerobot_python(), "agentlace": peer_python("agentlace", *AGENTLACE)}
    rounds: dict[str, list[dict[str, Any]]] = {wire: [] for wire in pythons}
    for _ in range(ROUNDS):
        for wire, python in pythons.items():
            rounds[wire].append(measure(python, wire))
    medians = {wire: median(of) for wire, of in rounds.items()}
    ours, limit = medians.pop("ours"), medians.pop("tcp")
    ours |= {f"tls_{name}": value for name, value in medians.pop("ours_tls").items() if "transitions" in name}
    for peer in medians:
        pairs = zip(rounds["ours"], rounds[peer], strict=True)
        ours[f"times_{peer}"] = round(statistics.median(a[RATE] / b[RATE] for a, b in pairs), 2)
    result("transport", ours, medians, limit)


if __name__ == "__main__":
    main()
