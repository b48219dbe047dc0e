"""How a method looks at camera images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from robot_rl.core.errors import ConfigError
from robot_rl.core.names import check_name
from robot_rl.core.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Vision:
    """Which network sees the images, and how it learns."""

    encoder: Literal["none", "conv", "resnet10", "resnet18", "vit"] = "none"
    """``none``: images are not used; ``conv``: a small network trained from scratch; the others are larger."""
    weights: str = ""
    """To begin with: a .safetensors file, or ``hub:OWNER/NAME`` on the Hugging Face hub (timm's or torchvision's
    names); empty: random."""
    frozen: bool = False
    """Keep the encoder as it is: its maps go into the replay, so that each image is seen once, and only what follows
    it learns."""
    shared: bool = False
    """One encoder for all cameras."""
    places: int = 8
    """Weights per channel and place of the spatial embedding."""
    width: int = 64
    """Numbers that each camera comes to."""
    shift: int = 4
    """Largest random shift of the images while learning [pixels]; 0: none."""

    def __post_init__(self) -> None:
        if self.encoder == "none" and (self.weights or self.frozen):
            raise ConfigError("vision: weights or frozen without an encoder: choose conv, resnet10, resnet18 or vit")
        if self.encoder == "vit" and not (self.weights and self.frozen):
            raise ConfigError("vision: a vit is used frozen and with weights: give both, or choose another encoder")
        if self.frozen and not self.weights:
            raise ConfigError("vision: a frozen encoder needs weights: name a file, or hub:OWNER/NAME")
        if min(self.places, self.width) < 1 or self.shift < 0:
            raise ConfigError("vision: places and width must be at least 1, shift at least 0")

    @property
    def used(self) -> bool:
        """Whether images are looked at."""
        return self.encoder != "none"

    def seen(self, spec: Spec) -> Spec:
        """What the method takes of a task's observation."""
        if not self.used:
            return spec.without_images()
        if not spec.cameras:
            raise ConfigError("vision: there is no camera image to look at: give cameras, or leave the encoder out")
        return spec


def seen(config: object, spec: Spec, hidden: Sequence[str] = ()) -> Spec:
    """What the method with this configuration takes of a task's observation; without ``vision``, no images."""
    for name in hidden:
        spec = spec.without(check_name("feature", name, list(spec.observation)))
    vision = getattr(config, "vision", None)
    return vision.seen(spec) if isinstance(vision, Vision) else spec.without_images()
