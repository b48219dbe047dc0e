"""``robot-rl rewards``: the whole way from a dataset to a judged one, as a person types it."""

import json
from dataclasses import replace

import pytest
from square import STEPS, Kind, record

from robot_rl.apps.main import run as robot_rl
from robot_rl.core.records import RewardSource
from robot_rl.data.dataset import open_dataset
from robot_rl.learner.checkpoint import save
from robot_rl.methods import bc
from robot_rl.rewards.classifier import Classifier, save_classifier


def printed(capsys, *words):
    capsys.readouterr()
    code = robot_rl(["rewards", *map(str, words)])
    return capsys.readouterr().out, code


def test_train_evaluate_relabel_undo(world, tmp_path, capsys):
    out = tmp_path / "reward"
    quick = ("--updates", 80, "--batch", 32, "--shift", 1, "--network.size", 32)
    said, code = printed(capsys, "train", world, "--out", out, *quick)
    assert code == 0
    assert "96 frames of 8 held-out episodes" in said
    assert f"--reward {out}" in said.replace("\n", "")
    other = record(tmp_path / "other", [Kind(end=26 if i % 2 else 15, wrong=i == 3) for i in range(8)], first_seed=70)
    said, code = printed(capsys, "evaluate", other, "--classifier", out, "--json")
    report = json.loads(said)
    assert (code, report["frames"], report["drift"]["alarm"]) == (0, 8 * (STEPS + 1), "")
    assert report["auc"] > 0.9
    said, _ = printed(capsys, "relabel", other, "--classifier", out, "--dry-run")
    assert "8 episodes, 4 changed, 0 success to failure, 1 other to success, 4 cut" in said
    assert open_dataset(other).version == 0
    said, _ = printed(capsys, "relabel", other, "--classifier", out)
    assert "robot-rl data edit undo" in said
    assert [e["outcome"] for e in open_dataset(other).index] == ["failure", "success"] * 4
    said, _ = printed(capsys, "relabel", other, "--classifier", out)
    assert "nothing has changed" in said
    robot_rl(["data", "edit", "undo", str(other)])
    assert open_dataset(other).index[3]["outcome"] == "failure"


def test_evaluation_ends_with_1_when_the_world_has_changed(folder, tmp_path, capsys):
    dark = record(tmp_path / "dark", [Kind(end=26 if i % 2 else 15, light=0.3) for i in range(8)], first_seed=90)
    said, code = printed(capsys, "evaluate", dark, "--classifier", folder)
    assert code == 1
    assert "DRIFT" in said


@pytest.fixture
def generous(trained, tmp_path):
    """A classifier of the twin's front camera that calls everything success."""
    facts = replace(trained.facts, cameras=("front",), shapes=((128, 128),), threshold=-1e9)
    save_classifier(tmp_path / "generous", Classifier(trained.network, facts, trained.pictures))
    return tmp_path / "generous"


def test_collect_and_evaluate_ask_it_and_it_sees_more_than_the_policy(generous, tmp_path, capsys):
    out = tmp_path / "demos"
    said = ["collect", "--task", "reach", "--out", out, "--episodes", 2, "--cameras", "--reward", generous]
    assert robot_rl([*map(str, said)]) == 0
    dataset = open_dataset(out)
    assert dataset.spec.cameras == []
    for episode in dataset.episodes():
        assert (len(episode), episode.outcome, episode.meta["reward"]) == (1, "success", str(generous))
        assert episode.reward_source[0] == RewardSource.CLASSIFIER
    learner = bc.make(bc.Config(hidden=(8,)), dataset.spec)
    save(tmp_path / "policy", "bc", bc.Config(hidden=(8,)), dataset.spec, learner, {"task": "reach"})
    steps = []
    for flags in ((), ("--reward", str(generous))):
        said = ["evaluate", str(tmp_path / "policy"), "--episodes", "1", "--out", str(tmp_path / "rate.json"), *flags]
        robot_rl(said)
        steps.append(json.loads((tmp_path / "rate.json").read_text())["episodes"][0]["steps"])
    assert steps[0] > steps[1] == 1
