"""The benchmark of insertion from images runs through; the policy in it is given no object's pose."""

import json
import runpy
import sys
from pathlib import Path

from robot_rl.core.spec import ENVIRONMENT, Spec
from robot_rl.learner.checkpoint import describe

CLAIMS = Path(__file__).resolve().parents[2] / "benchmarks" / "claims"


def test_every_stage_runs_and_is_not_repeated(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(CLAIMS))
    monkeypatch.setattr(sys, "argv", ["peg_from_pixels.py", "--quick", "--folder", str(tmp_path)])
    found = []
    for _ in range(2):
        runpy.run_path(str(CLAIMS / "peg_from_pixels.py"), run_name="__main__")
        said = capsys.readouterr().out.strip().splitlines()[-1]
        found.append(json.loads(said.removeprefix("RESULT "))["figures"])
    assert found[0] == found[1]
    assert found[0]["env_steps"] >= 60
    assert found[0]["learning_cpu_s"] > 0
    for name in ("base", "finetuned"):
        features = Spec.from_json(describe(tmp_path / name)["spec"]).observation
        assert ENVIRONMENT not in features
        assert features["observation.images.wrist"].shape == (64, 64, 3)
