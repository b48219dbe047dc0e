"""A server, a client and an actor in one place, and a small environment and policy for them."""

import threading
import time

import numpy as np

from robot_rl.actor.runner import ActorConfig, ActorRunner
from robot_rl.core.records import EnergyState, Mode, Source, Step
from robot_rl.core.spec import STATE, Feature, Spec
from robot_rl.transport.client import ExperienceClient
from robot_rl.transport.codec import decode_step
from robot_rl.transport.experience_pb2 import Event
from robot_rl.transport.server import ExperienceServer

SPEC = Spec(observation={STATE: Feature((1,))}, action_dim=1, rate=10.0)
ENERGY = EnergyState(
    tank=1.0, spring=0.0, work=0.0, budget=2.0, scale=1.0, mode=Mode.ACTIVE, violations=0, worst_ratio=0.25
)


class Counter:
    """Ten steps per episode; the observation counts them."""

    spec = SPEC
    max_steps = 10

    def __init__(self) -> None:
        self.seeds: list[int] = []
        self.total = 0

    def reset(self, seed: int) -> dict[str, np.ndarray]:
        self.seeds.append(seed)
        self.steps = 0
        return {STATE: np.zeros(1, np.float32)}

    def step(self, action: np.ndarray, source: Source = Source.POLICY) -> Step:
        time.sleep(0.002)
        self.steps += 1
        self.total += 1
        return Step(
            stamp=0.0, obs={STATE: np.full(1, self.steps, np.float32)}, executed=action, reward=0.0, success=False,
            terminated=False, truncated=self.steps == 10, energy=ENERGY, peak_force=0.0, state=None,
        )  # fmt: skip

    def close(self) -> None:
        pass


class Constant:
    """Acts what its one weight says."""

    def __init__(self) -> None:
        self.value = 0.0
        self.thread: str | None = None

    def reset(self) -> None:
        pass

    def augment(self, obs):
        return obs

    def act(self, obs, *, explore=False):
        return np.full((1, 1), self.value, np.float32)

    def load_weights(self, weights) -> None:
        self.value = float(weights["value"])
        self.thread = threading.current_thread().name


class Bench:
    """A server, a client and an actor in one place."""

    def __init__(self, folder) -> None:
        self.arrived = []
        self.server = ExperienceServer("127.0.0.1:0", folder / "log", SPEC)
        self.server.start(self.arrived.append)
        self.client = ExperienceClient(self.server.address, folder / "spool", SPEC)
        self.env, self.policy = Counter(), Constant()

    def run(self, config: ActorConfig):
        return ActorRunner(self.env, self.policy, self.client, config).run()

    def steps(self):
        events = [Event.FromString(a.payload) for a in self.arrived]
        return [decode_step(e.step, SPEC) for e in events if e.WhichOneof("body") == "step"]


def publish(bench: Bench, value: float) -> None:
    bench.server.publish({"value": np.array(value, np.float32)})


def wait_for(condition) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)
