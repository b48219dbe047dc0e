"""Compiles the kernels into their cache on disk, so that the first process that needs them does not wait.

``python -m robot_rl.apps.warm_up``; ``make setup`` does it once.
"""

from __future__ import annotations

from robot_rl.actor.rollout import TeleoperatorPolicy, run_episode
from robot_rl.data.mixture import Mixture
from robot_rl.data.replay import Replay
from robot_rl.envs.twin_env import make_twin_env
from robot_rl.nodes.arm_process import warm_up
from robot_rl.tasks.registry import TASKS, make_expert


def main() -> None:
    """One short episode of every task into a replay, batches from it, and the loop of the arm process."""
    for task in TASKS:
        env = make_twin_env(task)
        replay = Replay(env.spec, 200, seed=0)
        run_episode(env, TeleoperatorPolicy(env, make_expert(task)), 0, sink=replay)
        Mixture(replay, replay, 0.5).sample(4, 3, 0.99)
        env.close()
    warm_up("reach")


if __name__ == "__main__":
    main()
