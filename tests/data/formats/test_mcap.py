"""MCAP recordings: a round trip loses nothing, two independent readers agree, and other people's bags are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from make_rich import CAMERA, assert_round_trip, rich
from peer import script

from robot_rl.core.errors import DatasetError
from robot_rl.data.dataset import open_dataset
from robot_rl.data.formats.cdr import ARRAYS, decode, encode_array, encode_image, encode_text
from robot_rl.data.formats.convert import convert

pytest.importorskip("mcap")

READ = """
import json, sys
from pathlib import Path
import numpy as np
from rosbags.highlevel import AnyReader
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
folder = Path(sys.argv[1])
out = {"bags": {}, "mcap_ros2": {}}
for bag in sorted(folder.iterdir()):
    found = {}
    with AnyReader([bag]) as reader:
        found["topics"] = {t: info.msgtype for t, info in reader.topics.items()}
        found["count"] = reader.message_count
        for connection, at, raw in reader.messages():
            message = reader.deserialize(raw, connection.msgtype)
            kind = connection.topic
            entry = found.setdefault(kind, [])
            if kind == "/observation/images/wrist":
                stamp = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
                size = [message.height, message.width, message.step, message.encoding, message.header.frame_id]
                entry.append([at, stamp, int(message.data.astype(int).sum()), *size])
            elif kind == "/episode":
                entry.append(json.loads(message.data)["episodes"][0]["outcome"])
            elif kind == "/step":
                entry.append([message.layout.dim[0].label, message.data.tolist()])
            else:
                entry.append([at, message.data.tolist()])
    out["bags"][bag.name] = found
    sums = {}
    with open(next(bag.glob("*.mcap")), "rb") as opened:
        for _, channel, _, message in make_reader(opened, decoder_factories=[DecoderFactory()]).iter_decoded_messages():
            if channel.topic == "/observation/images/wrist":
                sums.setdefault(channel.topic, []).append(int(np.frombuffer(message.data, np.uint8).astype(int).sum()))
            elif channel.topic == "/action":
                sums.setdefault(channel.topic, []).append(list(message.data))
    out["mcap_ros2"][bag.name] = sums
