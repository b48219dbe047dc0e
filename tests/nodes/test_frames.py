"""Frames of a station: a pose in any of them ends up in base, and what is in none is refused."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from robot_rl.core.errors import CommandRejectedError, StationError
from robot_rl.core.frames import FrameStation, FrameTree


def test_a_chain_of_frames_is_resolved():
    rng = np.random.default_rng(0)
    for _ in range(200):
        (x, y, z), angles = rng.normal(size=3), rng.uniform(-np.pi, np.pi, 3)
        bench = FrameStation(x=x, y=y, z=z, roll=angles[0], pitch=angles[1], yaw=angles[2])
        tree = FrameTree({"fixture": FrameStation(parent="bench", z=0.1, yaw=angles[0]), "bench": bench})
        first, second = Rotation.from_euler("xyz", angles), Rotation.from_euler("z", angles[0])
        pose = np.r_[rng.normal(size=3), Rotation.random(random_state=rng.integers(99)).as_quat()]
        found = tree.to_base("fixture", pose)
        place = first.apply(second.apply(pose[:3]) + np.array([0, 0, 0.1])) + np.array([x, y, z])
        np.testing.assert_allclose(found[:3], place, atol=1e-12)
        turned = (first * second * Rotation.from_quat(pose[3:])).as_quat()
        assert abs(turned @ found[3:]) == pytest.approx(1.0, abs=1e-12)


def test_base_is_always_there_and_changes_nothing():
    pose = np.array([0.1, 0.2, 0.3, 0.0, 0.0, 0.0, 1.0])
    np.testing.assert_array_equal(FrameTree({}).to_base("base", pose), pose)


@pytest.mark.parametrize("frame", ["", "tool", "Base", "base_link"])
def test_an_unknown_frame_is_refused(frame):
    with pytest.raises(CommandRejectedError, match=r"one of: base, bench"):
        FrameTree({"bench": FrameStation()}).to_base(frame, np.zeros(7))


@pytest.mark.parametrize(
    "frames",
    [
        {"a": FrameStation(parent="b"), "b": FrameStation(parent="a")},
        {"a": FrameStation(parent="nowhere")},
        {"base": FrameStation()},
    ],
)
def test_a_tree_without_a_root_is_refused(frames):
    with pytest.raises(StationError):
        FrameTree(frames)
