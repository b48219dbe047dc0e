"""How many 10 Hz control steps one CPU-second buys, with and without two 128 x 128 cameras.

Ours: the lockstep twin of pick_cube, 100 controller ticks of 1 ms per control step, random commands. Peers, each in a
virtual environment of its own: gym-hil's PandaPickCube (50 physics steps of 2 ms per control step) and robosuite's Lift
with its operational-space controller (the same). Limit: the twin's physics alone, 100 bare ``mj_step``.
Times are CPU time of the whole process, all its threads.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import mujoco
import numpy as np
from peers import peer_python, result, run_peer

from controllers.parameters.presets import preset
from robot_rl.core.records import Command
from sim.gl import choose_backend
from sim.twin import Twin

HEADER = """
import json, os, sys, time
os.environ.setdefault("LP_NUM_THREADS", "0")
os.environ.setdefault("MUJOCO_GL", {gl!r})
import numpy as np
cameras = sys.argv[1] == "cameras"
steps = int(sys.argv[2])
"""
GYM_HIL = """
from gym_hil.envs.panda_pick_gym_env import PandaPickCubeGymEnv
env = PandaPickCubeGymEnv(image_obs=cameras)
scale = np.array([0.025] * 3 + [0.0] * 3 + [1.0])
low, high = -np.ones(7), np.ones(7)
"""
ROBOSUITE = """
import robosuite
names = ["frontview", "robot0_eye_in_hand"]
env = robosuite.make(
    "Lift", robots="Panda", has_renderer=False, has_offscreen_renderer=cameras, use_camera_obs=cameras,
    camera_names=names, camera_heights=128, camera_widths=128, control_freq=10, horizon=100000,
)
low, high = env.action_spec
scale = 1.0
"""
LOOP = """
rng = np.random.default_rng(0)
env.reset()
env.step(rng.uniform(low, high) * scale)
started = time.process_time()
for _ in range(steps):
    env.step(rng.uniform(low, high) * scale)
print(json.dumps({"rate": steps / (time.process_time() - started)}))
"""
PEERS = {
    "gym-hil PandaPickCube": ("gym-hil", "gym-hil==0.1.14", GYM_HIL, (60, 3)),
    "robosuite Lift": ("robosuite", "robosuite==1.5.2 mujoco==3.8.1", ROBOSUITE, (60, 10)),
}


def cpu_rate(step: Callable[[], None], steps: int, repeats: int = 3) -> float:
    """Calls of ``step`` per CPU-second: the median of ``repeats`` runs of ``steps`` calls."""
    rates = []
    for _ in range(repeats):
        started = time.process_time()
        for _ in range(steps):
            step()
        rates.append(steps / (time.process_time() - started))
    return statistics.median(rates)


class Wanderer:
    """Random control steps on a twin."""

    def __init__(self, scene: str, cameras: tuple[str, ...] = ()) -> None:
        self.twin = Twin(scene, preset("rl_explore"), cameras)
        self.twin.reset(0)
        self.cameras = [self.twin.camera(name) for name in cameras]
        self.rng = np.random.default_rng(0)
        self.seq = 0

    def step(self) -> None:
        """One control step of 0.1 s: state, command, 100 ticks, images."""
        twin, state = self.twin, self.twin.state()
        if state.stamp > 9.95:
            twin.reset(self.seq)
            state = twin.state()
        self.seq += 1
        pose = state.reference.copy()
        pose[:3] += self.rng.uniform(-0.025, 0.025, 3)
        until, gripper = state.stamp + 0.3, self.rng.uniform(0.0, 0.08)
        twin.send(Command(stamp=state.stamp, seq=self.seq, valid_until=until, duration=0.1, pose=pose, gripper=gripper))
        twin.advance(round(0.1 / twin.period))
        twin.objects()
        for camera in self.cameras:
            camera.latest(1.0)


def bare_rate(scene: str) -> float:
    """Control steps per CPU-second if a control step were 100 ``mj_step`` and nothing else."""
    twin = Twin(scene, preset("rl_explore"))
    twin.reset(0)
    return cpu_rate(lambda: mujoco.mj_step(twin.model, twin.data, nstep=round(0.1 / twin.period)), 100)


def ours(scene: str) -> dict[str, float]:
    """Rates of one scene's twin."""
    plain, seeing = Wanderer(scene), Wanderer(scene, ("front", "wrist"))
    plain.step()
    seeing.step()
    return {
        "steps_per_cpu_s": round(cpu_rate(plain.step, 100), 1),
        "steps_per_cpu_s_two_cameras": round(cpu_rate(seeing.step, 60), 1),
        "bare_mj_step_limit": round(bare_rate(scene), 1),
    }


def peer_rates(name: str, requirement: str, body: str, steps: tuple[int, int]) -> dict[str, float]:
    """Rates of a peer without and with cameras."""
    python = peer_python(name, requirement.split())
    script = HEADER.format(gl=choose_backend()) + body + LOOP
    blind = run_peer(python, script, "blind", str(steps[0]))["rate"]
    seeing = run_peer(python, script, "cameras", str(steps[1]))["rate"]
    return {"steps_per_cpu_s": round(blind, 2), "steps_per_cpu_s_two_cameras": round(seeing, 2)}


def main() -> None:
    """Measure and print."""
    figures = {scene: ours(scene) for scene in ("pick_cube", "peg_insert", "reach")}
    peers = {label: peer_rates(*peer) for label, peer in PEERS.items()}
    limit = {scene: rates.pop("bare_mj_step_limit") for scene, rates in figures.items()}
    result("twin_rate", figures, peers, limit)


if __name__ == "__main__":
    main()