print(json.dumps(out))
"""

WRITE = """
import json, sys
from pathlib import Path
import numpy as np
from rosbags.rosbag2 import Writer, StoragePlugin
from rosbags.typesys import Stores, get_typestore
store = get_typestore(Stores.ROS2_JAZZY)
types = store.types
Time, Header = types["builtin_interfaces/msg/Time"], types["std_msgs/msg/Header"]
def header(at): return Header(stamp=Time(sec=at // 10**9, nanosec=at % 10**9), frame_id="base")
Joints, Image = types["sensor_msgs/msg/JointState"], types["sensor_msgs/msg/Image"]
Layout, Array = types["std_msgs/msg/MultiArrayLayout"], types["std_msgs/msg/Float64MultiArray"]
Text, Stamped = types["std_msgs/msg/String"], types["geometry_msgs/msg/PoseStamped"]
Pose, Point, Turn = (types[f"geometry_msgs/msg/{n}"] for n in ("Pose", "Point", "Quaternion"))
with Writer(Path(sys.argv[1]), version=9, storage_plugin=StoragePlugin.MCAP) as bag:
    def channel(topic, kind): return bag.add_connection(topic, kind.__msgtype__, typestore=store)
    channels = {t: channel(t, k) for t, k in {"/joint_states": Joints, "/camera/front/image_raw": Image,
        "/camera/grey/image_raw": Image, "/action": Array, "/tool/pose": Stamped, "/log": Text}.items()}
    def put(topic, at, message): bag.write(channels[topic], at, store.serialize_cdr(message, message.__msgtype__))
    start = 1_700_000_000 * 10**9
    for k in range(20):  # joints at 20 Hz, images and actions at 10 Hz, the first action before any image
        at = start + k * 50_000_000
        q = np.array([k, 0.5])
        effort = np.array([])
        put("/joint_states", at, Joints(header=header(at), name=["a", "b"], position=q, velocity=-q, effort=effort))
        if k % 2 == 1:
            data = np.zeros((4, 5, 3), np.uint8); data[..., 0] = k
            size = {"height": 4, "width": 5, "step": 15, "is_bigendian": 0}
            image = Image(header=header(at), encoding="bgr8", data=data.reshape(-1), **size)
            put("/camera/front/image_raw", at, image)
            grey = np.full((4, 8), 99, np.uint8); grey[:, :5] = 10 + k  # lines are longer than the picture is wide
            size = {"height": 4, "width": 5, "step": 8, "is_bigendian": 0}
            put("/camera/grey/image_raw", at, Image(header=header(at), encoding="mono8", data=grey.reshape(-1), **size))
            where = Pose(position=Point(x=k, y=0.25, z=-1.0), orientation=Turn(x=0.0, y=0.6, z=0.0, w=0.8))
            put("/tool/pose", at, Stamped(header=header(at), pose=where))
        if k % 2 == 0:
            put("/action", at + 1000, Array(layout=Layout(dim=[], data_offset=0), data=np.array([k, 1.0, 2.0])))
    put("/log", start, Text(data="hello"))
print(json.dumps({}))
"""


def test_a_round_trip_loses_nothing(tmp_path: Path):
    assert_round_trip(tmp_path, "bags", "mcap")


@pytest.mark.timeout(600)  # the first run installs it
def test_two_other_readers_see_what_was_recorded(tmp_path: Path):
    original = rich(tmp_path / "set")
    convert(original.root, tmp_path / "bags", "mcap")
    found = script("rosbags", READ, str(tmp_path / "bags"))
    assert sorted(found["bags"]) == ["ep000000", "ep000001", "ep000002"]
    for name, episode in zip(sorted(found["bags"]), original.episodes(), strict=True):
        bag = found["bags"][name]
        assert bag["topics"]["/observation/images/wrist"] == "sensor_msgs/msg/Image"
        assert bag["topics"]["/observation/state"] == "std_msgs/msg/Float32MultiArray"
        assert bag["/episode"] == [episode.outcome]
        pictures = episode.obs["observation.images.wrist"]
        sums = [int(picture.astype(int).sum()) for picture in pictures]
        images = bag["/observation/images/wrist"]
        assert [image[2] for image in images] == sums
        assert images[0][3:] == [40, 40, 120, "rgb8", CAMERA]
        at = np.round(episode.stamp * 1e9).astype(int)
        assert [image[0] for image in images[:-1]] == at.tolist()
        known = np.isfinite(episode.frame_stamps[CAMERA])
        taken = np.where(known, np.round(np.nan_to_num(episode.frame_stamps[CAMERA]) * 1e9), at).astype(int)
        assert [image[1] for image in images[:-1]] == taken.tolist()
        np.testing.assert_array_equal([row[1] for row in bag["/action"]], episode.action)
        np.testing.assert_array_equal([r[1] for r in bag["/observation/state"]], episode.obs["observation.state"])
        columns = bag["/step"][0][0].split(",")
        reward = [row[1][columns.index("reward")] for row in bag["/step"]]
        np.testing.assert_array_equal(reward, episode.reward.astype(float))
        np.testing.assert_array_equal([row[1][columns.index("stamp")] for row in bag["/step"]], episode.stamp)
        assert found["mcap_ros2"][name]["/observation/images/wrist"] == sums
        np.testing.assert_array_equal(found["mcap_ros2"][name]["/action"], episode.action)


@pytest.mark.timeout(600)  # the first run installs it
def test_a_recording_of_another_graph_is_read(tmp_path: Path):
    script("rosbags", WRITE, str(tmp_path / "bag"))
    report = convert(tmp_path / "bag", tmp_path / "set", "mcap")
    data = open_dataset(tmp_path / "set")
    episode = data.episode(0)
    assert data.spec.rate == 10.0
    images = {"observation.images.camera_front", "observation.images.camera_grey"}
    assert set(data.spec.observation) == {"observation.joint_states", "observation.tool.pose", *images}
    assert len(episode) == 9  # the first action came before the first image
    even = np.arange(2, 20, 2)
    np.testing.assert_array_equal(episode.action, np.stack([even, even * 0 + 1, even * 0 + 2], axis=1))
    expected = np.stack([even, even * 0 + 0.5, -even, even * 0 - 0.5], axis=1)
    np.testing.assert_array_equal(episode.obs["observation.joint_states"][:-1], expected)
    pictures = episode.obs["observation.images.camera_front"]
    assert pictures[:, 0, 0].tolist() == [[0, 0, k - 1] for k in [*even, 20]]  # blue came first in the bag
    grey = episode.obs["observation.images.camera_grey"]
    assert all((picture == 9 + k).all() for picture, k in zip(grey, [*even, 20], strict=True))
    pose = [k - 1 for k in [*even, 20]]
    expected = np.float32([[x, 0.25, -1.0, 0.0, 0.6, 0.0, 0.8] for x in pose])
    np.testing.assert_array_equal(episode.obs["observation.tool.pose"], expected)
    np.testing.assert_array_equal(np.diff(episode.stamp).round(6), 0.1)
    assert {"/log", "first actions"} <= set(report.lost)
    assert "outcome" in report.assumed
    assert "observation after the last step" not in report.assumed


@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_there_and_back(kind: str):
    dtype = ARRAYS[kind]
    for shape in ((3,), (2, 5), (4, 3, 2), (0,), (1,)):
        values = np.arange(np.prod(shape)).astype(dtype).reshape(shape)
        found = decode(kind, encode_array(values))
        assert (found.shape, found.dtype) == (shape, dtype)
        np.testing.assert_array_equal(found, values)


def test_texts_and_images_there_and_back():
    assert decode("std_msgs/msg/String", encode_text("äöü\n")) == "äöü\n"
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(decode("sensor_msgs/msg/Image", encode_image(image, 5, "top")), image)
    assert decode("sensor_msgs/msg/Imu", encode_text("x")) is None


def test_what_cannot_be_read_is_refused(tmp_path: Path):
    original = rich(tmp_path / "set")
    convert(original.root, tmp_path / "bags", "mcap")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="holds no MCAP recordings"):
        convert(tmp_path / "empty", tmp_path / "back", "mcap")
    file = tmp_path / "bags/ep000000/ep000000_0.mcap"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match="mcap recover"):
        convert(tmp_path / "bags", tmp_path / "back", "mcap")
    metadata = tmp_path / "bags/ep000000/metadata.yaml"
    metadata.write_text(metadata.read_text().replace("storage_identifier: mcap", "storage_identifier: sqlite3"))
    with pytest.raises(DatasetError, match="ros2 bag convert"):
        convert(tmp_path / "bags", tmp_path / "back", "mcap")
    assert not (tmp_path / "back").exists()
