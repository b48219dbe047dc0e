"""What one control tick costs [us], measured around every call of a closed loop in simulation, one thread.

Ours is the whole tick: kinematics and inertia, external wrench, ledger, filter, springs, double-diagonalised damping,
null space, limits, barrier; once in free motion and once pressing on a wall with the filter busy. ``in_kernel`` is the
same tick without the call from Python, as the twin and a compiled loop pay it. Peers, each in a virtual environment
of its own: robosuite's operational-space controller (``Robot.control``: state update and law) and gym-hil's ``opspace``
(the law alone: MuJoCo's step has already made its kinematics and inertia). Limit: MuJoCo's C code for kinematics,
Jacobian and inertia of the same arm, without any law.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import mujoco
import numpy as np
from peers import peer_python, result, run_peer

from controllers.arms.arm_model import ArmModel
from controllers.arms.panda import panda
from controllers.impedance_controller import PassiveImpedance
from controllers.law.tick import tick
from controllers.numeric.jit import kernel
from controllers.numeric.rotations import pose_add
from controllers.parameters.presets import preset
from robot_rl.core.records import Array, Command

TICKS = 6000
WALL = 0.45
TIMER = """
import json, os, time
os.environ.setdefault("MUJOCO_GL", "egl")
import numpy as np
spent = []
def timed(function):
    def call(*args, **kwargs):
        start = time.perf_counter()
        out = function(*args, **kwargs)
        spent.append(1e6 * (time.perf_counter() - start))
        return out
    return call
"""
GYM_HIL = """
import gym_hil.mujoco_gym_env as base
from gym_hil.envs.panda_pick_gym_env import PandaPickCubeGymEnv
base.opspace = timed(base.opspace)
env = PandaPickCubeGymEnv(image_obs=False)
env.reset(seed=0)
rng = np.random.default_rng(0)
for _ in range(60):
    env.step(rng.uniform(-1, 1, 7) * np.array([0.025] * 3 + [0.0] * 3 + [1.0]))
"""
ROBOSUITE = """
import robosuite
env = robosuite.make("Lift", robots="Panda", has_renderer=False, has_offscreen_renderer=False, use_camera_obs=False)
env.reset()
env.robots[0].control = timed(env.robots[0].control)
rng = np.random.default_rng(0)
for _ in range(120):
    env.step(rng.uniform(*env.action_spec))
