"""RLPD updates from two cameras per CPU-second, one thread: eyes trained from scratch; frozen eyes whose maps are
stored; the same eyes asked again in every update, as in SERL, HIL-SERL and LeRobot; and no eyes at all.

The frozen encoder is a ResNet-10 with weights made here: what they are does not change what they cost.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import safetensors.torch
import torch
from peers import result

from robot_rl.core.records import Transition
from robot_rl.core.spec import IMAGES, STATE, Feature, Spec
from robot_rl.data.transitions import Batch, empty_batch
from robot_rl.learner.protocol import to_torch
from robot_rl.methods import rlpd
from robot_rl.nets.cpu import prepare
from robot_rl.nets.vision.config import Vision
from robot_rl.nets.vision.eyes import MAPS
from robot_rl.nets.vision.resnet import ResNet

SIDE = 64
CAMERAS = ("front", "wrist")


def spec() -> Spec:
    """Two cameras and 18 numbers."""
    features = {STATE: Feature((18,)), **{IMAGES + c: Feature((SIDE, SIDE, 3), "uint8") for c in CAMERAS}}
    return Spec(observation=features, action_dim=3, rate=10.0)


def filled(wanted: Spec, batch: int) -> Batch:
    """A batch of noise."""
    rng, out = np.random.default_rng(0), empty_batch(wanted, batch)
    for part in (out.obs, out.next_obs):
        for array in part.values():
            array[:] = rng.integers(0, 256, array.shape) if array.dtype == np.uint8 else rng.normal(size=array.shape)
    out.action[:], out.reward[:], out.discount[:] = rng.uniform(-1, 1, out.action.shape), 0.0, 0.97
    return out


def rate(work: Callable[[], object], seconds: float) -> float:
    """How often ``work`` is done per CPU-second."""
    work()
    count, start = 0, time.process_time()
    while (spent := time.process_time() - start) < seconds or count < 2:
        work()
        count += 1
    return count / spent


def update(vision: Vision, batch: int, seconds: float) -> float:
    """Updates per CPU-second."""
    learner = rlpd.make(rlpd.Config(members=2, utd=1, vision=vision), spec())
    given = to_torch(filled(learner.spec, batch))
    return rate(lambda: learner.update(given), seconds)


def asked_again(vision: Vision, batch: int, seconds: float) -> float:
    """The same, with the images of the batch shown to the frozen encoder before every update."""
    learner = rlpd.make(rlpd.Config(members=2, utd=1, vision=vision), spec())
    images, stored = to_torch(filled(spec(), batch)), to_torch(filled(learner.spec, batch))
    eyes = learner.actor.eyes

    @torch.inference_mode()
    def look(obs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        maps = {MAPS + c: eyes.maps(i, obs[IMAGES + c]).half() for i, c in enumerate(CAMERAS)}
        return {STATE: obs[STATE], **{k: v.clone() for k, v in maps.items()}}

    def work() -> None:
        seen = {"obs": look(images.obs), "next_obs": look(images.next_obs)}
        rest = {"action": stored.action, "reward": stored.reward, "discount": stored.discount}
        learner.update(Transition(**seen, **rest))

    return rate(work, seconds)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small batches, which shows nothing")
    quick = parser.parse_args().quick
    batch, seconds = (8, 0.05) if quick else (256, 8.0)
    prepare(1)
    torch.manual_seed(0)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "resnet10.safetensors"
        safetensors.torch.save_file({k: v.contiguous() for k, v in ResNet("resnet10").state_dict().items()}, path)
        frozen = Vision(encoder="resnet10", weights=str(path), frozen=True)
        figures = {"batch": batch, "cameras": len(CAMERAS), "side": SIDE}
        figures["scratch_updates_per_cpu_s"] = update(Vision(encoder="conv"), batch, seconds)
        figures["frozen_stored_updates_per_cpu_s"] = update(frozen, batch, seconds)
        again = {"updates_per_cpu_s": asked_again(frozen, batch, seconds)}
        figures["frozen_stored_over_asked_again"] = (
            figures["frozen_stored_updates_per_cpu_s"] / again["updates_per_cpu_s"]
        )
        limit = {"updates_per_cpu_s": update(Vision(), batch, seconds)}
    result("vision", figures, {"frozen_asked_again": again}, {"without_images": limit})


if __name__ == "__main__":
    sys.exit(main())
