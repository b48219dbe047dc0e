"""Pretrained weights from a file, or from the Hugging Face hub. Only safetensors: nothing is executed."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor, nn

from robot_rl.core.errors import CheckpointError
from robot_rl.nets.vision.vit import VitShape

HUB = "hub:"
FILE = "model.safetensors"
"""Where repositories on the hub keep them."""
COUNTERS = "num_batches_tracked"
"""Batch norms count their batches; not all files say how far they had counted, and it changes nothing."""


def read(source: str) -> dict[str, Tensor]:
    """The tensors of a .safetensors file, or of ``hub:OWNER/NAME``; ``CheckpointError`` says what is wrong."""
    path = _from_hub(source.removeprefix(HUB)) if source.startswith(HUB) else Path(source)
    if not path.is_file():
        raise CheckpointError(f"there are no encoder weights at {source}: name a .safetensors file or hub:OWNER/NAME")
    try:
        return safetensors.torch.load_file(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{source} cannot be read as safetensors ({error}): use another file") from error


def put(module: nn.Module, tensors: Mapping[str, Tensor], source: str) -> None:
    """Load ``tensors`` into ``module``. What the module has must be there; a classifier's head is left out."""
    own = module.state_dict()
    for name, tensor in own.items():
        if name.endswith(COUNTERS):
            continue
        if name not in tensors:
            raise CheckpointError(f"{source} has no {name!r}: these are weights of another encoder")
        if tensors[name].shape != tensor.shape:
            got, want = tuple(tensors[name].shape), tuple(tensor.shape)
            raise CheckpointError(f"{name} of {source} has shape {got}, not {want}: choose the encoder it belongs to")
    module.load_state_dict({name: tensors.get(name, tensor) for name, tensor in own.items()})


def vit_shape(tensors: Mapping[str, Tensor], source: str) -> VitShape:
    """The shape of the vision transformer that weights belong to."""
    try:
        width, _, patch, _ = tensors["patch_embed.proj.weight"].shape
        grid = round((tensors["pos_embed"].shape[1] - 1) ** 0.5)
    except (KeyError, ValueError) as error:
        raise CheckpointError(f"{source} holds no vision transformer (no {error}): choose another encoder") from error
    depth = 1 + max((int(k.split(".")[1]) for k in tensors if k.startswith("blocks.")), default=-1)
    return VitShape(width=width, depth=depth, patch=patch, grid=grid, scaled="blocks.0.ls1.gamma" in tensors)


def _from_hub(name: str) -> Path:
    """Where the hub's client keeps the file; it is fetched when it is not there yet."""
    try:
        hub = importlib.import_module("huggingface_hub")
    except ImportError:
        raise CheckpointError("weights from the hub need huggingface_hub: pip install huggingface_hub") from None
    try:
        return Path(hub.hf_hub_download(name, FILE))
    except Exception as error:  # noqa: BLE001  (its errors share no base class with ours)
        said = str(error).splitlines()[0][:150] if str(error) else type(error).__name__
        raise CheckpointError(f"hub:{name} cannot be fetched ({said}): check the name and the network") from None
