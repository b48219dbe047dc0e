"""A station is compared with its task before anything moves: units, limits, reach, speed, gripper, cameras."""

from dataclasses import replace

import numpy as np
import pytest
import yaml

from controllers.arms.panda import panda
from controllers.parameters.presets import preset
from robot_rl.apps.main import run
from robot_rl.core.errors import StationError
from robot_rl.core.spec import ENVIRONMENT, IMAGES, Feature
from robot_rl.core.station import FOLDER, load_station
from robot_rl.envs.twin_env import make_twin_env
from robot_rl.nodes.reach import object_places, reach_of
from robot_rl.nodes.readiness import Need, full_speed, look, look_with, ready, require
from robot_rl.tasks.registry import TASKS

PEG = Need.of("peg_insert", ("front", "wrist"))


def changed(tmp_path, name, **changes):
    """A station of the project with other values; ``section__key`` changes one within a section."""
    data = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    for key, value in changes.items():
        section, _, inner = key.rpartition("__")
        (data.setdefault(section, {}) if section else data)[inner] = value
    path = tmp_path / "changed.yaml"
    path.write_text(yaml.safe_dump(data))
    return load_station(str(path))


def wrong(findings):
    return [f"{f.subject}: {f.text}" for f in findings if f.grade == "wrong"]


def notes(findings):
    return [f"{f.subject}: {f.text}" for f in findings if f.grade == "note"]


@pytest.mark.parametrize("task", TASKS)
def test_the_twin_may_do_every_task(task):
    assert wrong(look_with(load_station("twin"), Need.of(task, ("front", "wrist")))) == []


@pytest.mark.parametrize("name", [path.stem for path in sorted(FOLDER.glob("*.yaml"))])
def test_every_station_that_comes_along_may_start(name):
    require(look(load_station(name), "peg_insert"), name)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"table": 720.0}, "table is 720, plausible are -1.5 to 1.5 m; is it in mm?"),
        (
            {"frames": {"bench": {"yaw": 90.0}}},
            "frames.bench.yaw is 90, plausible are -6.28319 to 6.28319 rad; is it in",
        ),
        ({"frames": {"bench": {"x": 500.0}}}, "frames.bench.x is 500"),
        ({"max_force": 15000.0}, "max_force is 15000"),
        ({"hold_after": 100.0}, "hold_after is 100, plausible are 0.01 to 2 s; is it in ms?"),
        ({"robot__load_com": [0, 0, 62.0]}, "robot.load_com is 62, plausible are -0.5 to 0.5 m; is it in mm?"),
        ({"robot__load_mass": 3.5}, "load_mass is 3.5 kg, the arm may hold 3"),
        ({"gripper__widest": 85.0}, "gripper.widest is 85"),
        ({"preset": "teach-me"}, "preset"),
    ],
)
def test_what_can_hardly_be_meant_is_named_with_its_unit(tmp_path, change, text):
    findings = look(changed(tmp_path, "franka", **change), "reach")
    assert text in " ".join(wrong(findings))
    assert not ready(findings)
    with pytest.raises(StationError, match="must not move like this"):
        require(findings, "franka")


def test_a_task_for_another_arm_is_refused_before_it_moves():
    findings = look_with(load_station("ur5e"), Need.of("reach", ()))
    assert "observes an arm of 7 joints, ur5e has 6" in " ".join(wrong(findings))


def test_an_arm_that_may_be_one_of_several_is_checked_as_each():
    subjects = {f.subject for f in look(load_station("franka"), "reach")}
    assert {"panda: limits", "fr3: limits"} <= subjects


def test_a_gripper_that_the_task_needs_must_be_there(tmp_path):
    station = replace(changed(tmp_path, "franka", robot__arm="fer"), gripper=None)
    assert "has none: add the key gripper" in " ".join(wrong(look_with(station, Need.of("pick_cube", ()))))
    assert wrong(look_with(station, Need.of("peg_insert", ()))) == []


def test_poses_that_only_a_twin_knows_need_a_tracker(tmp_path):
    station = changed(tmp_path, "franka", robot__arm="fer")
    assert "observes where hole is" in " ".join(notes(look_with(station, PEG)))
    assert "observes where" not in " ".join(notes(look_with(load_station("twin"), PEG)))
    blind = replace(PEG.spec, observation={k: f for k, f in PEG.spec.observation.items() if k != ENVIRONMENT})
    seen = notes(look_with(station, replace(PEG, spec=blind)))
    assert "observes where" not in " ".join(seen)


def test_cameras_must_be_there_in_number_rate_and_size(tmp_path):
    only = {"front": {"width": 128, "height": 128, "rate": 15.0}}
    assert "camera wrist: peg_insert looks through it, twin has front" in " ".join(
        wrong(look_with(changed(tmp_path, "twin", cameras=only), PEG))
    )
    slow = {name: {"width": 128, "height": 128, "rate": 5.0} for name in ("front", "wrist")}
    assert sum("for the second time" in n for n in notes(look_with(changed(tmp_path, "twin", cameras=slow), PEG))) == 2
    small = {name: {"width": 96, "height": 96, "rate": 15.0} for name in ("front", "wrist")}
    assert sum("blown up" in n for n in notes(look_with(changed(tmp_path, "twin", cameras=small), PEG))) == 2
    half = replace(PEG, spec=PEG.spec.with_feature(IMAGES + "front", Feature((64, 64, 3), "uint8")))
    assert not any("front" in n for n in notes(look_with(load_station("twin"), half)))


def test_places_are_where_the_scene_puts_its_objects():
    env = make_twin_env("peg_insert")
    places = np.array(object_places("peg_insert"))
    for seed in range(3):
        env.reset(seed)
        hole = env.objects["hole"][:3]
        assert (places.min(axis=0) - 0.02 < hole).all()
        assert (hole < places.max(axis=0) + 0.02).all()
    env.close()


def test_places_out_of_reach_or_outside_the_workspace_are_named():
    config = preset("precise")
    assert reach_of(panda(), config, "peg_insert").missed == []
    low = reach_of(panda(), replace(config, box_max=(0.45, 0.5, 0.8)), "peg_insert").missed
    assert {why for _, why in low} == {"outside the workspace"}
    short = replace(panda(), name="short", joint_pos=0.4 * panda().joint_pos)
    far = reach_of(short, config, "peg_insert")
    assert {why for _, why in far.missed} == {"out of reach"}
    assert len(far.missed) == far.places
    assert far.share < reach_of(panda(), config, "peg_insert").share


def test_a_full_action_is_as_fast_as_the_task_says():
    assert full_speed("peg_insert") == pytest.approx(0.15)
    assert full_speed("reach") == pytest.approx(0.25)
    assert "0.15 m/s, the controller lets the tool move at 0.1" in " ".join(notes(look_with(load_station("twin"), PEG)))


def test_the_command_says_what_it_found_and_returns_it(tmp_path, capsys):
    assert run(["check", "twin", "--task", "reach"]) == 0
    assert "It may move." in capsys.readouterr().out
    changed(tmp_path, "twin", table=720.0)
    assert run(["check", str(tmp_path / "changed.yaml")]) == 1
    assert "is it in mm?" in capsys.readouterr().out
