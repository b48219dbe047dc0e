"""Somebody else's environment with Gymnasium's interface as an ``Env``: our loops, replay and learners run on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import SpecError
from robot_rl.core.records import EnergyState, Mode, Observation, RobotState, Source, Step
from robot_rl.core.spec import STATE, Feature, Spec

UNKNOWN_ENERGY = EnergyState(
    tank=0.0, spring=0.0, work=0.0, budget=0.0, scale=1.0, mode=Mode.ACTIVE, violations=0, worst_ratio=0.0
)
"""The ledger of an arm whose controller keeps none."""


class Foreign(Protocol):
    """What is used of ``gymnasium.Env``. Its actions lie in [-1, 1]."""

    def reset(self, *, seed: int | None = None) -> tuple[Any, dict[str, Any]]: ...
    def step(self, action: NDArray[np.float32]) -> tuple[Any, float, bool, bool, dict[str, Any]]: ...
    def close(self) -> None: ...


class ForeignEnv:
    """Steps ``env``, which has no arm that we could see: its states and its ledger are empty.

    Args:
        env: Somebody else's.
        spec: What its observations look like; when it returns one array instead of a mapping, that is STATE.
        max_steps: Control steps per episode, after which it is truncated.
        names: Name in the spec -> its own name of it, where they differ.
        success: Key of ``info`` that says whether the task is done; without it, a true end with a reward is.
    """

    def __init__(
        self, env: Foreign, spec: Spec, max_steps: int, names: Mapping[str, str] | None = None, success: str = "success"
    ) -> None:
        self.env, self.spec, self.max_steps, self.success = env, spec, max_steps, success
        self.names = {**{name: name for name in spec.observation}, **(names or {})}
        self.steps = 0

    def reset(self, seed: int) -> Observation:
        """Start the episode that belongs to ``seed``; ``SpecError`` if it does not look as the spec says."""
        self.steps = 0
        obs = self._observation(self.env.reset(seed=seed)[0])
        self.spec.check(obs)
        return obs

    def step(self, action: NDArray, source: Source = Source.POLICY) -> Step:  # noqa: ARG002  (it does not care)
        """Execute one action row (A,)."""
        executed = np.clip(action, -1.0, 1.0).astype(np.float32)
        stamp = self.steps / self.spec.rate
        seen, reward, terminated, truncated, info = self.env.step(executed)
        self.steps += 1
        late = truncated or self.steps >= self.max_steps
        return Step(
            stamp=stamp,
            obs=self._observation(seen),
            executed=executed,
            reward=float(reward),
            success=bool(info.get(self.success, terminated and reward > 0)),
            terminated=bool(terminated),
            truncated=bool(late and not terminated),
            energy=UNKNOWN_ENERGY,
            peak_force=0.0,
            state=unseen(stamp + 1 / self.spec.rate),
        )

    def close(self) -> None:
        """Close it."""
        self.env.close()

    def _observation(self, seen: Any) -> Observation:  # noqa: ANN401
        found = seen if isinstance(seen, Mapping) else {self.names[STATE]: seen}
        lacking = [theirs for theirs in self.names.values() if theirs not in found]
        if lacking:
            raise SpecError(f"the environment shows no {lacking[0]!r}, it has {sorted(found)}: check names")
        return {ours: np.asarray(found[theirs], self._dtype(ours)) for ours, theirs in self.names.items()}

    def _dtype(self, name: str) -> str:
        return self.spec.observation[name].dtype


def spec_of(widths: Mapping[str, int], action_dim: int, rate: float) -> Spec:
    """The spec of an environment that shows vectors: name -> width."""
    return Spec(observation={k: Feature((n,)) for k, n in widths.items()}, action_dim=action_dim, rate=rate)


def unseen(stamp: float) -> RobotState:
    """The state of an arm of which nothing is known."""
    nothing, pose = np.zeros(0), np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    return RobotState(
        stamp=stamp,
        q=nothing,
        dq=nothing,
        tau=nothing,
        ee_pose=pose,
        ee_twist=np.zeros(6),
        wrench=np.zeros(6),
        peak_force=0.0,
        reference=pose,
        gripper=0.0,
        energy=UNKNOWN_ENERGY,
    )
