"""Weights that were handed over become a network's own memory; all others are copied."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from robot_rl.core.arrays import HandedOver
from robot_rl.core.errors import CheckpointError
from robot_rl.nets.policy import Weights
from robot_rl.transport.experience_pb2 import News
from robot_rl.transport.weights import Packed, Unpacker


def net(width: int = 8) -> nn.Module:
    made = nn.Sequential(nn.Linear(3, width), nn.LayerNorm(width), nn.Linear(width, width), nn.Linear(width, 2))
    made.register_buffer("scale", torch.tensor(1.5))
    return made


def received(weights: dict[str, NDArray]) -> HandedOver:
    """As an actor gets them."""
    first, *chunks = Packed(weights).messages()
    unpacker = Unpacker(News.FromString(first).manifest)
    for chunk in chunks:
        unpacker.add(chunk)
    return unpacker.weights().tensors


def test_nothing_is_copied_and_the_network_is_the_same_to_the_last_bit():
    source, copying, taking = net(64), net(64), net(64)
    parameters = list(taking.parameters())
    given = received(Weights(source).get())
    Weights(copying).put(dict(given))
    Weights(taking).put(given)
    for name, tensor in taking.state_dict().items():
        assert tensor.data_ptr() == given[name].ctypes.data, name
    assert all(a is b for a, b in zip(taking.parameters(), parameters, strict=True))
    for name, tensor in copying.state_dict().items():
        assert tensor.data_ptr() != given[name].ctypes.data
    x = torch.randn(5, 3)
    assert torch.equal(source(x), taking(x))
    assert torch.equal(source(x), copying(x))


def test_it_costs_a_control_thread_next_to_nothing():
    width = 3500
    taking, copying = net(width), net(width)
    given = received(Weights(net(width)).get())
    costs = {True: [], False: []}
    for _ in range(3):
        for handed, module in ((True, taking), (False, copying)):
            began = time.thread_time()
            Weights(module).put(given if handed else dict(given))
            costs[handed].append(time.thread_time() - began)
    assert min(costs[True]) < 0.002
    assert min(costs[True]) < min(costs[False]) / 3


def test_what_does_not_lie_as_the_network_wants_it_is_copied():
    source, target = net(), net()
    given = received({k: v.astype(np.float64) for k, v in Weights(source).get().items()})
    Weights(target).put(given)
    assert all(p.dtype == torch.float32 for p in target.parameters())
    assert all(torch.equal(a, b) for a, b in zip(source.parameters(), target.parameters(), strict=True))
    askew = np.empty(8 * 4 + 1, np.uint8)[1:].view(np.float32)
    askew[:] = 2.0
    handed = received(Weights(source).get())
    handed["0.bias"] = askew
    Weights(target).put(handed)
    askew[:] = 3.0
    assert target.state_dict()["0.bias"].tolist() == [2.0] * 8


def test_what_does_not_fit_changes_nothing():
    target = net()
    before = {k: v.clone() for k, v in target.state_dict().items()}
    with pytest.raises(CheckpointError, match="do not fit"):
        Weights(target).put(received(Weights(net(9)).get()))
    assert all(torch.equal(v, before[k]) for k, v in target.state_dict().items())
