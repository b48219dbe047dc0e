"""Torques of robosuite's operational-space controller for chosen states, kept as tests/controllers/golden_osc.json.

robosuite's own ``run_controller`` works on states that are given to it: Jacobian and pose of our arm, an inertia, and a
goal. ``unit`` has the joint inertia for which the tool weighs 1 kg in every direction, so that robosuite's gains per
unit of mass are plain stiffness and damping; ``arm`` has the arm's own inertia, and position and orientation coupled.
Its posture torques are off: the posture is the present one, and the joints move as the tool does.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from peers import peer_python, run_peer

from controllers.arms.panda import panda
from controllers.numeric.rotations import pose_add, quat_to_matrix
from robot_rl.core.records import Array

OUT = Path(__file__).parents[1] / "tests/controllers/golden_osc.json"
KP = 150.0
PEER = """
import json, sys
import numpy as np
from robosuite.controllers.parts.arm.osc import OperationalSpaceController as OSC

class Still:
    def get_site_xvelp(self, name): return np.zeros(3)
    def get_site_xvelr(self, name): return np.zeros(3)
class Sim: data = Still()
class Given(OSC):
    torque_compensation = 0.0
    def __init__(self, case):
        names = "mass_matrix J_full ref_pos ref_ori_mat goal_pos goal_ori joint_pos joint_vel"
        for name in names.split():
            setattr(self, name, np.array(case[name]))
        self.sim, self.naming_prefix, self.part_name = Sim(), "", ""
        self.J_pos, self.J_ori, self.initial_joint = self.J_full[:3], self.J_full[3:], self.joint_pos
        self.ref_pos_vel, self.ref_ori_vel = self.J_pos @ self.joint_vel, self.J_ori @ self.joint_vel
        self.interpolator_pos = self.interpolator_ori = None
        self.input_ref_frame, self.uncoupling = "world", False
        self.kp = np.full(6, case["kp"])
        self.kd = 2 * np.sqrt(self.kp)
    def update(self, force=False): pass

out = [Given(case).run_controller().tolist() for case in json.loads(sys.argv[1])]
print(json.dumps({"torques": out}))
"""


def state(rng: np.random.Generator, unit: bool) -> dict[str, list | float]:
    """One state and goal, as lists."""
    arm = panda()
    q = arm.home + rng.uniform(-0.4, 0.4, 7)
    jac, mass, pose = arm.jacobian(q), arm.mass_matrix(q), arm.forward(q)
    if unit:
        null = np.linalg.svd(jac)[2][6]
        mass = jac.T @ jac + np.outer(null, null)
    goal = pose_add(pose, rng.uniform(-1, 1, 6) * np.repeat([0.02, 0.004 * unit], 3))
    inverse = np.linalg.solve(mass, jac.T)
    dq = inverse @ np.linalg.solve(jac @ inverse, rng.uniform(-0.2, 0.2, 6))
    return {
        "q": q.tolist(), "mass_matrix": mass.tolist(), "J_full": jac.tolist(), "goal": goal.tolist(), "kp": KP,
        "ref_pos": pose[:3].tolist(), "ref_ori_mat": matrix(pose), "goal_pos": goal[:3].tolist(),
        "goal_ori": matrix(goal), "joint_pos": q.tolist(), "joint_vel": dq.tolist(), "unit": unit,
    }  # fmt: skip


def matrix(pose: Array) -> list:
    """Rotation matrix of a pose, as lists."""
    return quat_to_matrix(pose[3:].copy()).tolist()


def main() -> None:
    """Ask robosuite and write the file."""
    rng = np.random.default_rng(0)
    cases = [state(rng, unit) for unit in (True, False) for _ in range(8)]
    python = peer_python("robosuite", "robosuite==1.5.2 mujoco==3.8.1".split())
    torques = run_peer(python, PEER, json.dumps(cases))["torques"]
    kept = ("q", "goal", "joint_vel", "kp", "unit")
    rows = [{**{k: c[k] for k in kept}, "torque": t} for c, t in zip(cases, torques, strict=True)]
    OUT.write_text(json.dumps(rows, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
