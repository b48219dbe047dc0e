"""Does the filter touch a policy that means no harm? Tracking with it and without (control.md §4.4: scale >= 0.999).

Circles, lines to and fro and a wandering pose at speeds that the presets allow, commanded at 10 and 20 Hz; mean over
all commands of the smallest scale since the last one, and the root mean square distance from the commanded path.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from peers import result

from controllers.config import ControllerConfig, preset
from controllers.rotations import pose_add, pose_error
from robot_rl.core.records import Array, Command
from sim.adversaries.battery import Arena
from sim.adversaries.plants import Trouble
from sim.stepper import advance

PRESETS = ("rl_explore", "precise", "human_near")
RATES = (10, 20)


def circle(speed: float, t: float) -> Array:
    """5 cm about, in the horizontal plane."""
    angle = speed * t / 0.05
    return np.array([0.05 * (1.0 - np.cos(angle)), 0.05 * np.sin(angle), 0.0, 0.0, 0.0, 0.0])


def to_and_fro(speed: float, t: float) -> Array:
    """8 cm up and down."""
    return np.array([0.0, 0.0, 0.04 * (1.0 - np.cos(speed * t / 0.04)), 0.0, 0.0, 0.0])


def wander(speed: float, t: float) -> Array:
    """All six axes, at frequencies that never meet."""
    w = speed * t / 0.06
    phases = w * np.array([1.0, 0.62, 0.81, 0.47, 0.71, 0.89])
    return np.sin(phases) * np.array([0.03, 0.04, 0.03, 0.08, 0.08, 0.1])


MOTIONS: dict[str, Callable[[float, float], Array]] = {"circle": circle, "to and fro": to_and_fro, "wander": wander}


def track(config: ControllerConfig, motion: Callable[[float, float], Array], rate: int, seconds: float) -> Array:
    """Rows (smallest scale since the last command, distance [m], turn [rad]) at every command."""
    arena = Arena(Trouble(name="benign"), config)
    arena.reset()
    control, plant, ticks = arena.controller, arena.world.plant, round(1.0 / (rate * config.period))
    start, speed, rows = control.state["goal"].copy(), 0.6 * config.v_max[0], []
    for step in range(round(seconds * rate)):
        now = step * ticks * config.period
        target = pose_add(start, motion(speed, now))
        if step:
            error = pose_error(control.state["ee_pose"].copy(), target)
            rows.append([control.state["scale"], np.linalg.norm(error[:3]), np.linalg.norm(error[3:])])
        control.submit(
            Command(stamp=now, seq=step, valid_until=now + 0.3, duration=1.0 / rate, pose=target, gripper=0.0), now
        )
        advance(control.model, control.config, control.state, plant, step * ticks, ticks)
    return np.array(rows)


def compare(name: str, seconds: float) -> dict[str, Any]:
    """Figures of one preset."""
    scales, with_filter, without = [], [], []
    for motion in MOTIONS.values():
        for rate in RATES:
            rows = track(preset(name), motion, rate, seconds)
            bare = track(replace(preset(name), filter_enabled=False), motion, rate, seconds)
            scales.append(rows[:, 0])
            with_filter.append(rows[:, 1])
            without.append(bare[:, 1])
    rmse, bare_rmse = (float(np.sqrt(np.mean(np.concatenate(x) ** 2))) for x in (with_filter, without))
    return {
        "mean_scale": round(float(np.concatenate(scales).mean()), 6),
        "rmse_mm": round(1e3 * rmse, 4),
        "rmse_without_filter_mm": round(1e3 * bare_rmse, 4),
        "rmse_change": round(abs(rmse / bare_rmse - 1.0), 6),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="3 s per motion")
    seconds = 3.0 if parser.parse_args().quick else 20.0
    figures = {name: compare(name, seconds) for name in PRESETS}
    result("intrusion", figures, {}, {"mean_scale": 0.999, "rmse_change": 0.01})


if __name__ == "__main__":
    main()
