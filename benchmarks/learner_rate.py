"""How many learner updates one CPU-second buys: batch 256, two layers of 256, 18-d state, 3-d action, one thread.

An update is UTD critic steps, each on a batch of its own, and one actor and one temperature step. Two settings: two
critics at UTD 1 (SAC), and ten critics at UTD 8 with a subset of two as the target (RLPD). Peer: LeRobot's SAC in a
virtual environment of its own. Beside them the same update written out in plain PyTorch. Limit: its matrix products.
All take turns, three rounds each; the median counts. Times are CPU time of the whole process.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from peers import peer_python, result, run_peer

LEARNERS = Path(__file__).parent / "learners"
USED = "numpy==2.2.6 einops==0.8.1 draccus==0.10.0 datasets==4.1.1 huggingface-hub==0.35.3 safetensors==0.6.2"
ALONE = "lerobot==0.4.4 accelerate==1.11.0 diffusers==0.35.2 deepdiff==8.6.1 orderly-set==5.5.0 imageio==2.37.0"
LEROBOT = (
    ["torch==2.13.0"],
    [*USED.split(), "jsonlines==4.0.0", "packaging==25.0", "pillow==11.3.0"],
    ["--no-deps", *ALONE.split(), "pyserial==3.5", "av==15.1.0"],
)
"""LeRobot without the packages that its SAC does not touch; its pin of an older torch is left aside."""
SETTINGS = {"critics_2_utd_1": (2, 1, 40), "critics_10_utd_8": (10, 8, 4)}
"""Critics, critic steps per update, updates that are timed."""
ROUNDS = 3


def source(who: str) -> str:
    """The script of one of those that are compared."""
    files = ["absent.py", "lerobot_sac.py"] if who == "lerobot_sac" else [f"{who}.py"]
    return "\n".join((LEARNERS / name).read_text(encoding="utf-8") for name in files)


def main() -> None:
    """Measure and print."""
    pythons = {
        "ours": Path(sys.executable),
        "lerobot_sac": peer_python("lerobot-sac", *LEROBOT),
        "bare": Path(sys.executable),
        "products": Path(sys.executable),
    }
    rates: dict[str, dict[str, list[float]]] = {who: {s: [] for s in SETTINGS} for who in pythons}
    for _ in range(ROUNDS):
        for setting, numbers in SETTINGS.items():
            for who, python in pythons.items():
                done = run_peer(python, source(who), *map(str, numbers))
                rates[who][setting].append(done["rate"])
    medians = {who: {s: round(statistics.median(v), 2) for s, v in of.items()} for who, of in rates.items()}
    peers = {"LeRobot 0.4.4 SAC": medians["lerobot_sac"], "plain PyTorch": medians["bare"]}
    result("learner_rate", medians["ours"], peers, {"matrix products alone": medians["products"]})


if __name__ == "__main__":
    main()
