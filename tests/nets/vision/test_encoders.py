"""Encoders against known sizes and independent formulas, with weights that the tests make."""

from __future__ import annotations

import importlib.util

import pytest
import safetensors.torch
import torch
from torch import nn

from robot_rl.core.errors import CheckpointError, ConfigError
from robot_rl.nets.vision.config import Vision
from robot_rl.nets.vision.embedding import SpatialEmbedding
from robot_rl.nets.vision.eyes import make_encoder
from robot_rl.nets.vision.places import fits
from robot_rl.nets.vision.resnet import ResNet
from robot_rl.nets.vision.scale import to_network
from robot_rl.nets.vision.vit import Block, Vit, VitShape
from robot_rl.nets.vision.weights import put, read, vit_shape

TINY = VitShape(width=64, depth=2, patch=8, grid=4)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_resnet_18_has_the_published_size_names_and_stride() -> None:
    net = ResNet("resnet18")
    assert count(net) == 11_689_512 - 513_000  # torchvision's, without its classifier
    state = net.state_dict()
    assert state["layer2.0.downsample.0.weight"].shape == (128, 64, 1, 1)
    assert state["layer4.1.bn2.running_var"].shape == (512,)
    assert len(state) == 120  # 122 tensors in torchvision's file, without fc.weight and fc.bias
    assert net(torch.rand(2, 3, 64, 96)).shape == (2, 512, 2, 3)
    assert ResNet("resnet10")(torch.rand(1, 3, 64, 64)).shape == (1, 512, 2, 2)


def test_a_block_is_two_convolutions_beside_a_shortcut() -> None:
    block = ResNet("resnet10").layer2[0]
    x = torch.randn(2, 64, 8, 8)

    def normal(y: torch.Tensor, norm: nn.BatchNorm2d) -> torch.Tensor:
        mean, var = (t[:, None, None] for t in (norm.running_mean, norm.running_var))
        return (y - mean) / (var + norm.eps).sqrt() * norm.weight[:, None, None] + norm.bias[:, None, None]

    for norm in (block.bn1, block.bn2, block.downsample[1]):
        for tensor in (norm.running_mean, norm.running_var, norm.weight, norm.bias):
            tensor.data.uniform_(0.5, 1.5)
    inner = normal(block.conv1(x), block.bn1).clamp(min=0)
    want = normal(block.conv2(inner), block.bn2) + normal(block.downsample[0](x), block.downsample[1])
    torch.testing.assert_close(block.eval()(x), want.clamp(min=0), rtol=1e-4, atol=1e-4)


def test_batch_norms_keep_their_statistics_while_a_resnet_learns() -> None:
    net = ResNet("resnet10").train()
    before = net.bn1.running_mean.clone()
    net(torch.rand(2, 3, 32, 32)).sum().backward()
    assert torch.equal(net.bn1.running_mean, before)
    assert net.conv1.weight.grad is not None


def test_vit_small_has_the_published_size() -> None:
    with torch.device("meta"):
        assert count(Vit(VitShape())) == 22_050_664 - 385_000  # timm's vit_small_patch16_224, without its head
        dino = VitShape(patch=14, grid=37, scaled=True)
        assert count(Vit(dino)) == 22_056_576 - 384  # DINOv2 ViT-S/14, without its mask token


def test_a_layer_is_torchs_transformer_layer() -> None:
    ours = Block(TINY).eval()
    theirs = nn.TransformerEncoderLayer(64, 1, 256, 0.0, "gelu", 1e-6, batch_first=True, norm_first=True).eval()
    pairs = {
        "self_attn.in_proj_weight": ours.attn.qkv.weight,
        "self_attn.in_proj_bias": ours.attn.qkv.bias,
        "self_attn.out_proj.weight": ours.attn.proj.weight,
        "self_attn.out_proj.bias": ours.attn.proj.bias,
        "linear1.weight": ours.mlp.fc1.weight,
        "linear1.bias": ours.mlp.fc1.bias,
        "linear2.weight": ours.mlp.fc2.weight,
        "linear2.bias": ours.mlp.fc2.bias,
    }
    theirs.load_state_dict({**theirs.state_dict(), **{k: v.detach() for k, v in pairs.items()}})
    x = torch.randn(3, 17, 64)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-5)


def test_positions_are_those_that_were_trained_or_resampled() -> None:
    vit = Vit(TINY)
    assert torch.equal(vit.positions(4, 4), vit.pos_embed[:, 1:])
    assert vit(torch.rand(2, 3, 64, 48)).shape == (2, 64, 8, 6)
    slope = torch.linspace(0, 1, 4)[:, None, None].expand(4, 4, 64).reshape(1, 16, 64)
    vit.pos_embed.data[:, 1:] = slope
    rows = vit.positions(8, 8).unflatten(1, (8, 8))[0, :, 3, 0]
    assert (rows.diff() > 0).all()


