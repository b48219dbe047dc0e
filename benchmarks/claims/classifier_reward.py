"""pick_cube learnt from a classifier's word: the learner never hears from the task whether the cube was lifted.

A clumsy hand records episodes in front of two cameras, half of them failures that look like successes, and an untrained
policy wanders for some more. A classifier learns from them what success looks like, and judges the recordings again;
its successes are the demonstrations. Then ``rlpd`` learns, from states, with the classifier as reward (it alone sees
images), until 19 of the newest 20 episodes were won in the classifier's eyes. What the task would have said is written
down beside it, for the figures alone: ``falsely_won`` counts episodes that the classifier ended without a success,
``least_lift_cm`` is the lift of the cube in the worst of them (a success is 10 cm). At last the task judges the policy.

Peers are the same run with the task's own word as reward, which is what a perfect classifier would come to, and with a
classifier that has seen the hand's episodes only: as good on held-out ones, and at once fooled by who explores.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from learners.turns import Turns
from peers import result
from rewarded.twin import record

from robot_rl.actor.rollout import EpisodeResult, run_episode, summary
from robot_rl.core.records import Outcome
from robot_rl.core.rewards import Reward, Sight
from robot_rl.data.dataset import open_dataset
from robot_rl.data.edit import Editor
from robot_rl.data.recorder import EpisodeWriter
from robot_rl.envs.twin_env import make_twin_env
from robot_rl.learner.offline import Recordings, demonstrations, statistics
from robot_rl.learner.protocol import Learner
from robot_rl.methods import rlpd
from robot_rl.nets.cpu import prepare
from robot_rl.report.statistics import wilson
from robot_rl.rewards.classifier import ClassifierReward, load_classifier, save_classifier
from robot_rl.rewards.file import make_reward
from robot_rl.rewards.relabel import RelabelConfig, judge_again, relabel
from robot_rl.rewards.sources import Held, TaskReward
from robot_rl.rewards.training import TrainingConfig, train_classifier
from robot_rl.tasks.pick_cube import CUBE_HALF

TASK, WANDER_SEED, ONLINE_SEED, TEST_SEED = "pick_cube", 10_000, 20_000, 1000
LEARNING = rlpd.Config(
    members=2, hidden=(128, 128), n_step=3, learning_starts=100, target_entropy=-1.0, polyak=0.01,
    lr_critic=1e-3, lr_actor=1e-3,
)  # fmt: skip
"""The settings of ``learn_pick_cube.py``, chosen there on gym-hil's task."""
HOLD = 2
"""Steps in a row for which the classifier must say success."""
NEWEST, WON = 20, 19
"""Learning ends when so many of the newest episodes were won."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much of everything."""

    episodes: int = 100
    """Recorded."""
    wanderings: int = 40
    """Episodes of the untrained policy among the recordings."""
    updates: int = 800
    """Of the classifier."""
    steps: int = 12_000
    """Of learning, at most."""
    tests: int = 50
    """Greedy episodes at the end."""
    seed: int = 0


@dataclass(frozen=True)
class Seen:
    """An episode."""

    won: bool
    """In the reward's eyes."""
    lifted: bool
    """In the task's eyes, at any step."""
    lift: float
    """Of the cube at the end [m]."""


@dataclass
class Witness:
    """A reward, and beside it what the task says, which nobody learns from."""

    reward: Reward
    episodes: list[Seen] = field(default_factory=list)

    @property
    def cameras(self) -> tuple[str, ...]:
        """The reward's."""
        return self.reward.cameras

    @property
    def alarm(self) -> str:
        """The reward's."""
        return self.reward.alarm

    def reset(self) -> None:
        """A new episode."""
        self.reward.reset()
        self._lifted = False

    def outcome(self, sight: Sight) -> Outcome:
        """The reward's word."""
        self._lift = float(sight.objects["cube"][2]) - CUBE_HALF
        self._lifted |= sight.task().success
        return self.reward.outcome(sight)

    def close(self, won: bool) -> None:
        """The episode is over."""
        self.episodes.append(Seen(won, self._lifted, self._lift))

    def newest(self) -> int:
        """How many of the newest episodes were won."""
        return sum(seen.won for seen in self.episodes[-NEWEST:])

    def figures(self) -> dict[str, Any]:
        """What became of all episodes."""
        false = [seen for seen in self.episodes if seen.won and not seen.lifted]
        return {
            "episodes": len(self.episodes),
            "won": sum(seen.won for seen in self.episodes),
            "falsely_won": len(false),
            "falsely_won_of_newest": sum(seen in false for seen in self.episodes[-NEWEST:]),
            "least_lift_cm": round(100 * min(seen.lift for seen in false), 1) if false else None,
            "successes_missed": sum(seen.lifted and not seen.won for seen in self.episodes),
        }


