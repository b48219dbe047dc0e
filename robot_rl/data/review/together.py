"""What only a look at all episodes together shows: copies, outliers, sensors and actions that say nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from robot_rl.core.records import Array
from robot_rl.data.review.findings import Finding, Level
from robot_rl.data.review.profile import Profile

LOOK = "look at it: robot-rl data view"
LIVELY: Final = 0.5
"""A component that changes in more than this share of the moving steps is a sensor that never rests."""
DEAD: Final = 1.0
"""Such a component that stands still to the last bit for so long, while others move, is frozen [s]."""
AT_BOUND: Final = 0.5
"""Share of steps at the bound above which a component of the action is saturated."""
STILL: Final = 0.5
"""Share of steps that ask for nothing above which an episode is mostly waiting."""
FAR: Final = 3.5
"""Distance from the median, in robust standard deviations, of an outlier (Iglewicz and Hoaglin 1993)."""
SPREAD: Final = 0.1
"""Least spread that is assumed, in medians."""
ENOUGH: Final = 8
"""Episodes below which nobody is an outlier."""


def judge_together(profiles: Sequence[Profile], rate: float) -> Iterator[Finding]:
    """Findings about episodes compared with each other, and about the dataset as a whole."""
    if not profiles:
        return
    yield from _copies(profiles)
    yield from _constant(profiles)
    yield from _frozen(profiles, rate)
    yield from _saturated(profiles)
    yield from _still(profiles)
    yield from _outliers(profiles, "length", lambda p: float(p.steps), "{:.0f} steps", -FAR)
    yield from _outliers(
        profiles, "jerk", lambda p: p.roughness, "mean second difference of its actions {:.3f}", -np.inf
    )


def _copies(profiles: Sequence[Profile]) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for p in profiles:
        original = first.setdefault(p.fingerprint, p.number)
        if original != p.number:
            text = f"same actions and measurements as episode {original}"
            remedy = f"robot-rl data edit delete DATASET {p.number}"
            yield Finding(level=Level.WRONG, kind="duplicate", text=text, remedy=remedy, episode=p.number)


def _constant(profiles: Sequence[Profile]) -> Iterator[Finding]:
    for name in profiles[0].low:
        low, high = (np.array([getattr(p, side)[name] for p in profiles]) for side in ("low", "high"))
        dead = np.flatnonzero(low.min(axis=0) == high.max(axis=0))
        if len(dead):
            text = f"component {_list(dead)} of {name} never changes in the whole dataset"
            remedy = "right if the task never uses it; otherwise check the sensor"
            yield Finding(level=Level.NOTE, kind="frozen", text=text, remedy=remedy)


def _frozen(profiles: Sequence[Profile], rate: float) -> Iterator[Finding]:
    moving = sum(p.moving for p in profiles)
    lively = np.sum([p.changed for p in profiles], axis=0) > LIVELY * moving
    long = max(2, round(DEAD * rate))
    for p in profiles:
        dead = np.flatnonzero(lively & (p.frozen >= long))
        if len(dead):
            worst = p.frozen[dead].max() / rate
            text = f"component {_list(dead)} of the state stood still for up to {worst:.1f} s while the rest moved"
            remedy = "check the joint's sensor; delete or trim the episode"
            yield Finding(level=Level.WRONG, kind="frozen", text=text, remedy=remedy, episode=p.number)


def _saturated(profiles: Sequence[Profile]) -> Iterator[Finding]:
    steps = np.array([p.steps for p in profiles])
    share = np.average([p.at_bound for p in profiles], axis=0, weights=steps)
    switch = np.all([p.switch for p in profiles], axis=0)
    for i in np.flatnonzero((share > AT_BOUND) & ~switch):
        text = f"component {i} of the action is at its bound in {share[i]:.0%} of the steps"
        remedy = "give the task a larger scale, or drive more slowly"
        yield Finding(level=Level.SUSPECT, kind="saturation", text=text, remedy=remedy)


def _still(profiles: Sequence[Profile]) -> Iterator[Finding]:
    for p in profiles:
        if p.still > STILL:
            text = f"{p.still:.0%} of its steps ask for nothing"
            remedy = "trim its ends: robot-rl data edit trim"
            yield Finding(level=Level.SUSPECT, kind="still", text=text, remedy=remedy, episode=p.number)


def _outliers(
    profiles: Sequence[Profile], kind: str, of: Callable[[Profile], float], words: str, lowest: float
) -> Iterator[Finding]:
    """Episodes more than ``FAR`` above the others of their outcome, or further than ``lowest`` below them."""
    for outcome in sorted({p.outcome for p in profiles}):
        alike = [p for p in profiles if p.outcome == outcome]
        values = np.array([of(p) for p in alike])
        if len(alike) < ENOUGH:
            continue
        middle = float(np.median(values))
        spread = max(1.4826 * float(np.median(np.abs(values - middle))), SPREAD * middle, 1e-9)
        for p, value in zip(alike, values, strict=True):
            if not lowest <= (value - middle) / spread <= FAR:
                text = f"{words.format(value)}, the median of the {outcome} episodes is {middle:.3g}"
                yield Finding(level=Level.SUSPECT, kind=kind, text=text, remedy=LOOK, episode=p.number)


def _list(components: Array) -> str:
    return ", ".join(str(int(c)) for c in components[:8]) + (" ..." if len(components) > 8 else "")
