"""RLPD with a gripper that chooses between commands."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from robot_rl.core.errors import ConfigError
from robot_rl.core.records import Transition
from robot_rl.core.spec import STATE, Feature, Spec
from robot_rl.learner import checkpoint
from robot_rl.methods import rlpd
from robot_rl.nets.cpu import prepare
from robot_rl.nets.gripper import GripperHead

SPEC = Spec(observation={STATE: Feature((2,))}, action_dim=3, rate=10.0)
LEVELS = (-1.0, 0.0, 1.0)
CONFIG = rlpd.Config(hidden=(32, 32), members=2, utd=1, lr_critic=2e-3, lr_actor=2e-3, gripper_levels=LEVELS, gamma=0.5)


def batch(rng: np.random.Generator, size: int = 128) -> Transition[torch.Tensor]:
    """One step: right is the command with the sign of the state's first entry, and nothing when that is small."""
    state = rng.uniform(-1, 1, (size, 2)).astype(np.float32)
    action = np.concatenate([rng.uniform(-1, 1, (size, 2)), rng.choice(LEVELS, (size, 1))], 1).astype(np.float32)
    reward = (action[:, 2] == wanted(state)).astype(np.float32)
    tensors = [torch.from_numpy(a) for a in (state, action, reward)]
    return Transition(
        obs={STATE: tensors[0]},
        action=tensors[1],
        reward=tensors[2],
        discount=torch.zeros(size),
        next_obs={STATE: tensors[0]},
    )


def wanted(state: np.ndarray) -> np.ndarray:
    return np.where(np.abs(state[:, 0]) < 0.3, 0.0, np.sign(state[:, 0]))


def share_right(policy: rlpd.GaussianPolicy, rng: np.random.Generator) -> float:
    states = rng.uniform(-1, 1, (200, 2)).astype(np.float32)
    commands = [policy.act({STATE: state}, explore=True)[0, 2] for state in states]
    return float(np.mean(np.array(commands) == wanted(states)))


def test_it_learns_which_command_is_right_and_a_checkpoint_keeps_it(tmp_path) -> None:
    prepare(1)
    rng, learner = np.random.default_rng(0), rlpd.make(CONFIG, SPEC)
    before = share_right(learner.policy, rng)
    for _ in range(400):
        learner.update(batch(rng))
    assert before < 0.7
    assert share_right(learner.policy, rng) > 0.9
    checkpoint.save(tmp_path / "c", "rlpd", CONFIG, SPEC, learner, {})
    again = checkpoint.load_policy(tmp_path / "c")
    obs = {STATE: np.array([0.8, 0.1], np.float32)}
    np.testing.assert_array_equal(again.act(obs), learner.policy.act(obs))
    other = rlpd.make(dataclasses.replace(CONFIG, seed=1), SPEC)
    checkpoint.resume(tmp_path / "c", other)
    for ours, theirs in zip(
        learner.optimiser_gripper.state.values(), other.optimiser_gripper.state.values(), strict=True
    ):
        assert torch.equal(ours["exp_avg"], theirs["exp_avg"])


def test_the_arm_does_not_see_the_gripper_and_the_gripper_does_not_see_the_arm() -> None:
    learner = rlpd.make(CONFIG, SPEC)
    assert learner.critic.blocks[0].weight.shape[1] == 2 + 2
    assert learner.policy.act({STATE: np.zeros(2, np.float32)}).shape == (1, 3)


def test_double_dqn_takes_the_targets_value_of_its_own_choice() -> None:
    own, target = (GripperHead(2, LEVELS, ()) for _ in range(2))
    with torch.no_grad():
        for head, bias in ((own, [0.0, 0.0, 1.0]), (target, [5.0, 0.0, 0.25])):
            head.net[-1].weight.zero_()
            head.net[-1].bias.copy_(torch.tensor(bias))
    assert own.next_value(target, torch.zeros(4, 2)).tolist() == [0.25] * 4
    assert own.choose(torch.zeros(1, 2)).tolist() == [[1.0]]
    assert own.index(torch.tensor([-0.7, -0.4, 0.9])).flatten().tolist() == [0, 1, 2]
    assert float(own.loss(torch.zeros(1, 2), torch.tensor([1.0]), torch.tensor([3.0])).detach()) == 4.0


@pytest.mark.parametrize("levels", [(1.0,), (0.5, 0.5), (-2.0, 2.0)])
def test_levels_that_make_no_sense_are_refused(levels: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="gripper_levels"):
        rlpd.make(dataclasses.replace(CONFIG, gripper_levels=levels), SPEC)