"""
REPORT = """
p50, p99 = np.percentile(np.array(spent[500:]), [50, 99])
print(json.dumps({"p50_us": round(float(p50), 1), "p99_us": round(float(p99), 1)}))
"""
PEERS = {
    "robosuite OSC": ("robosuite", "robosuite==1.5.2 mujoco==3.8.1", ROBOSUITE),
    "gym-hil opspace": ("gym-hil", "gym-hil==0.1.14", GYM_HIL),
}


def percentiles(spent: list[float]) -> dict[str, float]:
    """p50 and p99 [us] of times [s], the first few left out."""
    p50, p99 = np.percentile(np.array(spent[500:]) * 1e6, [50, 99])
    return {"p50_us": round(float(p50), 1), "p99_us": round(float(p99), 1)}


def plant(arm: ArmModel, wall: bool) -> mujoco.MjModel:
    """The arm without gravity, above a stiff floor when ``wall``."""
    spec = mujoco.MjSpec()
    spec.option.gravity = [0.0, 0.0, 0.0]
    spec.option.timestep = 0.001
    body = spec.worldbody
    for i in range(arm.n):
        body = body.add_body(pos=arm.joint_pos[i], quat=np.roll(arm.joint_quat[i], 1))
        body.mass, body.ipos, body.explicitinertial = arm.masses[i], arm.coms[i], True
        m = arm.inertias[i]
        body.fullinertia = [m[0, 0], m[1, 1], m[2, 2], m[0, 1], m[0, 2], m[1, 2]]
        body.add_joint(axis=arm.axes[i], armature=arm.armature[i], damping=arm.joint_damping[i])
    hand = body.add_body(pos=arm.mount[:3], quat=np.roll(arm.mount[3:], 1))
    hand.add_site(name="tcp", pos=arm.tcp[:3])
    if wall:
        ball = hand.add_geom(type=mujoco.mjtGeom.mjGEOM_SPHERE, size=[0.02, 0.0, 0.0], pos=arm.tcp[:3])
        ball.mass = 0.0
        spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[2.0, 2.0, 0.1], pos=[0.0, 0.0, WALL])
    return spec.compile()


def closed_loop(wall: bool, name: str) -> tuple[dict[str, float], PassiveImpedance]:
    """Drive the arm with a new command every 0.1 s; cost of ``PassiveImpedance.tick``."""
    controller = PassiveImpedance(panda(), preset(name))
    model = plant(controller.arm, wall)
    data = mujoco.MjData(model)
    data.qpos[:] = controller.arm.home
    rng, spent, scales = np.random.default_rng(0), [], 0
    for k in range(TICKS):
        if k % 2000 == 0:
            controller.reset(data.qpos, data.qvel)
        if k % 100 == 0:
            delta = rng.uniform(-0.03, 0.03, 6) if not wall else np.array([0.0, 0.0, -0.05, 0.0, 0.0, 0.0])
            pose, until = pose_add(controller.state["goal"], delta), data.time + 0.3
            command = Command(stamp=data.time, seq=k, valid_until=until, duration=0.1, pose=pose, gripper=0.0)
            controller.submit(command, data.time)
        start = time.perf_counter()
        tau = controller.tick(data.qpos, data.qvel, data.qfrc_constraint, data.time)
        spent.append(time.perf_counter() - start)
        data.qfrc_applied[:] = tau
        scales += controller.state["alpha"] < 1.0
        mujoco.mj_step(model, data)
    return {**percentiles(spent), "filtered_share": round(scales / TICKS, 3)}, controller


@kernel
def many(records: tuple[np.void, np.void, np.void], q: Array, still: Array, ticks: int) -> None:
    """``ticks`` ticks at one posture."""
    for _ in range(ticks):
        tick(records[0], records[1], records[2], q, still, still, 0.0)


def in_kernel(controller: PassiveImpedance) -> float:
    """Cost of a tick called from compiled code: the median of 600 batches of 10 [us]."""
    records = (controller.model, controller.config, controller.state)
    q, still, spent = controller.state["q"].copy(), np.zeros(controller.arm.n), []
    for _ in range(601):
        start = time.perf_counter()
        many(records, q, still, 10)
        spent.append((time.perf_counter() - start) / 10)
    return round(float(np.median(spent[1:])) * 1e6, 2)


def model_terms(arm: ArmModel) -> Callable[[], None]:
    """MuJoCo's kinematics, centres of mass, inertia, Jacobian and full mass matrix."""
    model = plant(arm, wall=False)
    data = mujoco.MjData(model)
    jac, mass, site = np.zeros((6, arm.n)), np.zeros((arm.n, arm.n)), model.site("tcp").id

    def call() -> None:
        mujoco.mj_kinematics(model, data)
        mujoco.mj_comPos(model, data)
        mujoco.mj_crb(model, data)
        mujoco.mj_jacSite(model, data, jac[:3], jac[3:], site)
        mujoco.mj_fullM(model, mass, data.qM)

    return call


def timed(call: Callable[[], None]) -> dict[str, float]:
    """Cost of ``call`` [us]."""
    spent = []
    for _ in range(TICKS):
        start = time.perf_counter()
        call()
        spent.append(time.perf_counter() - start)
    return percentiles(spent)


def main() -> None:
    """Measure and print."""
    peers = {
        label: run_peer(peer_python(name, requirement.split()), TIMER + body + REPORT)
        for label, (name, requirement, body) in PEERS.items()
    }
    free, controller = closed_loop(wall=False, name="rl_explore")
    pressing, _ = closed_loop(wall=True, name="human_near")
    figures = {**free, "pressing": pressing, "in_kernel_us": in_kernel(controller)}
    result("control_tick", figures, peers, timed(model_terms(panda())))


if __name__ == "__main__":
    main()
