"""The loop's health under the keys of ros2_control's controller manager, so that its tools read ours as well.

``<controller>.state``, ``.execution_time`` and ``.periodicity``, with the thresholds that the manager has by default.
"""

from __future__ import annotations

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from numpy.typing import NDArray

from controllers.guard.lifecycle import POWERED, Phase
from robot_rl.nodes import messages as ros

CONTROLLER = "passive_impedance"
RATE = 1000.0
"""Of the loop [Hz]."""
PERIODICITY = (5.0, 10.0)
"""Error of the mean, and standard deviation, of the rate: warning, error [Hz]."""
EXECUTION = (1000.0, 2000.0)
"""Mean execution time: warning, error [us]."""
EXECUTION_SPREAD = (100.0, 200.0)
"""Its standard deviation [us]."""
LEVELS = (DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR)


class Activity:
    """Statistics of the loop between two diagnostics, from the snapshots ``record`` in that time."""

    def __init__(self, record: NDArray[np.void]) -> None:
        self.record = record
        self._last: tuple[float, float] | None = None
        self._rates: list[float] = []

    def note(self) -> None:
        """Take in the newest snapshot: how many ticks passed since the last one, and in what time."""
        now, ticks = float(self.record["stamp"]), float(self.record["ticks"])
        if self._last is not None and now > self._last[0]:
            self._rates.append((ticks - self._last[1]) / (now - self._last[0]))
        self._last = (now, ticks)

    def status(self) -> DiagnosticStatus:
        """``Controllers Activity`` since the last call."""
        rates, self._rates = np.array(self._rates or [0.0]), []
        mean, spread = 1e6 * float(self.record["compute_mean"]), 1e6 * float(self.record["compute_std"])
        limits = (0.0, 1e6 * float(self.record["compute_p99"]))
        phase = Phase(int(self.record["phase"]))
        worst = 0
        if phase in POWERED:
            worst = max(
                _level(abs(float(rates.mean()) - RATE), PERIODICITY),
                _level(float(rates.std()), PERIODICITY),
                _level(mean, EXECUTION),
                _level(spread, EXECUTION_SPREAD),
            )
        values = {
            f"{CONTROLLER}.state": "active" if phase in POWERED else "inactive",
            f"{CONTROLLER}.execution_time": _text((mean, *limits, spread), "us"),
            f"{CONTROLLER}.periodicity": f"{_text(_four(rates), 'Hz')} -> Desired : {RATE:g} Hz",
            f"{CONTROLLER}.phase": phase.name,
        }
        text = ("All controllers are active", "the loop is not steady", "the loop is far from steady")[worst]
        if phase not in POWERED:
            text = f"the controller is {phase.name}"
        return ros.status("arm: Controllers Activity", LEVELS[worst], text, values)


def _level(error: float, limits: tuple[float, float]) -> int:
    return int(error > limits[0]) + int(error > limits[1])


def _four(values: NDArray[np.float64]) -> tuple[float, float, float, float]:
    return float(values.mean()), float(values.min()), float(values.max()), float(values.std())


def _text(four: tuple[float, float, float, float], unit: str) -> str:
    """Mean, least, largest (for execution times: up to the 99th percentile) and standard deviation."""
    mean, low, high, spread = four
    return f"Avg: {mean:.3f} [{low:.3f} - {high:.3f}] {unit}, StdDev: {spread:.3f}"
