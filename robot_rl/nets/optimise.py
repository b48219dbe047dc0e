"""Optimisers as the methods use them: one fused Adam per network, target mixing, and their state as flat tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn


class Adam(torch.optim.AdamW):
    """AdamW in its fused form, one call per step; a step on the CPU does nothing else in Python."""

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step on all parameters that have a gradient."""
        for group in self.param_groups:
            if any(p.grad is not None and (p not in self.state or p.device.type != "cpu") for p in group["params"]):
                super().step(closure)  # makes the moments
                return
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if parameters:
                self._fused(parameters, group)

    def _fused(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        states = [self.state[p] for p in parameters]
        means, squares, counts = ([s[k] for s in states] for k in ("exp_avg", "exp_avg_sq", "step"))
        torch._foreach_add_(counts, 1.0)
        beta1, beta2 = group["betas"]
        torch._fused_adamw_(
            parameters, [p.grad for p in parameters], means, squares, [], counts,
            lr=group["lr"], beta1=beta1, beta2=beta2, weight_decay=group["weight_decay"], eps=group["eps"],
            amsgrad=False, maximize=False,
        )  # fmt: skip


def adam(parameters: Iterable[nn.Parameter], lr: float, weight_decay: float = 0.0) -> torch.optim.Optimizer:
    """AdamW in its fused form: one call per step instead of one per tensor."""
    return Adam(list(parameters), lr=lr, weight_decay=weight_decay, fused=True)


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
    """Load what ``pack`` returned; a moment must lie in memory as its parameter does, the fused step counts on it."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith(prefix + "."):
            index, moment = name.removeprefix(prefix + ".").split(".")
            state.setdefault(int(index), {})[moment] = value.clone()
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    for parameter, row in optimiser.state.items():
        row |= {k: torch.empty_like(parameter).copy_(v) for k, v in row.items() if v.shape == parameter.shape}
