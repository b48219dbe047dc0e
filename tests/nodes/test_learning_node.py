"""A policy that learns, on the graph: what it and a person do reaches the learner at once, and weights come back."""

import threading
import time

import numpy as np
import pytest

pytest.importorskip("rclpy")

from page_visitor import take_over, visit
from school import School, once

from controllers.guard.lifecycle import Phase
from robot_rl.core.records import RewardSource, Source
from robot_rl.core.spec import STATE
from sim.scenes.registry import make_scene

pytestmark = pytest.mark.timeout(400)
PERIOD = 0.1


@pytest.fixture
def school(tmp_path):
    opened = School(tmp_path)
    yield opened
    opened.server.stop()


@pytest.fixture(scope="module")
def history(graph, tmp_path_factory):
    """A policy and a person's stand-in; now and then new weights; the learner dies, the actor is told to end."""
    school, died = School(tmp_path_factory.mktemp("school")), []

    def die():
        school.server.stop()
        died.append(time.monotonic())

    events = [once(lambda n=n: len(school.of("step")) >= n, school.publish) for n in (4, 9, 15, 22)]
    events.append(once(lambda: len(school.of("step")) >= 30, die))

    def enough():
        return any([event() for event in events]) or (bool(died) and time.monotonic() - died[0] > 1.2)

    school.code = school.run(graph, "--device", "expert", "--drain-timeout", 0.5, enough=enough)
    school.there = len(school.of("step"))
    school.open()
    yield school
    school.server.stop()


def test_the_node_ends_when_told_to_and_nothing_is_lost_without_a_learner(history):
    done = history.lines[-1]["done"]
    assert history.code == 0
    assert (done["delivered"], done["mishaps"], done["adopted"]) == (False, 0, 5)
    assert 30 <= history.there < done["steps"]
    assert history.fetch(), "whoever uses this spool next brings the rest"
    stamps = [step.record.stamp for step in history.steps()]
    assert len(stamps) == done["steps"]
    assert stamps == sorted(set(stamps))


def test_every_step_is_there_when_the_next_ones_are_made(history):
    arrived = [at for at, _ in history.of("step")][:30]
    delays = [at - step.record.stamp - PERIOD for at, step in zip(arrived, history.steps(), strict=False)]
    assert np.median(delays) < 0.3


def test_weights_change_in_the_middle_of_an_episode(history):
    versions = [step.policy_version for step in history.steps()]
    assert versions == sorted(versions)
    changes = [versions.index(version) for version in (2, 3, 4, 5)]
    assert set(changes) - set(history.firsts())
    for change, published in zip(changes, (4, 9, 15, 22), strict=True):
        assert published <= change < published + 6, "within a few steps of the learner's word"


def test_ages_are_those_of_the_clock(history):
    fresh = [step.record.freshness for step in history.steps()]
    ages = np.array([[f.observation_age, f.action_age, f.weights_age] for f in fresh])
    assert (np.isfinite(ages) & (ages > 0)).all()
    assert np.median(ages[:, :2]) < PERIOD
    assert ages[0, 0] < 0.5, "nothing had to be loaded while the arm waited"
    first = sum(f.weights_version == 1 for f in fresh)
    stamps = np.array([step.record.stamp for step in history.steps()][:first])
    np.testing.assert_allclose(np.diff(ages[:first, 2]), np.diff(stamps), atol=0.08)


def test_the_learner_is_told_who_did_what(history):
    records = [step.record for step in history.steps()]
    assert {r.source for r in records} == {Source.POLICY, Source.HUMAN}
    for record in records:
        assert (record.intervention > 0) == (record.source is Source.HUMAN)
        assert (record.policy_proposal is not None) == (record.source is Source.HUMAN)
        assert record.energy.violations == 0
    assert {(meta["station"], meta["device"]) for meta in history.begun()} == {("twin", "expert")}
    assert [meta["seed"] for meta in history.begun()] == [1_000_000 + k for k in range(len(history.begun()))]


def test_every_episode_begins_at_home(history):
    records = [step.record for step in history.steps()]
    for k in history.firsts():
        np.testing.assert_allclose(records[k].obs[STATE][:7], make_scene("reach").home(), atol=0.02)


def test_a_person_takes_the_arm_and_says_what_it_was_worth(graph, school):
    enough, pages = threading.Event(), []

    def on_line(line):
        if "page" in line:
            pages.append(visit(line["page"], take_over))
        elif "verdict" in line:
            enough.set()

    assert school.run(graph, "--device", "browser", on_line=on_line, enough=enough.is_set) == 0
    pages[0].join(10.0)
    episode = next(line for line in school.lines if "verdict" in line)
    assert (episode["verdict"], episode["success"], episode["interventions"]) == ("failure", False, 1)
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


def test_an_examiner_holds_the_arm_until_there_is_something_to_examine(graph, school, surface):
    """Longer than an arm that nobody commands waits before it lets go of itself."""
    ended, phases = [], []

    def enough():
        if ended and school.lines[-1].get("weights") == 1:
            surface.robot.state()
            phases.append(surface.phase())
            if time.monotonic() - ended[0] > 2.6:
                school.publish()
                ended.clear()
        return len(school.begun()) > 1

    assert school.run(graph, "--evaluate", 1, on_line=lambda _: ended.append(time.monotonic()), enough=enough) == 0
    assert set(phases) == {Phase.ACTIVE}
    meta = [(m["evaluation"], m["version"], m["seed"]) for m in school.begun()]
    assert meta == [(1, 1, 1000), (2, 2, 1000)]
    assert {step.record.source for step in school.steps()} == {Source.POLICY}
