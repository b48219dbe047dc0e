"""Networks against independent formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from robot_rl.core.errors import CheckpointError
from robot_rl.core.spec import Feature, Spec
from robot_rl.nets.actor import TanhGaussian
from robot_rl.nets.critic import CriticEnsemble, slope, subset
from robot_rl.nets.mlp import mlp, zero_last
from robot_rl.nets.normaliser import Normaliser, measure
from robot_rl.nets.optimise import adam, mix, pack, step, unpack
from robot_rl.nets.policy import Weights


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def step_by_step(critic: CriticEnsemble, x: torch.Tensor) -> torch.Tensor:
    """What the ensemble returns, by torch's own operations."""
    for block in critic.blocks:
        x = block(x)
    return critic.head(x).squeeze(-1)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("hidden", [(1,), (16, 5), (64, 128, 7)])
def test_fused_ensemble_equals_torch_with_its_gradients(hidden: tuple[int, ...], precision: str) -> None:
    critic = CriticEnsemble(3, 4, 2, hidden)
    critic.precision = precision
    for parameter in critic.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    x, grad = torch.randn(33, 6, requires_grad=True), torch.randn(3, 33)
    inputs = [x, *critic.parameters()]
    got, want = critic(x[:, :4], x[:, 4:]), step_by_step(critic, x)
    pairs = [(got, want), *zip(*(torch.autograd.grad(q, inputs, grad) for q in (got, want)), strict=True)]
    limit = 1e-5 if precision == "float32" or len(hidden) == 1 else 0.1
    for a, b in pairs:
        assert a.dtype == torch.float32
        assert (a - b).norm() <= limit * (b.norm() + 0.01)


def test_only_what_is_asked_for_gets_a_gradient() -> None:
    critic = CriticEnsemble(3, 4, 2, (16, 16))
    x = torch.randn(5, 6, requires_grad=True)
    critic.requires_grad_(False)
    critic(x[:, :4], x[:, 4:]).sum().backward()
    assert x.grad is not None
    assert all(p.grad is None for p in critic.parameters())


def test_adam_steps_as_torch_does() -> None:
    ours, theirs = ([nn.Parameter(torch.ones(3, 2)), nn.Parameter(torch.ones(4))] for _ in range(2))
    first, second = adam(ours, 0.1, 0.01), torch.optim.AdamW(theirs, lr=0.1, weight_decay=0.01)
    for i in range(5):
        for parameters, optimiser in ((ours, first), (theirs, second)):
            parameters[0].grad = torch.full((3, 2), 0.5 - i)
            parameters[1].grad = torch.arange(4.0) if i % 2 else None
            optimiser.step()
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(ours, theirs, strict=True))
    assert [float(s["step"]) for s in first.state_dict()["state"].values()] == [5.0, 2.0]


def test_members_of_an_ensemble_are_independent() -> None:
    critic = CriticEnsemble(4, 5, 2, (16, 16))
    features, action = torch.randn(8, 5), torch.randn(8, 2)
    assert critic(features, action).shape == (4, 8)

    critic(features, action)[2].sum().backward()
    for name, parameter in critic.named_parameters():
        touched = parameter.grad.abs().sum(dim=(1, 2)) > 0
        assert touched.tolist() == [False, False, True, False], name


def test_chosen_members_return_what_they_return_in_the_whole() -> None:
    critic = CriticEnsemble(5, 3, 1, (8,))
    features, action = torch.randn(4, 3), torch.randn(4, 1)
    chosen = torch.tensor([3, 0])
    torch.testing.assert_close(critic(features, action, chosen), critic(features, action)[chosen])


def test_subsets_are_distinct_and_uniform() -> None:
    draws = torch.stack([subset(5, 2) for _ in range(2000)])
    assert (draws[:, 0] != draws[:, 1]).all()
    share = torch.bincount(draws.flatten(), minlength=5) / draws.numel()
    assert (share - 0.2).abs().max() < 0.03
    assert subset(3, 3) is None


def test_layer_norm_bounds_the_value_of_absurd_actions() -> None:
    critic = CriticEnsemble(3, 4, 2, (32, 32))
    features = torch.randn(64, 4)
    usual = critic(features, torch.rand(64, 2) * 2 - 1).abs().max()
    absurd = critic(features, 1e3 * (torch.rand(64, 2) * 2 - 1)).abs().max()
    assert absurd < 4 * usual


