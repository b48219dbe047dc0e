"""The proof against its hardest opponent: joints driven by hand, as fast as they may, wherever the torque pays most."""

from dataclasses import replace

import numpy as np
import pytest

from controllers.arms.panda import panda
from controllers.impedance_controller import PassiveImpedance
from controllers.law.barrier import unwinding_work
from controllers.parameters.presets import preset

CONFIGS = {
    "human_near": preset("human_near"),
    "slow torque": replace(preset("human_near"), tau_rate=50.0),
    "precise at 2 ms": preset("precise", 0.002),
}


def milk(config, seed, ticks=3000):
    """Move the joints slowly against the torque, then at their limit along it; the work after each tick, the state."""
    arm, rng = panda(), np.random.default_rng(seed)
    controller = PassiveImpedance(arm, config)
    q, dq, works, barriers, modes = arm.home.copy(), np.zeros(7), [0.0], [], set()
    for k in range(ticks):
        if k % 40 == 0:
            sign = rng.choice([-1.0, 1.0, 1.0])
            speed, noise = (1.0 if sign > 0 else rng.uniform() ** 2), rng.normal(size=7)
        tau = controller.tick(q, dq, np.zeros(7), config.period * k).copy()
        dq = np.clip(speed * sign * np.sign(tau + 1e-9 * noise), -1.0, 1.0) * arm.dq_max
        there = np.clip(q + dq * config.period, arm.q_min, arm.q_max)
        works.append(works[-1] + tau @ (there - q))
        q, dq = there, (there - q) / config.period
        barriers.append(float(controller.state["barrier"]))
        modes.add(int(controller.state["mode"]))
    return np.array(works), np.array(barriers), modes, controller.state


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
@pytest.mark.parametrize("seed", range(4))
def test_the_budget_holds_to_a_nanojoule_against_hands_on_the_joints(config, seed):
    works, barriers, modes, state = milk(config, seed)
    assert works.max() <= state["budget"] + 1e-9
    assert barriers.min() >= -1e-9
    assert state["violations"] == 0
    assert state["T"] + state["V"] >= -1e-9
    assert 3 in modes


def test_the_opponent_is_strong_enough_to_empty_the_tank():
    assert max(milk(preset("human_near"), seed)[0].max() for seed in range(3)) > 0.49


def test_without_the_filter_the_same_opponent_takes_far_more():
    works, _, _, state = milk(replace(preset("human_near"), filter_enabled=False), 0)
    assert works.max() > 2.0 * state["budget"]
    assert state["violations"] > 0


def test_unwinding_work_falls_by_exactly_what_one_tick_can_spend():
    arm, rng = panda(), np.random.default_rng(0)
    config = preset("rl_explore").record(arm)
    drop = config["brake_rate"] * config["period"]
    for _ in range(200):
        tau = rng.uniform(-1, 1, 7) * rng.choice([0.3, 3.0, 30.0])
        after = np.sign(tau) * np.maximum(np.abs(tau) - drop, 0.0)
        spent = np.sum(arm.dq_max * np.abs(tau)) * config["period"]
        fall = unwinding_work(config, arm.dq_max, tau, 0) - unwinding_work(config, arm.dq_max, after, 0)
        assert fall == pytest.approx(spent, abs=1e-12)
        assert unwinding_work(config, arm.dq_max, tau, 1) == pytest.approx(
            unwinding_work(config, arm.dq_max, after, 0), abs=1e-12
        )
