"""``robot-rl data``: every verb explains itself, says what it found, and ends with the right code."""

import json
import subprocess
import sys

import pytest

from robot_rl.apps.data import COMMANDS
from robot_rl.apps.main import run as robot_rl
from robot_rl.data.layout import EPISODES


@pytest.fixture
def dataset(tmp_path):
    from robot_rl.apps import collect

    collect.main(collect.Config(task="reach", out=tmp_path / "demos", episodes=2, noise=0.1, cameras=("front",)))
    return tmp_path / "demos"


def printed(capsys, *words):
    """What a command prints, as JSON, and its exit code."""
    capsys.readouterr()
    code = robot_rl(["data", *map(str, words), "--json"])
    return json.loads(capsys.readouterr().out), code


@pytest.mark.parametrize("name", [name for name, _ in COMMANDS])
def test_every_verb_explains_its_options(name, capsys):
    try:
        assert robot_rl(["data", name, "--help"]) == 0
    except SystemExit as stopped:
        assert not stopped.code
    assert f"usage: robot-rl data {name}" in capsys.readouterr().out


def test_the_verbs_are_listed_and_import_nothing_heavy(capsys):
    assert robot_rl(["data"]) == 2
    assert all(name in capsys.readouterr().out for name, _ in COMMANDS[:1])
    code = "import sys\nfrom robot_rl.apps.main import run\nrun(['data', '--help'])\n"
    code += "assert not {'torch', 'numba', 'aiohttp', 'zarr'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, stdout=subprocess.DEVNULL)


def test_info_and_check(dataset, capsys):
    found, code = printed(capsys, "info", dataset)
    assert code == 0
    assert (found["episodes"], found["outcomes"], found["missing"]) == (2, {"success": 2}, 0)
    assert found["about"]["task"] == {"reach": 2}
    assert found["features"]["observation.images.front"] == "uint8 [128, 128, 3]"
    sizes = sum(f.stat().st_size for f in (dataset / EPISODES).rglob("c.*"))
    assert found["bytes"] == sizes
    found, code = printed(capsys, "check", dataset)
    assert (code, found["wrong"]) == (0, False)
    next((dataset / EPISODES).rglob("action/c.*")).write_bytes(b"")
    found, code = printed(capsys, "check", dataset)
    assert (code, found["wrong"]) == (1, True)
    assert {f["kind"] for f in found["findings"] if f["level"] == "wrong"} == {"digest", "file"}
    assert robot_rl(["data", "check", str(dataset)]) == 1
    assert "digest" in capsys.readouterr().out
