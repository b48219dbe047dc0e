"""What an observation and an action look like: names, shapes, types, rate. Checked once, where data enters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from robot_rl.core.errors import SpecError
from robot_rl.core.records import Observation

STATE = "observation.state"
"""The arm's own measurements, (n,) float32."""
ENVIRONMENT = "observation.environment_state"
"""Poses of tracked objects, (n,) float32."""
ENERGY = "observation.energy"
"""The ledger, (5,) float32: tank [J], springs [J], budget left [J], least scale of the step [-], kinetic energy [J]."""
IMAGES = "observation.images."
"""Prefix of camera images, (H, W, 3) uint8."""


@dataclass(frozen=True)
class Feature:
    """Shape and type of one array of an observation."""

    shape: tuple[int, ...]
    dtype: str = "float32"


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What a task's observations and actions look like."""

    observation: Mapping[str, Feature]
    action_dim: int
    rate: float
    """Control steps per second [Hz]."""

    @property
    def cameras(self) -> list[str]:
        """Names of the cameras whose images are in the observation."""
        return [k.removeprefix(IMAGES) for k in self.observation if k.startswith(IMAGES)]

    @property
    def vectors(self) -> list[str]:
        """Names of the one-dimensional float features, in the order in which networks concatenate them."""
        return [k for k, f in self.observation.items() if len(f.shape) == 1]

    def without_images(self) -> Spec:
        """The same spec with its camera images left out."""
        kept = {k: f for k, f in self.observation.items() if not k.startswith(IMAGES)}
        return Spec(observation=kept, action_dim=self.action_dim, rate=self.rate)

    def without(self, name: str) -> Spec:
        """The same spec with one feature less."""
        kept = {k: f for k, f in self.observation.items() if k != name}
        return Spec(observation=kept, action_dim=self.action_dim, rate=self.rate)

    def with_feature(self, name: str, feature: Feature) -> Spec:
        """The same spec with one feature more."""
        return Spec(observation={**self.observation, name: feature}, action_dim=self.action_dim, rate=self.rate)

    def check(self, obs: Observation) -> None:
        """Raise ``SpecError`` unless ``obs`` has every feature with its shape and type, and finite numbers."""
        for name, feature in self.observation.items():
            if name not in obs:
                raise SpecError(f"observation lacks {name!r}; it has {sorted(obs)}: check the task and the station")
            value = np.asarray(obs[name])
            if value.shape != feature.shape or value.dtype != np.dtype(feature.dtype):
                got, want = f"{value.dtype}{value.shape}", f"{feature.dtype}{feature.shape}"
                raise SpecError(f"{name} is {got}, the spec says {want}: check the station file")
            if value.dtype.kind == "f" and not np.isfinite(value).all():
                raise SpecError(f"{name} holds a number that is not finite: check its sensor")

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain types."""
        features = {k: {"shape": list(f.shape), "dtype": f.dtype} for k, f in self.observation.items()}
        return {"observation": features, "action_dim": self.action_dim, "rate": self.rate}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Spec:
        """The spec that ``to_json`` wrote."""
        features = {k: Feature(tuple(f["shape"]), f["dtype"]) for k, f in data["observation"].items()}
        return Spec(observation=features, action_dim=int(data["action_dim"]), rate=float(data["rate"]))
