"""A learner's batches arrive on its device as they were drawn, images as bytes."""

import numpy as np
import pytest
import torch

from robot_rl.core.spec import STATE, Feature, Spec
from robot_rl.learner.batches import Batches

SPEC = Spec(observation={STATE: Feature((3,)), "camera": Feature((4, 4, 3), "uint8")}, action_dim=2, rate=10.0)
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"))]


@pytest.mark.parametrize("device", DEVICES)
def test_every_batch_is_what_was_drawn_for_it(device: str) -> None:
    batches, drawn = Batches(SPEC, 5, device), []

    def draw(batch) -> None:
        drawn.append(len(drawn))
        batch.obs[STATE][:] = drawn[-1]
        batch.next_obs["camera"][:] = drawn[-1]
        batch.reward[:] = -drawn[-1]

    for number in range(6):
        batch = batches.next(draw)
        batches.prefetch(draw)
        assert batch.obs[STATE].device.type == device
        assert batch.next_obs["camera"].dtype == torch.uint8
        assert float(batch.obs[STATE].mean()) == int(batch.next_obs["camera"][0, 0, 0, 0]) == number
        np.testing.assert_array_equal(batch.reward.cpu().numpy(), np.full(5, -number, np.float32))
    assert len(drawn) == (6 if device == "cpu" else 7)
