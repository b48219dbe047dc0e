"""What both sides of ``learn_pick_cube`` share: the environment behind its pipe, the script that demonstrates, the
files, and the account of a trial. Nothing but numpy, so that every interpreter can import it."""

from __future__ import annotations

import json
import subprocess
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

OBS, ACTION = 21, 4
"""Widths of an observation and of an action."""
JUDGED, WANTED = 20, 0.95
"""A trial is done when this share of the newest training episodes (exploration included) succeeded."""
FIRST = {"demos": 1_000_000, "evaluation": 2_000_000}
"""First episode seeds of the demonstrations and of the evaluation; those of a training are 10 000 times its own."""
TCP, GRIPPER, CUBE = slice(15, 18), 14, slice(18, 21)
"""Where an observation holds the tool's position, the gripper's command and the cube's position."""


class World:
    """The environment in a process of its own, so that its CPU time is told apart.

    ``penalty`` is taken off the reward of a step that opens a closed gripper or closes an open one, as in gym-hil's
    own wrapper; 0 leaves the reward as it is.
    """

    def __init__(self, python: str, penalty: float = 0.0) -> None:
        script = Path(__file__).with_name("pick_cube_world.py")
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([python, str(script)], stdin=pipe, stdout=pipe, text=True, bufsize=1)
        self.cpu = 0.0
        """CPU time of its process so far [s]."""
        self.penalty, self.closed, self.toggles = penalty, 0.0, 0
        """How far the gripper is closed, in [0, 1], and how often it was told to turn round."""

    def _ask(self, **question: Any) -> dict[str, Any]:  # noqa: ANN401
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("gym-hil's process ended: see its message above")
        reply = json.loads(line)
        self.cpu = reply["cpu"]
        return reply

    def reset(self, seed: int) -> NDArray[np.float32]:
        """First observation (21,) of the episode that belongs to ``seed``."""
        return self._seen(self._ask(reset=seed))

    def step(self, action: NDArray[np.float32]) -> dict[str, Any]:
        """obs (21,), reward, terminated, truncated, success after one action (4,)."""
        toggled = (action[3] < -0.5 and self.closed > 0.9) or (action[3] > 0.5 and self.closed < 0.1)
        self.toggles += bool(toggled)
        reply = self._ask(step=[float(v) for v in action])
        return {**reply, "obs": self._seen(reply), "reward": reply["reward"] - self.penalty * toggled}

    def _seen(self, reply: dict[str, Any]) -> NDArray[np.float32]:
        obs = np.array(reply["obs"], np.float32)
        self.closed = float(obs[GRIPPER]) / 255
        return obs

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)


