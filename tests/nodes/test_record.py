"""Nodes that run episodes on the graph: what they record, what they say, how they fail."""

import json
import signal
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

pytest.importorskip("rclpy")

from controllers.black_box.replay import replay
from controllers.loop.exchange import shared_path
from robot_rl.core.records import Source
from robot_rl.data.dataset import open_dataset
from robot_rl.learner import checkpoint, registry
from robot_rl.nodes.dds_memory import YOUNG, remove_dead_segments
from robot_rl.nodes.launcher import Graph
from robot_rl.tasks.registry import make_task

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def graph():
    with Graph("twin", "reach", domain=-1) as started:
        yield started


def run(graph, module, out, *arguments):
    lines = []
    options = ["--task", "reach", "--out", str(out), *map(str, arguments)]
    code = graph.run_node(f"robot_rl.nodes.{module}", options, lines.append)
    return code, [json.loads(line) for line in lines]


def test_demonstrations_are_recorded_in_real_time(graph, tmp_path):
    code, lines = run(graph, "teleop_node", tmp_path / "demos", "--episodes", 2, "--seed", 3)
    assert code == 0
    assert [line["seed"] for line in lines] == [3, 4]
    assert all(line["success"] for line in lines)
    assert all(line["violations"] == 0 and line["loop"]["rejected"] == 0 for line in lines)
    dataset = open_dataset(tmp_path / "demos")
    assert len(dataset) == 2
    episode = dataset.episode(0)
    steps = lines[0]["steps"]
    assert len(episode.action) == steps
    assert episode.obs["observation.images.wrist"].shape == (steps + 1, 128, 128, 3)
    assert set(np.asarray(episode.source).tolist()) == {int(Source.HUMAN)}
    periods = np.diff(np.asarray(episode.stamp))
    assert np.median(periods) == pytest.approx(0.1, abs=0.02)  # a busy machine may delay single steps
    moved = np.abs(np.asarray(episode.action) - np.asarray(episode.proposal))
    assert np.median(moved) < 0.02, "with nothing in the way the arm does what was asked"


def test_a_checkpoint_acts(graph, tmp_path):
    method, spec = registry.load("bc"), make_task("reach", ()).spec
    learner = method.make(method.Config(hidden=(16,)), spec, base=None, statistics=None)
    checkpoint.save(tmp_path / "bc", "bc", method.Config(hidden=(16,)), spec, learner, {})
    options = ("--checkpoint", tmp_path / "bc", "--episodes", 1, "--cameras", "front")
    code, (line,) = run(graph, "actor_node", tmp_path / "deployed", *options)
    assert code == 0
    assert line["steps"] >= 1
    assert line["loop"]["violations"] == 0
    assert len(open_dataset(tmp_path / "deployed")) == 1


def test_a_wrong_checkpoint_is_one_line(graph, tmp_path, capfd):
    code, lines = run(graph, "actor_node", tmp_path / "none", "--checkpoint", tmp_path / "nothing")
    assert (code, lines) == (2, [])
    assert not (tmp_path / "none").exists()
    error = [text for text in capfd.readouterr().err.splitlines() if text.startswith("[actor]")]
    assert len(error) == 1
    assert "is no checkpoint" in error[0]


def test_a_graph_that_breaks_keeps_what_was_recorded_and_leaves_nothing_else(graph, tmp_path, capfd):
    """Last: the graph ends. The arm process itself is killed, in the middle of a run."""
    family = [psutil.Process(p.pid) for p in graph.processes.values()]
    lines = []

    def kill(line):
        lines.append(json.loads(line))
        graph.processes["arm_process"].send_signal(signal.SIGKILL)

    assert shared_path(graph.name).exists()
    remove_dead_segments()  # of whatever was killed before
    options = ["--task", "reach", "--out", str(tmp_path / "demos"), "--episodes", "50"]
    code = graph.run_node("robot_rl.nodes.teleop_node", options, kill)
    assert code == 2
    assert list(graph.dead) == ["arm_process"]
    assert "[teleop]" in capfd.readouterr().err
    assert len(open_dataset(tmp_path / "demos")) >= len(lines) >= 1
    graph.stop()
    assert not any(p.is_running() for p in family)
    assert graph.black_box is not None, "what a killed arm process had recorded is kept"
    found = replay(graph.black_box)
    graph.black_box.unlink()
    assert found.ticks > 1000
    assert (found.different, found.first) == (0, -1)
    assert not list(Path("/dev/shm").glob(f"*{graph.name}*"))
    time.sleep(YOUNG)
    assert remove_dead_segments() == []
