"""An episode for a page: curves of its numbers, and who had the arm when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.records import Source
from robot_rl.core.spec import Spec
from robot_rl.data.episode import Episode
from robot_rl.data.layout import AGES

POINTS: Final = 2000
"""Points of a curve, at most."""
LEDGER: Final = ("tank", "spring", "budget", "work")


def segments(episode: Episode) -> list[dict[str, Any]]:
    """Stretches of steps with one source and one intervention: first step, step after the last, who, which."""
    keys = np.stack([episode.source.astype(np.int64), episode.intervention.astype(np.int64)])
    starts = [0, *(np.flatnonzero((np.diff(keys, axis=1) != 0).any(axis=0)) + 1).tolist()]
    return [
        {
            "start": start,
            "stop": stop,
            "source": Source(int(episode.source[start])).name.lower(),
            "intervention": int(episode.intervention[start]),
        }
        for start, stop in zip(starts, [*starts[1:], len(episode)], strict=True)
    ]


def curves(episode: Episode, spec: Spec) -> list[dict[str, Any]]:
    """Charts: title, and lines of values every ``stride`` steps; ``dash`` 1 are proposals, 2 the policy's own."""
    proposals = _lines(episode.proposal, 1) + _lines(episode.policy_proposal, 2)
    charts = [("action (solid), proposal (dashed), the policy's (dotted)", _lines(episode.action, 0) + proposals)]
    ledger: Mapping[str, NDArray] = {name: episode.energy[name] for name in LEDGER}
    charts += [("energy [J]: " + ", ".join(LEDGER), [_line(ledger[name], i, 0) for i, name in enumerate(LEDGER)])]
    charts += [("force [N]", [_line(episode.peak_force, 0, 0)])]
    charts += [("reward", [_line(episode.reward, 0, 0)])]
    charts += _ages(episode)
    charts += [(name, _lines(np.asarray(episode.obs[name])[: len(episode)], 0)) for name in spec.vectors]
    stride = -(-len(episode) // POINTS)
    return [
        {"title": title, "stride": stride, "lines": [_thin(line, stride) for line in all_]} for title, all_ in charts
    ]


def _ages(episode: Episode) -> list[tuple[str, list[dict[str, Any]]]]:
    """How old what each step used was, and how late it came; nothing where nobody measured it."""
    known = [name for name in AGES if np.isfinite(episode.freshness[name]).any()]
    if not known:
        return []
    lines = [_line(1e3 * episode.freshness[name], i, 0) for i, name in enumerate((*known, "overrun"))]
    return [(f"age [ms]: {', '.join(name.removesuffix('_age') for name in known)}, overrun", lines)]


def _lines(rows: NDArray, dash: int) -> list[dict[str, Any]]:
    return [_line(column, i, dash) for i, column in enumerate(rows.T)]


def _line(values: NDArray, colour: int, dash: int) -> dict[str, Any]:
    return {"colour": colour, "dash": dash, "values": values}


def _thin(line: dict[str, Any], stride: int) -> dict[str, Any]:
    values = line["values"][::stride].astype(np.float64)
    return {**line, "values": [round(v, 5) if np.isfinite(v) else None for v in values.tolist()]}
