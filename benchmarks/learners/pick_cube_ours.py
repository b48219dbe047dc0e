"""One trial of robot-rl on pick_cube: its dataset, replay, mixture, methods and episode loop on gym-hil's environment.

``method`` learns online with the settings ``config`` (over the method's own); ``base`` are the settings of the
behaviour cloning that a residual method starts from. All gradient steps count, those of the cloning too.
"""

import dataclasses
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from pick_cube_link import ACTION, FIRST, OBS, Account, Demos, Overseer, World

from robot_rl.actor.pilots import PolicyPilot, Proposal
from robot_rl.actor.rollout import run_episode
from robot_rl.core.protocols import Policy
from robot_rl.core.records import Observation, Source, StepRecord
from robot_rl.core.spec import STATE
from robot_rl.data.dataset import open_dataset
from robot_rl.data.mixture import Mixture, Pool
from robot_rl.data.recorder import EpisodeWriter
from robot_rl.data.replay import Replay
from robot_rl.data.transitions import empty_batch
from robot_rl.envs.foreign_env import UNKNOWN_ENERGY, ForeignEnv, spec_of
from robot_rl.learner import registry
from robot_rl.learner.offline import Recordings, demonstrations, statistics, train
from robot_rl.learner.pace import Pace
from robot_rl.learner.protocol import to_torch
from robot_rl.nets.cpu import prepare

SPEC = spec_of({STATE: OBS}, ACTION, rate=10.0)
LIMIT = 100
"""Control steps per episode."""


class AsGymnasium:
    """The environment behind its pipe with Gymnasium's interface."""

    def __init__(self, world: World) -> None:
        self.world = world

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode."""
        return self.world.reset(seed or 0), {}

    def step(self, action: np.ndarray) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """One control step."""
        done = self.world.step(action)
        return done["obs"], done["reward"], done["terminated"], done["truncated"], {"success": done["success"]}

    def close(self) -> None:
        """End the process."""
        self.world.close()


def record(demos: Demos, folder: Path) -> None:
    """Write the demonstrations to a dataset."""
    with EpisodeWriter(folder, SPEC) as writer:
        begins = True
        for i in range(len(demos.obs)):
            if begins:
                writer.begin({"source": "script"})
            begins = bool(demos.terminated[i])
            step = StepRecord(
                obs={STATE: demos.obs[i]},
                action=demos.action[i],
                proposal=demos.action[i],
                reward=float(demos.reward[i]),
                success=begins,
                terminated=begins,
                truncated=False,
                source=Source.HUMAN,
                stamp=i / SPEC.rate,
                energy=UNKNOWN_ENERGY,
                peak_force=0.0,
            )
            writer.add(step)
            if begins:
                writer.end({STATE: demos.next_obs[i]})


class Overseen(PolicyPilot):
    """The policy, and the scripted person who takes over from it."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy, explore=True)
        self.person = Overseer()

    def reset(self, seed: int) -> None:
        """A new episode for both."""
        super().reset(seed)
        self.person.reset(seed)

    def propose(self, obs: Observation) -> Proposal:
        """Hers while she has the arm, beside what the policy would do."""
        proposal = super().propose(obs)
        if not self.person.takes_over(obs[STATE]):
            return proposal
        hers = self.person.act(obs[STATE])
        return Proposal(action=hers, source=Source.HUMAN, policy=proposal.action, intervention=self.person.count)


class Trial:
    """Actor and learner in lockstep."""

    def __init__(self, task: dict[str, Any], recordings: Recordings, account: Account) -> None:
        self.account, self.seed = account, task["seed"]
        self.scales = statistics(recordings, SPEC)
        self.base = base = self.clone(task["base"], recordings) if task["base"] else None
        module = registry.load(task["method"])
        config = dataclasses.replace(module.Config(), seed=self.seed, **settings(task["config"]))
        self.learner = module.make(config, SPEC, base=base, statistics=self.scales)
        self.sampling = self.learner.sampling
        self.online = Replay(self.learner.spec, 100_000, self.seed + 1)
        demos = demonstrations(recordings, self.learner, self.seed)
        half = Pool([demos, self.online.corrections(self.seed)], self.seed) if task.get("human") else demos
        self.mixture = Mixture(self.online, half, self.sampling.demo_ratio)
        policy = self.learner.policy
        self.pilot = Overseen(policy) if task.get("human") else PolicyPilot(policy, explore=True)
        self.pace = Pace(utd=self.sampling.utd, learning_starts=self.sampling.learning_starts, max_lead=1)
        self.batch = empty_batch(self.learner.spec, self.sampling.batch_size)
        self.tensors = to_torch(self.batch)
        self.online_updates = 0

    def clone(self, config: dict[str, Any], recordings: Recordings) -> Policy:
        """The base policy."""
        module = registry.load("bc")
        learner = module.make(
            dataclasses.replace(module.Config(), seed=self.seed, **settings(config)), SPEC, statistics=self.scales
        )
        updates = learner.config.updates
        train(learner, demonstrations(recordings, learner, self.seed), updates, lambda *_: None)
        self.account.updates += updates
        return learner.policy

    def before_step(self) -> None:
        """All updates that are due, then one more environment step."""
        sampling = self.sampling
        while self.pace.owed(self.online.added, self.online_updates):
            sampling.draw(self.mixture, self.batch)
            self.learner.update(self.tensors)
            self.online_updates += 1
            self.account.updates += 1
        self.account.steps += 1


def settings(config: dict[str, Any]) -> dict[str, Any]:
    """From JSON: lists become tuples."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in config.items()}


def main() -> None:
    """Learn until the newest episodes succeed; print what it took."""
    task = json.loads(sys.argv[1])
    prepare(1)
    world = World(task["python"], task.get("penalty", 0.0))
    env = ForeignEnv(AsGymnasium(world), SPEC, LIMIT)
    env.reset(0)
    with tempfile.TemporaryDirectory() as folder:
        record(Demos.load(Path(task["demos"])), Path(folder) / "demos")
        account = Account(world, task["cap"])
        trial = Trial(task, Recordings([open_dataset(Path(folder) / "demos")]), account)
        while not account.done:
            seed = 10_000 * task["seed"] + account.episodes
            done = run_episode(env, trial.pilot, seed, sink=trial.online, before_step=trial.before_step)
            account.ended(done.success, done.human_steps)
        figures = account.summary()
        before = world.toggles
        judged = {"greedy_success": evaluate(env, trial.learner.policy, task["evaluations"])}
        judged["greedy_toggles_per_episode"] = (world.toggles - before) / max(1, task["evaluations"])
        if trial.base is not None:
            judged["base_success"] = evaluate(env, trial.base, task["evaluations"])
    env.close()
    print(json.dumps({**figures, **judged}))


def evaluate(env: ForeignEnv, policy: Policy, episodes: int) -> float:
    """Success rate of a policy that does not explore."""
    return sum(run_episode(env, policy, FIRST["evaluation"] + i).success for i in range(episodes)) / max(1, episodes)


if __name__ == "__main__":
    main()