def test_spatial_embedding_weighs_every_channel_at_every_place() -> None:
    layer = SpatialEmbedding(3, 4, 5, 2)
    x = torch.randn(6, 3, 4, 5)
    want = torch.einsum("bchw,chwf->bcf", x, layer.kernel.unflatten(1, (4, 5))).flatten(1)
    torch.testing.assert_close(layer(x), want)
    assert layer.width == 6


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(6, 3, 4, 5), (1, 32, 16, 16), (7, 17, 1, 3)])
def test_maps_are_weighed_as_they_lie_with_all_gradients(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    layer = SpatialEmbedding(*shape[1:], 8)
    x = torch.randn(shape).to(dtype)
    weight = torch.randn(shape[0], layer.width)
    found = []
    for layout in (torch.channels_last, torch.contiguous_format):
        maps = x.clone(memory_format=layout).requires_grad_()
        layer.zero_grad()
        out = layer(maps if layout == torch.channels_last else maps.float())
        (out * weight).sum().backward()
        found.append((out, maps.grad, layer.kernel.grad.clone()))
    assert fits(x.clone(memory_format=torch.channels_last))
    assert not fits(x) or shape[2] * shape[3] == 1
    for as_they_lie, turned in zip(*found, strict=True):
        torch.testing.assert_close(as_they_lie, turned, rtol=2e-4 if dtype == torch.float32 else 1e-2, atol=1e-5)
    assert found[0][1].dtype == dtype


def test_images_are_scaled_without_being_copied_about() -> None:
    images = torch.randint(0, 256, (2, 4, 6, 3), dtype=torch.uint8)
    scaled = to_network(images)
    assert scaled.shape == (2, 3, 4, 6)
    assert scaled.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(scaled[1, 2, 3, 4], images[1, 3, 4, 2] / 255)


@pytest.mark.parametrize("kind", ["conv", "resnet10", "resnet18", "vit"])
def test_weights_come_from_a_file(tmp_path, kind: str) -> None:
    made = Vit(TINY) if kind == "vit" else make_encoder(Vision(encoder=kind))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.uniform_(-0.1, 0.1)
    state = {k: v.contiguous() for k, v in made.state_dict().items() if not k.endswith("num_batches_tracked")}
    path = tmp_path / "model.safetensors"
    safetensors.torch.save_file({**state, "fc.weight": torch.zeros(10, 512), "head.bias": torch.zeros(10)}, path)

    loaded = make_encoder(Vision(encoder=kind, weights=str(path), frozen=True))
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(loaded(x), made(x))
    if kind == "vit":
        assert vit_shape(read(str(path)), "file") == TINY


def test_wrong_weights_are_refused_in_one_line(tmp_path) -> None:
    path = tmp_path / "model.safetensors"
    state = {k: v.contiguous() for k, v in ResNet("resnet10").state_dict().items()}
    safetensors.torch.save_file(state, path)
    for source, encoder, text in (
        (str(tmp_path / "none.safetensors"), "conv", "no encoder weights"),
        (str(path), "resnet18", "'layer1.1.conv1.weight'"),
        (str(path), "conv", "weights of another encoder"),
        (str(path), "vit", "no vision transformer"),
    ):
        with pytest.raises(CheckpointError, match=text) as error:
            make_encoder(Vision(encoder=encoder, weights=source, frozen=True))
        assert "\n" not in str(error.value)
    with pytest.raises(CheckpointError, match=r"shape \(8, 3, 7, 7\)"):
        put(ResNet("resnet10"), {**state, "conv1.weight": torch.zeros(8, 3, 7, 7)}, "file")
    path.write_bytes(b"\x80\x04pickle")
    with pytest.raises(CheckpointError, match="cannot be read as safetensors"):
        read(str(path))


@pytest.mark.skipif(importlib.util.find_spec("huggingface_hub") is not None, reason="its client is here")
def test_weights_from_the_hub_say_what_they_need() -> None:
    with pytest.raises(CheckpointError, match="pip install huggingface_hub"):
        read("hub:timm/resnet18.a1_in1k")


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"weights": "a.safetensors"}, "without an encoder"),
        ({"encoder": "vit"}, "frozen and with weights"),
        ({"encoder": "resnet18", "frozen": True}, "needs weights"),
        ({"encoder": "conv", "places": 0}, "at least 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        Vision(**wrong)
