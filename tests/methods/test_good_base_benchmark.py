"""The benchmark of fine-tuning a good base runs through, with a price on the residual and without."""

import json
import runpy
import sys
from pathlib import Path

CLAIMS = Path(__file__).parents[2] / "benchmarks" / "claims"


def test_base_and_both_residuals_are_measured(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["good_base.py", "--quick"])
    monkeypatch.syspath_prepend(str(CLAIMS))
    runpy.run_path(str(CLAIMS / "good_base.py"), run_name="__main__")
    line = json.loads(capsys.readouterr().out.strip().splitlines()[-1].removeprefix("RESULT "))
    ours, free = line["figures"], line["peers"]["no price"]
    assert ours["worst"] <= ours["success"]
    assert 0 < ours["residual"] < 0.7 * free["residual"]
    assert free["cpu_s"] > 0
