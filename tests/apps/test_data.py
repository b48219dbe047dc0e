"""``robot-rl data``: every verb explains itself, says what it found, and ends with the right code."""

import contextlib
import json
import signal
import subprocess
import sys
from urllib.request import urlopen

import numpy as np
import pytest

from robot_rl.apps.data import COMMANDS
from robot_rl.apps.main import run as robot_rl
from robot_rl.data.dataset import open_dataset
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
    with pytest.raises(SystemExit) if name != "edit" else contextlib.nullcontext():
        assert robot_rl(["data", name, "--help"]) == 0
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


def test_stats_measures_and_verify(dataset, capsys):
    found, _ = printed(capsys, "stats", dataset, "--feature", "action")
    actions = np.concatenate([e.action for e in open_dataset(dataset).episodes()])
    np.testing.assert_allclose(found["action"]["mean"], actions.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found["action"]["max"], actions.max(axis=0))
    robot_rl(["data", "stats", str(dataset)])
    assert "observation.images.front 2" in capsys.readouterr().out
    found, _ = printed(capsys, "measures", dataset)
    assert found["saco"] is None
    assert robot_rl(["data", "measures", str(dataset), "--reference", str(dataset)]) == 0
    assert "SACo  1.00" in capsys.readouterr().out
    assert robot_rl(["data", "verify", str(dataset)]) == 0
    next((dataset / EPISODES).rglob("reward/c.*")).write_bytes(b"no")
    assert robot_rl(["data", "verify", str(dataset)]) == 1


def test_edits_are_versions_and_archive_and_convert_keep_them(dataset, tmp_path, capsys):
    def edit(*words):
        assert robot_rl(["data", "edit", words[0], str(dataset), *map(str, words[1:])]) == 0
        return capsys.readouterr().out

    steps = [len(e) for e in open_dataset(dataset).episodes()]
    capsys.readouterr()
    assert "version 1: deleted episode 0 (too slow)" in edit("delete", 0, "--note", "too slow")
    edit("relabel", 1, "--outcome", "failure", "--instruction", "touch it")
    edit("trim", 1, "--start", 1, "--stop", 4)
    (only,) = open_dataset(dataset).episodes()
    assert (only.outcome, only.instruction, len(only)) == ("failure", "touch it", 3)
    edit("split", 1, "--at", 2)
    assert len(open_dataset(dataset)) == 2
    edit("restore", 0)
    assert "undid version 5" in edit("undo")
    assert len(open_dataset(dataset)) == 2
    edit("restore", 0)
    assert [len(e) for e in open_dataset(dataset).episodes()] == steps
    assert edit("log").count("\n") == 7
    assert robot_rl(["data", "archive", str(dataset), "0"]) == 0
    assert "1 episodes archived" in capsys.readouterr().out
    assert robot_rl(["data", "archive", str(dataset), "--expand"]) == 0
    there, back = tmp_path / "other", tmp_path / "back"
    for source, target in ((dataset, there), (there, back)):
        assert robot_rl(["data", "convert", str(source), str(target), "--format", "diffusion_policy"]) == 0
    assert "lost: earlier versions" in capsys.readouterr().out
    assert [len(e) for e in open_dataset(back).episodes()] == steps
    assert robot_rl(["data", "edit", "merge", str(dataset), str(back)]) == 0
    assert len(open_dataset(dataset)) == 4
    assert robot_rl(["data", "check", str(dataset)]) == 1, "the same episodes twice"


def test_view_serves_until_it_is_stopped(dataset):
    view = subprocess.Popen(
        [sys.executable, "-m", "robot_rl.apps.main", "data", "view", str(dataset)], stdout=subprocess.PIPE, text=True
    )
    try:
        url = next(word for word in view.stdout.readline().split() if word.startswith("http"))
        with urlopen(url + "dataset", timeout=20) as reply:
            assert len(json.load(reply)["episodes"]) == 2
    finally:
        view.send_signal(signal.SIGINT)
        assert view.wait(20) == 0
