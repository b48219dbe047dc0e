"""The tasks on the lockstep twin as Gymnasium environments.

Importing this module registers them: ``import robot_rl.envs.gymnasium_env``, then
``gymnasium.make("robot_rl/PegInsert-v0")``. An id that starts with ``robot_rl.envs.gymnasium_env:`` does both.
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from robot_rl.core.records import Observation
from robot_rl.core.spec import IMAGES, Feature
from robot_rl.envs.twin_env import make_twin_env

IDS = {
    "robot_rl/Reach-v0": "reach",
    "robot_rl/PickCube-v0": "pick_cube",
    "robot_rl/PegInsert-v0": "peg_insert",
    "robot_rl/Maze-v0": "maze",
}


def _space(feature: Feature) -> gym.spaces.Box:
    if feature.dtype == "uint8":
        return gym.spaces.Box(0, 255, feature.shape, np.uint8)
    return gym.spaces.Box(-np.inf, np.inf, feature.shape, np.float32)


class TwinGymEnv(gym.Env[Observation, NDArray[np.float32]]):
    """One task on a lockstep twin. Observations are dictionaries with LeRobot's names; actions in [-1, 1]."""

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}  # noqa: RUF012

    def __init__(self, task: str, cameras: tuple[str, ...] = (), render_mode: str | None = None) -> None:
        hidden = "front" if render_mode == "rgb_array" and "front" not in cameras else None
        self.env = make_twin_env(task, (*cameras, hidden) if hidden else cameras)
        shown = {k: f for k, f in self.env.spec.observation.items() if k != f"{IMAGES}{hidden}"}
        self.observation_space = gym.spaces.Dict({name: _space(feature) for name, feature in shown.items()})
        self.action_space = gym.spaces.Box(-1.0, 1.0, (self.env.spec.action_dim,), np.float32)
        self.render_mode = render_mode
        self.image: NDArray[np.uint8] | None = None

    def _shown(self, obs: Observation) -> Observation:
        self.image = obs.get(IMAGES + "front")
        return {name: obs[name] for name in self.observation_space}

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode; with a seed, the one that belongs to it, bit for bit."""
        super().reset(seed=seed, options=options)
        chosen = seed if seed is not None else int(self.np_random.integers(2**31))
        return self._shown(self.env.reset(chosen)), {"seed": chosen}

    def step(self, action: NDArray[np.float32]) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """One control period; ``info`` holds success, the executed action and the ledger."""
        step = self.env.step(action)
        info = {"success": step.success, "executed": step.executed, "peak_force": step.peak_force}
        info |= {"work": step.energy.work, "budget": step.energy.budget, "violations": step.energy.violations}
        return self._shown(step.obs), step.reward, step.terminated, step.truncated, info

    def render(self) -> NDArray[np.uint8] | None:
        """The front camera's newest image, (128, 128, 3), or None when no render mode was asked for."""
        return self.image if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Hold the arm."""
        self.env.close()


for _name, _task in IDS.items():
    if _name not in gym.registry:
        gym.register(_name, entry_point=TwinGymEnv, kwargs={"task": _task})
