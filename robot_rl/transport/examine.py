"""Looks at a record before it is stored: what is not an event of this task never reaches the disk."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
from google.protobuf.message import DecodeError

from robot_rl.core.errors import SpecError
from robot_rl.core.records import Mode, RewardSource, Source
from robot_rl.core.spec import Spec
from robot_rl.transport.codec import decode_observation, decode_samples, observation_size
from robot_rl.transport.experience_pb2 import Event, StepData

LONGEST_META = 1 << 16
"""Of the JSON with which an episode begins [bytes]."""
MISMATCH = "start learner and actor with one task"


class Examiner:
    """Knows how the events of one spec look."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._action = 4 * spec.action_dim
        self._size = observation_size(spec)
        self._floats = [name for name, feature in spec.observation.items() if np.dtype(feature.dtype).kind == "f"]
        self._kinds: dict[str, Callable[[Event], None]] = {
            "begin": self._begin,
            "step": lambda event: self._step(event.step),
            "end": self._end,
            "samples": lambda event: _known(decode_samples(event.samples)),
        }

    def examine(self, payload: bytes, *, newer: bool = False) -> Event:
        """The event in a payload; ``SpecError`` if it is none, or does not fit the task.

        Args:
            payload: Of one record.
            newer: Whether its writer knows events that this program does not; those pass.
        """
        try:
            event = Event.FromString(payload)
        except DecodeError as error:
            raise SpecError("a record is no event: update the older of the two programs") from error
        kind = event.WhichOneof("body")
        if kind in self._kinds:
            self._kinds[kind](event)
        elif kind is not None or not newer:
            raise SpecError("a record is no event of an episode: update the older of the two programs")
        return event

    def _begin(self, event: Event) -> None:
        try:
            sound = len(event.begin.meta) <= LONGEST_META and isinstance(json.loads(event.begin.meta), dict)
        except (ValueError, RecursionError):
            sound = False
        if not sound:
            raise SpecError("an episode begins with what is not a small JSON object: update the actor's program")

    def _step(self, step: StepData) -> None:
        self._observation(step.observation)
        for name in ("action", "proposal", "policy_proposal"):
            data = getattr(step, name)
            if len(data) != self._action and (data or name != "policy_proposal"):
                raise SpecError(f"{name} of a step has {len(data)} bytes, the spec says {self._action}: {MISMATCH}")
            if not np.isfinite(np.frombuffer(data, np.float32)).all():
                raise SpecError(f"{name} of a step is not finite: check the policy")
        if not (math.isfinite(step.reward) and math.isfinite(step.stamp)):
            raise SpecError("reward or stamp of a step is not finite: check what gives the reward")
        try:
            Source(step.source), RewardSource(step.reward_source), Mode(step.energy.mode)
        except ValueError as error:
            raise SpecError(f"a step says {error}: update the older of the two programs") from error
        if len(step.frame_stamps) not in (0, len(self._spec.cameras)):
            raise SpecError(f"a step has exposures of {len(step.frame_stamps)} cameras: {MISMATCH}")

    def _end(self, event: Event) -> None:
        if event.end.complete:
            self._observation(event.end.observation)

    def _observation(self, data: bytes) -> None:
        if len(data) != self._size:
            raise SpecError(f"an observation has {len(data)} bytes, the spec says {self._size}: {MISMATCH}")
        obs = decode_observation(data, self._spec)
        for name in self._floats:
            if not np.isfinite(obs[name]).all():
                raise SpecError(f"{name} holds a number that is not finite: check its sensor")


def _known(samples: object) -> None:
    """Decoding is the whole examination."""
