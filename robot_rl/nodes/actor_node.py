"""A policy on the graph: a checkpoint acts, every step is recorded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import tyro

from robot_rl.learner.checkpoint import load_policy
from robot_rl.nodes.episodes import EpisodesConfig, run_episodes
from robot_rl.nodes.process import run_process


@dataclass(frozen=True, kw_only=True)
class Config(EpisodesConfig):
    """Deploy a policy on a running graph."""

    checkpoint: Path
    """Folder of the checkpoint."""


def main(config: Config) -> None:
    """Act."""
    torch.set_num_threads(1)
    policy = load_policy(config.checkpoint)
    run_episodes(config, lambda _: policy, {"checkpoint": str(config.checkpoint)})


if __name__ == "__main__":
    run_process("actor", lambda: main(tyro.cli(Config)))
