"""How many learner updates one CPU-second buys: batch 256, two layers of 256, 18-d state, 3-d action, one thread.

An update is UTD critic steps, each on a batch of its own, and one actor and one temperature step. Two settings: two
critics at UTD 1 (SAC), and ten critics at UTD 8 with a subset of two as the target (RLPD). Peer: LeRobot RL 0.6.1, its
own ``SACAlgorithm.update``, in a virtual environment of its own; its default network has a state encoder of 256 before
the same two layers. Beside them the same update written out in plain PyTorch, as it is and through ``torch.compile``
(once; how long compiling takes is told by itself). Ours runs in float32, and with products between hidden layers in
bfloat16. Limit: the matrix products alone, likewise; it says what multiple of LeRobot's rate this CPU allows. All
take turns; the median of the rounds counts. Times are CPU time of the whole process.
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
    "matrix products alone, bfloat16": ("products.py", "bfloat16"),
}
OURS, LEROBOT, COMPILED = ("ours", "ours_bfloat16"), "LeRobot RL 0.6.1 SAC", "plain PyTorch, compiled"
LIMITS = [name for name in RUNS if name.startswith("matrix")]
ROUNDS = 3


def rates(who: str) -> dict[str, dict[str, Any]]:
    """Setting -> what one round measured."""
    script, *more = RUNS[who]
    python = lerobot_python() if who == LEROBOT else Path(sys.executable)
    text = (LEARNERS / script).read_text(encoding="utf-8")
    return {setting: run_peer(python, text, *map(str, sizes), *more) for setting, sizes in SETTINGS.items()}


def told(rate: dict[str, dict[str, float]]) -> None:
    """How many times as fast as each of the others ours is, and how fast any could be."""
    for who in (*OURS, *LIMITS):
        for other in (name for name in rate if name not in {who, *OURS} and (who in OURS or name == LEROBOT)):
            times = ", ".join(f"{s}: {rate[who][s] / rate[other][s]:.2f}" for s in SETTINGS)
            print(f"{who} / {other}: {times}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, nothing of others but plain PyTorch")
    quick = parser.parse_args().quick
    names = [who for who in RUNS if not quick or who not in {LEROBOT, COMPILED}]
    found: dict[str, list[dict[str, dict[str, Any]]]] = {who: [] for who in names}
    for number in range(1 if quick else ROUNDS):
        for who in names:
            if number == 0 or who != COMPILED:
                found[who].append(rates(who))
    rate = {
        who: {s: round(statistics.median(one[s]["rate"] for one in rounds), 2) for s in SETTINGS}
        for who, rounds in found.items()
    }
    told(rate)
    ours = rate.pop("ours") | {f"{s}_bfloat16": value for s, value in rate.pop("ours_bfloat16").items()}
    limits = {who: rate.pop(who) for who in LIMITS}
    if LEROBOT in rate:
        ours |= {f"limit_over_lerobot_{s}": round(limits[LIMITS[0]][s] / rate[LEROBOT][s], 2) for s in SETTINGS}
    for setting, one in (found[COMPILED][0] if COMPILED in found else {}).items():
        rate[COMPILED][f"{setting}_compile_s"] = round(one["compile_s"], 1)
    result("learner_rate", ours, rate, limits)


if __name__ == "__main__":
    main()
