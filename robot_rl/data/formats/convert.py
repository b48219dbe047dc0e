"""Converts datasets to and from the formats that others read."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from robot_rl.core.errors import ConfigError, DatasetError
from robot_rl.core.names import check_name
from robot_rl.core.spec import Spec
from robot_rl.data.dataset import open_dataset
from robot_rl.data.formats.beside import beside
from robot_rl.data.formats.columns import Incoming, write_episode
from robot_rl.data.formats.export import IMAGES, Export, Options
from robot_rl.data.formats.report import Report
from robot_rl.data.layout import DATASET_FILE
from robot_rl.data.recorder import EpisodeWriter

FORMATS: Final = ("lerobot", "robomimic", "mcap", "diffusion_policy")
"""Each is a module of this folder with ``write(export)`` and ``read(source, report)``."""


def convert(
    source: Path,
    target: Path,
    format: str,
    options: Options | None = None,
    on_episode: Callable[[int, int], None] | None = None,
) -> Report:
    """Convert one of our datasets to ``format``, or a dataset in ``format`` to one of ours.

    The target appears when it is whole; a conversion that was killed leaves a hidden folder that the next one removes.

    Args:
        source: Our dataset, which is then exported, or one in ``format``, which is then imported.
        target: Where the result goes; nothing may be there.
        format: lerobot, robomimic, mcap or diffusion_policy.
        options: For formats that leave a choice.
        on_episode: Called with the number of episodes done, and of all where it is known, else 0.
    """
    check_name("format", format, FORMATS)
    options = options or Options()
    check_name("images", options.images, IMAGES)
    source, target = Path(source), Path(target)
    if not source.exists():
        raise ConfigError(f"{source}: there is nothing there; check the path")
    module = importlib.import_module(f"robot_rl.data.formats.{format}")
    report = Report(format, source, target)
    progress = on_episode or (lambda _done, _all: None)
    if (source / DATASET_FILE).exists():
        _export(module, report, options, progress)
    else:
        _import(module, report, progress)
    return report


def _export(module: ModuleType, report: Report, options: Options, progress: Callable[[int, int], None]) -> None:
    dataset = open_dataset(report.source)
    if len(dataset) == 0:
        raise ConfigError(f"{report.source} has no episodes: there is nothing to convert")
    report.episodes, report.steps = len(dataset), dataset.steps
    if dataset.history:
        report.lost["earlier versions"] = f"the {len(dataset.history)} edits are applied; they can be undone only here"
    if dataset.damaged:
        report.lost["damaged episodes"] = ", ".join(path.name for path in dataset.damaged)
    with beside(report.target) as place:
        module.write(Export(dataset, place, report, options, progress))


def _import(module: ModuleType, report: Report, progress: Callable[[int, int], None]) -> None:
    found: tuple[Spec, dict[str, Any], Iterator[Incoming]] = module.read(report.source, report)
    spec, meta, episodes = found
    report.assumed["uuid, time and program of recording"] = "those of this conversion"
    with beside(report.target) as place:
        place.mkdir()
        with EpisodeWriter(place, spec, meta) as writer:
            while _import_next(writer, episodes, report):
                report.episodes += 1
                progress(report.episodes, 0)
        report.steps = open_dataset(place).steps


def _import_next(writer: EpisodeWriter, episodes: Iterator[Incoming], report: Report) -> bool:
    """Record the next episode; False when there is none."""
    try:
        incoming = next(episodes, None)
        if incoming is not None and not write_episode(writer, incoming):
            report.assumed["observation after the last step"] = "the one before it, repeated"
    except (KeyError, IndexError, TypeError, ValueError) as error:
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        raise DatasetError(f"{report.source}: episode {report.episodes} is not as the others ({what})") from None
    return incoming is not None
