"""Frames that move: found between two known places, refused before and after; a pose in any of them ends up in base."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation, Slerp

from robot_rl.core.errors import CommandRejectedError
from robot_rl.core.frames import FrameStation
from robot_rl.nodes.transforms import HISTORY, NotYetError, TransformBuffer

NOW = 100.0


def pose_of(rng):
    return np.r_[rng.normal(size=3), Rotation.random(random_state=rng).as_quat()]


def matrix(pose):
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = Rotation.from_quat(pose[3:]).as_matrix(), pose[:3]
    return out


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31))
def test_any_tree_agrees_with_products_of_matrices(seed):
    """Frames above base, below it and beside it; the reference is numpy with 4x4 matrices."""
    rng = np.random.default_rng(seed)
    world, hand, camera = (pose_of(rng) for _ in range(3))
    buffer = TransformBuffer({"bench": FrameStation(x=0.5, yaw=0.3)})
    buffer.hear("world", "base", world, NOW)
    buffer.hear("world", "camera", camera, NOW, fixed=True)
    buffer.hear("bench", "fixture", hand, NOW)
    base = np.linalg.inv(matrix(world))
    for frame, expected in (
        ("world", base),
        ("camera", base @ matrix(camera)),
        ("fixture", FrameStation(x=0.5, yaw=0.3).transform() @ matrix(hand)),
        ("base", np.eye(4)),
    ):
        np.testing.assert_allclose(matrix(buffer.lookup(frame, NOW, NOW)), expected, atol=1e-9)
        np.testing.assert_allclose(matrix(buffer.lookup(frame, None, NOW)), expected, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.0, 1.0))
def test_between_two_places_lies_the_geodesic(seed, share):
    rng = np.random.default_rng(seed)
    first, last = pose_of(rng), pose_of(rng)
    buffer = TransformBuffer({})
    buffer.hear("base", "tag", first, NOW)
    buffer.hear("base", "tag", last, NOW + 0.1)
    found = buffer.lookup("tag", NOW + 0.1 * share, NOW)
    np.testing.assert_allclose(found[:3], first[:3] + share * (last[:3] - first[:3]), atol=1e-6)
    turn = Slerp([0, 1], Rotation.from_quat([first[3:], last[3:]]))(share).as_quat()
    assert abs(turn @ found[3:]) == pytest.approx(1.0, abs=1e-7)


def moving():
    buffer = TransformBuffer({})
    for k in range(11):
        buffer.hear("base", "tag", np.array([k * 0.01, 0, 0, 0, 0, 0, 1.0]), NOW + 0.1 * k)
    return buffer


def test_nothing_is_extrapolated():
    buffer = moving()
    with pytest.raises(NotYetError, match="not known at that time yet"):
        buffer.lookup("tag", NOW + 1.001, NOW + 1.0)
    with pytest.raises(CommandRejectedError, match="any more") as refused:
        buffer.lookup("tag", NOW - 0.001, NOW)
    assert not isinstance(refused.value, NotYetError), "the past does not come back"
    assert buffer.lookup("tag", None, NOW + 1.9)[0] == pytest.approx(0.1), "the newest"
    with pytest.raises(CommandRejectedError, match=r"last seen 1\.2 s ago"):
        buffer.lookup("tag", None, NOW + 2.2)


def test_the_newest_common_time_of_two_links_counts():
    buffer = moving()
    buffer.hear("tag", "cup", np.array([0, 0, 0.1, 0, 0, 0, 1.0]), NOW + 0.1)
    buffer.hear("tag", "cup", np.array([0, 0, 0.3, 0, 0, 0, 1.0]), NOW + 0.5)
    found = buffer.lookup("cup", None, NOW + 1.0)
    np.testing.assert_allclose(found[:3], [0.05, 0, 0.3], atol=1e-9)


def test_what_is_unknown_names_what_is_known():
    buffer = moving()
    buffer.hear("elsewhere", "island", np.array([0, 0, 0, 0, 0, 0, 1.0]), NOW)
    for frame in ("", "tga", "island"):
        with pytest.raises(CommandRejectedError, match=r"give the pose in one of: base, tag$"):
            buffer.lookup(frame, NOW, NOW)


@pytest.mark.parametrize(
    ("parent", "child", "pose"),
    [
        ("base", "bench", [0, 0, 0, 0, 0, 0, 1]),
        ("base", "tool", [0, 0, 0, 0, 0, 0, 1]),
        ("tag", "tag", [0, 0, 0, 0, 0, 0, 1]),
        ("", "tag", [0, 0, 0, 0, 0, 0, 1]),
        ("base", "tag", [0, 0, 0, 0, 0, 0, 0]),
        ("base", "tag", [np.nan, 0, 0, 0, 0, 0, 1]),
    ],
)
def test_nonsense_and_our_own_frames_are_refused(parent, child, pose):
    buffer = TransformBuffer({"bench": FrameStation(x=0.5)}, own=("tool",))
    with pytest.raises(CommandRejectedError):
        buffer.hear(parent, child, np.array(pose, float), NOW)
    assert buffer.lookup("bench", None, NOW)[0] == 0.5


def test_a_ring_of_frames_is_refused_and_leaves_the_others_alone():
    buffer = moving()
    still = np.array([0, 0, 0, 0, 0, 0, 1.0])
    buffer.hear("b", "a", still, NOW)
    buffer.hear("a", "b", still, NOW)
    with pytest.raises(CommandRejectedError, match="hangs on itself"):
        buffer.lookup("a", NOW, NOW)
    assert "tag" in buffer.names()


def test_memory_stays_flat_and_a_clock_that_went_back_starts_anew():
    buffer, still = TransformBuffer({}), np.array([0, 0, 0, 0, 0, 0, 1.0])
    for k in range(20_000):
        buffer.hear("base", "tag", still, NOW + 0.01 * k)
    assert len(buffer._links["tag"].stamps) <= 2 * HISTORY / 0.01 + 1
    buffer.hear("base", "tag", still, 1.0)
    np.testing.assert_array_equal(buffer.lookup("tag", 1.0, 1.0), still)
