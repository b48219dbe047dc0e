"""peg_insert from two cameras of 64 x 64 pixels and the arm's own state, with no object pose, on one CPU thread.

The scripted expert's demonstrations teach a policy with small convolutional eyes (bc); while it learns, the recorded
pose of the hole teaches the eyes what to look for. With ``--steps``, the policy is then frozen, each image is looked at
once, and a residual on top of it learns from sparse reward at the speed of learning from states (resfit).
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from learners.turns import Turns
from peers import result

from robot_rl.actor.rollout import EpisodeResult, TeleoperatorPolicy, run_episode, summary
from robot_rl.core.protocols import Policy
from robot_rl.core.spec import ENVIRONMENT
from robot_rl.data.dataset import open_dataset
from robot_rl.data.recorder import EpisodeWriter
from robot_rl.envs.robot_env import RobotEnv
from robot_rl.envs.seen import views_of
from robot_rl.envs.twin_env import make_twin_env
from robot_rl.learner import checkpoint
from robot_rl.learner.offline import Recordings, demonstrations, statistics, train
from robot_rl.methods import bc, resfit
from robot_rl.nets.cpu import prepare
from robot_rl.nets.vision.config import Vision
from robot_rl.report.statistics import wilson
from robot_rl.tasks.registry import make_expert, make_task
from robot_rl.tasks.senses import Sensed, Senses

TASK, CAMERAS = "peg_insert", ("front", "wrist")
VIEWS = views_of("twin_closeup")
"""What is shown of each camera's 128 x 128 pixels: the 64 x 64 where peg and block are."""
BLIND = Senses(views=VIEWS, hidden=(ENVIRONMENT,))
"""What the policy is given: the arm's state and the images."""
NOISE = 0.12
"""Of the expert."""
ONLINE_SEED, TEST_SEED = 10_000, 1000
CLONING = bc.Config(
    batch_size=128,
    updates=2000,
    exec_horizon=1,
    vision=Vision(encoder="conv", shift=0),
    privileged=(ENVIRONMENT,),
)
"""Images are not shifted: where the hole is seen is what it is about."""


class Sizes(argparse.Namespace):
    """How much of everything."""

    demos: int
    updates: int
    steps: int
    episodes: int
    seed: int
    folder: Path


def environment(senses: Senses) -> RobotEnv:
    """The task on the twin with both cameras."""
    return make_twin_env(Sensed(make_task(TASK, CAMERAS), senses))


def collect(sizes: Sizes) -> Mapping[str, float]:
    """Demonstrations with images, and with the hole's pose for the teaching."""
    env, root = environment(Senses(views=VIEWS)), sizes.folder / "demos"
    shutil.rmtree(root, ignore_errors=True)  # of a run that was cut off
    expert = TeleoperatorPolicy(env, make_expert(TASK, NOISE))
    won = steps = tried = 0
    with EpisodeWriter(root, env.spec, {"task": TASK}) as writer:
        while won < sizes.demos:
            done = run_episode(env, expert, sizes.seed * 100_000 + tried, sink=writer)
            won, steps, tried = won + done.success, steps + done.steps, tried + 1
    return {"demos": tried, "demos_successful": won, "demo_steps": steps}


def clone(sizes: Sizes) -> Mapping[str, float]:
    """The policy with eyes, from the successful demonstrations."""
    recordings = Recordings((open_dataset(sizes.folder / "demos"),))
    spec = recordings.datasets[0].spec
    config = replace(CLONING, updates=sizes.updates, seed=sizes.seed)
    learner = bc.make(config, spec, statistics=statistics(recordings, spec))
    metrics: dict[str, float] = {}

    def show(done: int, values: Mapping[str, float]) -> None:
        metrics.update(values)
        if done % 200 == 0:
            print(f"  bc {done}: " + " ".join(f"{k} {v:.4f}" for k, v in values.items()), flush=True)

    train(learner, demonstrations(recordings, learner), sizes.updates, show)
    recipe = learner.policy.recipe
    checkpoint.save(sizes.folder / "base", "bc", recipe.config, recipe.spec, learner, {"task": TASK})
    return {f"bc_{name}": value for name, value in metrics.items()}


