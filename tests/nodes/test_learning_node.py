"""A policy that learns, on the graph: what it and a person do reaches the learner at once, and weights come back."""

import json
import threading
import time

import numpy as np
import pytest

pytest.importorskip("rclpy")

from page_visitor import visit

from robot_rl.core.records import RewardSource, Source
from robot_rl.core.spec import STATE
from robot_rl.learner import registry, start
from robot_rl.tasks.registry import make_task
from robot_rl.transport.client import ExperienceClient
from robot_rl.transport.codec import decode_step
from robot_rl.transport.experience_pb2 import Event
from robot_rl.transport.server import ExperienceServer
from sim.scenes.registry import make_scene

pytestmark = pytest.mark.timeout(400)
PERIOD = 0.1


class School:
    """A learner's end of the wire, and a learner that has just begun."""

    def __init__(self, folder):
        method, self.spec = registry.load("rlpd"), make_task("reach", ()).spec
        config = method.Config(hidden=(16, 16))
        self.learner = method.make(config, self.spec, base=None, statistics=None)
        start.save(folder / "start", self.learner, "reach", {})
        self.folder, self.arrived, self.lines = folder, [], []
        self.server = ExperienceServer("127.0.0.1:0", folder / "log", self.spec)
        self.server.start(self.take)
        self.publish()

    def take(self, arrival):
        self.arrived.append((time.monotonic(), Event.FromString(arrival.payload)))

    def publish(self):
        return self.server.publish(self.learner.weights())

    def of(self, kind):
        return [(at, getattr(event, kind)) for at, event in list(self.arrived) if event.WhichOneof("body") == kind]

    def steps(self):
        return [decode_step(step, self.spec) for _, step in self.of("step")]

    def run(self, graph, *words, on_line=lambda line: None, enough=lambda: False):
        """An actor's node on the graph, from its start to its end: its exit code."""

        def hear(text):
            self.lines.append(json.loads(text))
            on_line(self.lines[-1])

        wanted = ["--begin", self.folder / "start", "--task", "reach", "--spool", self.folder / "spool"]
        wanted += ["--address", self.server.address, "--station", "twin", *words]
        return graph.run_node("robot_rl.nodes.learning_node", list(map(str, wanted)), hear, enough)


@pytest.fixture
def school(tmp_path):
    opened = School(tmp_path)
    yield opened
    opened.server.stop()


def once(when, do):
    """Asked again and again: does it the first time that it may; never enough."""
    done = []

    def ask():
        if when() and not done:
            done.append(do())
        return False

    return ask


def test_what_happens_reaches_the_learner_as_it_happens_and_its_weights_the_arm(graph, school):
    newer = once(lambda: len(school.of("step")) >= 5, school.publish)
    assert school.run(graph, "--max-steps", 40, "--device", "expert", enough=newer) == 0
    done = school.lines[-1]["done"]
    assert (done["steps"], done["delivered"], done["mishaps"], done["adopted"]) == (40, True, 0, 2)
    steps = school.steps()
    assert len(steps) == 40
    records = [step.record for step in steps]
    delays = [at - (step.record.stamp + PERIOD) for (at, _), step in zip(school.of("step"), steps, strict=True)]
    assert np.median(delays) < 0.3, "a step is there before the next one or two have ended"

    versions = [step.policy_version for step in steps]
    assert set(versions) == {1, 2}
    assert versions == sorted(versions)
    assert 5 <= versions.index(2) < 20
    ages = np.array([[r.freshness.observation_age, r.freshness.action_age, r.freshness.weights_age] for r in records])
    assert np.isfinite(ages).all()
    assert (ages > 0).all()
    assert np.median(ages[:, :2]) < PERIOD
    assert ages[0, 0] < 0.5, "nothing had to be loaded while the arm waited"
    old = ages[: versions.index(2), 2]
    stamps = np.array([r.stamp for r in records[: len(old)]])
    np.testing.assert_allclose(np.diff(old), np.diff(stamps), atol=0.08)

    assert {r.source for r in records} == {Source.POLICY, Source.HUMAN}
    for record in records:
        assert (record.intervention > 0) == (record.source is Source.HUMAN)
        assert (record.policy_proposal is not None) == (record.source is Source.HUMAN)
        assert record.energy.violations == 0
    begun = [json.loads(begin.meta) for _, begin in school.of("begin")]
    assert [meta["seed"] for meta in begun] == list(range(1_000_000, 1_000_000 + len(begun)))
    assert {(meta["station"], meta["device"]) for meta in begun} == {("twin", "expert")}
    home = make_scene("reach").home()
    kinds = [event.WhichOneof("body") for _, event in school.arrived]
    firsts = [kinds[:k].count("step") for k, kind in enumerate(kinds) if kind == "begin" and "step" in kinds[k:]]
    for k in firsts:
        np.testing.assert_allclose(records[k].obs[STATE][:7], home, atol=0.02)


