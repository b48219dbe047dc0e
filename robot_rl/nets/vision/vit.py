"""A vision transformer (Dosovitskiy et al. 2021), with the names that timm gives its weights (ViT, DeiT, DINOv2)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from robot_rl.nets.vision.scale import IMAGENET_DEVIATION, IMAGENET_MEAN


@dataclass(frozen=True, kw_only=True)
class VitShape:
    """What the weights fix."""

    width: int = 384
    depth: int = 12
    patch: int = 16
    """Side of a patch [pixels]."""
    grid: int = 14
    """Patches along a side of the images it was trained on."""
    scaled: bool = False
    """Whether its branches have learned scales (DINOv2)."""

    @property
    def heads(self) -> int:
        """Of 64 channels each, as in all published sizes."""
        return max(1, self.width // 64)


class Attention(nn.Module):
    """Every token looks at every other."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, width) -> (B, N, width)."""
        q, k, v = self.qkv(x).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(q, k, v)
        return self.proj(seen.transpose(1, 2).flatten(2))


class Feedforward(nn.Module):
    """What each token makes of itself."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, width) -> (B, N, width)."""
        return self.fc2(functional.gelu(self.fc1(x)))


class LearnedScale(nn.Module):
    """One factor per channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, width) -> (B, N, width)."""
        return x * self.gamma


class Block(nn.Module):
    """One layer."""

    def __init__(self, shape: VitShape) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(shape.width, eps=1e-6)
        self.attn = Attention(shape.width, shape.heads)
        self.ls1 = LearnedScale(shape.width) if shape.scaled else nn.Identity()
        self.norm2 = nn.LayerNorm(shape.width, eps=1e-6)
        self.mlp = Feedforward(shape.width)
        self.ls2 = LearnedScale(shape.width) if shape.scaled else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, width) -> (B, N, width)."""
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class PatchEmbed(nn.Module):
    """Patches to tokens."""

    def __init__(self, shape: VitShape) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, shape.width, shape.patch, shape.patch)


class Vit(nn.Module):
    """Images (B, 3, H, W) in [0, 1] -> maps (B, width, H / patch, W / patch) of its last patch tokens."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, shape: VitShape) -> None:
        super().__init__()
        self.shape = shape
        self.patch_embed = PatchEmbed(shape)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, shape.width))
        self.pos_embed = nn.Parameter(0.02 * torch.randn(1, shape.grid**2 + 1, shape.width))
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.depth))
        self.norm = nn.LayerNorm(shape.width, eps=1e-6)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None], persistent=False)
        self.register_buffer("deviation", torch.tensor(IMAGENET_DEVIATION)[:, None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Maps."""
        maps = self.patch_embed.proj((x - self.mean) / self.deviation)
        rows, columns = maps.shape[-2:]
        tokens = maps.flatten(2).transpose(1, 2) + self.positions(rows, columns)
        whole = (self.cls_token + self.pos_embed[:, :1]).expand(len(x), -1, -1)
        tokens = torch.cat((whole, tokens), dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens)[:, 1:].transpose(1, 2).unflatten(-1, (rows, columns))

    def positions(self, rows: int, columns: int) -> Tensor:
        """Of a grid of patches, (1, rows * columns, width): those it was trained with, resampled."""
        grid = self.shape.grid
        if (rows, columns) == (grid, grid):
            return self.pos_embed[:, 1:]
        trained = self.pos_embed[:, 1:].transpose(1, 2).unflatten(-1, (grid, grid))
        resampled = functional.interpolate(trained, (rows, columns), mode="bicubic", antialias=True)
        return resampled.flatten(2).transpose(1, 2)
