"""A learner's whole state as flat named tensors, so that it goes on as if it had never stopped."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from robot_rl.nets.optimise import pack, unpack

Parts = Mapping[str, "nn.Module | torch.optim.Optimizer"]


def save_state(parts: Parts, count: int) -> dict[str, Tensor]:
    """Copies of all networks and optimisers, the counter of updates, and torch's generator."""
    state = {"count": torch.tensor(count), "generator": torch.get_rng_state()}
    for name, part in parts.items():
        if isinstance(part, nn.Module):
            state |= {f"{name}.{k}": v.detach().clone() for k, v in part.state_dict().items()}
        else:
            state |= {k: v.detach().clone() for k, v in pack(part, name).items()}
    return state


def load_state(parts: Parts, state: Mapping[str, Tensor]) -> int:
    """Load what ``save_state`` returned; the counter of updates comes back. ``KeyError`` where something is missing."""
    for name, part in parts.items():
        prefix = name + "."
        if isinstance(part, nn.Module):
            part.load_state_dict({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)})
        else:
            unpack(part, name, state)
    torch.set_rng_state(state["generator"])
    return int(state["count"])
