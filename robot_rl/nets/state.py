"""A learner's whole state as flat named tensors, so that it goes on as if it had never stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn

from robot_rl.nets.optimise import pack, unpack

Parts = Mapping[str, "nn.Module | torch.optim.Optimizer"]
Copy = Callable[[str, Tensor], Tensor]
"""Name and tensor -> what is kept of it."""


def _clone(name: str, tensor: Tensor) -> Tensor:  # noqa: ARG001
    return tensor.clone()


_COPY: ContextVar[Copy] = ContextVar("copy", default=_clone)


@contextmanager
def copied_by(copy: Copy) -> Iterator[None]:
    """Within it, ``save_state`` and ``Weights.get`` of this thread let ``copy`` make their copies."""
    token = _COPY.set(copy)
    try:
        yield
    finally:
        _COPY.reset(token)


def copied(name: str, tensor: Tensor) -> Tensor:
    """A copy of the tensor: a new one, or what ``copied_by`` says."""
    return _COPY.get()(name, tensor.detach())


def save_state(parts: Parts, count: int) -> dict[str, Tensor]:
    """Copies of all networks and optimisers, the counter of updates, and torch's generator."""
    state = {"count": torch.tensor(count), "generator": torch.get_rng_state()}
    for name, part in parts.items():
        if isinstance(part, nn.Module):
            state |= {f"{name}.{k}": copied(f"{name}.{k}", v) for k, v in part.state_dict().items()}
        else:
            state |= {k: copied(k, v) for k, v in pack(part, name).items()}
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
