"""LeRobotDataset v3.0: a round trip, and the real LeRobot reading what we wrote and we what it wrote."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from make_rich import LENGTHS, NEW, assert_same, rich
from peer import BENCHMARKS, script

from robot_rl.core.errors import ConfigError, DatasetError
from robot_rl.data.dataset import open_dataset
from robot_rl.data.formats.convert import convert
from robot_rl.data.formats.export import Options

pytest.importorskip("pyarrow")
WRIST = "observation.images.wrist"

READ = """
import json, sys
import numpy as np
from lerobot.datasets.lerobot_dataset import LeRobotDataset
folder = sys.argv[1]
out = {}
for images in ("png", "h264"):
    data = LeRobotDataset("us/ours", root=f"{folder}/{images}", video_backend="pyav")
    items = [data[i] for i in range(len(data))]
    keys = [k for k in items[0] if k not in ("task",) and not k.startswith("observation.images")]
    out[images] = {
        "episodes": data.num_episodes, "fps": data.fps, "tasks": [i["task"] for i in items],
        "columns": {k: [np.asarray(i[k]).tolist() for i in items] for k in keys},
        "stats": {k: np.asarray(v).tolist() for k, v in data.meta.stats["action"].items()},
        "image_stats": np.asarray(data.meta.stats["observation.images.wrist"]["mean"]).shape,
    }
    images_ = np.stack([(i["observation.images.wrist"].numpy() * 255).round() for i in items]).astype(np.uint8)
    np.save(f"{folder}/{images}.npy", images_.transpose(0, 2, 3, 1))
steps = {"action": [0.0, 0.1, 0.2], "observation.images.wrist": [-0.1, 0.0]}
data = LeRobotDataset("us/ours", root=f"{folder}/png", delta_timestamps=steps)
item = data[6]
out["chunk"] = {"action": item["action"].tolist(), "pad": item["action_is_pad"].tolist(),
    "images": list(item["observation.images.wrist"].shape)}
image = {"dtype": "video", "shape": (64, 64, 3), "names": ["height", "width", "channels"]}
vector = {"dtype": "float32", "shape": (2,), "names": None}
scalar = {kind: {"dtype": kind, "shape": (1,), "names": None} for kind in ("float32", "string")}
features = {"observation.images.top": image, "observation.state": vector, "action": vector,
    "next.reward": scalar["float32"], "caption": scalar["string"]}
theirs = LeRobotDataset.create(
    "us/theirs", fps=30, features=features, root=f"{folder}/theirs", use_videos=True, vcodec="h264")
for episode, length in enumerate((5, 3)):
    for t in range(length):
        y, x = np.mgrid[0:64, 0:64]
        picture = np.stack([60 + 2 * x + 4 * t, 90 + 2 * y, 40 + x + 40 * episode], axis=-1).astype(np.uint8)
        theirs.add_frame({"observation.images.top": picture, "observation.state": np.float32([episode, t]),
            "action": np.float32([t, 7]), "next.reward": np.float32([t / 4]), "caption": "c", "task": f"do {episode}"})
    theirs.save_episode()
theirs.finalize()
print(json.dumps(out))
"""


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory):
    """Our dataset, its two exports, and what LeRobot read from them; a dataset of LeRobot's in ``theirs``."""
    folder = tmp_path_factory.mktemp("lerobot")
    original = rich(folder / "set")
    reports = {}
    for images in ("png", "h264"):
        options = Options(images=images, quality=18)
        reports[images] = convert(original.root, folder / images, "lerobot", options)
    before = (BENCHMARKS / "readers" / "cpu_torchvision.py").read_text(encoding="utf-8")
    return original, folder, reports, script("lerobot-video", before + READ, str(folder))


def test_a_round_trip_loses_nothing(tmp_path: Path):
    original = rich(tmp_path / "set")
    out = convert(original.root, tmp_path / "le", "lerobot")
    back = convert(tmp_path / "le", tmp_path / "back", "lerobot")
    assert (out.episodes, out.steps, out.lost, out.assumed, out.decibels) == (3, sum(LENGTHS), {}, {}, {})
    assert (back.lost, back.assumed) == ({}, NEW)
    assert_same(original, open_dataset(tmp_path / "back"))


def test_video_loses_what_the_report_says_and_nothing_else(tmp_path: Path):
    original = rich(tmp_path / "set")
    out = convert(original.root, tmp_path / "le", "lerobot", Options(images="h264", quality=10))
    convert(tmp_path / "le", tmp_path / "back", "lerobot")
    back = open_dataset(tmp_path / "back")
    assert_same(original, back, lossy=[WRIST])
    pairs = zip(original.episodes(), back.episodes(), strict=True)
    errors = np.concatenate([a.obs[WRIST][:-1].astype(float) - b.obs[WRIST][:-1] for a, b in pairs])
    decibels = 10 * np.log10(255**2 / np.square(errors).mean())
    assert out.decibels[WRIST] == pytest.approx(decibels, abs=0.01)
    assert decibels > 35
    assert list(out.decibels) == [WRIST]
    finals = zip(original.episodes(), back.episodes(), strict=True)
    assert all((a.final_obs[WRIST] == b.final_obs[WRIST]).all() for a, b in finals)


