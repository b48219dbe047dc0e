"""RLPD updates from two cameras per CPU-second, one thread, drawing and shifting the batch included.

Eyes trained from scratch, in float32, in bfloat16 and through ``torch.compile``; frozen eyes whose maps are stored; the
same eyes asked again in every update, as in SERL, HIL-SERL and LeRobot; and no eyes at all.
The frozen encoder is a ResNet-10 with weights made here: what they are does not change what they cost.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import safetensors.torch
import torch
from peers import result
from replays.ours import record

from robot_rl.core.records import Transition
from robot_rl.core.spec import IMAGES, STATE, Feature, Spec
from robot_rl.data.replay import Replay
from robot_rl.data.transitions import empty_batch
from robot_rl.learner.protocol import to_torch
from robot_rl.methods import rlpd
from robot_rl.nets.cpu import prepare
from robot_rl.nets.critic import Precision
from robot_rl.nets.vision.config import Vision
from robot_rl.nets.vision.eyes import MAPS
from robot_rl.nets.vision.resnet import ResNet

SIDE = 64
CAMERAS = ("front", "wrist")
HELD = 300
"""Steps in the replay."""


def spec() -> Spec:
    """Two cameras and 18 numbers."""
    features = {STATE: Feature((18,)), **{IMAGES + c: Feature((SIDE, SIDE, 3), "uint8") for c in CAMERAS}}
    return Spec(observation=features, action_dim=3, rate=10.0)


def filled(wanted: Spec) -> Replay:
    """A replay full of noise."""
    rng, replay = np.random.default_rng(0), Replay(wanted, HELD + 1, seed=0)

    def noise(feature: Feature) -> np.ndarray:
        if feature.dtype == "uint8":
            return rng.integers(0, 256, feature.shape, np.uint8)
        return rng.normal(size=feature.shape).astype(feature.dtype)

    for row in range(HELD + 1):
        obs = {name: noise(feature) for name, feature in wanted.observation.items()}
        replay.add(record(obs, 3)) if row < HELD else replay.end(obs)
    return replay


def rate(work: Callable[[], object], seconds: float) -> float:
    """How often ``work`` is done per CPU-second."""
    work()
    count, start = 0, time.process_time()
    while (spent := time.process_time() - start) < seconds or count < 2:
        work()
        count += 1
    return count / spent


def drawing(learner: rlpd.RlpdLearner, replay: Replay) -> Callable[[], Transition[torch.Tensor]]:
    """Draws batches for the learner, into the same memory again and again."""
    out = empty_batch(replay.spec, learner.sampling.batch_size)
    tensors = to_torch(out)

    def draw() -> Transition[torch.Tensor]:
        learner.sampling.draw(replay, out)
        return tensors

    return draw


def make(vision: Vision, batch: int, precision: Precision = "float32") -> rlpd.RlpdLearner:
    """A learner with two critics."""
    config = rlpd.Config(members=2, utd=1, batch_size=batch, vision=vision, precision=precision)
    return rlpd.make(config, spec())


def updates(learner: rlpd.RlpdLearner, seconds: float) -> float:
    """Per CPU-second."""
    draw = drawing(learner, filled(learner.spec))
    return rate(lambda: learner.update(draw()), seconds)


def compiled(batch: int, seconds: float) -> dict[str, float]:
    """The eyes from scratch through ``torch.compile``, and how long that takes."""
    import torch._inductor.config as inductor

    inductor.force_disable_caches = True
    learner = make(Vision(encoder="conv"), batch)
    draw, began = drawing(learner, filled(learner.spec)), time.perf_counter()
    for eyes in (learner.actor.eyes, learner.eyes_target):
        eyes.compile()
    for _ in range(2):
        learner.update(draw())
    return {"compile_s": time.perf_counter() - began, "updates_per_cpu_s": updates(learner, seconds)}


def asked_again(vision: Vision, batch: int, seconds: float) -> float:
    """The frozen encoder is shown the images of every batch."""
    learner = make(vision, batch)
    draw, eyes = drawing(learner, filled(spec())), learner.actor.eyes

    @torch.inference_mode()
    def look(obs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {MAPS + c: eyes.maps(i, obs[IMAGES + c]).half() for i, c in enumerate(CAMERAS)}

    def work() -> None:
        images = draw()
        seen = (
            {STATE: obs[STATE], **{k: v.clone() for k, v in look(obs).items()}} for obs in (images.obs, images.next_obs)
        )
        learner.update(replace(images, obs=next(seen), next_obs=next(seen)))

    return rate(work, seconds)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small batches, which shows nothing; no compilation")
    quick = parser.parse_args().quick
    batch, seconds = (8, 0.05) if quick else (256, 8.0)
    prepare(1)
    torch.manual_seed(0)
    scratch = Vision(encoder="conv")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "resnet10.safetensors"
        safetensors.torch.save_file({k: v.contiguous() for k, v in ResNet("resnet10").state_dict().items()}, path)
        frozen = Vision(encoder="resnet10", weights=str(path), frozen=True)
        figures = {
            "batch": batch,
            "cameras": len(CAMERAS),
            "side": SIDE,
            "scratch_updates_per_cpu_s": updates(make(scratch, batch), seconds),
            "scratch_bfloat16_updates_per_cpu_s": updates(make(scratch, batch, "bfloat16"), seconds),
            "frozen_stored_updates_per_cpu_s": updates(make(frozen, batch), seconds),
        }
        again = asked_again(frozen, batch, seconds)
    figures["frozen_stored_over_asked_again"] = figures["frozen_stored_updates_per_cpu_s"] / again
    limit = {"updates_per_cpu_s": updates(make(Vision(), batch), seconds)}
    peers = {"frozen_asked_again": {"updates_per_cpu_s": again}}
    if not quick:
        peers["scratch_torch_compile"] = compiled(batch, seconds)
    result("vision", figures, peers, {"without_images": limit})


if __name__ == "__main__":
    sys.exit(main())