class Expert:
    """Over the cube, down, close, lift; unhurried and a little clumsy."""

    def __init__(self, noise: float = 0.1, pace: float = 0.65) -> None:
        self.noise, self.pace = noise, pace

    def reset(self, seed: int) -> None:
        """Start an episode."""
        self.rng = np.random.default_rng([seed, 5])
        self.closing = 0

    def act(self, obs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Action (4,) for an observation (21,)."""
        offset = obs[CUBE].astype(np.float64) - obs[TCP]
        if np.abs(offset).max() < 0.015 or self.closing:
            self.closing += 1
        elif np.abs(offset[:2]).max() > 0.02:
            offset[2] += 0.05
        move = np.array([0.0, 0.0, 1.0]) if self.closing > 3 else offset / 0.025
        move = np.clip(move, -self.pace, self.pace) + self.noise * self.rng.normal(size=3)
        grip = 1.0 if self.closing else -1.0
        return np.clip(np.append(move, grip), -1.0, 1.0).astype(np.float32)


class Overseer:
    """A scripted person who takes over for 3 to 8 steps when there was no progress for a while, then hands back."""

    patience, most = 10, 2
    """Steps without progress, and takeovers per episode."""

    def reset(self, seed: int) -> None:
        """Start an episode."""
        self.expert = Expert()
        self.expert.reset(seed)
        self.rng = np.random.default_rng([seed, 6])
        self.best, self.stuck, self.left, self.count = -np.inf, 0, 0, 0

    def takes_over(self, obs: NDArray[np.float32]) -> bool:
        """Whether she has the arm for the step after ``obs`` (21,)."""
        progress = 5 * max(0.0, float(obs[CUBE][2]) - 0.02) - float(np.linalg.norm(obs[CUBE] - obs[TCP]))
        self.stuck = 0 if progress > self.best + 0.005 else self.stuck + 1
        self.best = max(self.best, progress)
        if self.left == 0 and self.stuck > self.patience and self.count < self.most:
            self.left, self.stuck, self.best = int(self.rng.integers(4, 10)), 0, progress
            self.count += 1
            self.expert.closing = 0
        self.left -= self.left > 0
        return self.left > 0

    def act(self, obs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Her action (4,)."""
        return self.expert.act(obs)


@dataclass
class Demos:
    """Demonstrations, one after the other."""

    obs: NDArray[np.float32]
    """(N, 21), before each action."""
    next_obs: NDArray[np.float32]
    action: NDArray[np.float32]
    reward: NDArray[np.float32]
    terminated: NDArray[np.bool_]
    """(N,), at the end of each one: all were successful."""

    @staticmethod
    def load(file: Path) -> Demos:
        """Read what ``demonstrate`` wrote."""
        with np.load(file, allow_pickle=False) as stored:
            return Demos(**{name: stored[name] for name in Demos.__dataclass_fields__})


def demonstrate(world: World, count: int, file: Path) -> dict[str, float]:
    """Record ``count`` successful demonstrations to ``file``; how they went."""
    expert, rows, tried, kept = Expert(), [], 0, 0
    while kept < count:
        seed = FIRST["demos"] + tried
        steps = episode(world, expert, seed)
        tried += 1
        if steps[-1]["success"]:
            rows += steps
            kept += 1
    names = Demos.__dataclass_fields__
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file.with_suffix(".tmp.npz"), **{n: np.stack([row[n] for row in rows]) for n in names})
    file.with_suffix(".tmp.npz").rename(file)
    return {"demonstrations": kept, "tried": tried, "steps": len(rows)}


def episode(world: World, expert: Expert, seed: int) -> list[dict[str, Any]]:
    """The steps of one episode of the expert."""
    obs, steps = world.reset(seed), []
    expert.reset(seed)
    while not steps or not (steps[-1]["terminated"] or steps[-1]["truncated"]):
        action = expert.act(obs)
        done = world.step(action)
        row = {"obs": obs, "next_obs": done["obs"], "action": action, "reward": np.float32(done["reward"])}
        steps.append({**row, **{k: np.bool_(done[k]) for k in ("terminated", "truncated", "success")}})
        obs = done["obs"]
    return steps


class Account:
    """Steps, updates, success and CPU time of a trial; knows when it is done."""

    def __init__(self, world: World, cap: int) -> None:
        self.world, self.cap = world, cap
        self.started = (time.process_time(), world.cpu, time.monotonic(), world.toggles)
        self.newest: deque[bool] = deque(maxlen=JUDGED)
        self.steps = self.updates = self.episodes = self.human_steps = 0
        self.curve: list[tuple[int, float, float]] = []

    def cpu(self) -> float:
        """CPU time of learner and environment together [s]."""
        return time.process_time() - self.started[0] + self.world.cpu - self.started[1]

    def ended(self, success: bool, human_steps: int = 0) -> None:
        """One training episode is over; a success that needed help does not count."""
        self.episodes += 1
        self.human_steps += human_steps
        self.newest.append(success and human_steps == 0)
        self.curve.append((self.steps, sum(self.newest) / JUDGED, round(self.cpu(), 1)))

    @property
    def reached(self) -> bool:
        """Whether the newest episodes are good enough."""
        return len(self.newest) == JUDGED and sum(self.newest) >= WANTED * JUDGED

    @property
    def done(self) -> bool:
        """Whether the trial ends."""
        return self.reached or self.steps >= self.cap

    def summary(self) -> dict[str, Any]:
        """What it came to, without what is measured afterwards."""
        environment = self.world.cpu - self.started[1]
        return {
            "reached": self.reached,
            "env_steps": self.steps,
            "episodes": self.episodes,
            "updates": self.updates,
            "human_steps": self.human_steps,
            "toggles_per_episode": round((self.world.toggles - self.started[3]) / max(1, self.episodes), 2),
            "cpu_s": round(self.cpu(), 1),
            "env_cpu_s": round(environment, 1),
            "learner_cpu_s": round(self.cpu() - environment, 1),
            "wall_s": round(time.monotonic() - self.started[2], 1),
            "curve": self.curve[:: max(1, len(self.curve) // 60)],
        }
