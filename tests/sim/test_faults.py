"""The matrix of faults, one situation each; and that its judge would see an arm that leaves ACTIVE silently."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def test_every_fault_is_noticed_and_none_is_silent():
    call = [sys.executable, str(BENCHMARKS / "faults.py"), "--quick"]
    done = subprocess.run(call, capture_output=True, text=True, timeout=280, check=True)
    figures = json.loads(done.stdout.splitlines()[-1].removeprefix("RESULT "))["figures"]
    assert figures["faults"] >= 20
    assert [figures[name] for name in ("silent", "unnoticed", "still_moving", "over_budget")] == [0, 0, 0, 0]
    assert figures["left"] >= 12


@pytest.fixture
def faults(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import faults

    return faults


def test_the_judge_sees_a_change_that_nobody_told(faults, tmp_path):
    from controllers.black_box.recorder import Recorder

    case = next(case for case in faults.FAULTS if case.name == "stop pressed")
    recorder = Recorder(tmp_path / "box", 7, faults.LEAD + faults.RUN + 10)
    cell = faults.Cell(recorder, "following", case)
    cell.run()
    told = faults.judge(cell, recorder, Counter())
    assert (told.left, told.silent, told.moving) == ("STOPPED/STOPPED", False, False)
    recorder.box.events["phase_to"][recorder.box.events["phase_to"] == 8] = 3
    assert faults.judge(cell, recorder, Counter()).silent
