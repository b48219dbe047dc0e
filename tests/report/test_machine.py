"""A test of the machine that does not answer is not taken for a lack."""

from robot_rl.apps.doctor import mark
from robot_rl.report import machine


def test_no_answer_is_not_missing(monkeypatch):
    assert machine.run_python("pass") is True
    assert machine.run_python("raise SystemExit(1)") is False
    monkeypatch.setattr(machine, "PATIENCE", 0.001)
    for found in (machine.real_time(), machine.ros(), machine.drawing("egl", "libegl1")):
        assert (found.present, found.answered) == (False, False)
        assert "has not answered within 0.001 s" in found.text
        assert found.remedy == "robot-rl doctor"
        assert "no answer" in mark(found)
