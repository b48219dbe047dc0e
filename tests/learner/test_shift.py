"""What learners from images are given: shifted on the way out of the replay, all cameras alike, as plain numpy does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from learner_samples import ENERGY
from numpy.typing import NDArray

from robot_rl.core.records import Source, StepRecord, Transition
from robot_rl.core.spec import IMAGES, STATE, Feature, Spec
from robot_rl.data.dataset import open_dataset
from robot_rl.data.mixture import Mixture
from robot_rl.data.recorder import EpisodeWriter
from robot_rl.data.replay import Replay
from robot_rl.learner.offline import Choice, Recordings, demonstrations, train
from robot_rl.learner.protocol import Learner
from robot_rl.methods import bc, rlpd, sac
from robot_rl.nets.vision.config import Vision

FRONT, WRIST = IMAGES + "front", IMAGES + "wrist"
SPEC = Spec(
    observation={STATE: Feature((1,)), FRONT: Feature((16, 24, 3), "uint8"), WRIST: Feature((16, 24, 3), "uint8")},
    action_dim=2,
    rate=10.0,
)
Rows = dict[str, NDArray]


def view(camera: str, row: int) -> NDArray[np.uint8]:
    return np.random.default_rng([row, camera == FRONT]).integers(0, 256, (16, 24, 3), np.uint8)


def seen(row: int) -> Rows:
    return {STATE: np.array([row], np.float32), FRONT: view(FRONT, row), WRIST: view(WRIST, row)}


def step(obs: Rows) -> StepRecord:
    action = np.zeros(2, np.float32)
    return StepRecord(
        obs=obs, action=action, proposal=action, reward=0.0, success=False, terminated=False, truncated=False,
        source=Source.POLICY, stamp=0.1 * float(obs[STATE][0]), energy=ENERGY, peak_force=0.0,
    )  # fmt: skip


def filled(seed: int, spec: Spec = SPEC) -> Replay:
    replay = Replay(spec, 40, seed)
    for row in range(21):
        obs = {name: value for name, value in seen(row).items() if name in spec.observation}
        replay.add(step(obs)) if row < 20 else replay.end(obs)
    return replay


def moves(obs: Rows, camera: str) -> list[tuple[int, int]]:
    """By how much each image was moved, at most 3 pixels: the one cut out of the padded image that it is."""
    found = []
    for row, image in zip(obs[STATE][:, 0], obs[camera], strict=True):
        padded = np.pad(view(camera, int(row)), ((3, 3), (3, 3), (0, 0)), mode="edge")
        places = [(y, x) for y in range(7) for x in range(7) if (padded[y : y + 16, x : x + 24] == image).all()]
        assert len(places) == 1
        found += places
    return found


def make(method, shift: int) -> Learner:
    vision = Vision(encoder="conv", shift=shift, places=2, width=8)
    return method.make(method.Config(vision=vision, hidden=(8,), batch_size=64), SPEC)


@pytest.mark.parametrize("method", [rlpd, sac])
def test_all_cameras_of_a_sample_are_shifted_alike_others_and_next_observations_differently(method) -> None:
    sampling = make(method, 3).sampling
    batch = sampling.draw(Mixture(filled(0), filled(1), 0.5))
    now, then = moves(batch.obs, FRONT), moves(batch.next_obs, FRONT)
    assert now == moves(batch.obs, WRIST)
    assert then == moves(batch.next_obs, WRIST)
    assert np.mean([a == b for a, b in zip(now, then, strict=True)]) < 0.2
    assert {y for y, _ in now} == {x for _, x in then} == set(range(7))
    again = sampling.draw(Mixture(filled(0), filled(1), 0.5))
    assert np.array_equal(again.next_obs[WRIST], batch.next_obs[WRIST])
    assert moves(sampling.draw(Mixture(filled(2), filled(3), 0.5)).obs, FRONT) != now
    assert set(moves(make(method, 0).sampling.draw(filled(0)).obs, FRONT)) == {(3, 3)}


def test_a_learner_without_eyes_draws_the_same_rows_whatever_the_shift() -> None:
    blind = SPEC.without_images()
    sampling = rlpd.make(rlpd.Config(hidden=(8,), batch_size=32), SPEC).sampling
    replay, plain = filled(0, blind), filled(0, blind)
    for _ in range(3):
        assert np.array_equal(sampling.draw(replay).obs[STATE], plain.sample(32).obs[STATE])


def test_cloning_sees_shifted_images(tmp_path: Path) -> None:
    with EpisodeWriter(tmp_path / "set", SPEC) as writer:
        writer.begin({})
        for row in range(20):
            writer.add(step(seen(row)))
        writer.end(seen(20))
    learner, given = make(bc, 3), []
    learned = learner.update

    def update(batch: Transition) -> dict[str, float]:
        given.append({name: rows.numpy().copy() for name, rows in batch.obs.items()})
        return learned(batch)

    learner.update = update
    episodes = Recordings([open_dataset(tmp_path / "set")], Choice(outcomes=("unlabeled",)))
    train(learner, demonstrations(episodes, learner), 2, lambda _count, _metrics: None)
    first, second = (moves(obs, FRONT) for obs in given)
    assert first == moves(given[0], WRIST)
    assert len(set(first)) > 10
    assert first != second
