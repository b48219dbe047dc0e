"""Converting is all or nothing: what is refused leaves nothing, and what is killed leaves nothing that looks whole."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from make_episodes import SPEC
from make_rich import assert_same, rich, rich_step, smooth

from robot_rl.core.errors import ConfigError, DatasetError, SpecError
from robot_rl.data.archive import archive
from robot_rl.data.dataset import open_dataset
from robot_rl.data.edit import Editor
from robot_rl.data.formats.beside import PREFIX, beside
from robot_rl.data.formats.convert import FORMATS, convert
from robot_rl.data.formats.needs import need
from robot_rl.data.recorder import EpisodeWriter

CONVERT = """
import sys, time
from pathlib import Path
from robot_rl.data.formats.convert import convert
print("go", flush=True)
convert(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], on_episode=lambda done, of: time.sleep(0.02))
"""


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("direction", ["export", "import"])
def test_a_kill_leaves_nothing_that_looks_whole(tmp_path: Path, format: str, direction: str):
    original = rich(tmp_path / "set")
    source = original.root
    if direction == "import":
        source = tmp_path / "exported"
        convert(original.root, source, format)
    target = tmp_path / "out" / "result"
    call = [sys.executable, "-c", CONVERT, str(source), str(target), format]
    process = subprocess.Popen(call, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"go\n"
    time.sleep(random.Random(format + direction).uniform(0.0, 0.25))
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    if not target.exists():  # it was not done before the kill
        left = [p.name for p in target.parent.iterdir()] if target.parent.exists() else []
        assert left in ([], [PREFIX + "result"])
        convert(source, target, format)
    assert [p.name for p in target.parent.iterdir() if not p.name.startswith(PREFIX)] == ["result"]
    again = target
    if direction == "export":
        again = tmp_path / "back"
        convert(target, again, format)
    assert_same(original, open_dataset(again))


def test_the_next_conversion_removes_what_a_killed_one_left(tmp_path: Path):
    original = rich(tmp_path / "set")
    half = tmp_path / (PREFIX + "le")
    (half / "whole").mkdir(parents=True)
    (half / "whole" / "junk").write_text("half")
    convert(original.root, tmp_path / "le", "diffusion_policy")
    assert not half.exists()
    assert not (tmp_path / "le" / "junk").exists()


def test_two_conversions_to_one_place_are_refused(tmp_path: Path):
    with beside(tmp_path / "x") as place:
        place.mkdir()
        with pytest.raises(DatasetError, match="another conversion"), beside(tmp_path / "x"):
            pass
    assert (tmp_path / "x").is_dir()


def test_an_error_leaves_nothing(tmp_path: Path):
    def fail(place: Path) -> None:
        with beside(place) as inside:
            inside.mkdir()
            raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        fail(tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_wrong_names_and_places_are_refused_before_anything_is_written(tmp_path: Path):
    original = rich(tmp_path / "set")
    with pytest.raises(ConfigError, match="did you mean 'lerobot'"):
        convert(original.root, tmp_path / "x", "lerobto")
    with pytest.raises(ConfigError, match="there is nothing there"):
        convert(tmp_path / "nowhere", tmp_path / "x", "lerobot")
    (tmp_path / "taken").mkdir()
    with pytest.raises(DatasetError, match="exists already"):
        convert(original.root, tmp_path / "taken", "robomimic")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["set", "taken"]


def test_a_package_that_is_missing_is_named_with_its_remedy():
    with pytest.raises(ConfigError, match=r"no_such_package is not installed: run pip install 'robot-rl\[formats\]'"):
        need("no_such_package.part")


def test_a_conversion_tells_how_far_it_is(tmp_path: Path):
    original = rich(tmp_path / "set")
    seen: list[tuple[int, int]] = []
    convert(original.root, tmp_path / "out.hdf5", "robomimic", on_episode=lambda *numbers: seen.append(numbers))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    report = convert(tmp_path / "out.hdf5", tmp_path / "back", "robomimic")
    assert report.lines() == [
        f"3 episodes, 20 steps: {tmp_path / 'out.hdf5'} -> {tmp_path / 'back'} (robomimic)",
        "assumed: uuid, time and program of recording: those of this conversion",
    ]


def test_an_episode_that_is_not_as_the_others_is_named(tmp_path: Path):
    original = rich(tmp_path / "set")
    convert(original.root, tmp_path / "out.hdf5", "robomimic")
    with h5py.File(tmp_path / "out.hdf5", "a") as file:
        del file["data/demo_1/obs/observation.state"]
    with pytest.raises(DatasetError, match=r"out\.hdf5: episode 1 is not as the others \(KeyError"):
        convert(tmp_path / "out.hdf5", tmp_path / "back", "robomimic")
    with h5py.File(tmp_path / "out.hdf5", "a") as file:
        file["data/demo_1/obs/observation.state"] = np.full((1, 3), np.nan, np.float32)
    with pytest.raises(SpecError, match="not finite"):
        convert(tmp_path / "out.hdf5", tmp_path / "back", "robomimic")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.hdf5", "set"]


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_archived_or_edited_is_exported_as_it_is_read(tmp_path: Path, format: str):
    original = rich(tmp_path / "set")
    assert archive(original.root).episodes == 3
    convert(original.root, tmp_path / "out", format)
    convert(tmp_path / "out", tmp_path / "back", format)
    assert_same(original, open_dataset(tmp_path / "back"))
    with Editor(original.root) as editor:
        editor.delete([0])
    report = convert(original.root, tmp_path / "edited", format)
    assert (report.episodes, "earlier versions" in report.lost) == (2, True)


@pytest.mark.parametrize("format", FORMATS)
def test_signals_that_are_faster_than_the_steps_are_kept_or_named(tmp_path: Path, format: str):
    values = {"wrench": np.random.default_rng(0).normal(size=(40, 6)), "grip": np.arange(25, dtype=np.float32)}
    stamps = {name: 1e5 + np.arange(len(rows)) * 1_000_003 / 1e9 for name, rows in values.items()}
    stamps = {name: np.round(at * 1e9) / 1e9 for name, at in stamps.items()}
    with EpisodeWriter(tmp_path / "set", SPEC) as writer:
        writer.begin({})
        for row in range(3):
            writer.add(rich_step(0, row, last=row == 2))
        for name, rows in values.items():
            for at, value in zip(stamps[name], rows, strict=True):
                writer.stream(name, float(at), value)
        writer.end(smooth(0, 3))
    report = convert(tmp_path / "set", tmp_path / "out", format)
    convert(tmp_path / "out", tmp_path / "back", format)
    back = open_dataset(tmp_path / "back").episode(0)
    if format in ("lerobot", "diffusion_policy"):
        assert report.lost["streams"].startswith("grip, wrench: ")
        assert back.streams == ()
        return
    assert report.lost == {}
    assert set(back.streams) == set(values)
    for name, rows in values.items():
        at, found = back.stream(name)
        np.testing.assert_array_equal(at, stamps[name])
        np.testing.assert_array_equal(found, rows)
        assert found.dtype == rows.dtype
