"""Learning from a dataset alone, and demonstrations as a replay."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from robot_rl.core.errors import DatasetError
from robot_rl.core.spec import Spec
from robot_rl.data.dataset import Dataset
from robot_rl.data.episode import Episode
from robot_rl.data.replay import Replay
from robot_rl.learner.protocol import Learner, chunk_batch, to_torch
from robot_rl.nets.normaliser import Statistics, measure


def successful(dataset: Dataset) -> list[Episode]:
    """The episodes that ended in success; ``DatasetError`` if there is none."""
    episodes = [e for e in dataset.episodes() if e.outcome == "success"]
    if not episodes:
        raise DatasetError(f"{dataset.root} has no successful episode: collect more, or with less noise")
    return episodes


def statistics(dataset: Dataset, spec: Spec) -> Statistics:
    """Mean and deviation of the spec's vectors over the successful episodes."""
    episodes = successful(dataset)
    return measure({name: np.concatenate([e.obs[name] for e in episodes]) for name in spec.vectors})


def demonstrations(dataset: Dataset, learner: Learner, seed: int = 0) -> Replay:
    """The successful episodes, each observation with what the learner's policy adds to it."""
    episodes = successful(dataset)
    replay = Replay(learner.spec, sum(len(e) + 1 for e in episodes) + 1, seed)
    for episode in episodes:
        learner.policy.reset()
        replay.extend(episode, learner.policy.augment)
    return replay


def train(learner: Learner, replay: Replay, updates: int, on_update: Callable[[int, dict[str, float]], None]) -> None:
    """Run ``updates`` gradient updates on batches from ``replay``; ``on_update`` gets their count and the metrics."""
    sampling = learner.sampling
    for i in range(updates):
        if sampling.chunk > 0:
            batch = chunk_batch(*replay.sample_chunks(sampling.batch_size, sampling.chunk))
        else:
            batch = replay.sample(sampling.batch_size, sampling.n_step, sampling.gamma)
        on_update(i + 1, learner.update(to_torch(batch)))
