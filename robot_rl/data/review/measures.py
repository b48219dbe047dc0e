"""Two numbers that say which offline method can work: quality (TQ) and coverage (SACo), Schweighofer et al. 2022."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import ConfigError
from robot_rl.core.records import Array
from robot_rl.data.dataset import Dataset
from robot_rl.data.episode import read_column
from robot_rl.data.layout import Layout
from robot_rl.data.review.distinct import Distinct

BINS: Final = 100
"""Per component of the state and of the action."""
GOOD: Final = 0.8
"""TQ from which imitation is enough."""
COVERED: Final = 0.5
"""SACo from which values can be learnt."""
BEST: Final = 0.1
"""Share of the reference's episodes whose mean return is called the best."""


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Of one dataset."""

    tq: float
    """Trajectory quality: (mean return - worst) / (best - worst)."""
    saco: float | None
    """State-action coverage: different (s, a) here over those of the reference; None without a reference."""
    mean_return: float
    worst: float
    best: float
    different: float
    """Different (s, a), with ``BINS`` bins per component; estimated within 1 %."""
    steps: int
    said: str
    """Where worst and best are from."""

    @property
    def advice(self) -> str:
        """What the two recommend, in a sentence."""
        good, covered = self.tq > GOOD, self.saco is not None and self.saco > COVERED
        if good and covered:
            return "good and broad: imitation (bc, TD3+BC) and value learning (IQL, CQL) will both do; begin with bc"
        if good:
            return (
                "good demonstrations: imitate them (robot-rl train bc, or TD3+BC), then improve online (resfit, rlpd)"
            )
        if covered:
            return "broad, but of mixed quality: learn values from it (IQL, CQL), or use it as rlpd's demonstrations"
        if self.saco is None:
            return (
                "of mixed quality: weight episodes by return when sampling; for value learning, compare its coverage "
                "with an online run first (--reference)"
            )
        return "neither good nor broad: weight samples by advantage (AW) with a robust IQL, or record better episodes"


def measure(
    dataset: Dataset, reference: Dataset | None = None, worst: float | None = None, best: float | None = None
) -> Measures:
    """Measure a dataset.

    Args:
        dataset: It.
        reference: Experience of a learner that went online on the same task; its best episodes are the best.
        worst: Return of a random policy; None: 0 for sparse rewards, else the least return found.
        best: Return of the best policy known; None: 1 for sparse rewards, else of the reference or the dataset.
    """
    if len(dataset) == 0:
        raise ConfigError(f"{dataset.root} has no episodes: there is nothing to measure")
    if reference is not None and reference.spec != dataset.spec:
        raise ConfigError(f"{reference.root} has other features than {dataset.root}: give a run of the same task")
    returns = _returns(dataset)
    others = returns if reference is None or len(reference) == 0 else np.concatenate([returns, _returns(reference)])
    sparse = bool(np.isin(others, (0.0, 1.0)).all())
    told = worst is not None and best is not None
    top = np.sort(others)[-max(1, round(BEST * len(others))) :].mean()
    worst = worst if worst is not None else 0.0 if sparse else float(others.min())
    best = best if best is not None else 1.0 if sparse else float(top)
    if not best > worst:
        raise ConfigError(f"worst ({worst:g}) and best return ({best:g}) must differ: give --worst and --best")
    different, reference_different = _different(dataset, reference)
    return Measures(
        tq=float((returns.mean() - worst) / (best - worst)),
        saco=different / reference_different if reference_different else None,
        mean_return=float(returns.mean()),
        worst=float(worst),
        best=float(best),
        different=different,
        steps=dataset.steps,
        said="as given" if told else "sparse rewards" if sparse else "the least return, and the best tenth's mean",
    )


def _returns(dataset: Dataset) -> Array:
    layout = Layout(dataset.spec)
    return np.array([float(np.sum(read_column(entry, "reward", layout))) for entry in dataset.index])


def _different(dataset: Dataset, reference: Dataset | None) -> tuple[float, float | None]:
    both = [dataset] if reference is None else [dataset, reference]
    ranges = [(rows.min(axis=0), rows.max(axis=0)) for one in both for rows in _pairs(one)]
    low, high = np.min([r[0] for r in ranges], axis=0), np.max([r[1] for r in ranges], axis=0)
    width = np.where(high > low, high - low, 1.0) / BINS
    counts = []
    for one in both:
        distinct = Distinct()
        for rows in _pairs(one):
            distinct.add(np.minimum((rows - low) / width, BINS - 1).astype(np.int64))
        counts.append(distinct.count)
    return counts[0], counts[1] if reference is not None else None


def _pairs(dataset: Dataset) -> Iterator[NDArray[np.float64]]:
    """States and actions side by side, episode by episode, (T, D)."""
    layout = Layout(dataset.spec)
    for entry in dataset.index:
        steps = int(entry["steps"])
        columns = [np.asarray(read_column(entry, name, layout))[:steps] for name in dataset.spec.vectors]
        yield np.concatenate([*columns, np.asarray(read_column(entry, "action", layout))], axis=1).astype(np.float64)
