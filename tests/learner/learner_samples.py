"""A point that moves on a line, as an environment, and a small learner for it."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from robot_rl.core.records import EnergyState, Mode, RobotState, Source, Step
from robot_rl.core.spec import STATE, Feature, Spec
from robot_rl.learner import registry
from robot_rl.learner.protocol import Learner
from robot_rl.learner.runner import LearnerRunner, RunnerConfig
from robot_rl.transport.server import ExperienceServer

SPEC = Spec(observation={STATE: Feature((2,))}, action_dim=1, rate=10.0)
ENERGY = EnergyState(
    tank=1.0, spring=0.0, work=0.0, budget=2.0, scale=1.0, mode=Mode.ACTIVE, violations=0, worst_ratio=0.25
)
STARTS, UTD = 40, 2.0


class Line:
    """Reward 1 and the end beyond 1; time-out after 20 steps."""

    spec = SPEC
    max_steps = 20

    def reset(self, seed: int) -> dict[str, np.ndarray]:
        self.rng = np.random.default_rng(seed)
        self.at = self.rng.uniform(-0.5, 0.5)
        self.steps = 0
        return self._observe()

    def step(self, action: np.ndarray, source: Source = Source.POLICY) -> Step:
        time.sleep(0.001)
        self.at += 0.3 * float(action[0])
        self.steps += 1
        done = self.at > 1.0
        zeros = np.zeros(7)
        state = RobotState(
            stamp=0.1 * self.steps, q=zeros, dq=zeros, tau=zeros, ee_pose=zeros, ee_twist=zeros[:6], wrench=zeros[:6],
            reference=zeros, gripper=0.0, peak_force=1.0, energy=ENERGY,
        )  # fmt: skip
        return Step(
            stamp=state.stamp, obs=self._observe(), executed=np.asarray(action, np.float32), reward=float(done),
            success=done, terminated=done, truncated=self.steps >= self.max_steps and not done, energy=ENERGY,
            peak_force=1.0, state=state,
        )  # fmt: skip

    def close(self) -> None:
        pass

    def _observe(self) -> dict[str, np.ndarray]:
        return {STATE: np.array([self.at, self.steps / 20], np.float32)}


def make_learner() -> Learner:
    method = registry.load("sac")
    config = method.Config(hidden=(16, 16), batch_size=32, utd=UTD, learning_starts=STARTS)
    return method.make(config, SPEC, base=None, statistics=None)


def make_runner(
    folder: Path, address: str = "127.0.0.1:0", max_env_steps: int = 240, max_minutes: float = 0.0
) -> LearnerRunner:
    learner = make_learner()
    server = ExperienceServer(address, folder / "log", learner.spec)
    config = RunnerConfig(
        folder=folder, max_env_steps=max_env_steps, max_lead=30, publish_every=10, checkpoint_every=50,
        metrics_every=0.1, farewell=10.0, max_minutes=max_minutes,
    )  # fmt: skip
    return LearnerRunner(learner, None, server, config)