def test_slope_is_the_derivative_and_leaves_the_critic_alone() -> None:
    critic = CriticEnsemble(3, 4, 2, (32, 32))
    features, action = torch.randn(6, 4), torch.rand(6, 2)
    value, gradient = slope(critic, features, action)
    torch.testing.assert_close(value, critic(features, action).mean(0).detach())
    assert all(p.grad is None and p.requires_grad for p in critic.parameters())

    probe = action.clone().requires_grad_()
    want = torch.autograd.grad(critic(features, probe).mean(0).sum(), probe)[0]
    torch.testing.assert_close(gradient, want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("log_std", [-2.0, 0.0, 0.7])
def test_density_of_the_tanh_gaussian_integrates_to_one(log_std: float) -> None:
    from robot_rl.nets.actor import log_prob

    u = torch.linspace(-30, 30, 400_001, dtype=torch.float64)[:, None]
    deviation = float(np.exp(log_std))
    density = log_prob(u, (u - 0.3) / deviation, torch.full_like(u, log_std)).exp()
    area = torch.trapezoid(density, torch.tanh(u[:, 0]))
    assert abs(float(area) - 1.0) < 1e-3


def test_samples_of_the_actor_have_its_moments() -> None:
    actor = TanhGaussian(3, 2, (8,))
    x = torch.randn(1, 3).expand(20_000, 3)
    action, log_density = actor.sample(x)
    mean, log_std = actor.moments(x[:1])
    u = torch.atanh(action.detach().clamp(-1 + 1e-6, 1 - 1e-6))
    assert (u.mean(0) - mean).abs().max() < 0.05
    assert (u.std(0).log() - log_std).abs().max() < 0.05
    assert log_density.shape == (20_000,)


def test_zeroed_network_returns_exactly_zero() -> None:
    assert (zero_last(mlp(3, (8,), 2))(torch.randn(5, 3)) == 0).all()


def test_normaliser_whitens_and_limits() -> None:
    spec = Spec(
        observation={"a": Feature((2,)), "i": Feature((4, 4, 3), "uint8"), "b": Feature((1,))}, action_dim=1, rate=10
    )
    rng = np.random.default_rng(0)
    data = {"a": rng.normal([5, -1], [2, 0.01], (4000, 2)), "b": np.full((4000, 1), 3.0)}
    normaliser = Normaliser(spec, measure(data))
    out = normaliser({k: torch.tensor(v, dtype=torch.float32) for k, v in data.items()})
    assert out.shape == (4000, 3)
    torch.testing.assert_close(out[:, :2].mean(0), torch.zeros(2), atol=1e-2, rtol=0)
    torch.testing.assert_close(out[:, :2].std(0), torch.ones(2), atol=1e-2, rtol=0)
    assert out[:, 2].abs().max() < 1e-3
    assert normaliser({"a": torch.full((1, 2), 1e9), "b": torch.zeros(1, 1)}).abs().max() == 10


def test_targets_mix_towards_the_online_network() -> None:
    target, online = mlp(2, (3,), 1), mlp(2, (3,), 1)
    before = [p.clone() for p in target.parameters()]
    mix(target, online, 0.25)
    for b, t, o in zip(before, target.parameters(), online.parameters(), strict=True):
        torch.testing.assert_close(t, 0.75 * b + 0.25 * o)


def test_optimiser_state_survives_packing() -> None:
    networks = [mlp(2, (4,), 1) for _ in range(2)]
    networks[1].load_state_dict(networks[0].state_dict())
    optimisers = [adam(n.parameters(), 1e-2) for n in networks]
    x = torch.randn(8, 2)
    step(optimisers[0], networks[0](x).square().mean())
    networks[1].load_state_dict(networks[0].state_dict())
    unpack(optimisers[1], "o", pack(optimisers[0], "o"))
    for network, optimiser in zip(networks, optimisers, strict=True):
        step(optimiser, network(x).square().mean())
    for a, b in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
        assert torch.equal(a, b)


def test_weights_that_do_not_fit_are_refused_in_one_line() -> None:
    weights = Weights(mlp(2, (4,), 1))
    with pytest.raises(CheckpointError, match="do not fit"):
        weights.put({**weights.get(), "0.weight": np.zeros((9, 9), np.float32)})
    with pytest.raises(CheckpointError, match="extra"):
        weights.put({**weights.get(), "extra": np.zeros(1, np.float32)})
