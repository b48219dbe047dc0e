"""A person on the graph: a leader arm that is mirrored; a page that takes the arm from a policy and gives it back."""

import asyncio
import json
import threading
import time

import numpy as np
import pytest

pytest.importorskip("rclpy")

from page_visitor import take_over, visit
from sensor_msgs.msg import JointState

from controllers.arms.panda import panda
from robot_rl.core.records import Source
from robot_rl.data.dataset import open_dataset
from robot_rl.learner import checkpoint, registry
from robot_rl.nodes import messages as ros
from robot_rl.nodes.launcher import Graph
from robot_rl.nodes.ros import RosProcess
from robot_rl.tasks.reach import STEP
from robot_rl.tasks.registry import make_task

pytestmark = pytest.mark.timeout(400)
ROS = ("ROS_DOMAIN_ID", "ROS_AUTOMATIC_DISCOVERY_RANGE")
NAMES = [f"panda_joint{i}" for i in range(1, 8)]
HOME = np.array([0.0, -0.6, 0.0, -2.4, 0.0, 1.8, 0.8])


@pytest.fixture(scope="module")
def graph():
    with Graph("twin", "reach", domain=-1) as started:
        yield started


class LeaderArm(threading.Thread):
    """A driver of a leader: publishes its joints 50 times a second."""

    def __init__(self):
        super().__init__(daemon=True)
        self.q = HOME.copy()
        self.done, self.heard = threading.Event(), threading.Event()

    def run(self):
        with RosProcess("leader_driver") as process:
            publisher = process.node.create_publisher(JointState, "leader/joint_states", ros.RELIABLE)
            while not self.done.wait(0.02):
                vectors = (self.q, np.zeros(7), np.zeros(7))
                publisher.publish(ros.joint_state(NAMES, vectors, time.monotonic()))
                if publisher.get_subscription_count() > 0:
                    self.heard.set()


@pytest.fixture
def leader(graph, monkeypatch):
    for name in ROS:
        monkeypatch.setenv(name, graph.env[name])
    arm = LeaderArm()
    arm.start()
    yield arm
    arm.done.set()
    arm.join(5.0)


def session(graph, out, person, *arguments):
    """A session of one episode whose page is ``person``'s, a coroutine function of a websocket; the node's lines."""
    lines, pages = [], []

    def take(text):
        line = json.loads(text)
        lines.append(line)
        if "page" in line:
            pages.append(visit(line["page"], person))

    options = ["--task", "reach", "--out", str(out), "--episodes", "1", "--cameras", "--host", "127.0.0.1"]
    code = graph.run_node("robot_rl.nodes.teleop_node", [*options, "--review", "0", *map(str, arguments)], take)
    assert code == 0
    pages[0].join(10.0)
    return [line for line in lines if "page" not in line]


def test_the_arm_mirrors_a_leader_by_another_maker(graph, leader, tmp_path):
    """The leader stands elsewhere; from where the episode began, the arm's tool goes as its tool goes."""
    way, tries = {}, []

    async def move(page):
        """Move the leader; which phases the page showed meanwhile."""
        for _ in range(4):
            await page.phase("human")  # one per step
        phases = set()
        for k in range(20):
            leader.q = HOME + 0.008 * k * np.array([1.0, 0.0, 0, 0.5, 0, 0, 0])
            phases |= await page.watch(0.05)
        return phases | await page.watch(0.7)

    async def person(page):
        assert leader.heard.wait(30.0), "the session reads the leader's joints"
        tries.append(await move(page))
        while tries[-1] != {"human"} and len(tries) < 5:  # a machine that stalls for 0.5 s holds the arm
            leader.q = HOME.copy()
            await page.say(event="rerecord")
            await page.phase("reset")
            tries.append(await move(page))
        way["went"] = panda().forward(leader.q)[:3] - panda().forward(HOME)[:3]
        await page.say(event="success")
        await asyncio.sleep(0.3)

    lines = session(graph, tmp_path / "d", person, "--device", "leader")
    assert tries[-1] == {"human"}, "she had the arm all the way"
    assert lines[0]["success"]
    assert lines[0]["violations"] == 0
    episode = open_dataset(tmp_path / "d").episode(0)
    assert set(episode.source.tolist()) == {int(Source.HUMAN)}
    assert episode.meta["device"] == "leader"
    assert np.linalg.norm(way["went"]) > 0.05
    np.testing.assert_allclose(episode.action.sum(axis=0) * STEP, way["went"], atol=0.004)


@pytest.fixture
def policy(tmp_path):
    method, spec = registry.load("bc"), make_task("reach", ()).spec
    learner = method.make(method.Config(hidden=(16,)), spec, base=None, statistics=None)
    checkpoint.save(tmp_path / "policy", "bc", method.Config(hidden=(16,)), spec, learner, {"task": "reach"})
    return tmp_path / "policy"


def test_a_person_takes_the_arm_from_a_policy_and_gives_it_back(graph, policy, tmp_path):
    arguments = ("--device", "browser", "--policy", policy, "--keep-failures", "--episodes", "1")
    lines = []

    async def once(page):
        await take_over(page)
        await page.phase("policy", "reset")
        await page.say(event="stop")
        await asyncio.sleep(0.5)

    lines = session(graph, tmp_path / "d", once, *arguments)
    assert lines[0]["interventions"] == 1
    assert lines[0]["violations"] == 0
    episode = open_dataset(tmp_path / "d").episode(0)
    assert episode.outcome == "failure"
    sources = episode.source.tolist()
    changes = [s for s, before in zip(sources, [None, *sources], strict=False) if s != before]
    assert changes == [Source.POLICY, Source.HUMAN, Source.POLICY]
    hers = episode.source == Source.HUMAN
    assert 5 <= hers.sum() <= 16
    np.testing.assert_array_equal(episode.intervention, hers.astype(int))
    assert (episode.proposal[hers][2:-8, 0] > 0.9).all(), "she went forward"
    assert np.abs(episode.policy_proposal[hers] - episode.proposal[hers]).max() > 0.1
    assert (episode.energy["work"] <= episode.energy["budget"] + 1e-9).all()
