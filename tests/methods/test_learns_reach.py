"""Learning works end to end: RLPD solves ``reach`` on the twin from 10 clumsy demonstrations and sparse reward."""

import time

import numpy as np
import torch

from robot_rl.actor.rollout import TeleoperatorPolicy, run_episode
from robot_rl.data.mixture import Mixture
from robot_rl.data.replay import Replay
from robot_rl.envs.twin_env import make_twin_env
from robot_rl.learner.protocol import to_torch
from robot_rl.methods import rlpd
from robot_rl.nets.normaliser import measure
from robot_rl.tasks.registry import make_expert

CPU_LIMIT = 120.0
"""The promise [s]."""
CONFIG = rlpd.Config(
    hidden=(128, 128),
    members=4,
    n_step=3,
    gamma=0.9,
    polyak=0.02,
    lr_actor=1e-3,
    lr_critic=1e-3,
    utd=2,
    learning_starts=200,
)


class Pair:
    """Learner and actor in one process, in lockstep."""

    def __init__(self):
        self.env = make_twin_env("reach")
        clumsy = TeleoperatorPolicy(self.env, make_expert("reach", noise=0.5))
        demos, vectors = Replay(self.env.spec, 1000, seed=0), []
        for seed in range(10):
            run_episode(self.env, clumsy, seed, sink=demos)
            vectors.append(demos.sample(256).obs)
        statistics = measure({k: np.concatenate([v[k] for v in vectors]) for k in self.env.spec.vectors})
        self.learner = rlpd.make(CONFIG, self.env.spec, statistics=statistics)
        self.online = Replay(self.env.spec, 20_000, seed=1)
        self.mixture = Mixture(self.online, demos, self.learner.sampling.demo_ratio)
        self.steps = 0

    def update(self):
        sampling = self.learner.sampling
        self.steps += 1
        if self.steps > sampling.learning_starts:
            for _ in range(int(sampling.utd)):
                batch = self.mixture.sample(sampling.batch_size, sampling.n_step, sampling.gamma)
                self.learner.update(to_torch(batch))

    def successes(self, first_seed, episodes):
        return sum(run_episode(self.env, self.learner.policy, first_seed + i).success for i in range(episodes))


def test_rlpd_solves_reach_within_two_minutes_of_cpu():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    started = time.process_time()
    pair, seed = Pair(), 100
    before, solved = pair.successes(9000, 20), False
    while not solved and time.process_time() - started < CPU_LIMIT:
        for _ in range(15):
            run_episode(pair.env, pair.learner.policy, seed, explore=True, sink=pair.online, before_step=pair.update)
            seed += 1
        solved = pair.successes(9000, 10) >= 9 and pair.successes(9000, 20) >= 18
    torch.set_num_threads(threads)
    assert before <= 6, "the task is no test of learning when an untrained policy solves it"
    assert solved, f"{pair.steps} steps and {time.process_time() - started:.0f} CPU-seconds were not enough"
