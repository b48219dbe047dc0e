"""Steps as bytes and back. Each observation is sent once; the next one is the next record's."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot_rl.core import freshness
from robot_rl.core.errors import SpecError
from robot_rl.core.records import EnergyState, Mode, Observation, RewardSource, Source, StepRecord
from robot_rl.core.spec import Spec
from robot_rl.transport.experience_pb2 import Begin, End, Event, Samples, StepData
from robot_rl.transport.framing import MAX_PAYLOAD

Meta = Mapping[str, str | int | float | bool]
DTYPES = ("float32", "float16", "float64", "uint8", "int8", "int16", "int32", "int64", "bool")
"""Types of arrays that are sent."""
NUMBERS = ("reward", "success", "terminated", "truncated", "stamp", "peak_force", "intervention")
PLAIN = (*NUMBERS, "source", "reward_source")
"""Fields of a step that have the same name in the message."""
LEDGER = ("tank", "spring", "work", "budget", "scale", "mode", "violations", "worst_ratio")
AGES = ("observation_age", "action_age", "overrun", "missed")
ROOM = 4096
"""Bytes of a payload that are not arrays, at most."""


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """One decoded step with what the transport knows about it."""

    record: StepRecord
    policy_version: int
    """Version of the weights that chose the action; 0: those the actor started with."""
    policy_age: float
    """Age of those weights when the step was recorded [s]."""


def spec_json(spec: Spec) -> str:
    """The spec as text that is equal for equal specs; the order of features counts."""
    return json.dumps(spec.to_json())


def observation_size(spec: Spec) -> int:
    """Bytes of one observation; ``SpecError`` if it is too large to send."""
    size = sum(math.prod(f.shape) * np.dtype(f.dtype).itemsize for f in spec.observation.values())
    if size + ROOM > MAX_PAYLOAD:
        limit = MAX_PAYLOAD - ROOM
        raise SpecError(f"an observation has {size} bytes, at most {limit} can be sent: use smaller images")
    return size


def encode_observation(obs: Observation, spec: Spec) -> bytes:
    """The arrays of ``obs`` that the spec names, in its order; ``SpecError`` if one is not as the spec says."""
    spec.check(obs)
    return b"".join([np.ascontiguousarray(obs[name]).data for name in spec.observation])


def decode_observation(data: bytes, spec: Spec) -> dict[str, NDArray]:
    """Read-only views into ``data``."""
    obs, at = {}, 0
    for name, feature in spec.observation.items():
        count, dtype = math.prod(feature.shape), np.dtype(feature.dtype)
        obs[name] = np.frombuffer(data, dtype, count, at).reshape(feature.shape)
        at += count * dtype.itemsize
    if at != len(data):
        raise SpecError(f"an observation of {len(data)} bytes came, the spec says {at}: start both ends with one task")
    return obs


def encode_begin(meta: Meta) -> bytes:
    """Payload that opens an episode."""
    return Event(begin=Begin(meta=json.dumps(dict(meta)))).SerializeToString()


def encode_end(final_obs: Observation | None, spec: Spec) -> bytes:
    """Payload that closes an episode; None: it was interrupted."""
    if final_obs is None:
        return Event(end=End(complete=False)).SerializeToString()
    return Event(end=End(complete=True, observation=encode_observation(final_obs, spec))).SerializeToString()


def encode_step(step: StepRecord, spec: Spec, version: int = 0, age: float = 0.0) -> bytes:
    """Payload of one step, with the version and the age [s] of the weights that chose its action."""
    _check_numbers(step, spec)
    exposed = [step.frame_stamps.get(camera, math.nan) for camera in spec.cameras] if step.frame_stamps else []
    event = Event()
    data = event.step
    data.observation = encode_observation(step.obs, spec)
    data.action = np.asarray(step.action, np.float32).tobytes()
    data.proposal = np.asarray(step.proposal, np.float32).tobytes()
    if step.policy_proposal is not None:
        data.policy_proposal = np.asarray(step.policy_proposal, np.float32).tobytes()
    for name in PLAIN:
        setattr(data, name, getattr(step, name))
    for name in LEDGER:
        setattr(data.energy, name, getattr(step.energy, name))
    for name in AGES:
        setattr(data.freshness, name, getattr(step.freshness, name))
    data.policy_version, data.policy_age = version, age
    data.frame_stamps.extend(exposed)
    return event.SerializeToString()


def _check_numbers(step: StepRecord, spec: Spec) -> None:
    actions = {"action": step.action, "proposal": step.proposal, "policy_proposal": step.policy_proposal}
    for name, value in actions.items():
        if value is not None and np.shape(value) != (spec.action_dim,):
            raise SpecError(f"{name} has shape {np.shape(value)}, the spec says ({spec.action_dim},): check the task")
        if value is not None and not np.isfinite(value).all():
            raise SpecError(f"{name} holds a number that is not finite: check the policy")
    if not (math.isfinite(step.reward) and math.isfinite(step.stamp)):
        raise SpecError(f"reward {step.reward} or stamp {step.stamp} is not finite: check what gives the reward")


def decode_step(data: StepData, spec: Spec) -> Arrived:
    """The step that ``encode_step`` wrote; its arrays are read-only views."""
    e = data.energy
    record = StepRecord(
        obs=decode_observation(data.observation, spec),
        action=np.frombuffer(data.action, np.float32),
        proposal=np.frombuffer(data.proposal, np.float32),
        **{name: getattr(data, name) for name in NUMBERS},
        source=Source(data.source),
        reward_source=RewardSource(data.reward_source),
        policy_proposal=np.frombuffer(data.policy_proposal, np.float32) if data.policy_proposal else None,
        frame_stamps={c: at for c, at in zip(spec.cameras, data.frame_stamps, strict=False) if not math.isnan(at)},
        freshness=_freshness(data),
        energy=EnergyState(mode=Mode(e.mode), **{name: getattr(e, name) for name in LEDGER if name != "mode"}),
    )
    return Arrived(record=record, policy_version=data.policy_version, policy_age=data.policy_age)


def _freshness(data: StepData) -> freshness.Freshness:
    weights_age = data.policy_age if data.policy_version else math.nan
    if not data.HasField("freshness"):  # schema 1
        return freshness.Freshness(weights_version=data.policy_version, weights_age=weights_age)
    ages = {name: getattr(data.freshness, name) for name in AGES}
    return freshness.Freshness(**ages, weights_version=data.policy_version, weights_age=weights_age)


def encode_samples(name: str, stamps: Sequence[float], values: NDArray) -> bytes:
    """Payload of some samples of a signal that is faster than the steps.

    Args:
        name: Which signal.
        stamps: When each was measured [s].
        values: One row each.
    """
    data = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    samples = Samples(name=name, dtype=data.dtype.name, shape=data.shape[1:], stamps=stamps, values=data.tobytes())
    return Event(samples=samples).SerializeToString()


def decode_samples(data: Samples) -> tuple[str, NDArray[np.float64], NDArray]:
    """Name, stamps (N,) [s] and values (N, ...) of ``encode_samples``; ``SpecError`` if they do not fit together."""
    if data.dtype not in DTYPES:
        raise SpecError(
            f"samples of {data.name!r} are {data.dtype!r}, not one of {', '.join(DTYPES)}: update the sender"
        )
    shape, dtype = (len(data.stamps), *data.shape), np.dtype(data.dtype)
    if math.prod(shape) * dtype.itemsize != len(data.values):
        raise SpecError(f"{len(data.stamps)} samples of {data.name!r} have {len(data.values)} bytes: update the sender")
    return data.name, np.array(data.stamps), np.frombuffer(data.values, dtype).reshape(shape)
