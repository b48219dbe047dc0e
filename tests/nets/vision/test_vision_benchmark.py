"""The benchmark of learning from images runs, and stored maps save asking the encoder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_stored_maps_are_learnt_from_faster_than_an_encoder_that_is_asked_again() -> None:
    call = [sys.executable, str(ROOT / "benchmarks" / "vision.py"), "--quick"]
    done = subprocess.run(call, capture_output=True, text=True, check=True, timeout=300)
    told = json.loads(done.stdout.strip().splitlines()[-1].removeprefix("RESULT "))
    figures = told["figures"]
    assert figures["frozen_stored_over_asked_again"] > 2
    assert 0 < figures["scratch_updates_per_cpu_s"] < told["limit"]["without_images"]["updates_per_cpu_s"]
    assert figures["scratch_bfloat16_updates_per_cpu_s"] > 0
