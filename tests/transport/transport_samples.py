"""Steps whose contents follow from a life and a number, so that anyone can tell whether they arrived unharmed."""

from __future__ import annotations

import socket

import numpy as np

from robot_rl.core.records import EnergyState, Mode, Source, StepRecord
from robot_rl.core.spec import IMAGES, STATE, Feature, Spec

SPEC = Spec(
    observation={STATE: Feature((19,)), IMAGES + "front": Feature((24, 32, 3), "uint8")}, action_dim=6, rate=10.0
)
ENERGY = EnergyState(
    tank=1.5, spring=0.25, work=-0.5, budget=2.0, scale=0.75, mode=Mode.LOW, violations=0, worst_ratio=0.5
)


def observation(life: int, number: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng([life, number])
    state = rng.standard_normal(19).astype(np.float32)
    return {STATE: state, IMAGES + "front": rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)}


def step(life: int, number: int) -> StepRecord:
    action = np.linspace(-1, 1, 6, dtype=np.float32) * (number % 7)
    return StepRecord(
        obs=observation(life, number),
        action=action,
        proposal=action * 0.5,
        reward=float(number),
        success=number % 2 == 0,
        terminated=False,
        truncated=False,
        source=Source.HUMAN,
        stamp=float(life) + number * 0.1,
        energy=ENERGY,
        peak_force=3.0,
        policy_proposal=action * 0.25 if number % 3 else None,
        intervention=number % 5,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
