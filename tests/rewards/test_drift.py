"""The alarm comes when the frames are others, and only then."""

import pytest
from square import STEPS, Kind, record

from robot_rl.core.errors import ConfigError
from robot_rl.core.records import Frame
from robot_rl.core.rewards import Sight
from robot_rl.core.spec import IMAGES
from robot_rl.data.dataset import open_dataset
from robot_rl.rewards.classifier import ClassifierReward, load_classifier
from robot_rl.rewards.drift import WINDOW, reference
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