def test_a_person_takes_the_arm_and_says_what_it_was_worth(graph, school):
    enough, pages = threading.Event(), []

    async def person(page):
        await page.say(drive=True)
        await page.phase("policy")
        await page.hold(0.3)
        await page.phase("human", keys=["w"])
        await page.hold(0.5, "w")
        await page.phase("policy")
        await page.hold(0.2)
        await page.say(event="failure")
        await page.hold(0.3)

    def on_line(line):
        if "page" in line:
            pages.append(visit(line["page"], person))
        elif "verdict" in line:
            enough.set()

    assert school.run(graph, "--device", "browser", on_line=on_line, enough=enough.is_set) == 0
    pages[0].join(10.0)
    episode = next(line for line in school.lines if "verdict" in line)
    assert (episode["verdict"], episode["success"], episode["interventions"]) == ("failure", False, 1)
    assert episode["violations"] == 0
    assert school.lines[-1]["done"]["delivered"]
    records = [step.record for step in school.steps()][: episode["steps"]]
    sources = [record.source for record in records]
    changes = [s for s, before in zip(sources, [None, *sources], strict=False) if s != before]
    assert changes == [Source.POLICY, Source.HUMAN, Source.POLICY]
    hers = [record for record in records if record.source is Source.HUMAN]
    assert len(hers) == episode["human_steps"]
    assert np.mean([record.action[0] for record in hers]) > 0.4, "she went forward"
    assert all(record.policy_proposal is not None and record.intervention == 1 for record in hers)
    last = records[-1]
    assert (last.reward_source, last.reward, last.terminated) == (RewardSource.PERSON, 0.0, True)


def test_an_examiner_on_the_graph(graph, school):
    enough = threading.Event()

    def on_line(line):
        if line.get("weights") == 1:
            school.publish()
        elif line.get("weights") == 2:
            enough.set()

    assert school.run(graph, "--evaluate", 1, on_line=on_line, enough=enough.is_set) == 0
    begun = [json.loads(begin.meta) for _, begin in school.of("begin")]
    assert [(meta["evaluation"], meta["version"], meta["seed"]) for meta in begun[:2]] == [(1, 1, 1000), (2, 2, 1000)]
    assert {step.record.source for step in school.steps()} == {Source.POLICY}
    assert [line["total"] for line in school.lines[:2]] == [line["total"] for line in school.lines if "total" in line]


def test_what_an_actor_did_while_the_learner_was_gone_is_not_lost(graph, school, tmp_path):
    """The learner dies, the actor is told to end before it is back: the next start of either brings the rest."""
    since = []

    def die():
        school.server.stop()
        since.append(time.monotonic())

    gone = once(lambda: len(school.of("step")) >= 5, die)

    def enough():
        gone()
        return bool(since) and time.monotonic() - since[0] > 1.5

    assert school.run(graph, "--drain-timeout", 0.5, enough=enough) == 0
    done = school.lines[-1]["done"]
    assert not done["delivered"]
    there = len(school.of("step"))
    assert there < done["steps"]
    school.server = ExperienceServer("127.0.0.1:0", tmp_path / "log", school.spec)
    school.server.start(school.take)
    with ExperienceClient(school.server.address, tmp_path / "spool", school.spec) as client:
        assert client.drain(10.0)
    stamps = [step.record.stamp for step in school.steps()]
    assert len(stamps) == done["steps"]
    assert stamps == sorted(set(stamps))
