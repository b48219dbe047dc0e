"""The reference: no overshoot, speed and acceleration within limits, and the exact filter when nothing limits it."""

from dataclasses import replace

import numpy as np
import pytest

from controllers.arms.panda import panda
from controllers.impedance_controller import PassiveImpedance
from controllers.law.trajectory import propose
from controllers.numeric.rotations import pose_add, pose_error
from controllers.parameters.presets import preset


def follow(controller, seconds):
    state, track, speeds = controller.state, [], []
    for _ in range(round(seconds / controller.settings.period)):
        propose(controller.config, state)
        state["reference"], state["reference_velocity"] = state["proposal"], state["next_velocity"]
        track.append(pose_error(state["goal"], state["reference"]))
        speeds.append(state["reference_velocity"].copy())
    return np.array(track), np.array(speeds)


@pytest.mark.parametrize("name", ["rl_explore", "precise", "human_near"])
@pytest.mark.parametrize("period", [0.001, 0.002])
@pytest.mark.parametrize("size", [0.005, 0.05, 0.25])
def test_limits_hold_and_nothing_overshoots(name, period, size):
    config = preset(name, period)
    controller = PassiveImpedance(panda(), config)
    direction = np.array([0.6, 0.0, -0.8, 0.0, 4.0, 3.0])
    controller.state["goal"] = pose_add(controller.state["goal"], size * direction)
    left, speeds = follow(controller, 6.0)
    along = left @ direction
    assert along.min() > -1e-9
    assert np.all(np.diff(along) <= 1e-12)
    np.testing.assert_allclose(left[-1], 0.0, atol=1e-6)
    for part in (0, 1):
        v = np.linalg.norm(speeds[:, 3 * part : 3 * part + 3], axis=1)
        a = np.linalg.norm(np.diff(speeds[:, 3 * part : 3 * part + 3], axis=0), axis=1) / period
        assert v.max() <= config.v_max[part] * (1 + 1e-9)
        assert a.max() <= config.a_max[part] * (1 + 1e-9)


def test_without_limits_it_is_the_critically_damped_response():
    config = replace(preset("rl_explore"), v_max=(1e6, 1e6), a_max=(1e9, 1e9))
    controller = PassiveImpedance(panda(), replace(preset("rl_explore")))
    controller.config["v_max"], controller.config["a_max"] = config.v_max, config.a_max
    controller.state["goal"][1] += 0.05
    left, _ = follow(controller, 0.3)
    t = 0.001 * np.arange(1, 301)
    w = config.omega
    np.testing.assert_allclose(left[:, 1], 0.05 * (1 + w * t) * np.exp(-w * t), atol=1e-12)


def test_the_period_does_not_change_where_it_goes():
    ends = []
    for period in (0.001, 0.002):
        controller = PassiveImpedance(panda(), preset("rl_explore", period))
        controller.state["goal"][0] += 0.03
        follow(controller, 0.16)
        ends.append(controller.state["reference"][0])
    assert ends[0] == pytest.approx(ends[1], abs=3e-4)
