"""The benchmark in small: on the twin's own frames a classifier learns what success looks like."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_twin_s_successes_can_be_learnt_from_images():
    call = [sys.executable, str(ROOT / "benchmarks" / "reward_classifier.py"), "--quick"]
    done = subprocess.run(call, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    line = json.loads(done.stdout.strip().splitlines()[-1].removeprefix("RESULT "))
    found = line["figures"]["twin"]
    assert found["auc"] > 0.85, "a few episodes and updates; chance is 0.5"
    assert found["successes"] > 10
    learns, all_of_them = found["parameters_with_gradient"].split(" of ")
    assert learns == all_of_them
    assert 0 < line["figures"]["judging_cpu_ms"] < 50, "each step of 100 ms asks it once"
