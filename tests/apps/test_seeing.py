"""From recordings with images to a policy that sees and is fine-tuned across the wire, by the commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from robot_rl.apps import collect, evaluate, train
from robot_rl.apps.pair import fine_tune
from robot_rl.core.errors import CheckpointError
from robot_rl.core.spec import ENVIRONMENT, STATE, Spec
from robot_rl.data.dataset import open_dataset
from robot_rl.learner.checkpoint import describe
from robot_rl.methods import bc
from robot_rl.nets.residual import BASE_ACTION
from robot_rl.nets.vision.config import Vision
from robot_rl.nets.vision.eyes import FEATURES

STATION = "twin_closeup"
IMAGES = ("observation.images.front", "observation.images.wrist")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A policy that has learned next to nothing, from two demonstrations with images."""
    folder = tmp_path_factory.mktemp("seeing")
    cameras = ("front", "wrist")
    session = collect.Config(
        task="peg_insert", out=folder / "demos", episodes=2, noise=0.1, cameras=cameras, station=STATION
    )
    collect.main(session)
    method = bc.Config(
        updates=10, batch_size=16, vision=Vision(encoder="conv", shift=1), privileged=(ENVIRONMENT,), exec_horizon=1
    )
    train.main(train.Config(algorithm="bc", dataset=folder / "demos", out=folder / "base", method=method))
    return folder


def test_a_policy_learns_from_the_views_and_is_evaluated_on_them(base: Path) -> None:
    recorded = open_dataset(base / "demos")
    assert recorded.meta["station"] == STATION
    assert recorded.spec.observation[IMAGES[0]].shape == (64, 64, 3)
    trained = Spec.from_json(describe(base / "base")["spec"])
    assert set(trained.observation) == {STATE, *IMAGES}
    evaluate.main(evaluate.Config(checkpoint=base / "base", episodes=1, out=base / "before.json"))
    assert json.loads((base / "before.json").read_text())["task"] == "peg_insert"


def test_a_residual_on_it_is_learned_by_learner_and_actor_without_sending_images(base: Path) -> None:
    learner = ["resfit", "--demos", str(base / "demos"), "--base", str(base / "base")]
    fine_tune(base, [*learner, "--learning-starts", "20", "--utd", "0.2"], 70, 3.0, STATION)
    result = base / "online" / "finetuned"
    stored = Spec.from_json(json.loads(describe(result)["meta"]["stored_spec"]))
    assert set(stored.observation) == {STATE, FEATURES, BASE_ACTION}
    evaluate.main(evaluate.Config(checkpoint=result, station=STATION, episodes=1, out=base / "after.json"))
    assert len(json.loads((base / "after.json").read_text())["episodes"]) == 1


def test_features_that_are_hidden_must_exist(base: Path) -> None:
    with pytest.raises(Exception, match=r"observation\.environment_state"):
        train.main(
            train.Config(
                algorithm="bc",
                dataset=base / "demos",
                out=base / "x",
                method=bc.Config(updates=1),
                hide=("observation.environment",),
            )
        )
    assert not (base / "x").exists()
    with pytest.raises(CheckpointError, match="no checkpoint"):
        evaluate.main(evaluate.Config(checkpoint=base / "x"))
