"""The benchmarks of recording, short: nothing lost or damaged, no memory taken, and the cost of a step is small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def figures(name: str) -> dict[str, Any]:
    call = [sys.executable, str(BENCHMARKS / f"{name}.py"), "--quick"]
    done = subprocess.run(call, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1].removeprefix("RESULT "))["figures"]


def test_killed_processes_lose_and_damage_nothing():
    found = figures("faults_data")
    assert found["kills"] == 10
    assert found["lost or damaged"] == 0
    assert found["most steps of one lost"] <= 1


def test_recording_costs_little():
    found = figures("dataset_write")
    small, large = found["2 x 128x128"], found["3 x 640x480"]
    assert small["step p50 ms"] < 1.0
    assert small["damaged"] == 0
    assert (small["steps"], large["steps"]) == (60, 60)
    assert large["step p50 ms"] < 3.0
    assert large["behind"] < 8, "the disk does not keep up with three cameras"


def test_a_longer_episode_takes_no_more_memory():
    found = figures("record_long")
    assert found["memory grown while recording MB"] < 2.0
    assert found["memory grown with closing MB"] < 20.0
    assert found["steps"] == 180
    assert found["damaged"] == 0
