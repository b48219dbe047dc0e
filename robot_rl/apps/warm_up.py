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
from sim.adversaries.battery import BOLD
from sim.adversaries.campaign import Tally, sweep
from sim.adversaries.policies import NAMES
from sim.adversaries.relations import relate
from sim.guarded_twin import GuardedTwin

FEW = 20
"""Ticks of an episode that is only there to compile it."""


def adversaries() -> None:
    """Every adversary for a moment, and the guarded twin: what the proof and its tests run."""
    sweep(2 * FEW * len(NAMES), {"bold": BOLD}, FEW)
    relate(Tally(), {"bold": BOLD}, 1, FEW)
    with GuardedTwin("reach", BOLD) as twin:
        twin.advance(FEW)


def main() -> None:
    """One short episode of every task into a replay, batches from it, the loop of the arm process, the adversaries."""
    for task in TASKS:
        env = make_twin_env(task)
        replay = Replay(env.spec, 200, seed=0)
        run_episode(env, TeleoperatorPolicy(env, make_expert(task)), 0, sink=replay)
        Mixture(replay, replay, 0.5).sample(4, 3, 0.99)
        env.close()
    warm_up("reach")
    adversaries()


if __name__ == "__main__":
    main()