def wander(root: Path, sizes: Sizes) -> None:
    """Record how the untrained policy explores: there are no successes, but much that the hand never shows."""
    env = make_twin_env(TASK, ("front", "wrist"), reward=make_reward("linger"))
    env.max_steps = 30
    policy = rlpd.make(replace(LEARNING, seed=sizes.seed), env.spec).policy
    with EpisodeWriter(root, env.spec, {"task": TASK}) as writer:
        for seed in range(sizes.wanderings):
            run_episode(env, policy, sizes.seed * 100_000 + WANDER_SEED + seed, explore=True, sink=writer)
    env.close()


def taught(folder: Path, sizes: Sizes) -> tuple[Witness, dict[str, Any]]:
    """Train a classifier on the recordings, and let it judge them again; what it says, and how good it is."""
    dataset = open_dataset(folder)
    classifier = train_classifier(dataset, replace(TrainingConfig(), updates=sizes.updates, seed=sizes.seed))
    save_classifier(folder.with_suffix(".judge"), classifier)
    found = judge_again(dataset, classifier, RelabelConfig(hold=HOLD))
    with Editor(dataset.root) as editor:
        relabel(editor, found)
    report = classifier.facts.report
    wrong = f"{report['episodes']['false']} of {report['episodes']['episodes']}"
    figures = {"auc": report["auc"], "fpr": report["crossed_fpr"], "tpr": report["crossed_tpr"], "wrongly_won": wrong}
    judge = Held(ClassifierReward(load_classifier(folder.with_suffix(".judge"))), HOLD)
    return Witness(judge), {f"classifier_{name}": value for name, value in figures.items()}


def learnt(folder: Path, sizes: Sizes, witness: Witness) -> Mapping[str, Any]:
    """Learn from the witness's reward, then let the task judge."""
    recordings = Recordings((open_dataset(folder),))
    env = make_twin_env(TASK, reward=witness)
    config = replace(LEARNING, seed=sizes.seed)
    learner = rlpd.make(config, env.spec, statistics=statistics(recordings, env.spec))
    demos = demonstrations(recordings, learner, sizes.seed)
    turns = Turns(env, learner, demos, sizes.steps + env.max_steps, sizes.seed)

    def enough(episode: EpisodeResult) -> bool:
        witness.close(episode.success)
        if len(witness.episodes) % 20 == 0:
            print(f"  {turns.steps} steps: {witness.figures()}, {witness.newest()} of {NEWEST}", flush=True)
        return witness.newest() >= WON

    started = time.process_time()
    turns.until(sizes.steps, sizes.seed * 100_000 + ONLINE_SEED, enough)
    spent = time.process_time() - started
    env.close()
    said = {"env_steps": turns.steps, "learning_cpu_s": round(spent, 1), **witness.figures()}
    return {**said, **tested(learner, sizes.tests)}


def tested(learner: Learner, episodes: int) -> Mapping[str, Any]:
    """The greedy policy in the eyes of the task."""
    env = make_twin_env(TASK)
    figures = summary([run_episode(env, learner.policy, TEST_SEED + i) for i in range(episodes)])
    env.close()
    low, high = wilson(int(figures["successes"]), episodes)
    return {"success": figures["success"], "success_low": low, "success_high": high, "steps": figures["mean_steps"]}


def judged(folder: Path, sizes: Sizes) -> dict[str, Any]:
    """Train a classifier on the recordings in ``folder``, and learn from its word."""
    began = time.process_time()
    witness, figures = taught(folder, sizes)
    figures["classifier_cpu_s"] = round(time.process_time() - began, 1)
    figures |= learnt(folder, sizes, witness)
    print(f"{folder.name}: {figures}", flush=True)
    return figures


def measured(root: Path, sizes: Sizes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Figures, and peers."""
    began = time.process_time()
    record(root / "hand", sizes.episodes, first_seed=sizes.seed * 100_000)
    for name in ("told", "both"):
        shutil.copytree(root / "hand", root / name)
    wander(root / "both", sizes)
    spent = {"recording_cpu_s": round(time.process_time() - began, 1)}
    print(spent, flush=True)
    peers = {
        "the task's own word": learnt(root / "told", sizes, Witness(TaskReward())),
        "the hand's episodes only": judged(root / "hand", sizes),
    }
    return spent | judged(root / "both", sizes), peers


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a little of everything, which shows nothing")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=None, help="where recordings and classifiers are kept")
    given = parser.parse_args()
    sizes = Sizes(seed=given.seed)
    if given.quick:
        sizes = replace(sizes, episodes=6, wanderings=1, updates=4, steps=1, tests=1)
    prepare(1)
    with TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        result("claims/classifier_reward", *measured(folder, sizes))


if __name__ == "__main__":
    main()
