"""The commands: help for each, nothing imported that is not needed, a small journey in lockstep."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from robot_rl.apps import collect, evaluate, train
from robot_rl.apps.main import COMMANDS
from robot_rl.apps.main import run as robot_rl
from robot_rl.data.dataset import open_dataset
from robot_rl.methods import bc

MENUS = ("data", "rewards")


@pytest.mark.parametrize("name", MENUS)
def test_every_menu_lists_its_commands(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert robot_rl([name, "--help"]) == 0
    assert f"usage: robot-rl {name} COMMAND" in capsys.readouterr().out


@pytest.mark.parametrize("name", [name for name, _ in COMMANDS if name not in MENUS])
def test_every_command_explains_its_options(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        robot_rl([name, "--help"])
    assert not stopped.value.code
    assert "usage: robot-rl" in capsys.readouterr().out


def test_the_list_of_commands_imports_nothing_heavy() -> None:
    code = "import sys\nfrom robot_rl.apps.main import run\nrun(['--help'])\n"
    code += "assert not {'torch', 'rclpy', 'mujoco', 'numba'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, stdout=subprocess.DEVNULL)


def test_doctor_looks_at_everything(capsys: pytest.CaptureFixture[str]) -> None:
    robot_rl(["doctor", "--json"])
    findings = json.loads(capsys.readouterr().out)
    names = {f["name"] for f in findings}
    assert {"Python", "GPU", "ROS 2", "GL egl", "real-time limits", "RealSense", "gripper"} <= names
    assert all(f["text"] for f in findings)
    assert all(f["remedy"] for f in findings if not f["present"])


def test_doctor_measures_the_lateness_of_a_loop(capsys: pytest.CaptureFixture[str]) -> None:
    robot_rl(["doctor", "--realtime", "--seconds", "0.3", "--json"])
    found = json.loads(capsys.readouterr().out)
    jitter = found["jitter"]
    assert 10 < jitter["rounds"] <= 300
    assert 0 < jitter["p50"] <= jitter["p99"] <= jitter["p999"]
    assert sum(share for _, share in jitter["rows"]) == pytest.approx(1.0)
    assert {"1 kHz loop", "kernel", "frequency", "isolation"} <= {f["name"] for f in found["findings"]}
    robot_rl(["doctor", "--realtime", "--seconds", "0.1"])
    assert "up to" in capsys.readouterr().out


def test_a_small_journey(tmp_path: Path) -> None:
    """Two demonstrations, a short training, an evaluation of two seeds; all files are where they should be."""
    collect.main(collect.Config(task="reach", out=tmp_path / "demos", episodes=2, noise=0.1, cameras=()))
    assert [e.outcome for e in open_dataset(tmp_path / "demos").episodes()] == ["success", "success"]
    method = bc.Config(updates=60)
    train.main(train.Config(algorithm="bc", dataset=tmp_path / "demos", out=tmp_path / "base", method=method))
    out = tmp_path / "before.json"
    evaluate.main(evaluate.Config(checkpoint=tmp_path / "base", episodes=2, out=out))
    found = json.loads(out.read_text())
    assert found["task"] == "reach"
    assert [e["seed"] for e in found["episodes"]] == [1000, 1001]
    assert 0.0 <= found["interval"][0] <= found["success"] <= found["interval"][1] <= 1.0
    assert found["passivity_violations"] == 0
