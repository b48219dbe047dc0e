"""Looks for what spoils a training: damaged files, wrong clocks, dead sensors, copies, odd episodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from robot_rl.core.errors import DatasetError
from robot_rl.data.dataset import Dataset
from robot_rl.data.episode import Episode
from robot_rl.data.review.findings import Finding, Level, worst_first
from robot_rl.data.review.overview import recovery
from robot_rl.data.review.profile import Profile, profile
from robot_rl.data.review.together import judge_together

WRONG, SUSPECT, NOTE = Level.WRONG, Level.SUSPECT, Level.NOTE
LONG_GAP: Final = 1.0
"""A time between two steps that no training should cross [s]."""
MISSING: Final = 0.05
"""Share of missing steps above which an episode's rate is not what was meant."""
STUCK: Final = 3
"""Steps of a moving arm under one image from which a camera is suspect; after a second it is wrong."""
OLD: Final = 3.0
"""An image this many periods old is suspect."""
DELETE = "delete or trim the episode: robot-rl data edit"


@dataclass(frozen=True, kw_only=True)
class Options:
    """How much is read."""

    digests: bool = True
    """Read every file and compare it with what was recorded."""
    images: bool = True
    """Look for cameras that stopped."""


def check(
    dataset: Dataset, options: Options | None = None, on_episode: Callable[[int], None] | None = None
) -> list[Finding]:
    """All that is wrong or odd, worst first; ``on_episode`` is told how many episodes are read."""
    options = options or Options()
    findings: list[Finding] = [*_state_of_files(dataset, options)]
    profiles = []
    for i, entry in enumerate(dataset.index):
        try:
            episode = dataset.episode(i)
        except DatasetError as error:
            text, _, remedy = str(error).partition(": ")
            findings.append(_finding(WRONG, "file", text, remedy, int(entry["number"])))
            continue
        found = profile(episode, dataset.spec, images=options.images)
        findings += [*judge_clock(episode, entry), *judge_labels(episode), *judge_cameras(found, dataset.spec.rate)]
        profiles.append(found)
        if on_episode is not None:
            on_episode(i + 1)
    return worst_first([*findings, *judge_together(profiles, dataset.spec.rate)])


def _finding(level: Level, kind: str, text: str, remedy: str, episode: int | None = None) -> Finding:
    return Finding(level=level, kind=kind, text=text, remedy=remedy, episode=episode)


def _state_of_files(dataset: Dataset, options: Options) -> Iterator[Finding]:
    restore = "restore it from a copy, or remove its folder"
    for path in dataset.damaged:
        yield _finding(WRONG, "file", f"{path} is no episode", restore)
    numbers = {entry["path"]: int(entry["number"]) for entry in dataset.index}
    for path in dataset.verify() if options.digests else ():
        if path in numbers:
            yield _finding(WRONG, "digest", "its files are not what was recorded", restore, numbers[path])
    for said in recovery(dataset):
        yield _finding(NOTE, "recovery", said, "look at the end of the episode: robot-rl data view")
    silent = sum(not (entry["meta"].get("instruction")) for entry in dataset.index)
    if silent:
        remedy = "robot-rl data edit relabel --instruction"
        yield _finding(NOTE, "instruction", f"{silent} episodes say no instruction", remedy)
    if len(dataset) == 0:
        yield _finding(SUSPECT, "empty", "there is no episode", "record some: robot-rl collect")


def judge_clock(episode: Episode, entry: Mapping[str, Any]) -> Iterator[Finding]:
    """Time stamps that do not grow, steps that are missing."""
    steps = np.diff(episode.stamp)
    back = np.flatnonzero(~(steps > 0))
    if len(back):
        text = f"time stands still or runs back at step {back[0] + 1}, and {len(back)} times in all"
        yield _finding(WRONG, "stamps", text, "mend the recorder's clock, and record again", episode.number)
    timing = entry.get("timing", {})
    missing, gap = int(timing.get("missing", 0)), float(timing.get("gap", 0.0))
    if missing:
        bad = gap >= LONG_GAP or missing > MISSING * len(episode)
        text = f"{missing} steps are missing between {len(episode)}, the longest gap is {gap:.2f} s"
        yield _finding(WRONG if bad else SUSPECT, "gap", text, DELETE, episode.number)


def judge_labels(episode: Episode) -> Iterator[Finding]:
    """What an episode says of its steps must fit together; no number may be unusable."""
    number = episode.number
    ends = np.flatnonzero((episode.terminated | episode.truncated)[:-1])
    if len(ends):
        text = f"step {ends[0]} of {len(episode)} says that the episode is over"
        yield _finding(WRONG, "labels", text, "split it there: robot-rl data edit split", number)
    bad = [name for name, rows in episode.obs.items() if rows.dtype.kind == "f" and not np.isfinite(rows).all()]
    bad += [name for name in ("action", "reward") if not np.isfinite(getattr(episode, name)).all()]
    if bad:
        yield _finding(WRONG, "numbers", f"{', '.join(bad)} hold numbers that are not finite", DELETE, number)
    largest = float(np.abs(episode.action).max())
    if largest > 1.01:
        remedy = "convert it again with the right scale"
        yield _finding(WRONG, "action", f"an action reaches {largest:.2f}, beyond 1", remedy, number)
    if (episode.energy["violations"] > 0).any():
        text = "the controller gave away more energy than it was allowed"
        yield _finding(WRONG, "passivity", text, "do not use this station before its log is understood", number)


def judge_cameras(found: Profile, rate: float) -> Iterator[Finding]:
    """Images that stood still while the arm moved, that are old, or that come from the future."""
    remedy = "check the camera's cable and rate; " + DELETE
    for camera, run in found.stuck.items():
        if run >= STUCK:
            text = f"{camera}: the image stayed the same through {run} steps in which the arm moved"
            yield _finding(WRONG if run >= rate else SUSPECT, "stale camera", text, remedy, found.number)
    for camera, age in found.age.items():
        if age * rate > OLD:
            text = f"{camera}: an image was {1000 * age:.0f} ms old, {age * rate:.1f} periods"
            yield _finding(SUSPECT, "stale camera", text, remedy, found.number)
        if found.future[camera] * rate > 1.0:
            text = f"{camera}: an image was exposed {1000 * found.future[camera]:.0f} ms after its observation"
            yield _finding(WRONG, "stale camera", text, "give camera and arm one clock", found.number)
