"""Optimisers as the methods use them: one fused Adam per network, target mixing, and their state as flat tensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn


def adam(parameters: Iterable[nn.Parameter], lr: float, weight_decay: float = 0.0) -> torch.optim.Optimizer:
    """AdamW in its fused form: one call per step instead of one per tensor."""
    return torch.optim.AdamW(list(parameters), lr=lr, weight_decay=weight_decay, fused=True)


@torch.no_grad()
def mix(target: nn.Module, online: nn.Module, polyak: float) -> None:
    """target := (1 - polyak) * target + polyak * online, for every parameter."""
    if mixed := list(target.parameters()):
        torch._foreach_lerp_(mixed, list(online.parameters()), polyak)


def step(optimiser: torch.optim.Optimizer, loss: Tensor, grad_clip: float = 0.0) -> None:
    """One gradient step on ``loss``; the norm of the gradient is limited to ``grad_clip`` when that is positive."""
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    if grad_clip > 0:
        nn.utils.clip_grad_norm_([p for g in optimiser.param_groups for p in g["params"]], grad_clip, foreach=True)
    optimiser.step()


def pack(optimiser: torch.optim.Optimizer, prefix: str) -> dict[str, Tensor]:
    """The optimiser's moments as flat tensors named ``<prefix>.<parameter>.<moment>``."""
    state = optimiser.state_dict()["state"]
    return {f"{prefix}.{i}.{k}": torch.as_tensor(v) for i, row in state.items() for k, v in row.items()}


def unpack(optimiser: torch.optim.Optimizer, prefix: str, tensors: Mapping[str, Tensor]) -> None:
    """Load what ``pack`` returned."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith(prefix + "."):
            index, moment = name.removeprefix(prefix + ".").split(".")
            state.setdefault(int(index), {})[moment] = value.clone()
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
