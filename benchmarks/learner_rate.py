"""How many learner updates one CPU-second buys: batch 256, two layers of 256, 18-d state, 3-d action, one thread.

An update is UTD critic steps, each on a batch of its own, and one actor and one temperature step. Two settings: two
critics at UTD 1 (SAC), and ten critics at UTD 8 with a subset of two as the target (RLPD). Peer: LeRobot RL 0.6.1, its
own ``SACAlgorithm.update``, in a virtual environment of its own; its default network has a state encoder of 256 before
the same two layers. Beside them the same update written out in plain PyTorch, as it is and through ``torch.compile``
(whose compilation is timed by itself). Ours runs in float32, and with the products between hidden layers in bfloat16.
Limit: its matrix products alone, in float32. All take turns; the median of the rounds counts. Times are CPU time of
the whole process.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from pathlib import Path
from typing import Any

from learners.lerobot_rl import lerobot_python
from peers import result, run_peer

LEARNERS = Path(__file__).parent / "learners"
SETTINGS = {"critics_2_utd_1": (2, 1, 40), "critics_10_utd_8": (10, 8, 4)}
"""Critics, critic steps per update, updates that are timed."""
RUNS = {
    "ours": ("ours.py", "float32"),
    "ours_bfloat16": ("ours.py", "bfloat16"),
    "LeRobot RL 0.6.1 SAC": ("lerobot_sac.py",),
    "plain PyTorch": ("bare.py",),
    "plain PyTorch, compiled": ("bare.py", "compile"),
    "matrix products alone": ("products.py",),
}
ROUNDS = 3


def rates(who: str, rounds: int) -> dict[str, list[dict[str, Any]]]:
    """Setting -> what each round measured."""
    script, *more = RUNS[who]
    python = lerobot_python() if script == "lerobot_sac.py" else Path(sys.executable)
    text = (LEARNERS / script).read_text(encoding="utf-8")
    return {s: [run_peer(python, text, *map(str, n), *more) for _ in range(rounds)] for s, n in SETTINGS.items()}


def told(median: dict[str, dict[str, float]]) -> None:
    """How many times each of the others, in words."""
    ours = ("ours", "ours_bfloat16")
    for who in ours:
        for peer in (name for name in median if name not in ours):
            times = ", ".join(f"{s}: {median[who][s] / median[peer][s]:.2f}" for s in SETTINGS)
            print(f"{who} / {peer}: {times}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, ours beside plain PyTorch only")
    quick = parser.parse_args().quick
    names = [w for w in RUNS if not quick or w in {"ours", "ours_bfloat16", "plain PyTorch"}]
    found: dict[str, dict[str, list[dict[str, Any]]]] = {who: {s: [] for s in SETTINGS} for who in names}
    for _ in range(1 if quick else ROUNDS):
        for who in names:
            for setting, measured in rates(who, 1).items():
                found[who][setting] += measured
    median = {
        who: {s: round(statistics.median(m["rate"] for m in of), 2) for s, of in settings.items()}
        for who, settings in found.items()
    }
    told(median)
    ours = median.pop("ours") | {f"{s}_bfloat16": rate for s, rate in median.pop("ours_bfloat16").items()}
    limit = {"matrix products alone": median.pop("matrix products alone", {})}
    for setting, of in found.get("plain PyTorch, compiled", {}).items():
        seconds = statistics.median(m["compile_s"] for m in of)
        median["plain PyTorch, compiled"][f"{setting}_compile_s"] = round(seconds, 1)
    result("learner_rate", ours, median, limit)


if __name__ == "__main__":
    main()
