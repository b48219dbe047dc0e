"""The benchmark of passivity-aware training runs in small; whatever has been learnt, the filter keeps the budget."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "claims" / "passive_rl.py"


def test_deployed_behind_the_filter_no_policy_violates_the_budget() -> None:
    call = [sys.executable, str(SCRIPT), "--quick"]
    done = subprocess.run(call, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-2000:]
    last = done.stdout.strip().splitlines()[-1]
    line = json.loads(last.removeprefix("RESULT "))
    assert line["benchmark"] == "claims/passive_rl"
    for method in ("sac", "ppo"):
        for figures in (line["figures"][method], line["peers"]["energy_agnostic"][method]):
            assert figures["filtered_violations"] == figures["filtered_overdrawn"] == 0
            assert figures["filtered_worst_ratio"] <= 1.0
            assert figures["unfiltered_intervention"] == 0.0
        assert line["figures"][method]["holds"]["filtered_never_violates"] == "2 of 2"
