"""Images in a replay: shifts are pad and crop, windows stay in their episodes, corrections are a half of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make_episodes import IMAGE, SPEC, STATE, observation, step
from replay_model import ENDS, PLAIN, Row, fill

from robot_rl.core.errors import ConfigError, SpecError
from robot_rl.core.records import Source
from robot_rl.core.spec import Feature, Spec
from robot_rl.data.loading.augment import Augmentation
from robot_rl.data.loading.windows import Window
from robot_rl.data.mixture import Mixture, Pool
from robot_rl.data.replay import Replay
from robot_rl.data.transitions import empty_batch

SECOND = "observation.images.front"
TWO = Spec(observation={**SPEC.observation, SECOND: Feature((40, 40, 3), "uint8")}, action_dim=2, rate=10.0)


def two(episode: int, row: int) -> dict[str, np.ndarray]:
    seen = observation(episode, row)
    return {**seen, SECOND: 255 - seen[IMAGE]}


def with_two_cameras(seed: int, spec: Spec = TWO) -> Replay:
    replay = Replay(spec, 100, seed)
    for episode in range(3):
        for row in range(10):
            replay.add(replace(step(episode, row), obs=two(episode, row)))
        replay.end(two(episode, 10))
    return replay


def shifted(image: np.ndarray, offset: tuple[int, int]) -> np.ndarray:
    padded = np.pad(image, ((3, 3), (3, 3), (0, 0)), mode="edge")
    y, x = offset[0] + 3, offset[1] + 3
    return padded[y : y + 40, x : x + 40]


def offset_of(cut: np.ndarray, state: np.ndarray, camera: str) -> tuple[int, int]:
    """The one shift of at most 3 pixels that makes ``cut`` of what was recorded there."""
    whole = two(int(state[0]), int(state[1]))[camera]
    places = [(y, x) for y in range(-3, 4) for x in range(-3, 4)]
    found = [place for place in places if (shifted(whole, place) == cut).all()]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("together", [True, False])
def test_the_shift_on_the_way_is_pad_and_crop(together: bool):
    batch = with_two_cameras(0).sample(40, 3, 0.9, augmentation=Augmentation(shift=3, together=together))
    offsets = []
    for obs in (batch.obs, batch.next_obs):
        state = obs[STATE]
        offsets.append([[offset_of(obs[c][b], state[b], c) for c in (IMAGE, SECOND)] for b in range(40)])
    now, then = (np.array(o) for o in offsets)
    same = (now[:, 0] == now[:, 1]).all(axis=1)
    assert same.all() == together
    assert same.mean() < 0.2 or together
    assert (now == then).all(axis=(1, 2)).mean() < 0.1, "the next observation has a shift of its own"
    assert len(np.unique(now[:, 0], axis=0)) > 20
    np.testing.assert_array_equal(batch.action, batch.obs[STATE][:, :2])


def test_without_a_shift_images_are_what_was_seen_and_draws_are_the_same():
    plain, moved = (with_two_cameras(5).sample(32, 1, 0.9, None, a) for a in (None, Augmentation(shift=0)))
    for b in range(32):
        for obs in (plain.obs, plain.next_obs):
            episode, row = (int(x) for x in obs[STATE][b, :2])
            np.testing.assert_array_equal(obs[IMAGE][b], two(episode, row)[IMAGE])
            np.testing.assert_array_equal(obs[SECOND][b], two(episode, row)[SECOND])
    np.testing.assert_array_equal(plain.obs[STATE], moved.obs[STATE])
    np.testing.assert_array_equal(plain.next_obs[SECOND], moved.next_obs[SECOND])


def test_a_crop_needs_a_batch_of_its_size():
    replay, crop = with_two_cameras(0), Augmentation(shift=0, crop=(32, 24))
    batch = replay.sample(8, augmentation=crop)
    assert batch.next_obs[SECOND].shape == (8, 32, 24, 3)
    with pytest.raises(ConfigError, match="same augmentation"):
        replay.sample(8, out=empty_batch(TWO, 8), augmentation=crop)
    with pytest.raises(ConfigError, match="same augmentation"):
        replay.sample(8, out=empty_batch(TWO, 8, crop))
    with pytest.raises(ConfigError, match="8 rows, too few"):
        replay.sample(9, out=empty_batch(TWO, 8))


def test_mixed_batches_are_shifted_on_both_sides():
    mixture = Mixture(with_two_cameras(1), with_two_cameras(2), 0.5)
    batch = mixture.sample(16, augmentation=Augmentation(shift=3))
    assert {offset_of(batch.obs[IMAGE][b], batch.obs[STATE][b], IMAGE) for b in range(16)} != {(0, 0)}


@settings(max_examples=60, deadline=None)
@given(
    episodes=st.lists(st.tuples(st.integers(1, 9), st.sampled_from(ENDS)), min_size=1, max_size=9),
    capacity=st.integers(2, 40),
    history=st.integers(1, 4),
    horizon=st.integers(1, 5),
    back=st.integers(0, 3),
)
def test_no_window_crosses_an_episode_of_the_ring(episodes, capacity, history, horizon, back):
    replay, held = Replay(PLAIN, capacity, seed=0), []
    for number, (length, end) in enumerate(episodes):
        held = [*held, *fill(replay, number, length, end)][-capacity:]
    if not len(replay):
        return
    window = Window(history=history, horizon=horizon, first_action=-min(back, horizon - 1))
    there = {(row.episode, row.row) for row in held}
    known = {(row.episode, row.row) for row in held if row.known}
    batch = replay.windows(64, window)
    for b in range(64):
        episode, t = (int(x) for x in batch.obs[STATE][b, -1, :2])
        wanted = [(episode, t - history + 1 + k) for k in range(history)]
        assert batch.obs_mask[b].tolist() == [place in there for place in wanted]
        nearest = min(row for e, row in there if e == episode)
        got = [tuple(place) for place in batch.obs[STATE][b, :, :2].astype(int)]
        assert got == [(episode, max(row, nearest)) for _, row in wanted]
        steps = [(episode, t + window.first_action + k) for k in range(horizon)]
        assert batch.action_mask[b].tolist() == [place in known for place in steps]
        least, most = (pick(row for e, row in known if e == episode) for pick in (min, max))
        assert [tuple(a) for a in batch.action[b].astype(int)] == [(e, min(max(r, least), most)) for e, r in steps]


@settings(max_examples=60, deadline=None)
@given(
    episodes=st.lists(
        st.tuples(st.lists(st.booleans(), min_size=1, max_size=9), st.sampled_from(ENDS)), min_size=1, max_size=9
    ),
    capacity=st.integers(2, 40),
)
def test_corrections_are_the_steps_that_a_person_chose(episodes, capacity):
    replay, held = Replay(PLAIN, capacity, seed=0), []
    corrections = replay.corrections(seed=1)
    for number, (human, end) in enumerate(episodes):
        rows = record(replay, number, human, end)
        held = [*held, *rows][-capacity:]
    wanted = {(row.episode, row.row) for row in held if row.known and episodes[row.episode][0][row.row]}
    assert len(corrections) == len(wanted)
    if not wanted:
        return
    batch = corrections.sample(200)
    drawn = {tuple(place) for place in batch.obs[STATE][:, :2].astype(int)}
    assert drawn <= wanted
    np.testing.assert_array_equal(batch.next_obs[STATE], batch.obs[STATE] + [0, 1, 0])


def record(replay: Replay, number: int, human: list[bool], end: str) -> list[Row]:
    """An episode of which a person chose some steps; what a replay must hold of it."""

    class Marked:
        begin, end = staticmethod(replay.begin), staticmethod(replay.end)

        @staticmethod
        def add(taken) -> None:
            row = int(taken.obs[STATE][1])
            replay.add(replace(taken, source=Source.HUMAN if human[row] else Source.POLICY))

    return fill(Marked(), number, len(human), end)


def test_a_pool_draws_every_step_of_its_sources_alike():
    small, large = Replay(PLAIN, 100, seed=0), Replay(PLAIN, 100, seed=1)
    fill(small, 7, 5, "truncated")
    fill(large, 8, 20, "truncated")
    pool = Pool((small, large), seed=2)
    assert len(pool) == 25
    mixture = Mixture(Replay(PLAIN, 10, seed=0), pool, 0.5)
    batch = mixture.sample(50_000)
    _, counts = np.unique(batch.obs[STATE][:, :2], axis=0, return_counts=True)
    assert len(counts) == 25
    assert abs(counts - 2000).max() < 5 * np.sqrt(2000)
    state = pool.state_dict()
    again = [mixture.sample(32).action for _ in range(2)]
    pool.load_state_dict(state)
    np.testing.assert_array_equal(mixture.sample(32).action, again[0])
    with pytest.raises(SpecError, match="one spec"):
        Pool((small, with_two_cameras(0)), seed=0)
    empty = Pool((Replay(PLAIN, 9, seed=0), small), seed=0)
    assert (empty.sample_into(out := empty_batch(PLAIN, 8), np.arange(8), 1, 0.9), out.obs[STATE][:, 0].min())[1] == 7
