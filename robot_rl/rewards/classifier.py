"""A trained success classifier: it judges frames, it is a ``Reward``, and it lies on disk as a folder.

``classifier.json`` says what it is, where its threshold is, which episodes it was trained and tested on and how well it
did; ``network.safetensors`` holds its weights. The folder appears whole or not at all.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from robot_rl.core.errors import CheckpointError, ConfigError, SpecError
from robot_rl.core.records import Outcome, RewardSource
from robot_rl.core.rewards import Sight
from robot_rl.core.view import View
from robot_rl.rewards.drift import DriftMonitor, Pictures, Reference
from robot_rl.rewards.frames import shrink
from robot_rl.rewards.network import NetworkConfig, SuccessNet
from robot_rl.rewards.sources import CLASSIFIER_FILE

FORMAT: Final = 1
WEIGHTS: Final = "network.safetensors"
BATCH: Final = 256
"""Frames that are judged at a time."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a classifier says of itself."""

    cameras: tuple[str, ...]
    """Which it looks through, in this order."""
    shapes: tuple[tuple[int, int], ...]
    """Height and width of each one's images [pixels]."""
    network: NetworkConfig
    """What sees them."""
    threshold: float
    """Logit from which it says success."""
    held_out: tuple[str, ...]
    """Episodes that it was tested on and has never learnt from, by uuid of their recording."""
    trained_on: tuple[str, ...]
    reference: Reference
    """What drift is measured from."""
    report: Mapping[str, Any]
    """How well it did on the held-out episodes."""
    config: Mapping[str, Any]
    """Of its training."""


class Classifier:
    """Frames -> logits of success.

    Args:
        network: Trained.
        facts: What it says of itself.
        pictures: Of its training frames.
    """

    def __init__(self, network: SuccessNet, facts: Facts, pictures: Pictures) -> None:
        self.network, self.facts, self.pictures = network.eval(), facts, pictures

    @torch.inference_mode()
    def judge(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Logits (N,), and distances (N,) from the training pictures, of small images (N, C, S, S, 3)."""
        parts = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
        logits = [self.network(torch.from_numpy(part)).double().numpy() for part in parts]
        distances = [self.pictures.distance(part) for part in parts]
        return np.concatenate([np.empty(0), *logits]), np.concatenate([np.empty(0), *distances])

    def look(self, images: Mapping[str, NDArray[np.uint8]], views: Mapping[str, View]) -> NDArray[np.uint8]:
        """Images (H, W, 3) of its cameras as it sees them, (1, C, S, S, 3); ``SpecError`` when they are others.

        ``views``: what the station shows of its cameras. That is brought to the size of the images in the dataset.
        """
        small = []
        for camera, shape in zip(self.facts.cameras, self.facts.shapes, strict=True):
            got = images[camera].shape[:2] if camera in images else None
            view = views.get(camera, View())
            if got is None or (view == View() and got[0] * shape[1] != got[1] * shape[0]):
                what = "no image" if got is None else f"{got[0]}x{got[1]} pixels"
                raise SpecError(
                    f"the classifier was trained on {camera} with {shape[0]}x{shape[1]} pixels and gets {what}: "
                    "check the station's cameras, or train another"
                )
            small.append(shrink(replace(view, size=shape).apply(images[camera]), self.facts.network.size))
        return np.stack(small)[None]


class ClassifierReward:
    """A ``Reward``: 1 and the end of the episode when the classifier says success.

    Args:
        classifier: Trained.
        threshold: Probability from which it is success; 0: the one that was chosen in training.
        views: What the station shows of its cameras, by name; the others are seen whole.
    """

    def __init__(self, classifier: Classifier, threshold: float = 0.0, views: Mapping[str, View] | None = None) -> None:
        if not 0.0 <= threshold < 1.0:
            raise ConfigError(f"a threshold of {threshold:g} was asked for: choose a probability below 1")
        self.classifier, self.views = classifier, views or {}
        self.cameras = classifier.facts.cameras
        self.threshold = float(np.log(threshold / (1 - threshold))) if threshold else classifier.facts.threshold
        self.monitor = DriftMonitor(classifier.facts.reference, classifier.facts.threshold)

    @property
    def alarm(self) -> str:
        """Why the last episodes are not what it was trained on; empty: they are."""
        return self.monitor.alarm

    def reset(self) -> None:
        """A new episode."""
        self.monitor.close()

    def outcome(self, sight: Sight) -> Outcome:
        """What the newest frames show."""
        images = {name: frame.rgb for name, frame in sight.frames.items()}
        logit, distance = self.classifier.judge(self.classifier.look(images, self.views))
        self.monitor.frame(float(logit[0]), float(distance[0]))
        success = bool(logit[0] >= self.threshold)
        return Outcome(reward=float(success), success=success, terminated=success, judge=RewardSource.CLASSIFIER)


def save_classifier(path: Path, classifier: Classifier) -> None:
    """Write it to the folder ``path``, in the place of what was there."""
    path = Path(path)
    staging, aside = (path.parent / f".{path.name}.{kind}.{uuid.uuid4().hex[:8]}" for kind in ("new", "old"))
    staging.mkdir(parents=True)
    try:
        tensors = {f"network.{k}": v.contiguous() for k, v in classifier.network.state_dict().items()}
        tensors |= {name: torch.from_numpy(value) for name, value in vars(classifier.pictures).items()}
        safetensors.torch.save_file(tensors, staging / WEIGHTS)
        data = {"format": FORMAT, **asdict(classifier.facts)}
        (staging / CLASSIFIER_FILE).write_text(json.dumps(data, indent=1, allow_nan=False) + "\n")
        if path.exists():
            os.rename(path, aside)
        os.rename(staging, path)
    finally:
        for rest in (staging, aside):
            shutil.rmtree(rest, ignore_errors=True)


def load_classifier(path: Path) -> Classifier:
    """What ``save_classifier`` wrote; ``CheckpointError`` says in one line what is wrong."""
    path = Path(path)
    if not (path / CLASSIFIER_FILE).is_file():
        raise CheckpointError(f"{path} is no classifier, it has no {CLASSIFIER_FILE}: make one: robot-rl rewards train")
    try:
        data = json.loads((path / CLASSIFIER_FILE).read_text())
        if data.pop("format") != FORMAT:
            raise CheckpointError(f"{path} has another format, this version reads {FORMAT}: train it again")
        known = Reference(**data.pop("reference"))
        shapes = tuple((int(h), int(w)) for h, w in data.pop("shapes"))
        data |= {name: tuple(data[name]) for name in ("cameras", "held_out", "trained_on")}
        config = NetworkConfig(**data.pop("network"))
        facts = Facts(**data, shapes=shapes, network=config, reference=known)
        tensors = safetensors.torch.load_file(path / WEIGHTS)
        network = SuccessNet(facts.cameras, config, pretrained=False)
        weights = {k.removeprefix("network."): v for k, v in tensors.items() if k.startswith("network.")}
        network.load_state_dict(weights)
        return Classifier(network, facts, Pictures(tensors["mean"].numpy(), tensors["spread"].numpy()))
    except (KeyError, TypeError, ValueError, RuntimeError, OSError, SafetensorError) as error:
        said = " ".join(str(error).split())[:120]
        raise CheckpointError(f"{path} is damaged ({said}): train it again") from error
