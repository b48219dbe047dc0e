"""Launch files: golden command lines, and one line for every mistake."""

import pytest

from robot_rl.core.errors import ConfigError
from robot_rl.core.station import FOLDER as STATIONS
from robot_rl.core.station import load_station
from robot_rl.nodes import launch_file
from robot_rl.nodes.launch_file import read_launch

GIVEN = {"station": "twin", "task": "peg_insert", "graph": "g1", "parent": "42"}


def test_golden_command_lines():
    plan = read_launch("twin.launch.yaml", GIVEN, {"ROBOT_RL_PYTHON": "/opt/py 3/python"})
    front = "-m robot_rl.nodes.camera_node --camera front --station twin --task peg_insert --parent 42"
    assert list(plan.processes) == ["arm_process", "arm_node", "camera_front", "camera_wrist"]
    assert " ".join(plan.processes["camera_front"][-10:]) == front
    assert plan.environment["ROS_PYTHON_CHECK_FIELDS"] == "1"


def test_defaults_apply():
    plan = read_launch("twin.launch.yaml", {}, {})
    expected = "python3 -m robot_rl.nodes.arm_node --graph twin --station twin --parent 0"
    assert plan.processes["arm_node"] == expected.split()


def test_every_station_has_its_launch_file_and_a_node_per_camera():
    for path in STATIONS.glob("*.yaml"):
        station = load_station(path.stem)
        plan = read_launch(station.launch, {**GIVEN, "station": path.stem}, {})
        assert {f"camera_{name}" for name in station.cameras} <= set(plan.processes)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("launch: [{exectable: {name: x}}]", "did you mean 'executable'"),
        ("launch: [{executable: {name: x, cmdd: y}}]", "did you mean 'cmd'"),
        ("launch: [{executable: {name: x, cmd: '$(var grph)'}}]", "there is no substitution 'var grph'"),
        ("launch: [3]", "every entry must be one of"),
        ("nothing: []", "not a launch file"),
        ("launch: [", "not a launch file"),
    ],
)
def test_mistakes_are_named(tmp_path, monkeypatch, text, error):
    (tmp_path / "bad.launch.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(launch_file, "FOLDER", tmp_path)
    with pytest.raises(ConfigError) as caught:
        read_launch("bad.launch.yaml", {}, {})
    assert error in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_file_or_argument_gets_the_nearest():
    with pytest.raises(ConfigError, match=r"did you mean 'twin\.launch\.yaml'"):
        read_launch("twn.launch.yaml", {}, {})
    with pytest.raises(ConfigError, match="did you mean 'task'"):
        read_launch("twin.launch.yaml", {"tsk": "reach"}, {})