def improve(sizes: Sizes) -> Mapping[str, float]:
    """The residual on top of the frozen policy: actor and learner take turns in this process."""
    base = checkpoint.load_policy(sizes.folder / "base")
    recordings = Recordings((open_dataset(sizes.folder / "demos"),))
    spec = base.recipe.spec
    learner = resfit.make(resfit.Config(seed=sizes.seed), spec, base=base, statistics=statistics(recordings, spec))
    turns = Turns(
        environment(BLIND), learner, demonstrations(recordings, learner, sizes.seed), sizes.steps + 100, sizes.seed
    )
    won: list[bool] = []

    def note(episode: EpisodeResult) -> bool:
        won.append(episode.success)
        if len(won) % 25 == 0:
            print(
                f"  resfit {turns.steps} steps, {turns.updates} updates: {sum(won[-50:])} of the last 50 won",
                flush=True,
            )
        return False

    turns.until(sizes.steps, sizes.seed * 100_000 + ONLINE_SEED, note)
    checkpoint.save(sizes.folder / "finetuned", "resfit", learner.policy.recipe.config, spec, learner, {"task": TASK})
    explored = sum(won[-50:]) / max(1, len(won[-50:]))
    return {"env_steps": turns.steps, "updates": turns.updates, "explored_success": explored}


def evaluate(sizes: Sizes, name: str) -> Mapping[str, float]:
    """Greedy episodes that nothing was learned from."""
    policy: Policy = checkpoint.load_policy(sizes.folder / name)
    env = environment(BLIND)
    assert ENVIRONMENT not in env.spec.observation
    results = [run_episode(env, policy, TEST_SEED + i) for i in range(sizes.episodes)]
    figures = summary(results)
    low, high = wilson(int(figures["successes"]), len(results))
    kept = {k: figures[k] for k in ("success", "mean_steps", "peak_force_n", "passivity_violations")}
    return {f"{name}_{k}": v for k, v in {**kept, "success_low": low, "success_high": high}.items()}


def stage(sizes: Sizes, name: str, work: Callable[[], Mapping[str, float]]) -> Mapping[str, float]:
    """The figures of a stage and what it cost; from its file when it was done before."""
    file = sizes.folder / f"{name}.json"
    if not file.is_file():
        cpu, wall = time.process_time(), time.monotonic()
        figures = dict(work())
        figures |= {f"{name}_cpu_s": time.process_time() - cpu, f"{name}_wall_s": time.monotonic() - wall}
        file.write_text(json.dumps(figures))
        print(f"{name}: " + " ".join(f"{k} {v:.4g}" for k, v in figures.items()), flush=True)
    return json.loads(file.read_text())


def run(sizes: Sizes) -> dict[str, Any]:
    """All stages in turn."""
    figures: dict[str, Any] = {}
    figures |= stage(sizes, "collect", lambda: collect(sizes))
    figures |= stage(sizes, "clone", lambda: clone(sizes))
    figures |= stage(sizes, "before", lambda: evaluate(sizes, "base"))
    learning = ["collect", "clone"]
    if sizes.steps:
        learning.append("improve")
        figures |= stage(sizes, "improve", lambda: improve(sizes))
        figures |= stage(sizes, "after", lambda: evaluate(sizes, "finetuned"))
    for unit in ("cpu_s", "wall_s"):
        figures[f"learning_{unit}"] = sum(figures[f"{name}_{unit}"] for name in learning)
    return figures


def main() -> None:
    """Run, or go on where ``--folder`` says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few steps of everything, which shows nothing")
    parser.add_argument("--demos", type=int, default=140, help="successful ones")
    parser.add_argument("--updates", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=0, help="of learning from reward afterwards")
    parser.add_argument("--episodes", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=None, help="stages that are done there are not repeated")
    sizes = parser.parse_args(namespace=Sizes())
    if sizes.quick:
        sizes.demos, sizes.updates, sizes.steps, sizes.episodes = 1, 3, 60, 1
    prepare(1)
    torch.manual_seed(sizes.seed)
    with TemporaryDirectory() as temporary:
        sizes.folder = sizes.folder or Path(temporary)
        sizes.folder.mkdir(parents=True, exist_ok=True)
        result("claims/peg_from_pixels", run(sizes), {})


if __name__ == "__main__":
    main()
