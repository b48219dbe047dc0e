"""The benchmark of reactions, a few samples: what it promises holds here too."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(600)
def test_the_arm_reacts_in_time():
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    call = [sys.executable, str(ROOT / "benchmarks" / "reaction.py"), "--quick"]
    done = subprocess.run(call, env=env, cwd=ROOT, capture_output=True, text=True, timeout=580, check=True)
    figures = json.loads(done.stdout.splitlines()[-1].removeprefix("RESULT "))["figures"]
    assert figures["commands_lost"]["hold_ticks"] <= 1
    assert figures["commands_lost"]["rest_s"] <= 0.5
    assert figures["stop_in_lockstep"]["first_braking_torque_ticks"] <= 1
    assert figures["stop_between_processes"]["best_ms"] <= 2.0, "the median is for a quiet machine"
    assert figures["bridge_lost_beyond_timeout"]["best_ms"] <= 2.0
    assert figures["dead_loop_noticed"]["best_ms"] <= 5.0
