"""What actors said they had done, against what the learner has: steps one by one, and how old its weights were."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from crashes.learning import lines
from crashes.numbered import LIVES, SPEC, done, seen

from robot_rl.core.spec import STATE
from robot_rl.transport.codec import decode_step
from robot_rl.transport.experience_pb2 import Event
from robot_rl.transport.record_log import RecordLog

NEVER = -1.0
"""In the place of a time: no weights were fresh before the next fault, or the end."""
SETTLE = 1.0
"""Time that a connection has, once all is well again, before its weights must be fresh [s]."""
WHEN, HANDED, SPOOLED, LIFE, COUNT, CONNECTED = range(6)
"""Columns of an actor's diary."""


@dataclass
class Ledger:
    """When which actor was not well, or not connected."""

    times: dict[int, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    kinds: list[tuple[str, int, float]] = field(default_factory=list)
    """What happened to whom, and when it was over."""

    slow: dict[int, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    """When its line was too slow for the weights that were published."""

    def ill(self, kind: str, actor: int, began: float, ended: float) -> None:
        """From the fault to the end of it."""
        self.times[actor].append((began, ended))
        self.kinds.append((kind, actor, ended))


@dataclass
class Count:
    """What all faults came to."""

    steps: int = 0
    lives: int = 0
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    changed: int = 0
    unspooled: int = 0
    """Most records that a killed actor had handed over and not yet written to its disk."""
    replay_lost: int = 0
    replay_duplicated: int = 0
    wrong: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, int]:
        """For the RESULT line."""
        return {
            "steps": self.steps,
            "lives of actors": self.lives,
            "lost": self.lost,
            "duplicated": self.duplicated,
            "reordered": self.reordered,
            "changed": self.changed,
            "in the replay: lost": self.replay_lost,
            "in the replay: duplicated": self.replay_duplicated,
            "handed over, not yet on disk at a kill, most": self.unspooled,
        }


def audit(folder: Path, told: Mapping[str, Any]) -> Count:
    """Compare the learner's log and replay with what actors had on disk."""
    count, streams, learnable = Count(), Counter(), set()
    for path in sorted((folder / "run" / "log").glob("*.log")):
        who, numbers = _stream(path, count, learnable)
        streams[who] += 1
        if who < 0:
            continue
        count.steps += len(numbers)
        count.duplicated += len(numbers) - len(set(numbers))
        count.reordered += int((np.diff(numbers) <= 0).sum())
    for path in sorted(folder.glob("actor*.txt")):
        number, life = (int(v) for v in path.stem.removeprefix("actor").split("-"))
        count.lives += 1
        if len(lines(path)) and streams[number * LIVES + life] != 1:
            count.wrong.append(f"{streams[number * LIVES + life]} streams of {path.stem}")
    known = {(who, number) for who, number in told["known"]}
    count.replay_lost, count.replay_duplicated = len(learnable - known), told["length"] - len(known)
    count.wrong += [f"in the replay and not learnable: {key}" for key in sorted(known - learnable)[:3]]
    bad = ("lost", "duplicated", "reordered", "changed", "replay_lost", "replay_duplicated")
    count.wrong += [f"{name}: {getattr(count, name)}" for name in bad if getattr(count, name)]
    if told["env_steps"] != count.steps or told["rejected"]:
        count.wrong.append(f"the learner counted {told['env_steps']} steps and rejected {told['rejected']}")
    return count


def _stream(path: Path, count: Count, learnable: set[tuple[int, int]]) -> tuple[int, list[int]]:
    """Whose life a log is, and the numbers of its steps; adds what can be learnt from, and what is wrong."""
    log = RecordLog.open(path)
    who, numbers, records, open_step = -1, [], 0, None
    for seq, payload in log.payloads():
        records += 1
        count.reordered += seq != records
        event = Event.FromString(payload)
        kind = event.WhichOneof("body")
        if kind == "begin":
            who, open_step = int(json.loads(event.begin.meta)["who"]), None
        elif kind == "step":
            record = decode_step(event.step, SPEC).record
            number = round(record.reward)
            right = np.array_equal(record.obs[STATE], seen(who, number)[STATE])
            count.changed += not (right and np.array_equal(record.action, done(who, number)))
            numbers.append(number)
            learnable |= {(who, open_step)} if open_step is not None else set()
            open_step = number
        elif kind == "end":
            learnable |= {(who, open_step)} if open_step is not None and event.end.complete else set()
            open_step = None
    log.close()
    _compare(path, who, records, count)
    return who, numbers


def _compare(path: Path, who: int, records: int, count: Count) -> None:
    """A life's records against its diary."""
    if who < 0:
        return
    number, life = divmod(who, LIVES)
    said = lines(path.parents[2] / f"actor{number}-{life:03d}.txt")
    if not len(said):
        return
    count.lost += max(0, int(said[-1, SPOOLED]) - records)
    count.unspooled = max(count.unspooled, int(said[-1, HANDED]) - records)


def staleness(folder: Path, ledger: Ledger) -> dict[str, float]:
    """How many publications behind the weights were that connected actors acted by, and how soon after a fault."""
    published = np.concatenate(
        [
            np.column_stack([rows, np.full(len(rows), int(path.stem.split("-")[1]))])
            for path in sorted(folder.glob("learner-*.txt"))
            if len(rows := lines(path))
        ]
    )
    behind, crawling, recovery = [np.zeros(0)], [np.zeros(1)], defaultdict(list)
    for number in {int(path.stem[5:].split("-")[0]) for path in folder.glob("actor*.txt")}:
        rows = np.concatenate([r for p in sorted(folder.glob(f"actor{number}-*.txt")) if len(r := lines(p))])
        lag = np.array([_lag(published, row) for row in rows])
        ill, slow = (_within(rows[:, WHEN], times[number]) for times in (ledger.times, ledger.slow))
        connected = rows[:, CONNECTED] > 0
        behind.append(lag[connected & ~ill & ~slow])
        crawling.append(lag[connected & slow])
        mine = [(kind, ended) for kind, actor, ended in ledger.kinds if actor == number]
        following = [began for began, _ in ledger.times[number][1:]] + [float("inf")]
        for (kind, ended), again in zip(mine, following, strict=False):
            fresh = rows[(rows[:, WHEN] > ended) & (rows[:, WHEN] < again) & (lag <= 2) & connected]
            recovery[kind] += [fresh[0, WHEN] - ended] if len(fresh) else []
    lags, recovered = np.concatenate(behind), sorted(recovery.items())
    return {
        "weights behind, most [publications]": int(lags.max()),
        "weights behind, p99 [publications]": float(np.percentile(lags, 99)),
        "steps with a connection": len(lags),
        "weights behind on a slow line, most [publications]": int(np.concatenate(crawling).max()),
        **{f"fresh weights after {kind}, worst [s]": round(max(times, default=NEVER), 2) for kind, times in recovered},
    }


def _within(when: np.ndarray, times: list[tuple[float, float]]) -> np.ndarray:
    """Which moments lie in one of the times, or shortly after."""
    inside = np.zeros(len(when), np.bool_)
    for began, ended in times:
        inside |= (when >= began) & (when <= ended + SETTLE)
    return inside


def _lag(published: np.ndarray, row: np.ndarray) -> int:
    """Publications of the learner at work that were made by then and are newer than the weights in use."""
    before = published[published[:, 0] <= row[WHEN]]
    if not len(before):
        return 0
    life = before[-1, 2]
    newest = before[before[:, 2] == life][-1, 1]
    return int(newest - row[COUNT] if row[LIFE] == life else newest)
