"""The alarm comes when the frames are others, and only then."""

import numpy as np
import pytest
from square import STEPS, Kind, record

from robot_rl.core.errors import ConfigError
from robot_rl.core.records import Frame
from robot_rl.core.rewards import Sight
from robot_rl.core.spec import IMAGES
from robot_rl.data.dataset import open_dataset
from robot_rl.rewards.classifier import ClassifierReward, load_classifier
from robot_rl.rewards.drift import GREY_LEVELS, WINDOW, Pictures, grid, reference
from robot_rl.rewards.testing import evaluate


def played(folder, root):
    """A reward after the episodes of a dataset, and its alarm after each."""
    reward = ClassifierReward(load_classifier(folder))
    alarms = []
    for episode in open_dataset(root).episodes():
        reward.reset()
        for row in range(1, STEPS + 1):
            frame = Frame(stamp=0.0, rgb=episode.obs[IMAGES + "wrist"][row])
            reward.outcome(Sight(state=None, objects={}, frames={"wrist": frame}, task=lambda: None))
        alarms.append(reward.alarm)
    reward.reset()
    return [*alarms[1:], reward.alarm]


def mixed(light, wins, episodes=8):
    return [Kind(end=26 if i < wins else 15 + i % 3, light=light) for i in range(episodes)]


@pytest.mark.parametrize("wins", [0, 4, 8])
def test_no_alarm_for_the_same_world_however_often_it_is_won(folder, tmp_path, wins):
    assert not any(played(folder, record(tmp_path / "d", mixed(1.0, wins), first_seed=500)))


def test_alarm_when_the_light_goes(folder, tmp_path):
    root = record(tmp_path / "d", [*mixed(1.0, 4, 6), *mixed(0.35, 4)], first_seed=700)
    alarms = played(folder, root)
    assert not any(alarms[:6])
    assert alarms[6 + WINDOW - 1], "every episode of the window is dark"
    assert alarms[-1]
    assert "standard deviations" in alarms[-1]


def test_evaluation_says_so_too(folder, tmp_path):
    classifier = load_classifier(folder)
    _, held, drift = evaluate(open_dataset(record(tmp_path / "same", mixed(1.0, 4), first_seed=900)), classifier)
    assert len(held) == 8
    assert not drift.alarm
    _, _, dark = evaluate(open_dataset(record(tmp_path / "dark", mixed(0.35, 4), first_seed=900)), classifier)
    assert dark.alarm
    assert dark.to_json()["alarm"] == dark.alarm


def test_one_episode_has_no_spread():
    with pytest.raises(ConfigError, match="spread"):
        reference([(1.0, 1.0)])


def test_the_grid_holds_mean_colours():
    images = np.random.default_rng(0).integers(0, 256, (3, 2, 22, 22, 3), dtype=np.uint8)
    found = grid(images).reshape(3, 2, 4, 4, 3)
    np.testing.assert_allclose(found[1, 0, 0, 0], images[1, 0, :5, :5].mean((0, 1)), rtol=1e-5)
    np.testing.assert_allclose(found[2, 1, 3, 1], images[2, 1, 16:, 5:11].mean((0, 1)), rtol=1e-5)
    same = Pictures.of(np.repeat(images[:1], 4, axis=0))
    assert (same.spread == GREY_LEVELS).all()
    assert same.distance(images[:1]) == pytest.approx([0.0], abs=1e-5)
    brighter = np.clip(images[:1].astype(int) // 2 + 30, 0, 255).astype(np.uint8)
    dimmer = np.clip(brighter.astype(int) - 30, 0, 255).astype(np.uint8)
    assert Pictures.of(np.repeat(brighter, 2, axis=0)).distance(dimmer) == pytest.approx([10.0], rel=1e-4)
