"""Learning from a dataset alone, and its episodes as demonstrations for learning online."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import DatasetError
from robot_rl.core.spec import Spec
from robot_rl.data.dataset import Dataset
from robot_rl.data.episode import Episode
from robot_rl.data.loading.corpus import Corpus
from robot_rl.data.loading.demonstrations import Demonstrations
from robot_rl.data.loading.loader import Loader, LoaderConfig
from robot_rl.data.loading.windows import Window
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


def demonstrations(dataset: Dataset, learner: Learner, seed: int = 0) -> Demonstrations:
    """The successful episodes, each observation with what the learner's policy adds to it."""
    episodes = successful(dataset)
    added = [_added(learner, episode) for episode in episodes]
    return Demonstrations(Corpus(learner.spec, episodes, added), seed)


def train(
    learner: Learner, demos: Demonstrations, updates: int, on_update: Callable[[int, dict[str, float]], None]
) -> None:
    """Run ``updates`` gradient updates on batches of ``demos``; ``on_update`` gets their count and the metrics."""
    sampling = learner.sampling
    window = Window(horizon=max(1, sampling.chunk))
    chunks = Loader(demos.corpus, LoaderConfig(batch=sampling.batch_size, window=window))
    for i in range(updates):
        if sampling.chunk > 0:
            drawn = chunks.sample()
            newest = {name: rows[:, -1] for name, rows in drawn.obs.items()}
            batch = chunk_batch(newest, drawn.action, drawn.action_mask)
        else:
            batch = demos.sample(sampling.batch_size, sampling.n_step, sampling.gamma)
        on_update(i + 1, learner.update(to_torch(batch)))


def _added(learner: Learner, episode: Episode) -> dict[str, NDArray]:
    """What the learner's policy adds to each of the T + 1 observations; it starts afresh."""
    names = [name for name in learner.spec.observation if name not in episode.obs]
    if not names:
        return {}
    learner.policy.reset()
    rows = [learner.policy.augment(episode.observation(t)) for t in range(len(episode) + 1)]
    return {name: np.stack([row[name] for row in rows]) for name in names}
