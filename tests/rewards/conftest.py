"""One dataset and one classifier for the whole folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "teleop")]

from square import QUICK, Kind, record  # noqa: E402

from robot_rl.data.dataset import open_dataset  # noqa: E402
from robot_rl.rewards.classifier import save_classifier  # noqa: E402
from robot_rl.rewards.training import train_classifier  # noqa: E402


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """Half of the squares come over the line, half stop short of it."""
    root = tmp_path_factory.mktemp("world") / "data"
    return record(root, [Kind(end=26 if i % 2 else 15 + i % 3) for i in range(24)])


@pytest.fixture(scope="session")
def trained(world):
    torch.set_num_threads(1)
    return train_classifier(open_dataset(world), QUICK)


@pytest.fixture(scope="session")
def folder(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("classifier") / "reward"
    save_classifier(path, trained)
    return path
