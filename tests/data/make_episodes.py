"""Episodes whose every number says which episode and row it belongs to."""

from __future__ import annotations

import numpy as np

from robot_rl.core.records import EnergyState, Mode, Source, StepRecord
from robot_rl.core.spec import Feature, Spec

STATE, IMAGE = "observation.state", "observation.images.wrist"
SPEC = Spec(observation={STATE: Feature((3,)), IMAGE: Feature((40, 40, 3), "uint8")}, action_dim=2, rate=10.0)


def observation(episode: int, row: int) -> dict[str, np.ndarray]:
    image = np.random.default_rng([episode, row]).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    return {STATE: np.array([episode, row, 0.5], np.float32), IMAGE: image}


def step(episode: int, row: int, *, terminated: bool = False, truncated: bool = False) -> StepRecord:
    energy = EnergyState(
        tank=1.5 - row * 1e-3,
        spring=0.1,
        work=row * 1e-3,
        budget=1.6,
        scale=0.75,
        mode=Mode.ACTIVE,
        violations=0,
        worst_ratio=0.2,
    )
    return StepRecord(
        obs=observation(episode, row),
        action=np.array([episode, row], np.float32),
        proposal=np.array([-episode, -row], np.float32),
        reward=float(row % 7),
        success=terminated,
        terminated=terminated,
        truncated=truncated,
        source=Source.HUMAN,
        stamp=100.0 + row * 0.1,
        energy=energy,
        peak_force=row * 0.25,
        policy_proposal=np.array([row, -episode], np.float32),
        intervention=row // 3,
    )
