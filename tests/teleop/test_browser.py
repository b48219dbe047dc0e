"""What a browser sends, without a browser: frames of reference, who drives, and nonsense."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controllers.numeric.rotations import pose_error, quat_to_matrix
from robot_rl.core.teleop import Event
from robot_rl.teleop.browser import CLUTCH, Browser, to_z_up

POSE = [0.2, 1.2, -0.3, 0.0, 0.0, 0.0, 1.0]
AXES = np.array([[0, 0, -1], [-1, 0, 0], [0, 1, 0]])
"""Rows: forward, left and up in WebXR's axes (right, up, backwards)."""


def test_webxr_poses_become_z_up():
    rng = np.random.default_rng(2)
    for _ in range(20):
        quaternion = rng.normal(size=4)
        quaternion /= np.linalg.norm(quaternion)
        place = rng.normal(size=3)
        pose = to_z_up([*place, *quaternion])
        np.testing.assert_allclose(pose[:3], AXES @ place)
        np.testing.assert_allclose(quat_to_matrix(pose[3:]), AXES @ quat_to_matrix(quaternion) @ AXES.T, atol=1e-12)


def test_the_first_page_that_asks_drives_until_it_goes():
    device = Browser()
    device.on_message(1, {"keys": ["w"]})
    assert device.sample().stamp == -np.inf
    device.on_message(1, {"drive": True})
    device.on_message(2, {"drive": True})
    device.on_message(2, {"keys": ["s"]})
    assert device.sample().buttons == frozenset(), "page 2 has no say"
    device.on_message(1, {"keys": ["w"]})
    assert device.sample().buttons == {"w", CLUTCH}
    device.on_message(2, {"event": "failure"})
    assert list(device.events()) == [Event.FAILURE], "but anyone may judge"
    device.on_close(1)
    device.on_message(2, {"drive": True})
    device.on_message(2, {"keys": ["s"]})
    assert device.sample().buttons == {"s", CLUTCH}


def test_keys_that_are_held_do_not_outlive_their_page():
    device = Browser()
    device.on_message(1, {"drive": True})
    device.on_message(1, {"keys": ["w"]})
    device.on_close(1)
    device.on_message(2, {"drive": True})
    device.on_message(2, {"xr": {"pose": POSE, "squeeze": False}})
    sample = device.sample()
    assert sample.buttons == frozenset()


def test_a_hand_that_is_not_tracked_holds_no_clutch():
    device = Browser()
    device.on_message(1, {"drive": True})
    device.on_message(1, {"xr": {"pose": POSE, "squeeze": True, "trigger": 0.25}})
    sample = device.sample()
    assert CLUTCH in sample.buttons
    assert sample.grip == 0.25
    np.testing.assert_allclose(pose_error(sample.pose, np.array([0.3, -0.2, 1.2, 0, 0, 0, 1])), 0.0, atol=1e-12)
    device.on_message(1, {"xr": {"pose": None, "squeeze": True}})
    sample = device.sample()
    assert sample.pose is None
    assert CLUTCH not in sample.buttons


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400)
anything = st.recursive(plain, lambda c: st.lists(c, max_size=18) | st.dictionaries(st.text(max_size=4), c, max_size=3))
pads = st.fixed_dictionaries({"axes": st.lists(plain, max_size=6), "buttons": st.lists(plain, max_size=20)})
hands = st.fixed_dictionaries({"pose": anything, "squeeze": anything, "trigger": anything, "buttons": anything})
messages = st.dictionaries(st.sampled_from(["event", "drive", "keys", "pad", "xr"]), anything | pads | hands)


@settings(max_examples=300, deadline=None)
@given(st.lists(messages, max_size=8))
def test_nonsense_moves_nothing_that_it_should_not(said):
    device = Browser()
    device.on_message(1, {"drive": True})
    for message in said:
        device.on_message(1, message)
    sample = device.sample()
    assert np.isfinite(sample.axes).all()
    assert np.abs(sample.axes).max() <= 1.0
    assert sample.pose is None or np.isfinite(sample.pose).all()
    assert sample.grip is None or np.isfinite(sample.grip)
    assert all(isinstance(e, Event) for e in device.events())


@pytest.mark.parametrize("text", ['{"event": "success"}', '{"event": "sucess"}'])
def test_only_known_words_are_heard(text):
    device = Browser()
    device.on_message(3, json.loads(text))
    assert list(device.events()) == ([Event.SUCCESS] if "success" in text else [])
