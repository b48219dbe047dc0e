"""Station files: one line for every mistake, with the key and the nearest right one."""

import pytest
import yaml

from robot_rl.core.errors import StationError
from robot_rl.core.station import FOLDER, load_station

GOOD = yaml.safe_load((FOLDER / "twin.yaml").read_text(encoding="utf-8"))


def test_every_station_that_comes_along_loads():
    for path in FOLDER.glob("*.yaml"):
        assert load_station(path.stem).name == path.stem
        assert load_station(str(path)) == load_station(path.stem)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"presett": "precise"}, "did you mean 'preset'"),
        ({"driver": "twni"}, "did you mean 'twin'"),
        ({"state_rate": -1}, "state_rate is -1, it must be greater than 0"),
        ({"state_rate": "fast"}, "state_rate is 'fast', it must be of type float"),
        ({"priority": True}, "priority is True"),
        ({"cameras": {"front": {"width": 128, "height": 128, "rat": 1}}}, "cameras.front.rat; did you mean 'rate'"),
        ({"cameras": {"front": {"width": 128, "height": 128}}}, "cameras.front.rate is missing"),
        ({"cameras": {"front": {"width": 0, "height": 128, "rate": 1}}}, "cameras.front.width is 0"),
        ({"cameras": {"front": 3}}, "must map keys to values"),
        ({"cameras": ["front"]}, "cameras must map a name"),
        ({"frames": {"bench": {"parent": "tabel"}}}, "'bench' hangs on 'tabel'"),
        ({"frames": {"bench": {"yow": 1.0}}}, "frames.bench.yow; did you mean 'yaw'"),
        ({"frames": {"base": {"x": 1.0}}}, "give it another name"),
        ({"frames": 3}, "frames must map a name"),
        ({"loss_ticks": -1}, "loss_ticks is -1, it must not be negative"),
        ({"robot": {"address": "10.0.0.1"}}, "a twin has no robot"),
        ({"gripper": {"kind": "robotiq"}}, "a twin brings its gripper along"),
    ],
)
def test_mistakes_are_named(tmp_path, change, text):
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({**GOOD, **change}), encoding="utf-8")
    with pytest.raises(StationError) as error:
        load_station(str(path))
    assert text in str(error.value)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("content", ["a: [", "- 1\n- 2", "", "\x00", "name: twin"])
def test_what_is_no_station_file(tmp_path, content):
    path = tmp_path / "mine.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(StationError) as error:
        load_station(str(path))
    assert "\n" not in str(error.value)


def test_a_wrong_name_gets_the_nearest():
    with pytest.raises(StationError, match="did you mean 'twin'"):
        load_station("twn")


@pytest.mark.parametrize(
    ("station", "section", "change", "text"),
    [
        ("franka", "robot", {"adress": "x"}, "there is no key robot.adress; did you mean 'address'"),
        ("franka", "robot", {"arm": "fr33"}, "there is no robot.arm 'fr33'; did you mean 'fr3'"),
        ("franka", "robot", {"mode": "torque"}, "there is no key robot.mode"),
        ("franka", "robot", {"load_com": [0.0, 0.0]}, "robot.load_com is [0.0, 0.0], it must be three numbers"),
        ("franka", "robot", {"load_mass": -1.0}, "robot.load_mass is -1.0, it must not be negative"),
        ("franka", "robot", {"soft_realtime": 1}, "robot.soft_realtime is 1, it must be of type bool"),
        ("franka", "robot", None, "the key robot is missing"),
        ("ur5e", "robot", {"mode": "torqe"}, "there is no robot.mode 'torqe'; did you mean 'torque'"),
        ("ur5e", "robot", {"collision_force": 30.0}, "there is no key robot.collision_force"),
        ("ur5e", "gripper", {"kind": "robotic"}, "there is no gripper.kind 'robotic'; did you mean 'robotiq'"),
        ("ur5e", "gripper", {"forse": 5.0}, "there is no key gripper.forse; did you mean 'force'"),
    ],
)
def test_mistakes_about_hardware_are_named(tmp_path, station, section, change, text):
    data = yaml.safe_load((FOLDER / f"{station}.yaml").read_text(encoding="utf-8"))
    data[section] = None if change is None else {**data[section], **change}
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(StationError) as error:
        load_station(str(path))
    assert text in str(error.value)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)
