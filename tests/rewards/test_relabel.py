"""Stored episodes are judged again: in one edit, consistently to the last flag, and a person's word stays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from square import STEPS, Kind, record

from robot_rl.core.errors import DatasetError
from robot_rl.core.records import RewardSource
from robot_rl.data.dataset import open_dataset
from robot_rl.data.edit import Editor
from robot_rl.data.replay import Replay
from robot_rl.rewards.classifier import load_classifier
from robot_rl.rewards.relabel import RelabelConfig, first_win, judge_again, relabel

WON_AT = 8
"""The step after which the square of a good episode stands behind the line."""


@pytest.fixture
def root(tmp_path):
    """Right, wrong both ways, and wrong by a person's word."""
    kinds = [Kind(), Kind(end=15), Kind(wrong=1), Kind(end=15, wrong=1), Kind(wrong=1, judge=RewardSource.PERSON)]
    return record(tmp_path / "d", kinds, first_seed=300)


def flags(episode):
    return tuple(np.flatnonzero(getattr(episode, n)).tolist() for n in ("reward", "success", "terminated", "truncated"))


def test_everything_follows_from_the_new_word(root, folder):
    before = open_dataset(root)
    found = judge_again(before, load_classifier(folder), RelabelConfig())
    assert found.counts() == {
        "episodes": 5,
        "changed": 3,
        "success to failure": 1,
        "other to success": 1,
        "cut": 2,
        "left to people": 1,
    }
    assert found.drift is not None
    assert not found.drift.alarm
    assert open_dataset(root).version == 0, "nothing is changed yet"
    with Editor(root) as editor:
        edit = relabel(editor, found, "again")
        assert edit.version == 1
    after = open_dataset(root)
    won, lost = after.episode(0), after.episode(3)
    assert [e.outcome for e in after.episodes()] == ["success", "failure", "success", "failure", "failure"]
    assert [len(e) for e in after.episodes()] == [WON_AT + 1, STEPS, WON_AT + 1, STEPS, STEPS]
    assert flags(won) == flags(after.episode(2)) == ([WON_AT], [WON_AT], [WON_AT], [])
    assert flags(lost) == ([], [], [], [STEPS - 1]), "a time-out: the next state still has value"
    assert (won.reward_source == RewardSource.RELABELED).all()
    assert won.meta["labelled_by"] == "classifier"
    np.testing.assert_array_equal(
        won.obs["observation.images.wrist"], before.episode(0).obs["observation.images.wrist"][: WON_AT + 2]
    )
    assert flags(after.episode(4)) == flags(before.episode(4)), "a person has judged it"
    with Editor(root) as editor:
        editor.undo()
    assert [flags(e) for e in open_dataset(root).episodes()] == [flags(e) for e in before.episodes()]


def test_a_person_can_be_overruled_and_a_second_time_changes_nothing(root, folder):
    classifier = load_classifier(folder)
    for how, versions in ((RelabelConfig(), 1), (RelabelConfig(), 1), (RelabelConfig(overrule=True), 2)):
        with Editor(root) as editor:
            relabel(editor, judge_again(open_dataset(root), classifier, how))
        assert open_dataset(root).version == versions
    assert [e.outcome for e in open_dataset(root).episodes()][4] == "success"


def test_what_a_learner_samples_fits(root, folder):
    """gamma goes on after a success that was none, and stops where there is one."""
    with Editor(root) as editor:
        relabel(editor, judge_again(open_dataset(root), load_classifier(folder), RelabelConfig(overrule=True)))
    dataset = open_dataset(root)
    spec = dataset.spec.without_images()
    replay = Replay(spec, 1000, seed=0)
    for episode in dataset.episodes():
        replay.extend(episode)
    batch = replay.sample(400, 1, 0.9)
    at = batch.obs["observation.state"][:, 0]
    assert set(at[batch.discount == 0]) == {WON_AT}
    np.testing.assert_array_equal(batch.reward, batch.discount == 0)
    assert (batch.discount[at == STEPS - 1] == np.float32(0.9)).all()


def test_success_must_last_when_that_is_asked_for(root, folder):
    found = judge_again(open_dataset(root), load_classifier(folder), RelabelConfig(hold=2))
    assert [j.won_at for j in found.episodes] == [WON_AT + 1, None, WON_AT + 1, None]


@given(st.lists(st.booleans(), max_size=12), st.integers(1, 4))
def test_the_first_run_that_is_long_enough(said, hold):
    found = first_win(np.array(said, bool), hold)
    runs = [t for t in range(hold - 1, len(said)) if all(said[t - hold + 1 : t + 1])]
    assert found == (runs[0] if runs else None)


def test_other_images_are_refused(folder, tmp_path):
    from robot_rl.core.spec import Spec
    from robot_rl.data import dataset

    dataset.create(tmp_path / "other", Spec(observation={}, action_dim=1, rate=10.0), {})
    with pytest.raises(DatasetError, match="32x32"):
        judge_again(open_dataset(tmp_path / "other"), load_classifier(folder), RelabelConfig())
