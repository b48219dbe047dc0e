"""An update asks nothing of its device: no number is read back, nothing is sent to it or fetched from it on the way.

There is no GPU where these tests run. Tensors of the device ``meta`` have no values, so whoever wants one is found out.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from robot_rl.core.records import Transition
from robot_rl.core.spec import IMAGES, STATE, Feature, Spec
from robot_rl.learner.protocol import Learner
from robot_rl.methods import resfit, rlpd, sac
from robot_rl.nets.vision.config import Vision

_spec = importlib.util.spec_from_file_location("problems", Path(__file__).parent / "problems.py")
problems = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(problems)

FRONT = IMAGES + "front"
SPEC = Spec(observation={STATE: Feature((2,)), FRONT: Feature((16, 16, 3), "uint8")}, action_dim=2, rate=10.0)
SMALL = {"device": "meta", "hidden": (16, 16), "batch_size": 8}
SEEING = Vision(encoder="conv", places=2, width=8)
MAKERS = {
    "rlpd": lambda: rlpd.make(rlpd.Config(**SMALL, members=4, utd=2), SPEC),
    "rlpd from images": lambda: rlpd.make(rlpd.Config(**SMALL, members=4, utd=2, vision=SEEING), SPEC),
    "rlpd, gripper": lambda: rlpd.make(rlpd.Config(**SMALL, utd=2, gripper_levels=(-1.0, 1.0)), SPEC),
    "sac from images": lambda: sac.make(sac.Config(**SMALL, vision=SEEING), SPEC),
    "resfit": lambda: resfit.make(
        resfit.Config(**SMALL, members=4, critic_warmup=0, grad_clip=0.0), problems.SPEC, base=problems.BiasedBase()
    ),
}


class Border(TorchDispatchMode):
    """Fails where an operation has tensors of two devices; a number that the CPU knows may be a factor."""

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        out = func(*args, **(kwargs or {}))
        tensors = [t for t in tree_leaves((args, kwargs, out)) if isinstance(t, torch.Tensor)]
        places = {t.device.type for t in tensors if t.ndim > 0 or t.device.type != "cpu"}
        assert len(places) <= 1, f"{func} crosses from one device to another"
        return out


def batch_of(spec: Spec) -> Transition:
    def rows() -> dict[str, torch.Tensor]:
        features = spec.observation.items()
        return {k: torch.empty(8, *f.shape, dtype=getattr(torch, f.dtype), device="meta") for k, f in features}

    one, actions = torch.empty(8, device="meta"), torch.empty(8, spec.action_dim, device="meta")
    return Transition(obs=rows(), action=actions, reward=one, discount=one, next_obs=rows())


def without_fused_steps(learner: Learner) -> None:
    """The fused optimiser has no meta form, nor has torch's clipping of gradients, which is left out above."""
    for part in vars(learner).values():
        for group in part.param_groups if isinstance(part, torch.optim.Optimizer) else []:
            group |= {"fused": False, "foreach": True}


@pytest.mark.parametrize("name", MAKERS)
def test_an_update_never_waits_for_its_device(name: str) -> None:
    learner = MAKERS[name]()
    without_fused_steps(learner)
    batch = batch_of(learner.spec)
    with Border():
        for _ in range(4):
            assert learner.update(batch) == {}, "every 50th update only tells numbers"
    assert learner.count == 4


@pytest.mark.parametrize(
    "waiting",
    [
        lambda x: float(x.sum()),
        lambda x: x.cpu(),
        lambda x: bool((x > 0).any()) and x,
        lambda x: x[torch.tensor([0, 1])],
        lambda x: x.numpy(),
        lambda x: x + torch.ones(8).to("meta"),
    ],
)
def test_whoever_waits_is_found_out(waiting: Callable[[torch.Tensor], object]) -> None:
    with pytest.raises((RuntimeError, NotImplementedError, TypeError, AssertionError)), Border():
        waiting(torch.empty(8, device="meta"))
