"""Learning from a dataset alone, and its episodes as demonstrations for learning online."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import DatasetError
from robot_rl.core.spec import Spec
from robot_rl.data.dataset import Dataset
from robot_rl.data.episode import Episode
from robot_rl.data.loading.corpus import Corpus
from robot_rl.data.loading.demonstrations import Demonstrations
from robot_rl.data.loading.loader import Loader, LoaderConfig
from robot_rl.data.loading.weights import Weights, best, by_advantage, by_return, mixed, uniform
from robot_rl.data.loading.windows import Window
from robot_rl.learner.batches import device_of
from robot_rl.learner.protocol import Learner, chunk_batch, to_torch
from robot_rl.nets.normaliser import Statistics, measure


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which recorded episodes are learned from, and how often each."""

    outcomes: tuple[str, ...] = ("success",)
    """Learn from episodes that ended so: success, failure, unlabeled, interrupted."""
    weighting: Literal["even", "return", "advantage", "best"] = "even"
    """Draw every step alike, those of better episodes more often (by return, or by return beyond what their start
    promised), or only those of the best. For recordings of mixed quality, failures included."""
    temperature: float = 0.1
    """Of ``return`` and ``advantage``: less keeps to the better episodes more strictly."""
    share: float = 0.1
    """Of the episodes that ``best`` keeps."""
    mixing: tuple[float, ...] = ()
    """How often each dataset is drawn from, one number per dataset; empty: as often as it has steps."""


@dataclass(frozen=True)
class Recordings:
    """Datasets to learn from."""

    datasets: Sequence[Dataset]
    choice: Choice = Choice()

    def episodes(self) -> list[tuple[int, Episode]]:
        """The chosen episodes, each with the number of its dataset; ``DatasetError`` if a dataset has none."""
        found: list[tuple[int, Episode]] = []
        for number, dataset in enumerate(self.datasets):
            here = [(number, e) for e in dataset.episodes() if e.outcome in self.choice.outcomes]
            if not here:
                kind = "successful" if self.choice.outcomes == ("success",) else " or ".join(self.choice.outcomes)
                raise DatasetError(f"{dataset.root} has no {kind} episode: collect more, or with less noise")
            found += here
        return found

    def weights(self, corpus: Corpus) -> Weights:
        """How likely each row of a corpus of ``episodes`` is drawn."""
        choice = self.choice
        if choice.weighting == "return":
            weights = by_return(corpus, choice.temperature)
        elif choice.weighting == "advantage":
            weights = by_advantage(corpus, choice.temperature)
        else:
            weights = best(corpus, choice.share) if choice.weighting == "best" else uniform(corpus)
        return mixed(corpus, weights, choice.mixing) if choice.mixing else weights


def statistics(recordings: Recordings, spec: Spec) -> Statistics:
    """Mean and deviation of the spec's vectors over the chosen episodes."""
    episodes = [episode for _, episode in recordings.episodes()]
    return measure({name: np.concatenate([e.obs[name] for e in episodes]) for name in spec.vectors})


def demonstrations(recordings: Recordings, learner: Learner, seed: int = 0) -> Demonstrations:
    """The chosen episodes, each observation with what the learner's policy adds to it."""
    found = recordings.episodes()
    added = [_added(learner, episode) for _, episode in found]
    corpus = Corpus(learner.spec, [episode for _, episode in found], added)
    corpus.group = np.array([number for number, _ in found])
    return Demonstrations(corpus, seed, recordings.weights(corpus))


def train(
    learner: Learner, demos: Demonstrations, updates: int, on_update: Callable[[int, dict[str, float]], None]
) -> None:
    """Run ``updates`` gradient updates on batches of ``demos``; ``on_update`` gets their count and the metrics."""
    sampling = learner.sampling
    window = Window(horizon=max(1, sampling.chunk))
    config = LoaderConfig(batch=sampling.batch_size, window=window, augmentation=sampling.augmentation)
    chunks = Loader(demos.corpus, config, demos.weights)
    for i in range(updates):
        if sampling.chunk > 0:
            drawn = chunks.sample()
            newest = {name: rows[:, -1] for name, rows in drawn.obs.items()}
            batch = chunk_batch(newest, drawn.action, drawn.action_mask)
        else:
            batch = sampling.draw(demos)
        on_update(i + 1, learner.update(to_torch(batch, device_of(learner))))


def _added(learner: Learner, episode: Episode) -> dict[str, NDArray]:
    """What the learner's policy adds to each of the T + 1 observations; it starts afresh."""
    names = [name for name in learner.spec.observation if name not in episode.obs]
    if not names:
        return {}
    learner.policy.reset()
    rows = [learner.policy.augment(episode.observation(t)) for t in range(len(episode) + 1)]
    return {name: np.stack([row[name] for row in rows]) for name in names}
