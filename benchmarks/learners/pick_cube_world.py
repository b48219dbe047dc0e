"""gym-hil's PandaPickCube behind a pipe, run by the interpreter that has it; one JSON line in, one JSON line out.

The environment is its own, unmodified and made by its public name, with random positions of the cube. Those it draws
from numpy's global generator, so ``reset`` seeds that. An action (4,) in [-1, 1] is a step of at most 2.5 cm along
each axis (gym-hil's own default) and a change of the gripper's command.
"""

import json
import os
import sys
import time

os.environ.setdefault("MUJOCO_GL", "egl")
replies = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)  # what libraries print goes to stderr

import gym_hil  # noqa: E402, F401  (registers the environments)
import gymnasium  # noqa: E402
import numpy as np  # noqa: E402

STEP = 0.025
"""Largest step along an axis [m]."""
env = gymnasium.make("gym_hil/PandaPickCubeBase-v0", random_block_position=True)


def observed(obs: dict) -> list[float]:
    """Joints, their velocities, the gripper's command, the tool's and the cube's position: (21,)."""
    return np.concatenate([obs["agent_pos"], obs["environment_state"]]).astype(np.float32).tolist()


def reset(seed: int) -> dict:
    """Start the episode that belongs to ``seed``."""
    np.random.seed(seed)  # noqa: NPY002  (the environment draws from it)
    obs, _ = env.reset(seed=seed)
    return {"obs": observed(obs)}


def step(action: list[float]) -> dict:
    """One control step of 0.1 s."""
    a = np.clip(np.asarray(action, np.float32), -1.0, 1.0)
    obs, reward, terminated, truncated, info = env.step(np.concatenate([a[:3] * STEP, np.zeros(3), a[3:]]))
    ends = {"terminated": bool(terminated), "truncated": bool(truncated), "success": bool(info["succeed"])}
    return {"obs": observed(obs), "reward": float(reward), **ends}


for line in sys.stdin:
    asked = json.loads(line)
    reply = reset(asked["reset"]) if "reset" in asked else step(asked["step"])
    replies.write(json.dumps({**reply, "cpu": time.process_time()}) + "\n")
