"""Does the filter touch a policy that means no harm? Tracking with it and without (control.md §4.4: scale >= 0.999).

Circles, lines to and fro and a wandering pose at the speed that a preset allows, commanded at 10 and 20 Hz, in
episodes of 6 s from many phases (as long as those of peg_insert); mean over all commands of the smallest scale since
the last one, and the root mean square distance from the commanded path. Friction eats the budget, which is filled only
between episodes: ``untouched_s`` says for how long the same motions can go on without a rest before the filter acts.
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

from controllers.numeric.rotations import pose_add, pose_error
from controllers.parameters.presets import ControllerConfig, preset
from robot_rl.core.records import Array, Command
from sim.adversaries.battery import Arena
from sim.adversaries.plants import Trouble
from sim.stepper import advance

PRESETS = ("rl_explore", "precise", "human_near")
RATES = (10, 20)
EPISODE, LONGEST, SHARE = 6.0, 30.0, 1.0


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


def track(config: ControllerConfig, motion: Callable[[float], Array], rate: int, seconds: float) -> Array:
    """Rows (smallest scale since the last command, distance [m], turn [rad]) at every command."""
    arena = Arena(Trouble(name="benign"), config)
    arena.reset()
    control, plant, ticks = arena.controller, arena.world.plant, round(1.0 / (rate * config.period))
    start, rows = control.state["goal"].copy(), []
    for step in range(round(seconds * rate)):
        now = step * ticks * config.period
        target = pose_add(start, motion(now) - motion(0.0))
        if step:
            error = pose_error(control.state["ee_pose"].copy(), target)
            rows.append([control.state["scale"], np.linalg.norm(error[:3]), np.linalg.norm(error[3:])])
        control.submit(
            Command(stamp=now, seq=step, valid_until=now + 0.3, duration=1.0 / rate, pose=target, gripper=0.0), now
        )
        advance(control.model, control.config, control.state, plant, step * ticks, ticks)
    return np.array(rows)


def phased(motion: Callable[[float, float], Array], speed: float, phase: float) -> Callable[[float], Array]:
    """The motion as a function of time, begun at ``phase`` [s]."""
    return lambda t: motion(speed, t + phase)


def endurance(config: ControllerConfig) -> float:
    """Time [s] for which every motion goes on untouched, up to ``LONGEST``."""
    times = [LONGEST]
    for motion in MOTIONS.values():
        rows = track(config, phased(motion, SHARE * config.v_max[0], 0.0), RATES[0], LONGEST)
        touched = np.flatnonzero(rows[:, 0] < 1.0)
        times.append(float(touched[0] + 1) / RATES[0] if len(touched) else LONGEST)
    return min(times)


def compare(name: str, phases: int) -> dict[str, Any]:
    """Figures of one preset."""
    config = preset(name)
    scales, with_filter, without = [], [], []
    for motion in MOTIONS.values():
        for rate in RATES:
            for phase in np.linspace(0.0, 3.0, phases):
                path = phased(motion, SHARE * config.v_max[0], float(phase))
                rows = track(config, path, rate, EPISODE)
                bare = track(replace(config, filter_enabled=False), path, rate, EPISODE)
                scales.append(rows[:, 0])
                with_filter.append(rows[:, 1])
                without.append(bare[:, 1])
    rmse, bare_rmse = (float(np.sqrt(np.mean(np.concatenate(x) ** 2))) for x in (with_filter, without))
    return {
        "commands": sum(map(len, scales)),
        "mean_scale": round(float(np.concatenate(scales).mean()), 6),
        "rmse_mm": round(1e3 * rmse, 4),
        "rmse_without_filter_mm": round(1e3 * bare_rmse, 4),
        "rmse_change": round(abs(rmse / bare_rmse - 1.0), 6),
        "untouched_s": endurance(config),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one phase per motion")
    phases = 1 if parser.parse_args().quick else 10
    figures = {name: compare(name, phases) for name in PRESETS}
    result("intrusion", figures, {}, {"mean_scale": 0.999, "rmse_change": 0.01})


if __name__ == "__main__":
    main()
