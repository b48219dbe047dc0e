"""Whether a recording keeps its rates: late steps, periods without a step, images and states that did not come."""

from __future__ import annotations

from collections.abc import Mapping

from robot_rl.envs.robot_env import RobotEnv

LATE = 0.1
"""A step that begins this share of a period after its deadline is late."""


class Punctuality:
    """Counts, while it is asked before every step of an episode."""

    def __init__(self, env: RobotEnv) -> None:
        self.env = env
        self.total: dict[str, int] = {}
        """Of all episodes."""
        self.restart()

    def restart(self) -> None:
        """A new episode."""
        self.late_steps = 0
        """Steps that began too late."""
        self.missed_steps = 0
        """Periods in which no step began."""
        self.stale_images = 0
        """Images that a step saw although the step before had seen them too."""
        self.stale_states = 0
        """States, likewise."""
        self.steps = 0
        self.rate = 0.0
        """Steps per second so far, pauses left out [Hz]."""
        self._passed = self._stamp = 0.0
        self._moved = 0
        self._images: Mapping[str, float] = {}

    def measure(self, *, held: bool = False) -> None:
        """Called before every step; ``held``: the step before was one in which the arm held, however long."""
        env = self.env
        if self.steps and not held:
            period = env.rate.period
            self._count("late_steps", int(env.rate.lateness > LATE * period))
            self._count("missed_steps", int(env.rate.lateness / period))
            self._count("stale_states", int(env.state.stamp <= self._stamp))
            same = sum(self._images.get(name) == stamp for name, stamp in env.frame_stamps.items())
            self._count("stale_images", same)
            self._passed += env.state.stamp - self._stamp
            self._moved += 1
            self.rate = self._moved / self._passed if self._passed > 0 else 0.0
        self._stamp, self._images = env.state.stamp, dict(env.frame_stamps)
        self.steps += 1

    def facts(self) -> dict[str, int | float]:
        """What is stored with the episode."""
        counts: dict[str, int | float] = {name: getattr(self, name) for name in COUNTS}
        return {**counts, "rate": round(self.rate, 3)}

    def _count(self, name: str, number: int) -> None:
        setattr(self, name, getattr(self, name) + number)
        self.total[name] = self.total.get(name, 0) + number


COUNTS = ("late_steps", "missed_steps", "stale_images", "stale_states")
