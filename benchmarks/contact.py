"""Peak force against a stiff wall, and kinetic energy against its cap.

Limits (control.md §4.4): 140 N in human_near, 220 N in rl_explore, 15 % over the cap.

Both presets run at 0.25 m/s here. The battery: every adversary, one of which runs straight into the wall and pushes on,
beside stiff walls at several distances, on arms of the mass that the controller knows, of half of it, and half as heavy
again. A16 has a hand that pushes
the arm with 40 N; its peak is told apart, because that energy is not the controller's. The force is the touch sensor's
of the simulator; the kinetic energy is the simulator's own, of the true masses.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from peers import result

from controllers.parameters.presets import ControllerConfig, preset
from sim.adversaries import observer
from sim.adversaries.battery import Arena, Case, blank_log, table_of, unfiltered
from sim.adversaries.plants import Trouble
from sim.adversaries.policies import DRAIN, NAMES

SPEED = 0.25
LIMITS = {"human_near": 140.0, "rl_explore": 220.0}
"""Largest force that is allowed [N]."""
PRESSES = 4
TICKS = 3000
MASSES = (1.0, 0.5, 1.5)
GAPS = (0.02, 0.06, 0.12)
STIFF = 0.004
"""Time constant of the contact [s]: about 400 kN/m under an arm of the nominal mass."""


def arenas(config: ControllerConfig, masses: tuple[float, ...] = MASSES) -> Iterator[Arena]:
    """Plants with the same wall: MuJoCo scales a contact's stiffness with the mass that it meets."""
    for mass in masses:
        for gap in GAPS:
            name = f"{mass} x mass, gap {gap} m"
            yield Arena(Trouble(name=name, wall=STIFF * math.sqrt(mass), wall_gap=gap, mass=mass), config)


def battery(config: ControllerConfig, seeds: int, masses: tuple[float, ...] = MASSES) -> dict[str, Any]:
    """Worst figures of a controller over the battery."""
    worst = {name: (0.0, "") for name in ("force", "pressing", "pushed by a hand", "kinetic")}
    log, ticks = blank_log(TICKS), 0
    for arena in arenas(config, masses):
        for kind in range(len(NAMES)):
            for seed in range(seeds):
                case = Case(kind=kind, trouble=arena.trouble, config=config, seed=seed, ticks=TICKS)
                played = arena.play(case, table_of(case), log)
                force = (float(observer.column(played, "force").max()), case.label)
                energy = (float(observer.column(played, "true_kinetic").max()), case.label)
                ticks += len(played.tau)
                if kind == DRAIN:
                    worst["pushed by a hand"] = max(worst["pushed by a hand"], force)
                    continue
                worst["force"] = max(worst["force"], force)
                worst["pressing"] = max(worst["pressing"], force) if kind == PRESSES else worst["pressing"]
                worst["kinetic"] = max(worst["kinetic"], energy)
    return {
        "ticks": ticks,
        "force_max_N": round(worst["force"][0], 1),
        "worst_case": worst["force"][1],
        "force_pressing_N": round(worst["pressing"][0], 1),
        "force_pushed_by_a_hand_N": round(worst["pushed by a hand"][0], 1),
        "kinetic_max_J": round(worst["kinetic"][0], 4),
        "kinetic_over_cap": round(max(0.0, worst["kinetic"][0] / config.kinetic_max - 1.0), 4),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one seed")
    seeds = 1 if parser.parse_args().quick else 4
    figures: dict[str, Any] = {}
    for name, limit in LIMITS.items():
        config = replace(preset(name), v_max=(SPEED, preset(name).v_max[1]))
        figures[name] = battery(config, seeds) | {"limit_N": limit}
        figures[name]["holds"] = figures[name]["force_max_N"] <= limit and figures[name]["kinetic_over_cap"] <= 0.15
    weak = battery(unfiltered(preset("rl_explore")), 1)
    result("contact", figures, {"filter off, weak caps": weak}, {"speed_m_s": SPEED, "energy_over_cap": 0.15})


if __name__ == "__main__":
    main()
