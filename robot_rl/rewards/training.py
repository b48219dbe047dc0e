"""Trains a success classifier on a dataset, and says how well it does on episodes that it has never seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import torch
from torch.nn import functional

from robot_rl.core.errors import ConfigError
from robot_rl.core.spec import IMAGES
from robot_rl.data.dataset import Dataset
from robot_rl.data.loading.augment import Augmentation
from robot_rl.nets.optimise import adam, step
from robot_rl.rewards.classifier import Classifier, Facts
from robot_rl.rewards.drift import Pictures, Reference, reference
from robot_rl.rewards.frames import Frames, check_cameras, load_frames, split
from robot_rl.rewards.network import NetworkConfig, SuccessNet, trained_share
from robot_rl.rewards.roc import roc, threshold_for
from robot_rl.rewards.testing import digests_of, report_of


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How a classifier is trained."""

    cameras: tuple[str, ...] = ()
    """Which it looks through; none: all of the dataset."""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    """What sees the images."""
    held_out: float = 0.3
    """Share of the episodes that it is tested on and does not learn from."""
    fpr: float = 0.01
    """False-positive rate to choose the threshold for."""
    updates: int = 800
    """Gradient steps."""
    batch: int = 64
    """Frames per step, half of them successes."""
    lr: float = 1e-3
    """Step size at the start; it falls to zero (cosine)."""
    weight_decay: float = 1e-3
    """Of AdamW."""
    shift: int = 2
    """Largest random shift of an image [pixels of ``size``]."""
    colour: float = 0.2
    """Largest random change of brightness, contrast and saturation."""
    most: int = 20_000
    """Frames to learn from and to test on, at most; successes are always among them."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.updates < 1 or self.batch < 2 or not 0.0 < self.held_out < 1.0:
            raise ConfigError("give 1 update or more, a batch of 2 or more, and a held-out share between 0 and 1")
        if not 0.0 <= self.fpr < 1.0:
            raise ConfigError(f"a false-positive rate of {self.fpr:g} was asked for: choose one from 0 to 1")

    @property
    def augmentation(self) -> Augmentation:
        """How each image is changed at random while learning."""
        colour = self.colour
        return Augmentation(shift=self.shift, brightness=colour, contrast=colour, saturation=colour)


def train_classifier(
    dataset: Dataset, config: TrainingConfig, on_update: Callable[[int, float], None] | None = None
) -> Classifier:
    """Train, choose a threshold, test; ``on_update`` hears of every step and its loss."""
    cameras = check_cameras(dataset, config.cameras)
    shapes = tuple(dataset.spec.observation[IMAGES + camera].shape[:2] for camera in cameras)
    frames = load_frames(dataset, cameras, config.network.size, config.most, config.seed)
    held = split(frames, config.held_out, config.seed)
    seen = tuple(sorted(set(frames.origins) - set(held)))
    torch.manual_seed(config.seed)
    network = fit(frames.of(seen), config, SuccessNet(cameras, config.network), on_update)
    draft = Facts(
        cameras=cameras,
        shapes=tuple((int(h), int(w)) for h, w in shapes),
        network=config.network,
        threshold=0.0,
        held_out=held,
        trained_on=seen,
        reference=Reference(episodes=2, score=0.0, score_spread=1.0, distance=0.0, distance_spread=1.0),
        report={},
        config={**asdict(config), "cameras": list(cameras)},
    )
    return finish(Classifier(network, draft, Pictures.of(frames.of(seen).images)), frames.of(held), config.fpr)


def fit(
    frames: Frames, config: TrainingConfig, network: SuccessNet, on_update: Callable[[int, float], None] | None = None
) -> SuccessNet:
    """Minimise the cross-entropy on batches of half successes, half failures, each image changed at random."""
    rng = np.random.default_rng(config.seed)
    network.train()
    optimiser = adam(network.parameters(), config.lr, config.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.updates)
    classes = [np.flatnonzero(frames.label), np.flatnonzero(~frames.label)]
    target = torch.arange(config.batch) < config.batch // 2
    for i in range(config.updates):
        counts = (config.batch // 2, config.batch - config.batch // 2)
        rows = np.concatenate([rng.choice(some, n) for some, n in zip(classes, counts, strict=True)])
        images = frames.images[rows]
        flat = config.augmentation.apply(rng, images.reshape(-1, *images.shape[2:]))
        logit = network(torch.from_numpy(flat.reshape(images.shape)))
        loss = functional.binary_cross_entropy_with_logits(logit, target.float())
        step(optimiser, loss, 10.0)
        schedule.step()
        if on_update is not None:
            on_update(i + 1, float(loss.detach()))
    return network.eval()


def finish(draft: Classifier, held: Frames, fpr: float) -> Classifier:
    """With threshold, reference and report from the held-out frames."""
    logit, distance = draft.judge(held.images)
    threshold = threshold_for(roc(logit, held.label), fpr)
    report = report_of(held, logit, threshold, fpr)
    reached, parameters = trained_share(draft.network.train(), torch.from_numpy(held.images[:8]))
    report |= {"parameters": parameters, "parameters_with_gradient": reached}
    facts = replace(
        draft.facts,
        threshold=threshold,
        reference=reference(digests_of(held, logit, distance, threshold)),
        report=report,
    )
    return Classifier(draft.network, facts, draft.pictures)
