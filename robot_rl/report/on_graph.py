"""What a node's JSON lines, one per episode on the ROS 2 graph, come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from robot_rl.report.records import Evaluation

SCALES = {"us": 1e6, "ms": 1e3}
LOOP = {
    "lateness_p50": "arm_loop_late_p50_us",
    "lateness_p99": "arm_loop_late_p99_us",
    "lateness_max": "arm_loop_late_max_us",
    "compute_p50": "arm_tick_takes_p50_us",
    "compute_p99": "arm_tick_takes_p99_us",
}
"""Figure of the arm's real-time loop -> name in the report."""
STEPS = {
    "step_lateness_p50": "control_step_late_p50_ms",
    "step_lateness_p99": "control_step_late_p99_ms",
    "state_age_p50": "state_age_p50_ms",
    "image_age_p50": "image_age_p50_ms",
    "image_age_p99": "image_age_p99_ms",
}
"""Figure of the policy's loop -> name in the report."""
COUNTS = {"ticks": "arm_ticks", "missed": "missed_ticks", "rejected": "rejected_commands", "fifo": "real_time_priority"}


def evaluation_of(task: str, checkpoint: str, lines: Sequence[Mapping[str, Any]]) -> Evaluation:
    """Episodes and timing; percentiles of several episodes are given by their worst."""
    data = {"task": task, "checkpoint": checkpoint, "episodes": lines, "timing": timing(lines)}
    return Evaluation.from_json(data)


def timing(lines: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Named figures, units in the names."""
    found: dict[str, float] = {}
    loops = [line.get("loop", {}) for line in lines]
    for rows, names in ((loops, LOOP), (lines, STEPS)):
        for source, name in names.items():
            values = [float(row[source]) for row in rows if source in row]
            if values:
                found[name] = round(SCALES[name[-2:]] * max(values), 3)
    found |= {name: float(loops[-1][source]) for source, name in COUNTS.items() if loops and source in loops[-1]}
    return {name: value for name, value in found.items() if np.isfinite(value)}
