"""What a replay was given comes back after a restart: mapped, in order, and sampled bit for bit as before."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from make_episodes import IMAGE, SPEC, STATE, observation, step

from robot_rl.core.errors import DatasetError, SpecError
from robot_rl.core.records import StepRecord
from robot_rl.core.spec import Feature
from robot_rl.data.dataset import open_dataset
from robot_rl.data.keeper import Keeper
from robot_rl.data.loading.augment import Augmentation
from robot_rl.data.replay import Replay

ENDS = ("terminated", "truncated", "stopped", "interrupted")


def episode(number: int) -> tuple[list[StepRecord], dict[str, np.ndarray] | None]:
    length, end = 2 + number % 9, ENDS[number % 4]
    ends = {"terminated": end == "terminated", "truncated": end == "truncated"}
    steps = [step(number, row, **(ends if row == length - 1 else {})) for row in range(length)]
    return steps, None if end == "interrupted" else observation(number, length)


def fill(replay: Replay, keeper: Keeper | None, numbers: range) -> None:
    for number in numbers:
        steps, final = episode(number)
        replay.begin({})
        for taken in steps:
            replay.add(taken)
        replay.end(final)
        if keeper is not None:
            keeper.keep(steps, final, {"number": number})


@pytest.mark.parametrize("capacity", [1000, 70])
def test_a_restarted_replay_draws_what_the_old_one_would_have_drawn(tmp_path: Path, capacity: int):
    before = Replay(SPEC, capacity, seed=3)
    with Keeper(tmp_path / "set", SPEC) as keeper:
        fill(before, keeper, range(28))
    before.sample(64)
    state, person = before.state_dict(), before.corrections(5)
    after = Replay(SPEC, capacity, seed=99)
    with Keeper(tmp_path / "set", SPEC) as keeper:
        for kept in keeper.kept(capacity):
            after.attach(kept)
        after.load_state_dict(state)
        assert len(after) == len(before) > 50
        assert after.state_dict() == state
        for replay in (before, after):  # both go on, over the mapped rows
            fill(replay, None, range(28, 32))
    for shift in (None, Augmentation(shift=2)):
        first, second = (replay.sample(300, 3, 0.9, None, shift) for replay in (before, after))
        for name in (STATE, IMAGE):
            np.testing.assert_array_equal(first.obs[name], second.obs[name])
            np.testing.assert_array_equal(first.next_obs[name], second.next_obs[name])
        for name in ("action", "reward", "discount"):
            np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    again = after.corrections(5)
    assert len(again) == len(person) > 0
    np.testing.assert_array_equal(again.sample(50).obs[IMAGE], person.sample(50).obs[IMAGE])


def test_mapped_rows_are_written_over_like_others(tmp_path: Path):
    with Keeper(tmp_path / "set", SPEC) as keeper:
        fill(Replay(SPEC, 10, seed=0), keeper, range(6))
    replay = Replay(SPEC, 25, seed=0)
    with Keeper(tmp_path / "set", SPEC) as keeper:
        for kept in keeper.kept(1000):
            replay.attach(kept)
    for number in range(6, 40):
        fill(replay, None, range(number, number + 1))
        batch = replay.sample(64, 2, 0.9)
        for obs in (batch.obs, batch.next_obs):
            for b in range(0, 64, 8):
                of, row = (int(x) for x in obs[STATE][b, :2])
                np.testing.assert_array_equal(obs[IMAGE][b], observation(of, row)[IMAGE])
        np.testing.assert_array_equal(batch.obs[STATE][:, 0], batch.next_obs[STATE][:, 0])
    assert not replay.ring._mapped, "files of forgotten rows are closed"


def test_an_episode_comes_back_in_the_pieces_that_it_came_in(tmp_path: Path):
    before, after = (Replay(SPEC, 100, seed=1) for _ in range(2))
    steps, final = episode(8)  # nine steps, then a true end
    with Keeper(tmp_path / "set", SPEC) as keeper:
        keeper.keep(steps, final, {})
    with Keeper(tmp_path / "set", SPEC) as keeper:
        (kept,) = keeper.kept(100)
    for first, stop in ((0, 4), (3, 7), (6, 10)):  # others had the replay in between
        before.begin({})
        for taken in steps[first:stop]:
            before.add(taken)
        if stop > len(steps):
            before.end(final)
        after.attach(kept, first, stop)
    assert len(before) == len(after) == 9
    assert len(before.corrections(0)) == len(after.corrections(0)) == 9
    first, second = (replay.sample(100, 5, 0.9) for replay in (before, after))
    for name in ("action", "reward", "discount"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    np.testing.assert_array_equal(first.next_obs[IMAGE], second.next_obs[IMAGE])


def test_killed_keepers_lose_nothing_that_they_announced(tmp_path: Path):
    announced: list[int] = []
    program, root = Path(__file__).parent / "keeper_process.py", tmp_path / "set"
    for _ in range(4):
        call = [sys.executable, str(program), str(root), str(len(announced))]
        process = subprocess.Popen(call, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        announced.append(int(process.stdout.readline()))
        time.sleep(random.uniform(0.0, 0.2))
        process.kill()
        announced += [int(line) for line in process.stdout]
        process.wait()
        open_dataset(root)  # somebody looks at it, and recovers what was half written
        with Keeper(root, SPEC) as keeper:
            kept = [(int(e.meta["number"]), len(e.action)) for e in keeper.kept(10**6)]
        assert [number for number, _ in kept[: len(announced)]] == announced == list(range(len(announced)))
        assert all(steps == 3 + number % 5 for number, steps in kept)
        assert len(kept) <= len(announced) + 1
        announced = [number for number, _ in kept]
    with pytest.raises(SpecError, match="another observation"):
        Replay(SPEC.with_feature("observation.more", Feature((1,))), 10, 0).attach(
            next(iter(open_dataset(root).episodes()))
        )


def test_only_one_keeper_at_a_time(tmp_path: Path):
    with Keeper(tmp_path / "set", SPEC), pytest.raises(DatasetError, match="another process"):
        Keeper(tmp_path / "set", SPEC)


def test_a_keeper_that_cannot_write_says_so(tmp_path: Path):
    with Keeper(tmp_path / "set", SPEC) as keeper:
        steps, final = episode(0)
        keeper.keep([step(0, 0).__class__(**{**vars(steps[0]), "action": np.zeros(1)})], final, {})
        end = time.monotonic() + 10
        while keeper.error is None and time.monotonic() < end:
            time.sleep(0.01)
        with pytest.raises(SpecError, match="action has shape"):
            keeper.keep(steps, final, {})
