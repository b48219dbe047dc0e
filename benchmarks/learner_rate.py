"""How many learner updates one CPU-second buys: batch 256, two layers of 256, 18-d state, 3-d action, one thread.

An update is UTD critic steps, each on a batch of its own, and one actor and one temperature step. Two settings: two
critics at UTD 1 (SAC), and ten critics at UTD 8 with a subset of two as the target (RLPD). Peer: LeRobot's SAC in a
virtual environment of its own. Limit: the same update written out in plain PyTorch.
All take turns, three rounds each; the median counts. Times are CPU time of the whole process.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from peers import peer_python, result, run_peer
from rich.console import Console
from rich.table import Table

LEARNERS = Path(__file__).parent / "learners"
LEROBOT = (
    ["torch==2.13.0"],
    ["--no-deps", "lerobot==0.4.4"],
    [
        "numpy==2.2.6",
        "einops==0.8.1",
        "draccus==0.10.0",
        "datasets==4.1.1",
        "huggingface-hub==0.35.3",
        "safetensors==0.6.2",
        "jsonlines==4.0.0",
        "packaging==25.0",
    ],
)
SETTINGS = {"critics_2_utd_1": (2, 1, 40), "critics_10_utd_8": (10, 8, 4)}
"""Critics, critic steps per update, updates that are timed."""
ROUNDS = 3


def main() -> None:
    """Measure, print a table and the RESULT line."""
    pythons = {
        "ours": Path(sys.executable),
        "lerobot_sac": peer_python("lerobot-sac", *LEROBOT),
        "bare": Path(sys.executable),
    }
    rates: dict[str, dict[str, list[float]]] = {who: {s: [] for s in SETTINGS} for who in pythons}
    for _ in range(ROUNDS):
        for setting, numbers in SETTINGS.items():
            for who, python in pythons.items():
                script = (LEARNERS / f"{who}.py").read_text(encoding="utf-8")
                rates[who][setting].append(run_peer(python, script, *map(str, numbers))["rate"])
    medians = {who: {s: round(statistics.median(v), 2) for s, v in of.items()} for who, of in rates.items()}
    table = Table("updates per CPU-second", *medians)
    for setting in SETTINGS:
        table.add_row(setting, *(f"{of[setting]:g}" for of in medians.values()))
    Console().print(table)
    result("learner_rate", medians["ours"], {"LeRobot 0.4.4 SAC": medians["lerobot_sac"]}, medians["bare"])


if __name__ == "__main__":
    main()
