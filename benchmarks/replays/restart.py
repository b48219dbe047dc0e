"""Time until a replay is there again: mapped from kept episodes, or read and decoded from the learner's log."""

from __future__ import annotations

import itertools
import time
import uuid
from pathlib import Path

import numpy as np
from readers.make_frames import CAMERAS, SPEC, multiply
from replays.ours import EPISODE, noise, record

from robot_rl.core.spec import IMAGES, STATE
from robot_rl.data.keeper import Keeper
from robot_rl.data.replay import Replay
from robot_rl.learner.feed import Feed
from robot_rl.learner.kept import Kept
from robot_rl.learner.tally import EpisodeSummary
from robot_rl.transport.codec import encode_begin, encode_end, encode_step, spec_json
from robot_rl.transport.experience_pb2 import Header
from robot_rl.transport.framing import frame
from robot_rl.transport.inbox import Inbox
from robot_rl.transport.record_log import RecordLog
from robot_rl.transport.versions import READER, SCHEMA


def mapped(root: Path, count: int) -> dict[str, float]:
    """Time until a replay holds ``count`` episodes of ``EPISODE`` steps, all of them the one recorded at ``root``."""
    multiply(root, count)
    with Keeper(root, SPEC):
        pass  # the index knows all episodes, as it does when they came one by one
    start = time.perf_counter()
    with Keeper(root, SPEC) as keeper:
        replay = Replay(SPEC, 10**6, seed=0)
        for episode in keeper.kept(10**6):
            replay.attach(episode)
        ready = time.perf_counter() - start
    return {"mapped_steps": len(replay), "mapped_s": ready}


def learner(folder: Path, steps: int) -> dict[str, float]:
    """Time in which a learner's feed takes ``steps`` steps again, from its log alone and with the kept episodes."""
    write_log(folder / "log", steps // EPISODE)
    first, _ = _feed(steps)
    kept = Kept(folder / "experience", SPEC)
    first.on_applied = kept.saw
    first.take_all(Inbox(folder / "log", SPEC).recorded())
    kept.close()
    state = first.state_dict()
    times = {}
    for name in ("decoded", "kept"):
        feed, start = _feed(steps)
        inbox = Inbox(folder / "log", SPEC)
        opened = time.perf_counter() - start
        if name == "kept":
            again = Kept(folder / "experience", SPEC)
            feed.restore(state, again.streams(inbox.logs(), state))
        else:
            feed.restore(state, inbox.streams())
        times |= {f"restart_{name}_s": time.perf_counter() - start, "restart_opening_log_s": opened}
        assert len(feed.replay) == steps
    return {"restart_steps": steps, **times}


def write_log(folder: Path, episodes: int) -> None:
    """What a learner has of an actor that sent so many episodes."""
    folder.mkdir(parents=True)
    about = {"actor": uuid.uuid4().hex, "stream": uuid.uuid4().hex, "spec": spec_json(SPEC)}
    header = Header(**about, schema=SCHEMA, reader=READER, created_ns=time.time_ns())
    log = RecordLog.create(folder / f"{header.created_ns:020d}-{header.stream}.log", header)
    frames, seq = itertools.cycle(noise(61)), itertools.count(1)
    for _ in range(episodes):
        for row in range(EPISODE + 2):
            look = {STATE: np.zeros(21, np.float32), **{IMAGES + c: next(frames) for c in CAMERAS}}
            payload = encode_begin({}) if row == 0 else encode_step(record(look, 7), SPEC)
            number = next(seq)
            raw = frame(number, encode_end(look, SPEC) if row == EPISODE + 1 else payload)
            log.append(number, raw, [len(raw)])
    log.sync()
    log.close()


def _feed(steps: int) -> tuple[Feed, float]:
    """A feed with an empty replay, and what the clock says then."""
    return Feed(Replay(SPEC, 2 * steps, 0), SPEC, _ignore), time.perf_counter()


def _ignore(episode: EpisodeSummary) -> None:
    """Nobody counts them."""
