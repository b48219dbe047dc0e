"""Torques of robosuite's operational-space controller (``benchmarks/golden_osc.py`` made the file) are ours too."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from controllers.arms.panda import panda
from controllers.impedance_controller import PassiveImpedance
from controllers.law.impedance import damping_modes_of, damping_wrench_into, task_dynamics
from controllers.law.measure import measure
from controllers.law.stiffness import decompose, elastic_wrench, matrix_into
from controllers.numeric.rotations import pose_error
from controllers.parameters.presets import preset

CASES = json.loads((Path(__file__).parent / "golden_osc.json").read_text(encoding="utf-8"))


def torque(case):
    """The law alone, without caps: springs and damping through J^T, for the case's inertia and stiffness."""
    controller = PassiveImpedance(panda(), replace(preset("rl_explore"), zeta=1.0))
    model, config, state = controller.model, controller.config, controller.state
    config["clip"], config["wrench_max"] = 1e3, 1e6
    measure(model, state, np.array(case["q"]), np.array(case["joint_vel"]))
    jac = state["jacobian"].copy()
    if case["unit"]:
        null = np.linalg.svd(jac)[2][6]
        state["mass"] = jac.T @ jac + np.outer(null, null)
    task_dynamics(state, 0.0)
    inertia = np.linalg.inv(jac @ np.linalg.solve(state["mass"], jac.T))
    k = np.eye(6) * case["kp"] if case["unit"] else case["kp"] * inertia
    decompose(k.copy(), state["vectors"], 0.2, state["stiffness"], state["axes"])
    state["axes"][6, 0] = 1.0
    state["reference"] = case["goal"]
    state["error"] = pose_error(state["ee_pose"], state["reference"])
    elastic_wrench(config, state, state["spring_wrench"])
    matrix_into(state["stiffness"], state["axes"], state["matrix_c"])
    damping_modes_of(state, state["matrix_c"])
    damping_wrench_into(state, 1.0, state["ee_twist"], state["step"])
    return jac.T @ (state["spring_wrench"] + state["step"])


@pytest.mark.parametrize("case", CASES, ids=[f"{'unit' if c['unit'] else 'arm'}{i}" for i, c in enumerate(CASES)])
def test_torques_are_those_of_robosuite(case):
    np.testing.assert_allclose(torque(case), case["torque"], rtol=1e-4, atol=2e-4)
