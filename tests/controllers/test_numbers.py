"""The numbers of the specification (control.md §1.6, §2.6, §3, §7), said once more by someone else."""

import numpy as np
import pytest

from controllers.arms.panda import panda
from controllers.arms.panda_shape import panda_shape
from controllers.guard import arbitration, lifecycle, safe_reset
from controllers.guard.record import GuardConfig, guard_dtype
from controllers.guard.watchdog import RecoveryBudget
from controllers.law import ledger, passivity
from controllers.parameters.presets import preset

TABLE = {  # K_t K_r, range of K_t, of K_r, zeta, T_0 T_max, v omega, hold [s]
    "rl_explore": ((600, 30), (50, 1000), (5, 50), 0.9, (2, 4), (0.25, 0.8), 0.1),
    "precise": ((2000, 75), (500, 2500), (20, 100), 1.0, (5, 8), (0.10, 0.4), 0.1),
    "human_near": ((300, 15), (50, 400), (5, 20), 1.0, (0.5, 1), (0.15, 0.5), 0.06),
}


@pytest.mark.parametrize("name", TABLE)
def test_presets_are_those_of_the_table(name):
    config, row = preset(name), TABLE[name]
    ranges = tuple(zip(config.k_min, config.k_max, strict=True))
    found = (config.stiffness, *ranges, config.zeta, (config.T0, config.T_max), config.hold_timeout)
    assert found == row[:5] + row[6:]
    assert np.all(np.array(config.v_max) <= row[5]), "slower is allowed, faster is not"
    assert config.stiffness[0] * config.clip[0] >= config.wrench_max[0] * 0.45
    assert config.T_res >= 0.1


def test_the_guard_keeps_the_specified_times_and_levels():
    guard, config = np.zeros((), guard_dtype(7))[()], GuardConfig()
    config.fill(guard, 0.001)
    rate = 1.0 / (int(guard["check_every"]) * 0.001)
    assert 50.0 <= rate <= 100.0, "collision checks per second"
    assert (config.soft_start, config.damp_after, config.idle_after) == (1.0, 0.3, 2.0)
    assert (lifecycle.REST, lifecycle.SPRING_START, lifecycle.RESIDUAL) == (0.05, 0.05, 5.0)
    assert (arbitration.BLEND, arbitration.Hysteresis(1.0).engage) == (0.1, 0.05)
    assert (safe_reset.LIFT, config.wall_margin) == (0.05, 0.02)
    budget = RecoveryBudget()
    assert (budget.limit, budget.window) == (3, 60.0)
    assert len(panda_shape().pairs) > 10


def test_the_law_keeps_the_specified_levels():
    config = preset("rl_explore")
    assert (config.condition_slow, config.condition_stop) == (17.0, 30.0)
    assert (config.error_max[0], config.error_patience) == (0.2, 2.0)
    assert (config.sigma_min, config.retract_speed, config.force_patience) == (0.04, 0.02, 0.5)
    assert config.kinetic_rate == 20.0
    assert (passivity.HYSTERESIS, passivity.FAULT_TANK) == (1.5, -1.5)
    assert (passivity.FROZEN, passivity.BLIND) == (5, 15)
    assert ledger.ROUNDING <= 1e-9
    assert (config.a_max, config.j_max) == ((2.0, 5.0), (50.0, 100.0))
    assert config.jump_max[1] == pytest.approx(np.pi / 2)
    assert panda().dtau_max.tolist() == [1000.0] * 7
