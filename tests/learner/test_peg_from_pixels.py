"""The benchmark of insertion from images runs through; the policy in it is given no object's pose."""

import json
import subprocess
import sys
from pathlib import Path

from robot_rl.core.spec import ENVIRONMENT, Spec
from robot_rl.learner.checkpoint import describe

ROOT = Path(__file__).resolve().parents[2]


def test_every_stage_runs_and_is_not_repeated(tmp_path):
    call = [sys.executable, str(ROOT / "benchmarks" / "claims" / "peg_from_pixels.py"), "--quick"]
    call += ["--folder", str(tmp_path)]
    found = []
    for _ in range(2):
        said = subprocess.run(call, capture_output=True, text=True, check=True, timeout=280).stdout
        found.append(json.loads(said.strip().splitlines()[-1].removeprefix("RESULT "))["figures"])
    assert found[0] == found[1]
    assert found[0]["env_steps"] >= 120
    assert found[0]["learning_cpu_s"] > 0
    for name in ("base", "finetuned"):
        features = Spec.from_json(describe(tmp_path / name)["spec"]).observation
        assert ENVIRONMENT not in features
        assert features["observation.images.wrist"].shape == (64, 64, 3)
