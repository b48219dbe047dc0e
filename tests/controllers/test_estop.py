"""Coming to rest: damping is dissipative in every direction, within the limits, and a broken ledger is mended."""

import numpy as np

from controllers.arms.panda import panda
from controllers.guard.estop import apply_instead, at_rest, damping_torque, mend_ledger, release
from controllers.impedance_controller import PassiveImpedance
from controllers.parameters.presets import preset

ARM = panda()


def moving(seed=0):
    control, rng = PassiveImpedance(ARM, preset("rl_explore")), np.random.default_rng(seed)
    dq = rng.uniform(-0.5, 0.5, 7)
    control.tick(ARM.home, dq, np.zeros(7), 0.0)
    return control, dq


def test_damping_takes_power_whatever_the_motion():
    for seed in range(20):
        control, dq = moving(seed)
        tau = np.zeros(7)
        damping_torque(control.state, 25.0, tau)
        assert tau @ dq < 0.0
        assert np.allclose(np.linalg.solve(ARM.mass_matrix(ARM.home), tau), -25.0 * dq, atol=1e-8)


def test_the_replacement_keeps_every_limit():
    control, _ = moving()
    before, tau = control.state["tau"].copy(), np.full(7, 500.0)
    apply_instead(control.model, control.config, control.state, before, tau)
    reach = control.config["brake_rate"] * control.config["period"]
    assert (np.abs(control.state["tau"] - before) <= reach + 1e-12).all()
    assert control.state["barrier"] >= 0.0


def test_letting_go_only_frees_energy():
    control, dq = moving()
    control.state["goal"][:3] += 0.05
    for k in range(200):
        control.tick(ARM.home, dq * 0.0, np.zeros(7), 0.001 * (k + 1))
    total, stored = control.state["T"] + control.state["V"], float(control.state["V"])
    assert stored > 0.01
    release(control.state)
    control.tick(ARM.home, dq * 0.0, np.zeros(7), 0.3)
    assert control.state["V"] < 1e-9
    assert np.isclose(control.state["T"] + control.state["V"] + control.state["discard"], total)


def test_a_ledger_that_is_no_number_begins_anew():
    control, _ = moving()
    sound = control.state["T"].copy()
    mend_ledger(control.config, control.state)
    assert control.state["T"] == sound
    control.state["V"], control.state["tau"][3] = np.nan, np.inf
    mend_ledger(control.config, control.state)
    assert control.state["T"] == control.config["T_res"]
    assert control.state["tau"][3] == 0.0


def test_rest_is_no_joint_faster_and_no_joint_unknown():
    assert at_rest(np.full(7, 0.019), 0.02)
    assert not at_rest(np.array([0, 0, 0, -0.021, 0, 0, 0]), 0.02)
    assert not at_rest(np.array([0, np.nan, 0, 0, 0, 0, 0.0]), 0.02)
