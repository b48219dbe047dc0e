"""A learner that was killed ends where it would have ended, and a checkpoint hardly holds it up."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from learner_samples import SPEC, make_learner
from test_feed import episodes

from robot_rl.core.errors import CheckpointError
from robot_rl.core.records import Transition
from robot_rl.core.spec import STATE
from robot_rl.data.replay import Replay
from robot_rl.learner import feed as feed_module
from robot_rl.learner.feed import Feed
from robot_rl.learner.snapshot import Scribe, take
from robot_rl.learner.swap import tidy
from robot_rl.transport.inbox import Arrival

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(600)
def test_a_killed_learner_ends_bit_for_bit_where_it_would_have_ended():
    call = [sys.executable, str(ROOT / "benchmarks" / "resume.py"), "--quick"]
    done = subprocess.run(call, capture_output=True, text=True, check=True, timeout=550)
    figures = json.loads(done.stdout.strip().splitlines()[-1].removeprefix("RESULT "))["figures"]
    for life in (figures, figures["from_images"]):
        assert life["kills"] == 1
        assert life["identical_files"] == life["of_files"] == 3, done.stdout


def merged(rng: random.Random, actors: int) -> list[Arrival]:
    """Records of several actors, in any order that keeps each one's own."""
    queues = [episodes(actor, [rng.randint(1, 4) for _ in range(5)]) for actor in range(actors)]
    out = []
    while any(queues):
        queue = rng.choice([q for q in queues if q])
        arrival = queue.pop(0)
        out.append(arrival._replace(stream=f"stream of {arrival.actor}"))
    return out


def drawn(replay: Replay) -> Transition:
    return replay.sample(200, 2, 0.9)


@pytest.mark.parametrize("seed", range(12))
def test_a_replay_is_filled_again_in_the_order_in_which_it_was(seed: int, monkeypatch: pytest.MonkeyPatch):
    rng = random.Random(seed)
    monkeypatch.setattr(feed_module, "TURN", rng.choice([0.0, 1.0]))  # 0: the replay changes hands at every record
    arrivals = merged(rng, 3)
    broken = rng.randrange(len(arrivals))
    arrivals[broken] = arrivals[broken]._replace(payload=b"\xff\xff")
    first = Replay(SPEC, 25, seed=1)
    feed = Feed(first, SPEC, lambda episode: None)
    cut = rng.randrange(len(arrivals) + 1)
    feed.take_all(arrivals[:cut])
    saved = json.loads(json.dumps({"feed": feed.state_dict(), "replay": first.state_dict()}))
    streams: dict[str, list[Arrival]] = {}
    for arrival in arrivals:
        streams.setdefault(arrival.stream, []).append(arrival)
    second = Replay(SPEC, 25, seed=99)
    again = Feed(second, SPEC, lambda episode: None)
    again.restore(saved["feed"], {name: iter(one) for name, one in streams.items()})
    second.load_state_dict(saved["replay"])
    assert len(first) == len(second)
    assert (feed.env_steps, feed.episodes, feed.rejected) == (again.env_steps, again.episodes, again.rejected)
    assert again.backlog == len(arrivals) - cut
    if len(first):
        one, two = drawn(first), drawn(second)
        np.testing.assert_array_equal(one.obs[STATE], two.obs[STATE])
        np.testing.assert_array_equal(one.next_obs[STATE], two.next_obs[STATE])
    while again.drain():
        pass
    feed.take_all(arrivals[cut:])
    assert (feed.env_steps, feed.episodes, feed.rejected) == (again.env_steps, again.episodes, again.rejected)


def test_records_enter_the_replay_when_the_updates_before_them_are_done():
    feed = Feed(Replay(SPEC, 100, seed=0), SPEC, lambda episode: None)
    for arrival in episodes(0, [5, 5]):
        feed.put(arrival)
    feed.drain(lambda: feed.env_steps >= 3)
    assert feed.env_steps == 3
    assert feed.backlog == 10 + 4 - 3 - 1  # two begins and two ends; one begin was taken
    feed.drain()
    assert feed.env_steps == 10


def test_a_checkpoint_is_of_one_instant_and_does_not_wait_for_the_disk():
    learner = make_learner()
    kept = []

    def slow(path: Path, snapshot: object, counts: dict[str, int]) -> None:
        time.sleep(0.5)
        kept.append(snapshot)

    scribe = Scribe(slow)
    before = {k: v.clone() for k, v in learner.state_dict().items()}
    scribe.save(Path("x"), lambda: take(learner), {})
    assert scribe.busy
    batch = Transition(
        obs={STATE: torch.randn(32, 2)}, action=torch.rand(32, 1), reward=torch.ones(32),
        discount=torch.ones(32), next_obs={STATE: torch.randn(32, 2)},
    )  # fmt: skip
    learner.update(batch)
    scribe.wait()
    pauses = [scribe.pause]
    for _ in range(3):  # a busy machine may hold up one of them
        scribe.save(Path("x"), lambda: take(learner), {})
        pauses.append(scribe.pause)
    assert 0 < min(pauses) < 0.05
    assert all(torch.equal(kept[0].tensors[k], v) for k, v in before.items())
    assert any(not torch.equal(v, before[k]) for k, v in learner.state_dict().items())


def test_what_goes_wrong_while_a_checkpoint_is_written_is_told():
    def failing(path: Path, snapshot: object, counts: dict[str, int]) -> None:
        raise CheckpointError("the disk is full")

    scribe = Scribe(failing)
    scribe.save(Path("x"), lambda: take(make_learner()), {})
    with pytest.raises(CheckpointError, match="the disk is full"):
        scribe.wait()


WRITER = """
import sys
from pathlib import Path
from robot_rl.learner.swap import put
folder, number = Path(sys.argv[1]), 0
while True:
    number += 1
    staging = folder / f".c.{number}"
    staging.mkdir()
    for name in "ab":
        (staging / name).write_text(str(number))
    put(staging, folder / "c")
    print(number, flush=True)
"""


def test_a_kill_while_a_folder_is_replaced_leaves_one_of_them_whole(tmp_path: Path):
    for attempt in range(8):
        child = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
        child.stdout.readline()
        time.sleep(random.uniform(0.0, 0.05))
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        tidy(tmp_path, "c")
        assert [p.name for p in tmp_path.iterdir()] == ["c"], attempt
        assert (tmp_path / "c" / "a").read_text() == (tmp_path / "c" / "b").read_text()


def test_a_folder_that_was_moved_aside_when_the_kill_came_is_brought_back(tmp_path: Path):
    (tmp_path / ".c.old.12").mkdir()
    (tmp_path / ".c.34").mkdir()
    tidy(tmp_path, "c")
    assert [p.name for p in tmp_path.iterdir()] == ["c"]
