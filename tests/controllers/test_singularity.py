"""The rule near singular postures: slow from a condition of 17 on, stop at 30, and always a way out."""

from dataclasses import replace

import numpy as np
import pytest

from controllers.arms.panda import panda
from controllers.numeric.rotations import pose_add
from controllers.parameters.presets import preset
from robot_rl.core.errors import CommandRejectedError, ConfigError
from robot_rl.core.records import Command

WIDE = replace(preset("rl_explore"), box_min=(-1.0, -1.0, -1.0), box_max=(1.0, 1.0, 1.5))


def condition(q):
    values = np.linalg.svd(panda().jacobian(q), compute_uv=False)
    return values[0] / values[-1]


def lead(plant, move, seconds, seq=0):
    """Command ``move`` every 0.1 s; the condition number after every tick."""
    found = []
    for k in range(round(10 * seconds)):
        goal = pose_add(plant.controller.state["goal"], np.array([*move, 0.0, 0.0, 0.0]))
        try:
            plant.controller.submit(
                Command(stamp=plant.now, seq=seq + k, valid_until=plant.now + 9, duration=0.1, pose=goal, gripper=0.0),
                plant.now,
            )
        except CommandRejectedError:
            pass
        for _ in range(100):
            plant.step()
            found.append(condition(plant.data.qpos))
    return np.array(found)


def test_stretching_out_ends_where_the_rule_says(make_plant):
    free, ruled = make_plant(replace(WIDE, condition_slow=np.inf, condition_stop=np.inf)), make_plant(WIDE)
    assert condition(panda().home) < 10.0
    assert lead(free, [0.02, 0.0, 0.0], 4.0).max() > 38.0
    held = lead(ruled, [0.02, 0.0, 0.0], 4.0)
    assert 17.0 < held.max() < 36.0
    state = ruled.controller.state
    assert state["condition"] == pytest.approx(condition(ruled.data.qpos), rel=0.05)
    ahead = np.linalg.norm(state["goal"][:3] - state["reference"][:3])
    assert ahead < 0.02, "the goal is where the reference ends: nothing winds up"


def test_the_way_out_is_free(make_plant):
    plant = make_plant(WIDE)
    lead(plant, [0.02, 0.0, 0.0], 4.0)
    stuck, where = condition(plant.data.qpos), plant.controller.state["reference"][0]
    back = lead(plant, [-0.02, 0.0, 0.0], 2.5, seq=100)
    assert back[-1] < 17.0 < stuck
    assert plant.controller.state["reference"][0] < where - 0.05


def test_it_slows_down_before_it_stops(make_plant):
    plant, speeds = make_plant(WIDE), {}
    for k in range(40):
        before = plant.controller.state["reference"].copy()
        at = lead(plant, [0.02, 0.0, 0.0], 0.1, seq=k)[-1]
        speeds[at] = np.linalg.norm(plant.controller.state["reference"][:3] - before[:3]) / 0.1
    below = [speed for at, speed in speeds.items() if at < 16.0]
    between = [speed for at, speed in speeds.items() if 22.0 < at < 28.0]
    assert between
    assert max(between) < 0.7 * max(below)


def test_far_from_singular_postures_the_rule_changes_no_bit(make_plant):
    ends = []
    for limits in ((17.0, 30.0), (np.inf, np.inf)):
        plant = make_plant(replace(preset("rl_explore"), condition_slow=limits[0], condition_stop=limits[1]))
        lead(plant, [0.003, 0.004, -0.005], 1.0)
        ends.append(plant.data.qpos.copy())
    np.testing.assert_array_equal(*ends)


def test_the_threshold_to_stop_is_above_the_one_to_slow():
    with pytest.raises(ConfigError, match="condition_slow"):
        replace(preset("rl_explore"), condition_slow=40.0).record(panda())
