"""A learner and its actors as processes that can be killed at any time; each tells in a file what it has done."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from crashes.numbered import LIVES, PUBLICATION, SPEC, NumberedEnv, TaggedPolicy

from robot_rl.actor.runner import ActorConfig, ActorRunner
from robot_rl.core.protocols import Observation
from robot_rl.core.records import StepRecord
from robot_rl.core.spec import STATE
from robot_rl.learner import registry
from robot_rl.learner.runner import LearnerRunner, RunnerConfig
from robot_rl.transport.client import ExperienceClient
from robot_rl.transport.codec import Meta
from robot_rl.transport.server import ExperienceServer

EVERY = 0.25
"""Time between two publications of weights [s]."""
DAWDLE = 3.0
"""How long an actor is slow that is told to be by SIGUSR1 [s]."""
BALLAST = 1 << 18
"""Numbers beside the small network's weights: a message of 1 MB."""
FOREVER = 10**9
METHOD = registry.load("sac")


def forked(act: Callable[[], None]) -> int:
    """A process that runs ``act``; its number."""
    child = os.fork()
    if child:
        return child
    try:
        torch.set_num_threads(1)
        act()
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


class Diary:
    """Lines of numbers that survive the process."""

    def __init__(self, path: Path) -> None:
        self.file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)

    def write(self, *numbers: float) -> None:
        """One line."""
        os.write(self.file, (" ".join(f"{n:.6f}" for n in numbers) + "\n").encode())


def lines(path: Path) -> np.ndarray:
    """Whole lines of a diary, (N, columns)."""
    text = path.read_text().rpartition("\n")[0] if path.exists() else ""
    return np.array([[float(v) for v in line.split()] for line in text.splitlines()])


class Reporting(ExperienceClient):
    """Counts what it was given."""

    handed = 0

    def begin(self, meta: Meta) -> None:
        """Open an episode."""
        self.handed += 1
        super().begin(meta)

    def add(self, step: StepRecord) -> None:
        """One step."""
        self.handed += 1
        super().add(step)

    def end(self, final_obs: Observation | None) -> None:
        """Close it."""
        self.handed += 1
        super().end(final_obs)


def actor(folder: Path, address: str, number: int, life: int) -> None:
    """An actor's life: before every step it tells when, what it was given, what is on its disk, whose weights."""
    diary = Diary(folder / f"actor{number}-{life:03d}.txt")
    policy = TaggedPolicy()
    signal.signal(signal.SIGUSR1, lambda *_: policy.dawdle(DAWDLE))
    with Reporting(address, folder / f"spool{number}", SPEC) as client:

        def tell() -> None:
            when, policy.taken = policy.taken or time.monotonic(), 0.0
            connected = client.status.connected
            diary.write(when, client.handed, client.spool.live.last, *policy.publication, connected)

        env = NumberedEnv(number * LIVES + life, tell)
        config = ActorConfig(
            wait="never", max_unsent=FOREVER, max_away=FOREVER, patience=FOREVER, connect_timeout=60, drain_timeout=60
        )
        summary = ActorRunner(env, policy, client, config, facts={"who": env.who}).run()
    if not summary.delivered:
        raise RuntimeError("something was not delivered")


def learner(folder: Path, port: int, life: int, *, last: bool = False) -> None:
    """A learner's life: publishes all the time, learns from what comes.

    The last one takes all that there is, as fast as it can, and tells what it may learn from.
    """
    diary = Diary(folder / f"learner-{life:03d}.txt")
    made = METHOD.make(METHOD.Config(hidden=(16, 16), batch_size=32), SPEC, base=None, statistics=None)
    config = RunnerConfig(
        folder=folder / "run", max_env_steps=FOREVER, utd=0.0 if last else 0.2, learning_starts=50, max_lead=FOREVER,
        publish_every=FOREVER, checkpoint_every=100, farewell=0.0,
    )  # fmt: skip
    ballast, count = np.zeros(BALLAST, np.float32), 0
    weights = made.weights

    def tagged() -> dict[str, np.ndarray]:
        nonlocal count
        count += 1
        diary.write(time.monotonic(), count)
        return {**weights(), "ballast": ballast, PUBLICATION: np.array([life, count])}

    made.weights = tagged
    with ExperienceServer(f"127.0.0.1:{port}", folder / "run" / "log", SPEC) as server:
        runner = LearnerRunner(made, None, server, config)
        work = (_stop, (runner,)) if last else (_publish, (server, tagged, folder))
        threading.Thread(target=work[0], args=work[1], daemon=True).start()
        runner.run()
    if last:
        _tell(runner, folder)


def _stop(runner: LearnerRunner) -> None:
    """Once nothing more comes."""
    known = -1
    while known != runner.feed.env_steps or runner.feed.backlog or known == 0:
        known = runner.feed.env_steps
        time.sleep(2.0)
    runner.stop()


def _tell(runner: LearnerRunner, folder: Path) -> None:
    rows = runner.replay.sample(30 * max(1, len(runner.replay))).obs[STATE][:, :2].astype(int)
    known = sorted({(int(who), int(number)) for who, number in rows})
    told = {"length": len(runner.replay), "known": known, "env_steps": runner.feed.env_steps, "updates": runner.updates}
    (folder / "replay.json").write_text(json.dumps({**told, "rejected": runner.feed.rejected}))


def _publish(server: ExperienceServer, tagged: Callable[[], dict[str, np.ndarray]], folder: Path) -> None:
    while not (folder / "run" / "address").exists():
        time.sleep(0.02)
    due = time.monotonic()
    while True:
        server.publish(tagged())
        due += EVERY
        time.sleep(max(0.0, due - time.monotonic()))
