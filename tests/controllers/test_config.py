"""Presets fit the arm; what does not is refused in one line."""

from dataclasses import replace

import numpy as np
import pytest

from controllers.arms.panda import panda
from controllers.parameters.presets import PRESETS, ControllerConfig, preset
from robot_rl.core.errors import ConfigError

BAD = {
    "T0": {"T0": 5.0},
    "negative": {"wrench_max": (-1.0, 4.0)},
    "nan": {"zeta": float("nan")},
    "box": {"box_max": (0.25, 0.5, 0.8)},
    "box order": {"box_min": (0.9, -0.5, 0.0)},
    "range": {"k_min": (2000.0, 5.0)},
    "torque": {"tau_max": (87.0, 87.0, 87.0, 87.0, 12.0, 12.0, 50.0)},
    "joints": {"tau_max": (10.0, 10.0)},
    "posture": {"q_null": (0.0,)},
    "stiffness": {"stiffness": (1.0, 2.0, 3.0)},
    "period": {"period": 0.02},
    "sharp damping": {"period": 0.01, "k_max": (5000.0, 5000.0)},
    "power": {"P_max": 200.0},
    "reserve": {"T_res": 0.001},
    "brake": {"brake_rate": 100.0},
}


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("period", [0.001, 0.002])
def test_presets_fit_the_panda_with_and_without_a_tool(name, period):
    rec = preset(name, period).record(panda())
    assert rec["period"] == period
    np.testing.assert_array_equal(rec["tau_max"], panda().tau_max)
    tool = panda().with_tool(0.2, np.array([0.0, 0.0, 0.13]), np.eye(3) * 1e-4, np.array([0, 0, 0.16, 0, 0, 0, 1.0]))
    preset(name, period).record(tool)


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD.keys())
def test_what_does_not_fit_is_refused_in_one_line(changes):
    with pytest.raises(ConfigError, match=r": (\w+ )+|.*: .*") as caught:
        replace(ControllerConfig(), **changes).record(panda())
    assert "\n" not in str(caught.value)


def test_an_unknown_preset_names_the_known_ones():
    with pytest.raises(ConfigError, match="rl_explore, precise, human_near"):
        preset("rl-explore")


def test_stiffness_of_two_or_six_numbers():
    k = (900.0, 300.0, 50.0, 50.0, 30.0, 20.0)
    np.testing.assert_array_equal(replace(ControllerConfig(), stiffness=k).record(panda())["stiffness"], k)
    np.testing.assert_array_equal(ControllerConfig().record(panda())["stiffness"], [600.0] * 3 + [30.0] * 3)
