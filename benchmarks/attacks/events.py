"""Records that look well at first sight: framed and summed correctly, and yet none that a learner may keep."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from random import Random

import numpy as np

from robot_rl.core.records import EnergyState, Mode, Source, StepRecord
from robot_rl.core.spec import IMAGES, STATE, Feature, Spec
from robot_rl.transport.codec import encode_begin, encode_end, encode_step
from robot_rl.transport.experience_pb2 import Event
from robot_rl.transport.framing import frame

SPEC = Spec(
    observation={STATE: Feature((19,)), IMAGES + "front": Feature((24, 32, 3), "uint8")}, action_dim=6, rate=10.0
)
ENERGY = EnergyState(
    tank=1.0, spring=0.0, work=0.0, budget=1.0, scale=1.0, mode=Mode.ACTIVE, violations=0, worst_ratio=0.0
)
FAR = (0, 1, 2, 5, 255, 1 << 16, (1 << 31) - 1, (1 << 32) - 1)
NOT_FINITE = (math.nan, math.inf, -math.inf)


def observation(number: int) -> dict[str, np.ndarray]:
    """Any."""
    return {STATE: np.full(19, number, np.float32), IMAGES + "front": np.full((24, 32, 3), number % 256, np.uint8)}


def step(number: int) -> StepRecord:
    """A sound one."""
    action = np.zeros(6, np.float32)
    return StepRecord(
        obs=observation(number), action=action, proposal=action, reward=0.0, success=False, terminated=False,
        truncated=False, source=Source.POLICY, stamp=0.1 * number, energy=ENERGY, peak_force=0.0,
    )  # fmt: skip


def sound(count: int = 4) -> list[bytes]:
    """Payloads of a short episode."""
    return [encode_begin({"task": "x"}), *(encode_step(step(n), SPEC) for n in range(count)), encode_end(None, SPEC)]


def _step(change: Callable[[Event, Random], None]) -> Callable[[Random], bytes]:
    def make(rng: Random) -> bytes:
        event = Event.FromString(encode_step(step(rng.randrange(9)), SPEC))
        change(event, rng)
        return event.SerializeToString()

    return make


def _cut(event: Event, rng: Random) -> None:
    name = rng.choice(["observation", "action", "proposal"])
    data = getattr(event.step, name)
    setattr(event.step, name, data[: rng.randrange(len(data))])


def _grow(event: Event, rng: Random) -> None:
    name = rng.choice(["observation", "action", "proposal", "policy_proposal"])
    setattr(event.step, name, getattr(event.step, name) + rng.randbytes(rng.choice([1, 3, 64, 5000])))


def _break_numbers(event: Event, rng: Random) -> None:
    numbers = np.zeros(6, np.float32)
    numbers[rng.randrange(6)] = rng.choice(NOT_FINITE)
    setattr(event.step, rng.choice(["action", "proposal", "policy_proposal"]), numbers.tobytes())


def _break_state(event: Event, rng: Random) -> None:
    data = bytearray(event.step.observation)
    at = 4 * rng.randrange(19)
    data[at : at + 4] = np.float32(rng.choice(NOT_FINITE)).tobytes()
    event.step.observation = bytes(data)


def _break_reward(event: Event, rng: Random) -> None:
    setattr(event.step, rng.choice(["reward", "stamp"]), rng.choice(NOT_FINITE))


def _break_names(event: Event, rng: Random) -> None:
    where, name = rng.choice([(event.step, "source"), (event.step, "reward_source"), (event.step.energy, "mode")])
    setattr(where, name, rng.choice(FAR[4:]))


def _break_stamps(event: Event, rng: Random) -> None:
    event.step.frame_stamps.extend([1.0] * rng.choice([2, 3, 1000]))


def _meta(rng: Random) -> bytes:
    texts = ["", "[1]", "{", '"a"', "null", "[" * 5000, json.dumps({"a": "x" * 70_000}), "{" * 100_000]
    event = Event()
    event.begin.meta = rng.choice(texts)
    return event.SerializeToString()


def _end(rng: Random) -> bytes:
    event = Event()
    event.end.complete = True
    event.end.observation = rng.randbytes(rng.choice([0, 1, 75, 2379, 2381, 100_000]))
    return event.SerializeToString()


def _samples(rng: Random) -> bytes:
    event = Event()
    samples = event.samples
    samples.name, samples.dtype = "w", rng.choice(["float32", "object", "O", "V8", "<f4", "float32, (9,)f8", ""])
    samples.shape.extend(rng.choice(FAR[2:]) for _ in range(rng.randrange(1, 4)))
    samples.stamps.extend([0.0] * rng.randrange(1, 5))
    samples.values = rng.randbytes(rng.choice([1, 3, 5, 101]))
    return event.SerializeToString()


def _header(rng: Random) -> bytes:
    event = Event()
    event.header.schema = rng.choice(FAR)
    return event.SerializeToString()


UNSOUND: tuple[Callable[[Random], bytes], ...] = (
    *map(_step, (_cut, _grow, _break_numbers, _break_state, _break_reward, _break_names, _break_stamps)),
    _meta,
    _end,
    _samples,
    _header,
    lambda rng: b"\x07" + rng.randbytes(rng.randrange(200)),
    lambda rng: b"",  # noqa: ARG005
)
"""Each makes a payload that is not to be kept."""


def batch(rng: Random) -> bytes:
    """Records of which at least one is unsound, or whose frames are."""
    payloads = sound(rng.randrange(4))
    first = rng.choice([1, 1, 1, 7, 1 << 40])
    if rng.random() < 0.6:
        payloads[rng.randrange(len(payloads))] = rng.choice(UNSOUND)(rng)
        return b"".join(frame(first + n, payload) for n, payload in enumerate(payloads))
    raw = bytearray(b"".join(frame(first + n, payload) for n, payload in enumerate(payloads)))
    match rng.randrange(4):
        case 0:
            raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
        case 1:
            del raw[rng.randrange(1, len(raw)) :]
            raw += b"\x0a"
        case 2:
            raw += rng.randbytes(rng.randrange(1, 300))
        case _:
            at = rng.randrange(len(raw))
            raw[at:at] = rng.randbytes(rng.randrange(1, 40))
    return bytes(raw)
