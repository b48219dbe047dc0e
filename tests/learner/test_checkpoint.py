"""Checkpoints: whole or absent, self-contained, and plain about what is wrong with them."""

from __future__ import annotations

import importlib.util
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from robot_rl.core.errors import CheckpointError, ConfigError
from robot_rl.core.spec import STATE
from robot_rl.learner import checkpoint, registry
from robot_rl.learner.protocol import Learner
from robot_rl.methods import bc, resfit

_spec = importlib.util.spec_from_file_location("problems", Path(__file__).parents[1] / "methods" / "problems.py")
problems = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(problems)


def trained(method: str, **config: object) -> Learner:
    module = registry.load(method)
    learner = module.make(module.Config(hidden=(16, 16), **config), problems.SPEC, base=None, statistics=None)
    for i in range(5):
        learner.update(problems.one_step_batch(learner, np.random.default_rng(i)))
    return learner


def save(path: Path, method: str, learner: Learner) -> None:
    checkpoint.save(path, method, learner.policy.recipe.config, problems.SPEC, learner, {"updates": 5, "note": "test"})


def actions(policy: object) -> list[np.ndarray]:
    policy.reset()
    rows = np.random.default_rng(3).normal(size=(6, 3)).astype(np.float32)
    return [policy.act(policy.augment({STATE: row})) for row in rows]


@pytest.mark.parametrize("method", ["bc", "sac", "rlpd"])
def test_loaded_policy_acts_the_same(tmp_path: Path, method: str) -> None:
    learner = trained(method)
    save(tmp_path / "c", method, learner)
    policy = checkpoint.load_policy(tmp_path / "c")
    assert all(np.array_equal(a, b) for a, b in zip(actions(learner.policy), actions(policy), strict=True))
    described = checkpoint.describe(tmp_path / "c")
    assert described["meta"] == {"updates": 5, "note": "test"}
    assert described["method"] == method


def test_fine_tuned_policy_carries_its_base(tmp_path: Path) -> None:
    save(tmp_path / "base", "bc", trained("bc"))
    base = checkpoint.load_policy(tmp_path / "base")
    learner = resfit.make(resfit.Config(hidden=(16, 16), critic_warmup=0), problems.SPEC, base=base)
    for i in range(6):
        learner.update(problems.one_step_batch(learner, np.random.default_rng(i)))
    save(tmp_path / "fine", "resfit", learner)
    shutil.rmtree(tmp_path / "base")
    want = actions(learner.policy)
    shutil.move(tmp_path / "fine", tmp_path / "moved")
    got = actions(checkpoint.load_policy(tmp_path / "moved"))
    assert all(np.array_equal(a, b) for a, b in zip(want, got, strict=True))


def test_resumed_learner_is_the_one_that_was_saved(tmp_path: Path) -> None:
    learner = trained("sac")
    save(tmp_path / "c", "sac", learner)
    module = registry.load("sac")
    other = module.make(learner.policy.recipe.config, problems.SPEC, base=None, statistics=None)
    checkpoint.resume(tmp_path / "c", other)
    assert problems.equal_states(learner.state_dict(), other.state_dict())


def test_saving_again_replaces_and_leaves_nothing_beside(tmp_path: Path) -> None:
    save(tmp_path / "c", "bc", trained("bc"))
    second = trained("bc", seed=7)
    save(tmp_path / "c", "bc", second)
    assert [p.name for p in tmp_path.iterdir()] == ["c"]
    want, got = actions(second.policy), actions(checkpoint.load_policy(tmp_path / "c"))
    assert all(np.array_equal(a, b) for a, b in zip(want, got, strict=True))


def test_failed_save_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    learner = trained("bc")
    save(tmp_path / "c", "bc", learner)
    unsaveable = resfit.make(resfit.Config(hidden=(16, 16)), problems.SPEC, base=problems.BiasedBase())
    with pytest.raises(CheckpointError, match="BiasedBase"):
        save(tmp_path / "c", "resfit", unsaveable)
    assert [p.name for p in tmp_path.iterdir()] == ["c"]
    assert checkpoint.describe(tmp_path / "c")["method"] == "bc"


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def _edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


DAMAGE = {
    "no folder": (lambda c: shutil.rmtree(c), "no checkpoint"),
    "no weights": (lambda c: (c / "policy.safetensors").unlink(), "damaged"),
    "cut weights": (lambda c: _cut(c / "policy.safetensors"), "damaged"),
    "cut description": (lambda c: _cut(c / "checkpoint.json"), "damaged"),
    "other format": (lambda c: _edit(c / "checkpoint.json", format=99), "format 99"),
    "unknown method": (lambda c: _edit(c / "checkpoint.json", method="ppoo"), "ppoo"),
    "unknown field": (lambda c: _edit(c / "checkpoint.json", config={"speed": 1}), "speed"),
    "other widths": (lambda c: _edit(c / "checkpoint.json", config={"hidden": [8, 8]}), "do not fit"),
    "lost base": (lambda c: _edit(c / "checkpoint.json", base=True), "base"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_told_in_one_line(tmp_path: Path, name: str) -> None:
    damage, words = DAMAGE[name]
    save(tmp_path / "c", "bc", trained("bc"))
    damage(tmp_path / "c")
    with pytest.raises(CheckpointError, match=words) as caught:
        checkpoint.load_policy(tmp_path / "c")
    assert "\n" not in str(caught.value)


def test_resume_with_another_configuration_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "c", "sac", trained("sac"))
    with pytest.raises(CheckpointError, match="configuration") as caught:
        checkpoint.resume(tmp_path / "c", trained("rlpd"))
    assert "\n" not in str(caught.value)


def test_chunks_longer_than_predicted_are_refused() -> None:
    with pytest.raises(ConfigError, match="exec_horizon"):
        bc.make(bc.Config(exec_horizon=9, pred_horizon=8), problems.SPEC)
