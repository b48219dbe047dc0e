"""robomimic HDF5: a round trip loses nothing, and the real robomimic reads what we wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from make_rich import LENGTHS, assert_round_trip, rich
from peer import script

from robot_rl.core.errors import DatasetError
from robot_rl.data.dataset import open_dataset
from robot_rl.data.formats.convert import convert

h5py = pytest.importorskip("h5py")

READ = """
import json, sys
import numpy as np
import robomimic.utils.obs_utils as obs_utils
from robomimic.utils.dataset import SequenceDataset
obs_utils.initialize_obs_utils_with_obs_specs(
    {"obs": {"rgb": ["observation.images.wrist"], "low_dim": ["observation.state"]}})
out = {}
KEYS = ("observation.state", "observation.images.wrist")
for key in (None, "success", "failure"):
    data = SequenceDataset(
        sys.argv[1], obs_keys=KEYS, dataset_keys=("actions", "rewards", "dones"),
        seq_length=3, get_pad_mask=True, hdf5_cache_mode=None, filter_by_attribute=key)
    out[str(key)] = len(data)
    if key is None:
        item = data[6]
        out["state"] = item["obs"]["observation.state"].tolist()
        out["next"] = item["next_obs"]["observation.state"].tolist()
        out["image"] = int(item["obs"]["observation.images.wrist"].astype(int).sum())
        out["actions"] = item["actions"].tolist()
        out["pad"] = item["pad_mask"].reshape(-1).tolist()
        out["dones"] = item["dones"].tolist()
print(json.dumps(out))
"""


def test_a_round_trip_loses_nothing(tmp_path: Path):
    assert_round_trip(tmp_path, "set.hdf5", "robomimic")


@pytest.mark.timeout(600)  # the first run installs it
def test_the_real_robomimic_reads_it(tmp_path: Path):
    original = rich(tmp_path / "set")
    convert(original.root, tmp_path / "set.hdf5", "robomimic")
    found = script("robomimic", READ, str(tmp_path / "set.hdf5"))
    assert (found["None"], found["success"], found["failure"]) == (sum(LENGTHS), LENGTHS[0], LENGTHS[1] + LENGTHS[2])
    # sample 6 is the last step of the first episode: robomimic repeats it to fill the sequence
    episode = original.episode(0)
    assert found["pad"] == [True, False, False]
    np.testing.assert_array_equal(found["state"], [episode.obs["observation.state"][6]] * 3)
    np.testing.assert_array_equal(found["next"][0], episode.final_obs["observation.state"])
    np.testing.assert_array_equal(found["actions"][0], episode.action[6])
    assert found["dones"] == [1, 1, 1]
    assert found["image"] == 3 * int(episode.obs["observation.images.wrist"][6].astype(int).sum())


def test_a_file_of_somebody_else_is_read_and_what_it_lacks_is_named(tmp_path: Path):
    rng = np.random.default_rng(0)
    with h5py.File(tmp_path / "demo.hdf5", "w") as file:
        file.create_group("data").attrs["env_args"] = '{"env_name": "Lift"}'
        for i in (0, 10, 2):  # demos are numbered, not sorted as text
            demo = file.create_group(f"data/demo_{i}")
            demo["actions"] = np.full((4, 7), i / 10)
            demo["rewards"] = np.array([0.0, 0.0, 0.0, float(i == 2)])
            demo["dones"] = np.array([0, 0, 0, 1])
            demo["states"] = rng.normal(size=(4, 30))
            demo["obs/eef_pos"] = np.full((4, 3), float(i))
            demo["obs/agentview_image"] = rng.integers(0, 256, (4, 84, 84, 3), dtype=np.uint8)
    report = convert(tmp_path / "demo.hdf5", tmp_path / "set", "robomimic")
    data = open_dataset(tmp_path / "set")
    assert [float(e.obs["eef_pos"][0, 0]) for e in data.episodes()] == [0.0, 2.0, 10.0]
    assert [e.outcome for e in data.episodes()] == ["failure", "success", "failure"]
    assert data.meta["task"] == "Lift"
    assert set(report.lost) == {"states", "eef_pos"}
    assert "observation after the last step" in report.assumed
    assert {"stamp", "source", "ledger", "rate"} <= set(report.assumed)
    assert any("states" in line for line in report.lines())


def test_what_is_no_robomimic_file_is_refused(tmp_path: Path):
    (tmp_path / "text.hdf5").write_text("no")
    with pytest.raises(DatasetError, match="is no robomimic dataset"):
        convert(tmp_path / "text.hdf5", tmp_path / "set", "robomimic")
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["x"] = 1
    with pytest.raises(DatasetError, match="is no robomimic dataset"):
        convert(tmp_path / "other.hdf5", tmp_path / "set", "robomimic")
    assert not (tmp_path / "set").exists()
