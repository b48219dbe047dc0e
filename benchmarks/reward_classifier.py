"""A success classifier on episodes that it has never seen: false positives at 99 % true positives.

Two worlds, two cameras each, 128 x 128 pixels, 7 of 10 episodes to learn from and 3 held out, split by episode:
our twin's pick_cube, and gym-hil's PandaPickCube (somebody else's environment, shadows off). Half of the episodes are
successes, the others failures that look like them: the arm goes up without the cube, or lifts it not far enough. A
success is the cube 10 cm above the table, whatever can be seen; so the hardest frames are those right before it, and
rates are given with and without the two frames before a success.

Beside it, on the same frames and by the same program: the same network of which only the head learns, because that is
what LeRobot 0.6.1 comes to. Its own classifier is run too, for which of its parameters its loss reaches; its pretrained
backbone, frozen in any case, has random weights for that. ``--quick`` does the same in small and without peers.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from learners.lerobot_rl import lerobot_python
from peers import peer_python, result, run_peer
from rewarded import twin

from robot_rl.data.dataset import open_dataset
from robot_rl.rewards.frames import Frames, ahead_of, load_frames, shrink, split
from robot_rl.rewards.network import SuccessNet, trained_share
from robot_rl.rewards.roc import roc, threshold_for
from robot_rl.rewards.testing import report_of
from robot_rl.rewards.training import TrainingConfig, fit

EPISODES, QUICK = {"twin": 100, "gym_hil": 60}, 12
CAMERAS = ("front", "wrist")
SCRIPTS = Path(__file__).with_name("rewarded")
TRANSFORMERS = ["--no-deps", "transformers==5.5.4", "tokenizers==0.22.1", "regex==2025.11.3"]
"""What LeRobot's classifier needs besides what its learner does."""
SHOWN = ("frames", "successes", "auc", "fpr_at_99_tpr", "clear_fpr_at_99_tpr", "crossed_fpr", "crossed_tpr")


def twin_frames(folder: Path, episodes: int, size: int) -> Frames:
    """Of our twin, through a dataset."""
    root = twin.record(folder / "twin", episodes)
    return load_frames(open_dataset(root), CAMERAS, size, 1 << 20)


def gym_hil_frames(folder: Path, episodes: int, size: int) -> Frames:
    """Of gym-hil, drawn by its own interpreter."""
    python = peer_python("gym-hil", ["gym-hil==0.1.14"])
    file = folder / "gym_hil.npz"
    run_peer(
        python, (SCRIPTS / "gym_hil_frames.py").read_text(encoding="utf-8"), str(file), str(episodes), "0", timeout=3600
    )
    with np.load(file) as found:
        images, label, number, row = (found[name] for name in ("images", "label", "number", "row"))
    small = np.stack([[shrink(image, size) for image in pair] for pair in images])
    ahead = np.concatenate([ahead_of(label[number == n]) for n in np.unique(number)])
    origins = tuple(str(n) for n in np.unique(number))
    place = np.array([origins.index(str(n)) for n in number])
    return Frames(images=small, label=label, ahead=ahead, episode=place, number=number, row=row, origins=origins)


def trained(frames: Frames, config: TrainingConfig, *, head_only: bool) -> dict[str, Any]:
    """Train on some episodes, test on the others."""
    held = split(frames, config.held_out, config.seed)
    torch.manual_seed(config.seed)
    network = SuccessNet(CAMERAS, config.network)
    network.eyes.requires_grad_(not head_only)
    started = time.process_time()
    fit(frames.of(set(frames.origins) - set(held)), config, network)
    cpu = time.process_time() - started
    test = frames.of(held)
    with torch.inference_mode():
        logit = np.concatenate([network(torch.from_numpy(part)).numpy() for part in np.array_split(test.images, 16)])
    logit = logit.astype(np.float64)
    report = report_of(test, logit, threshold_for(roc(logit, test.label), config.fpr), config.fpr)
    learns, all_of_them = trained_share(network.train(), torch.from_numpy(test.images[:8]))
    judged = report["episodes"]
    return {
        **{name: round(report[name], 5) for name in SHOWN},
        "episodes_wrongly_won": f"{judged['false']} of {judged['episodes']}",
        "successes_missed": f"{judged['missed']} of {judged['won']}",
        "parameters_with_gradient": f"{learns} of {all_of_them}",
        "training_cpu_s": round(cpu, 1),
    }


def lerobot_gradients() -> str:
    """Parameters that LeRobot's classifier is to train, and those that a gradient reaches."""
    packages = next((lerobot_python().parents[1] / "lib").glob("python3*")) / "site-packages"
    python = peer_python("lerobot-reward", TRANSFORMERS, version="3.12")
    found = run_peer(python, (SCRIPTS / "lerobot_gradients.py").read_text(encoding="utf-8"), str(packages))
    return f"{found['reached']} of {found['trainable']}"


def milliseconds(config: TrainingConfig) -> float:
    """CPU time to judge one pair of frames, median [ms]."""
    network, image = SuccessNet(CAMERAS, config.network).eval(), torch.zeros(1, 2, 64, 64, 3, dtype=torch.uint8)
    times = []
    with torch.inference_mode():
        for _ in range(60):
            started = time.process_time()
            network(image)
            times.append(1e3 * (time.process_time() - started))
    return round(float(np.median(times)), 2)


def measured(quick: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Figures, and peers."""
    config = replace(TrainingConfig(), updates=60, batch=32) if quick else TrainingConfig()
    worlds = {"twin": twin_frames} if quick else {"twin": twin_frames, "gym_hil": gym_hil_frames}
    figures: dict[str, Any] = {}
    peers: dict[str, Mapping[str, Any]] = {}
    with tempfile.TemporaryDirectory() as name:
        for world, make in worlds.items():
            frames = make(Path(name), QUICK if quick else EPISODES[world], config.network.size)
            figures[world] = trained(frames, config, head_only=False)
            print(f"{world}: {figures[world]}", flush=True)
            if not quick:
                peers[f"head only, {world}"] = trained(frames, config, head_only=True)
    if not quick:
        peers["LeRobot 0.6.1"] = {"parameters_with_gradient": lerobot_gradients()}
    figures["judging_cpu_ms"] = milliseconds(config)
    return figures, peers


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    figures, peers = measured("--quick" in sys.argv)
    result("reward_classifier", figures, peers)


if __name__ == "__main__":
    main()