@pytest.mark.timeout(900)  # the first run installs it
@pytest.mark.parametrize("images", ["png", "h264"])
def test_the_real_lerobot_reads_every_row(read, images: str):
    original, folder, reports, found = read
    episodes = list(original.episodes())
    ours = found[images]
    assert (ours["episodes"], ours["fps"]) == (3, 10)
    assert ours["tasks"] == [e.instruction for e in episodes for _ in range(len(e))]
    columns = ours["columns"]
    names = {"action": "action", "proposal": "proposal", "reward": "next.reward", "success": "next.success"}
    names |= {"source": "source", "stamp": "stamp", "intervention": "intervention", "peak_force": "peak_force"}
    for name, there in names.items():
        expected = np.concatenate([getattr(e, name) for e in episodes])
        seen = np.float32(columns[there])  # LeRobot makes single precision of whatever it reads
        np.testing.assert_array_equal(seen, expected.astype(np.float32), err_msg=name)
    tank = np.concatenate([e.energy["tank"] for e in episodes])
    np.testing.assert_array_equal(np.float32(columns["ledger.tank"]), np.float32(tank))
    state = np.concatenate([e.obs["observation.state"][:-1] for e in episodes])
    np.testing.assert_array_equal(np.float32(columns["observation.state"]), state)
    assert columns["index"] == list(range(sum(LENGTHS)))
    assert ours["image_stats"] == [3, 1, 1]
    np.testing.assert_allclose(ours["stats"]["max"], np.concatenate([e.action for e in episodes]).max(axis=0))
    pictures = np.concatenate([e.obs[WRIST][:-1] for e in episodes])
    seen = np.load(folder / f"{images}.npy")
    if images == "png":
        np.testing.assert_array_equal(seen, pictures)
    else:
        decibels = 10 * np.log10(255**2 / np.square(seen.astype(float) - pictures).mean())
        assert decibels == pytest.approx(reports["h264"].decibels[WRIST], abs=0.5)


@pytest.mark.timeout(900)
def test_the_real_lerobot_makes_chunks_of_it(read):
    original, _, _, found = read
    last = original.episode(0).action[6]
    np.testing.assert_array_equal(found["chunk"]["action"], [last] * 3)
    assert found["chunk"]["pad"] == [False, True, True]
    assert found["chunk"]["images"] == [2, 3, 40, 40]


@pytest.mark.timeout(900)
def test_what_the_real_lerobot_wrote_becomes_ours(read, tmp_path: Path):
    folder = read[1]
    report = convert(folder / "theirs", tmp_path / "set", "lerobot")
    data = open_dataset(tmp_path / "set")
    assert [len(e) for e in data.episodes()] == [5, 3]
    assert [e.instruction for e in data.episodes()] == ["do 0", "do 1"]
    assert set(report.lost) == {"caption"}
    assert {"outcome", "observation after the last step", "ledger"} <= set(report.assumed)
    for number, episode in enumerate(data.episodes()):
        steps = np.arange(len(episode))
        np.testing.assert_array_equal(episode.obs["observation.state"][:-1, 1], steps)
        np.testing.assert_array_equal(episode.reward, np.float32(steps / 4))
        assert episode.outcome == "unlabeled"
        middle = episode.obs["observation.images.top"][:-1, 32, 10].astype(int)
        expected = np.stack([80 + 4 * steps, np.full(len(steps), 154), np.full(len(steps), 50 + 40 * number)], axis=1)
        assert abs(middle - expected).max() <= 8


def test_what_cannot_be_written_is_refused(tmp_path: Path):
    original = rich(tmp_path / "set")
    with pytest.raises(ConfigError, match="40 x 40 pixels cannot be av1 video"):
        convert(original.root, tmp_path / "le", "lerobot", Options(images="av1"))
    assert not (tmp_path / "le").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


def test_what_is_not_whole_is_refused(tmp_path: Path):
    original = rich(tmp_path / "set")
    convert(original.root, tmp_path / "le", "lerobot")
    with pytest.raises(DatasetError, match="is no LeRobotDataset"):
        convert(tmp_path / "le" / "meta", tmp_path / "back", "lerobot")
    info = tmp_path / "le/meta/info.json"
    described = json.loads(info.read_text())
    info.write_text(json.dumps({**described, "codebase_version": "v2.1"}))
    with pytest.raises(DatasetError, match=r"is v2\.1, not v3\.0"):
        convert(tmp_path / "le", tmp_path / "back", "lerobot")
    info.write_text(json.dumps(described))
    table = tmp_path / "le/data/chunk-000/file-000.parquet"
    table.write_bytes(table.read_bytes()[:-20])  # as a killed recorder leaves it
    with pytest.raises(DatasetError, match="its recorder did not finish it"):
        convert(tmp_path / "le", tmp_path / "back", "lerobot")
    assert not (tmp_path / "back").exists()
