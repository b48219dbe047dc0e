"""One fault at a time is found, in the right episode, and nothing else is; a good dataset has none."""

from dataclasses import replace

import make_reviewed
import numpy as np
import pytest
from make_reviewed import IMAGE, STATE, demonstration, record, with_obs

from robot_rl.data.dataset import open_dataset
from robot_rl.data.edit import Editor
from robot_rl.data.layout import chunk_file
from robot_rl.data.review.check import Options, check
from robot_rl.data.review.findings import Level

BAD = 3
"""The episode that is spoilt."""


def stamps_back(steps):
    return [replace(s, stamp=s.stamp - 0.15 * (t >= 10), frame_stamps={}) for t, s in enumerate(steps)]


def gap(steps):
    return [replace(s, stamp=s.stamp + 1.5 * (t >= 10), frame_stamps={}) for t, s in enumerate(steps)]


def small_gap(steps):
    return [replace(s, stamp=s.stamp + 0.1 * (t >= 10), frame_stamps={}) for t, s in enumerate(steps)]


def stuck_camera(steps):
    return [with_obs(s, image=steps[10].obs[IMAGE]) if 10 <= t < 15 else s for t, s in enumerate(steps)]


def dead_camera(steps):
    return [with_obs(s, image=steps[10].obs[IMAGE]) if t >= 10 else s for t, s in enumerate(steps)]


def old_images(steps):
    return [replace(s, frame_stamps={"wrist": s.stamp - 0.5}) if t == 7 else s for t, s in enumerate(steps)]


def images_of_tomorrow(steps):
    return [replace(s, frame_stamps={"wrist": s.stamp + 0.2}) for s in steps]


def frozen_joint(steps):
    def still(step, joint=2):
        state = step.obs[STATE].copy()
        state[joint] = steps[8].obs[STATE][joint]
        return with_obs(step, state=state)

    return [still(s) if 8 <= t < 22 else s for t, s in enumerate(steps)]


def copy(_steps):
    return demonstration(1)


def long(_steps):
    return demonstration(BAD, 300)


def jerky(steps):
    return [replace(s, action=np.float32([0.9, -0.9]) * (-1) ** t) for t, s in enumerate(steps)]


def waiting(steps):
    return [replace(s, action=np.zeros(2, np.float32)) if t < 20 else s for t, s in enumerate(steps)]


def over_in_the_middle(steps):
    return [replace(s, truncated=t == 5) if t < len(steps) - 2 else s for t, s in enumerate(steps)]


def too_large(steps):
    return [replace(s, action=np.float32([0.0, -1.5])) if t == 3 else s for t, s in enumerate(steps)]


def not_passive(steps):
    return [replace(s, energy=replace(s.energy, violations=1)) for s in steps]


FAULTS = [
    (stamps_back, "stamps", Level.WRONG, "step 10"),
    (gap, "gap", Level.WRONG, "1.60 s"),
    (small_gap, "gap", Level.SUSPECT, "1 steps are missing"),
    (stuck_camera, "stale camera", Level.SUSPECT, "through 4 steps"),
    (dead_camera, "stale camera", Level.WRONG, "through 20 steps"),
    (old_images, "stale camera", Level.SUSPECT, "500 ms old"),
    (images_of_tomorrow, "stale camera", Level.WRONG, "200 ms after"),
    (frozen_joint, "frozen", Level.WRONG, "component 2"),
    (copy, "duplicate", Level.WRONG, "episode 1"),
    (long, "length", Level.SUSPECT, "300 steps"),
    (jerky, "jerk", Level.SUSPECT, "median"),
    (over_in_the_middle, "labels", Level.WRONG, "step 5 of 30"),
    (waiting, "still", Level.SUSPECT, "67%"),
    (too_large, "action", Level.WRONG, "1.50"),
    (not_passive, "passivity", Level.WRONG, "energy"),
]


@pytest.mark.parametrize(("fault", "kind", "level", "words"), FAULTS, ids=[f.__name__ for f, *_ in FAULTS])
def test_a_fault_is_found_and_nothing_else(fault, kind, level, words, tmp_path):
    record(tmp_path / "data", lambda steps, episode: fault(steps) if episode == BAD else steps)
    findings = check(open_dataset(tmp_path / "data"))
    assert [(f.kind, f.level, f.episode) for f in findings] == [(kind, level, BAD)]
    assert words in findings[0].text
    assert findings[0].remedy


def test_a_good_dataset_has_no_findings_and_a_still_scene_is_no_dead_camera(tmp_path):
    def rest(steps, _episode):
        still = [with_obs(s, state=steps[0].obs[STATE], image=steps[0].obs[IMAGE]) for s in steps[:12]]
        return [*still, *steps[12:]]

    assert check(open_dataset(record(tmp_path / "good"))) == []
    assert check(open_dataset(record(tmp_path / "resting", rest))) == []


def test_dead_components_and_saturated_actions_are_of_the_whole_dataset(tmp_path):
    def spoil(steps, _episode):
        return [
            replace(with_obs(s, state=s.obs[STATE] * np.float32([1, 0, 1, 1])), action=action(t, s))
            for t, s in enumerate(steps)
        ]

    def action(t, s):
        return np.array([1.0 if t % 4 else s.action[0], (-1.0) ** (t // 9)], np.float32)

    findings = check(open_dataset(record(tmp_path / "data", spoil)))
    assert {(f.kind, f.level, f.episode) for f in findings} == {
        ("frozen", Level.NOTE, None),
        ("saturation", Level.SUSPECT, None),
    }, "the second component of the action is a switch, as of a gripper"
    assert "component 1 of observation.state" in next(f.text for f in findings if f.kind == "frozen")
    assert "component 0 of the action" in next(f.text for f in findings if f.kind == "saturation")


def test_a_file_that_changed_and_one_that_is_gone(tmp_path):
    root = record(tmp_path / "data", episodes=4)
    dataset = open_dataset(root)
    first, second = (
        chunk_file(dataset.index[i]["path"], "reward", make_reviewed.SPEC.observation[STATE]) for i in (0, 2)
    )
    first = first.with_name("c.0")
    first.write_bytes(np.ones(30, np.float32).tobytes())
    second.with_name("c.0").unlink()
    (root / "episodes" / "ep000009-nothing.zarr").mkdir()
    findings = check(open_dataset(root))
    assert {(f.kind, f.episode) for f in findings} == {("digest", 0), ("digest", 2), ("file", 2), ("file", None)}
    unread = check(open_dataset(root), Options(digests=False))
    assert {(f.kind, f.episode) for f in unread} == {("file", 2), ("file", None)}


def test_an_episode_that_was_deleted_is_no_copy(tmp_path):
    root = record(tmp_path / "data", lambda steps, episode: demonstration(1) if episode == BAD else steps)
    with Editor(root) as editor:
        editor.delete([1])
    assert check(open_dataset(root)) == []
