"""What becomes of images on their way to a method."""

from __future__ import annotations

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor

from robot_rl.core.errors import ConfigError
from robot_rl.core.spec import STATE, Feature, Spec
from robot_rl.nets.optimise import mix
from robot_rl.nets.vision.config import Vision, seen
from robot_rl.nets.vision.conv import SmallConv
from robot_rl.nets.vision.eyes import MAPS, Eyes

FRONT, WRIST = "observation.images.front", "observation.images.wrist"
SPEC = Spec(
    observation={STATE: Feature((3,)), FRONT: Feature((16, 24, 3), "uint8"), WRIST: Feature((16, 16, 3), "uint8")},
    action_dim=2,
    rate=10.0,
)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def images(count: int, seed: int = 0) -> dict[str, Tensor]:
    rng = np.random.default_rng(seed)
    obs = {name: rng.integers(0, 256, (count, *SPEC.observation[name].shape), np.uint8) for name in (FRONT, WRIST)}
    return {k: torch.from_numpy(v) for k, v in obs.items()}


@pytest.fixture
def frozen(tmp_path) -> Vision:
    path = tmp_path / "conv.safetensors"
    safetensors.torch.save_file({k: v.contiguous() for k, v in SmallConv().state_dict().items()}, path)
    return Vision(encoder="conv", weights=str(path), frozen=True)


def test_frozen_maps_are_what_the_encoder_sees_and_nothing_of_it_is_trained_copied_or_sent(frozen: Vision) -> None:
    eyes = Eyes(SPEC, frozen)
    trained = Eyes(SPEC, Vision(encoder="conv"))
    trained.load_state_dict({**trained.state_dict(), **eyes.state_dict()})
    trained.encoders.load_state_dict(eyes.frozen[0].state_dict())
    batch = images(3)
    rows = [eyes.augment({k: v[i].numpy() for k, v in batch.items()}) for i in range(3)]
    assert rows[0][MAPS + "front"].dtype == np.float16
    stored = eyes.stored(SPEC)
    assert stored.cameras == []
    stored.check({STATE: np.zeros(3, np.float32), **rows[0]})

    maps = {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in eyes.names}
    torch.testing.assert_close(eyes(maps), trained(batch), atol=5e-3, rtol=0)
    assert not [name for name in eyes.state_dict() if "encoder" in name or "frozen" in name]
    assert all(not p.requires_grad for p in eyes.frozen[0].parameters())
    assert eyes.target().frozen is eyes.frozen


def test_eyes_that_learn_in_bfloat16_see_nearly_the_same_and_keep_their_weights_in_float32(frozen: Vision) -> None:
    eyes, batch = Eyes(SPEC, Vision(encoder="conv")), images(8)
    exact = eyes(batch)
    exact.sum().backward()
    wanted = eyes.encoders[0].layers[0].weight.grad.clone()
    eyes.precision = "bfloat16"
    eyes.zero_grad()
    rounded = eyes(batch)
    rounded.sum().backward()
    assert rounded.dtype == torch.float32
    assert 0 < (rounded - exact).abs().max() < 0.05
    gradient = eyes.encoders[0].layers[0].weight.grad
    assert gradient.dtype == eyes.encoders[0].layers[0].weight.dtype == torch.float32
    assert torch.nn.functional.cosine_similarity(gradient.flatten(), wanted.flatten(), dim=0) > 0.98
    assert eyes.target().precision == "bfloat16"
    same = Eyes(SPEC, frozen)
    maps = same.maps(0, batch[FRONT])
    same.precision = "bfloat16"
    assert torch.equal(same.maps(0, batch[FRONT]), maps), "what is stored must not depend on who computes it"


def test_a_targets_eyes_are_a_copy_that_follows_without_gradients() -> None:
    eyes = Eyes(SPEC, Vision(encoder="conv"))
    target = eyes.target()
    batch = images(4)
    assert torch.equal(target(batch), eyes(batch))
    with torch.no_grad():
        for parameter in eyes.parameters():
            parameter.add_(0.1)
    assert not torch.equal(target(batch), eyes(batch))
    mix(target, eyes, 1.0)
    assert torch.equal(target(batch), eyes(batch))
    assert all(not p.requires_grad for p in target.parameters())
    assert all(p.requires_grad for p in eyes.parameters())


def test_cameras_share_an_encoder_only_when_asked() -> None:
    own, shared = (Eyes(SPEC, Vision(encoder="conv", shared=s)) for s in (False, True))
    assert (len(own.encoders), len(shared.encoders)) == (2, 1)
    eyes = own(images(2))
    assert eyes.shape == (2, own.width)
    eyes[:, : own.width // 2].sum().backward()
    assert own.encoders[0].layers[0].weight.grad.any()
    assert not own.encoders[1].layers[0].weight.grad.any()


def test_a_method_without_vision_takes_no_images_and_one_with_it_needs_some() -> None:
    class Config:
        pass

    assert seen(Config(), SPEC).cameras == []
    blind = SPEC.without_images()
    with pytest.raises(ConfigError, match="no camera image"):
        Vision(encoder="conv").seen(blind)
    config = Config()
    config.vision = Vision(encoder="conv")
    assert seen(config, SPEC, (STATE,)).observation.keys() == {FRONT, WRIST}
