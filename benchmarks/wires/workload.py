"""Workload W1, the same for every wire: 100-step episodes of two 128x128 cameras and a 19-d state over loopback.

Each wire imports it in an interpreter of its own, so it needs numpy alone. The learner is a forked process. Flooded,
the wire shows its rate; paced at 50 Hz, what it costs the thread that controls the robot.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np

EPISODE = 100
NUMBERS = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
FLOOD = NUMBERS[0] if NUMBERS else 20
"""Episodes sent as fast as they go."""
PACED = NUMBERS[1] if len(NUMBERS) > 1 else 3
"""Episodes sent at ``RATE``."""
RATE = 50.0
POOL = np.random.default_rng(0).integers(0, 256, (64, 128, 128, 3), dtype=np.uint8)
"""Noise, as of a camera's sensor: no compressor finds anything in it."""


Observation = dict[str, np.ndarray]


def observation(number: int) -> Observation:
    """State (19,) and two images."""
    state = np.full(19, number, np.float32)
    return {"state": state, "front": POOL[number % 64].copy(), "wrist": POOL[(number * 7 + 3) % 64].copy()}


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Tally:
    """The learner's side: counts decoded transitions, and tells when the flooded ones are complete."""

    def __init__(self, pipe: int) -> None:
        self.pipe, self.count = pipe, 0
        self.began: float | None = None

    def add(self, transitions: int) -> None:
        """That many have been decoded into arrays."""
        if self.began is None:
            self.began = time.process_time()
        before, self.count = self.count, self.count + transitions
        if before < FLOOD * EPISODE <= self.count:
            report = {"stamp": time.monotonic(), "cpu": time.process_time() - self.began}
            os.write(self.pipe, (json.dumps(report) + "\n").encode())


class Wire(Protocol):
    """The actor's end of a wire."""

    sent: int
    """Bytes on the wire so far."""

    def begin(self) -> None: ...
    def add(self, obs: Observation, next_obs: Observation) -> None: ...
    def end(self, obs: Observation) -> None: ...
    def close(self) -> None: ...


def run(learner: Callable[[int, Tally], None], make_actor: Callable[[int], Wire]) -> None:
    """Measure one wire: ``learner`` serves a port for ever, ``make_actor`` connects to it. Prints JSON."""
    port = free_port()
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            learner(port, Tally(into))
        finally:
            os._exit(0)
    try:
        actor = make_actor(port)
        figures = flood(actor, out)
        figures |= paced(actor)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
    print(json.dumps(figures), flush=True)
    os._exit(0)


def flood(actor: Wire, out: int) -> dict[str, float]:
    """Episodes one after the other; the rate until the learner has decoded the last."""
    count = FLOOD * EPISODE
    observations = [observation(n) for n in range(EPISODE + 1)]
    started, cpu = time.monotonic(), time.process_time()
    for _ in range(FLOOD):
        actor.begin()
        for n in range(EPISODE):
            actor.add(observations[n], observations[n + 1])
        actor.end(observations[EPISODE])
    with os.fdopen(out) as lines:
        learner = json.loads(lines.readline())
    elapsed, spent = learner["stamp"] - started, time.process_time() - cpu + learner["cpu"]
    return {
        "transitions_per_s": round(count / elapsed, 1),
        "transitions_per_cpu_s": round(count / spent, 1),
        "mb_per_transition": round(actor.sent / count / 1e6, 4),
    }


def paced(actor: Wire) -> dict[str, float]:
    """Episodes at the control rate; how long the control thread was held up, per step and per episode."""
    steps, episodes = [], []
    for _ in range(PACED):
        spent, due = 0.0, time.monotonic()
        for n in range(EPISODE):
            obs, next_obs = observation(n), observation(n + 1)
            started = time.perf_counter()
            if n == 0:
                actor.begin()
            actor.add(obs, next_obs)
            steps.append(time.perf_counter() - started)
            spent += steps[-1]
            due += 1 / RATE
            time.sleep(max(0.0, due - time.monotonic()))
        started = time.perf_counter()
        actor.end(observation(EPISODE))
        episodes.append(spent + time.perf_counter() - started)
    actor.close()
    return {
        "block_step_p50_us": round(float(np.percentile(steps, 50)) * 1e6, 1),
        "block_step_p99_us": round(float(np.percentile(steps, 99)) * 1e6, 1),
        "block_episode_p50_ms": round(float(np.percentile(episodes, 50)) * 1e3, 2),
        "block_episode_p99_ms": round(float(np.percentile(episodes, 99)) * 1e3, 2),
    }
