"""Diffusion policy's zarr: a round trip loses nothing, and zarr 2, which it needs, reads what we wrote."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr
from make_rich import LENGTHS, assert_round_trip, assert_same, rich
from peer import script

from robot_rl.core.errors import DatasetError
from robot_rl.data.dataset import open_dataset
from robot_rl.data.formats.convert import convert

READ = """
import json, sys
import numpy as np, zarr
root = zarr.open(sys.argv[1], mode="r")
ends = root["meta"]["episode_ends"][:]
# what ReplayBuffer's constructor asserts, and what its copy to memory reads
assert root["meta"]["episode_ends"].ndim == 1 and (np.diff(ends) > 0).all()
lengths = {key: value.shape[0] for key, value in root["data"].items()}
assert set(lengths.values()) == {int(ends[-1])}, lengths
meta = {key: value[:].shape for key, value in root["meta"].items()}
images = root["data"]["observation.images.wrist"]
print(json.dumps({"zarr": zarr.__version__, "ends": ends.tolist(), "keys": sorted(lengths), "meta": meta,
    "sum": int(images[:].astype(int).sum()), "action": root["data"]["action"][7].tolist(), "chunks": images.chunks}))
"""


def test_a_round_trip_loses_nothing(tmp_path: Path):
    assert_round_trip(tmp_path, "buffer.zarr", "diffusion_policy")


@pytest.mark.timeout(600)  # the first run installs it
def test_zarr_2_reads_it_as_the_replay_buffer_does(tmp_path: Path):
    original = rich(tmp_path / "set")
    convert(original.root, tmp_path / "buffer.zarr", "diffusion_policy")
    found = script("zarr2", READ, str(tmp_path / "buffer.zarr"))
    assert found["zarr"].startswith("2.")
    assert found["ends"] == np.cumsum(LENGTHS).tolist()
    assert {"action", "observation.state", "reward", "tank", "source"} <= set(found["keys"])
    images = [e.obs["observation.images.wrist"][:-1].astype(int).sum() for e in original.episodes()]
    assert found["sum"] == sum(images)
    np.testing.assert_array_equal(np.float32(found["action"]), original.episode(1).action[0])
    assert found["meta"]["episode_ends"] == [3]


def test_chunks_that_hold_parts_of_several_episodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("robot_rl.data.formats.diffusion_policy.CHUNK", 3 * 40 * 40 * 3)
    original = rich(tmp_path / "set")
    convert(original.root, tmp_path / "buffer.zarr", "diffusion_policy")
    assert zarr.open(tmp_path / "buffer.zarr")["data/observation.images.wrist"].chunks[0] == 3
    convert(tmp_path / "buffer.zarr", tmp_path / "back", "diffusion_policy")
    assert_same(original, open_dataset(tmp_path / "back"))


def test_a_buffer_of_somebody_else_is_read(tmp_path: Path):
    root = zarr.open_group(tmp_path / "pusht.zarr", mode="w", zarr_format=2)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (9, 12, 12, 3)).astype(np.float32)
    arrays = {"data/img": images, "data/state": rng.normal(size=(9, 5)).astype(np.float32)}
    arrays |= {"data/action": rng.uniform(0, 500, (9, 2)).astype(np.float32), "meta/episode_ends": np.array([4, 9])}
    for name, values in arrays.items():
        root.create_array(name, shape=values.shape, dtype=values.dtype)[:] = values
    report = convert(tmp_path / "pusht.zarr", tmp_path / "set", "diffusion_policy")
    data = open_dataset(tmp_path / "set")
    assert [len(e) for e in data.episodes()] == [4, 5]
    assert {e.outcome for e in data.episodes()} == {"unlabeled"}
    second = data.episode(1)
    np.testing.assert_array_equal(second.obs["observation.images.camera"][:-1], images[4:].astype(np.uint8))
    np.testing.assert_array_equal(second.action, arrays["data/action"][4:])
    assert "observation after the last step" in report.assumed
    assert "rate" in report.assumed


def test_a_zip_file_is_read_as_a_folder_is(tmp_path: Path):
    original = rich(tmp_path / "set")
    convert(original.root, tmp_path / "buffer.zarr", "diffusion_policy")
    packed = shutil.make_archive(str(tmp_path / "buffer"), "zip", tmp_path / "buffer.zarr")
    convert(Path(packed), tmp_path / "back", "diffusion_policy")
    assert_same(original, open_dataset(tmp_path / "back"))


def test_what_is_no_buffer_is_refused(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="is no diffusion policy buffer"):
        convert(tmp_path / "empty", tmp_path / "set", "diffusion_policy")
    root = zarr.open_group(tmp_path / "torn.zarr", mode="w", zarr_format=2)
    for name, values in {"data/action": np.zeros((3, 2)), "meta/episode_ends": np.array([4])}.items():
        root.create_array(name, shape=values.shape, dtype=values.dtype)[:] = values
    with pytest.raises(DatasetError, match="shorter than episode_ends"):
        convert(tmp_path / "torn.zarr", tmp_path / "set", "diffusion_policy")
