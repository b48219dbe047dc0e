"""One trial of LeRobot's SAC on pick_cube: its networks, buffers, mixer, trainer and processors, our environment loop.

Hyper-parameters are HIL-SERL's (2 critics, 2 critic steps per update, gamma 0.97, temperature 0.01 at the start, no
entropy in the target, 100 steps before learning), the rest LeRobot's. One update per environment step. The buffers
keep next states in full, which avoids the wrong pairs of their memory-saving mode. Observations are scaled by the
range of the demonstrations, as LeRobot's own configurations do.
"""

import json
import sys
from pathlib import Path

import torch
from lerobot.configs.types import FeatureType, PolicyFeature
from lerobot.policies.gaussian_actor.configuration_gaussian_actor import GaussianActorConfig
from lerobot.policies.gaussian_actor.modeling_gaussian_actor import GaussianActorPolicy
from lerobot.policies.gaussian_actor.processor_gaussian_actor import make_gaussian_actor_pre_post_processors
from lerobot.rl.algorithms.sac import SACAlgorithm, SACAlgorithmConfig
from lerobot.rl.buffer import ReplayBuffer
from lerobot.rl.data_sources import OnlineOfflineMixer
from lerobot.rl.trainer import RLTrainer
from pick_cube_link import ACTION, FIRST, OBS, Account, Demos, Overseer, World

STATE, BATCH, WARM_UP = "observation.state", 256, 100
task = json.loads(sys.argv[1])
torch.set_num_threads(1)
torch.manual_seed(task["seed"])


class Peer:
    """The learner and its buffers."""

    def __init__(self, demos: Demos) -> None:
        ranges = {STATE: {"min": demos.obs.min(0).tolist(), "max": demos.obs.max(0).tolist()}}
        ranges["action"] = {"min": [-1.0] * ACTION, "max": [1.0] * ACTION}
        config = GaussianActorConfig(
            input_features={STATE: PolicyFeature(type=FeatureType.STATE, shape=(OBS,))},
            output_features={"action": PolicyFeature(type=FeatureType.ACTION, shape=(ACTION,))},
            dataset_stats=ranges,
            device="cpu",
        )
        stats = {name: {k: torch.tensor(v) for k, v in of.items()} for name, of in ranges.items()}
        self.before, self.after = make_gaussian_actor_pre_post_processors(config, stats)
        self.policy = GaussianActorPolicy(config)
        self.policy.train()
        algorithm = SACAlgorithmConfig.from_policy_config(config)
        algorithm.discount, algorithm.temperature_init = 0.97, 0.01
        algorithm.utd_ratio, algorithm.use_backup_entropy = 2, False
        self.online, self.offline = (self._buffer() for _ in range(2))
        for row in zip(demos.obs, demos.action, demos.reward, demos.next_obs, demos.terminated, strict=True):
            self._store(self.offline, *row, False)
        mixer = OnlineOfflineMixer(self.online, self.offline, online_ratio=0.5)
        learner = SACAlgorithm(self.policy, algorithm)
        self.trainer = RLTrainer(learner, mixer, BATCH, preprocessor=self.before)

    def _buffer(self) -> ReplayBuffer:
        return ReplayBuffer(100_000, device="cpu", state_keys=[STATE], use_drq=False, storage_device="cpu")

    @staticmethod
    def _store(buffer: ReplayBuffer, obs, action, reward, next_obs, terminated, truncated) -> None:  # noqa: ANN001, PLR0913
        state, following = ({STATE: torch.from_numpy(o)[None]} for o in (obs, next_obs))
        buffer.add(state, torch.from_numpy(action)[None], float(reward), following, bool(terminated), bool(truncated))

    @torch.no_grad()
    def act(self, obs, *, explore: bool):  # noqa: ANN001, ANN201
        """Its ``select_action``, which always samples; the mean for evaluation."""
        seen = self.before.process_observation({STATE: torch.from_numpy(obs)[None]})
        chosen = self.policy.select_action(seen) if explore else self.policy.forward(seen)["action_mean"]
        return self.after.process_action(chosen)[0].numpy()

    def learn(self, obs, action, done: dict, *, human: bool) -> bool:  # noqa: ANN001
        """Store a step, a person's in both buffers as its learner does, and update once; whether it did."""
        for buffer in (self.online, self.offline) if human else (self.online,):
            self._store(buffer, obs, action, done["reward"], done["obs"], done["terminated"], done["truncated"])
        if len(self.online) < WARM_UP:
            return False
        self.trainer.training_step()
        return True


def episode(world: World, peer: Peer, seed: int, account: Account | None) -> tuple[bool, int]:
    """One episode, of training when there is an account; success and steps of a person."""
    obs, helped, person = world.reset(seed), 0, Overseer()
    person.reset(seed)
    while True:
        action = peer.act(obs, explore=account is not None)
        human = bool(account is not None and task.get("human") and person.takes_over(obs))
        action = person.act(obs) if human else action
        done = world.step(action)
        helped += human
        if account is not None:
            account.steps += 1
            account.updates += 2 * peer.learn(obs, action, done, human=human)
        if done["terminated"] or done["truncated"]:
            return done["success"], helped
        obs = done["obs"]


world = World(task["python"])
world.reset(0)
account = Account(world, task["cap"])
peer = Peer(Demos.load(Path(task["demos"])))
while not account.done:
    account.ended(*episode(world, peer, 10_000 * task["seed"] + account.episodes, account))
figures = account.summary()
judged = [episode(world, peer, FIRST["evaluation"] + i, None) for i in range(task["evaluations"])]
world.close()
print(json.dumps({**figures, "greedy_success": sum(s for s, _ in judged) / max(1, len(judged))}))
