"""Success frames of gym-hil's PandaPickCube, 128 x 128, front and wrist; run by the interpreter that has it.

The environment is its own, through its public class, with random positions of the cube; shadows are off, because its
shadow maps take ten times as long as all the rest. Half of the episodes lift the cube, a quarter goes up without it, a
quarter does not lift it far enough; a success goes on for eight steps. Arguments: file, episodes, first seed.
"""

import json
import os
import sys
import time

os.environ.setdefault("MUJOCO_GL", "egl")
os.environ.setdefault("LP_NUM_THREADS", "0")

import numpy as np
from gym_hil.envs.panda_pick_gym_env import PandaPickCubeGymEnv

KINDS = ("lift", "lift", "empty", "halfway")
LONGEST, LINGER, STEP = 45, 8, 0.025


def act(env: PandaPickCubeGymEnv, state: dict, rng: np.random.Generator) -> np.ndarray:
    """A clumsy scripted hand; (7,)."""
    cube, tool = (env.data.sensor(name).data for name in ("block_pos", "2f85/pinch_pos"))
    offset = cube - tool
    if np.abs(offset).max() < 0.015 or state["closing"]:
        state["closing"] += 1
    elif np.abs(offset[:2]).max() > 0.02:
        offset = offset + np.array([0.0, 0.0, 0.05])
    move = np.array([0.0, 0.0, 0.8]) if state["closing"] > 3 else np.clip(offset / STEP, -0.8, 0.8)
    if state["kind"] == "halfway" and cube[2] > 0.02 + state["height"]:
        move = np.zeros(3)
    grip = 1.0 if state["closing"] and state["kind"] != "empty" else -1.0
    return np.array([*(STEP * (move + 0.15 * rng.normal(size=3))), 0.0, 0.0, 0.0, grip])


def episode(env: PandaPickCubeGymEnv, seed: int) -> tuple[list[np.ndarray], list[bool]]:
    """Images (2, 128, 128, 3) and whether each shows success."""
    np.random.seed(seed)  # noqa: NPY002  (the environment draws from it)
    rng = np.random.default_rng([seed, 3])
    state = {"closing": 0, "kind": KINDS[seed % len(KINDS)], "height": rng.uniform(0.03, 0.09)}
    obs, _ = env.reset(seed=seed)
    images, labels = [np.stack([obs["pixels"]["front"], obs["pixels"]["wrist"]])], [False]
    while len(labels) <= LONGEST and sum(labels) < LINGER:
        obs, reward, _, _, _ = env.step(act(env, state, rng))
        images.append(np.stack([obs["pixels"]["front"], obs["pixels"]["wrist"]]))
        labels.append(reward == 1.0)
    return images, labels


path, episodes, first = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
env = PandaPickCubeGymEnv(image_obs=True, random_block_position=True)
env.model.light_castshadow[:] = 0
images, label, number, row = [], [], [], []
for seed in range(first, first + episodes):
    seen, said = episode(env, seed)
    images += seen
    label += said
    number += [seed] * len(said)
    row += range(len(said))
np.savez(path, images=np.stack(images), label=np.array(label), number=np.array(number), row=np.array(row))
print(json.dumps({"frames": len(label), "successes": int(sum(label)), "cpu": time.process_time()}))
