"""A person and a policy share the guarded twin: labels, actions, leases and the tank, whatever happens when."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted_person import Moment, ScriptedPerson

from controllers.guard.arbitration import BLEND
from controllers.numeric.rotations import pose_error
from robot_rl.actor.pilots import Abandoned
from robot_rl.actor.rollout import run_episode
from robot_rl.actor.shared_control import SharedControl
from robot_rl.core.records import RewardSource, Source
from robot_rl.core.teleop import Event
from robot_rl.envs.twin_env import make_twin_env


class Upwards:
    """A policy with chunks of three whose action says how often it was asked."""

    def __init__(self):
        self.asked = 0

    def reset(self):
        self.asked = 0

    def augment(self, obs):
        return obs

    def act(self, obs, *, explore=False):
        self.asked += 1
        return np.tile(np.array([0.01 * self.asked, 0.0, 0.3], np.float32), (3, 1))


class Kept:
    """A sink that keeps what comes."""

    def __init__(self):
        self.rows, self.final, self.discarded = [], None, False

    def begin(self, meta):
        self.meta = meta

    def add(self, step):
        self.rows.append(step)

    def end(self, final_obs):
        self.final = final_obs

    def discard(self):
        self.discarded = True


@pytest.fixture(scope="module")
def env():
    env = make_twin_env("reach", guarded=True)
    yield env
    env.close()


def play(env, moments, policy=True, before_step=None):
    operator = ScriptedPerson(env.clock.now, env.spec.action_dim, list(moments))
    pilot = SharedControl(env, operator, Upwards() if policy else None, clock=env.clock.now)
    sink = Kept()
    result = run_episode(env, pilot, 3, sink=sink, before_step=before_step)
    return sink, result, pilot


MOVE = Moment(strength=1.0)
TAKE, BACK = Moment(events=(Event.TAKE_OVER,)), Moment(events=(Event.HAND_BACK,))


def test_what_she_does_is_stored_beside_what_the_policy_wanted(env):
    sink, result, _ = play(env, [Moment(), Moment(), TAKE, Moment(), BACK])
    labels = [row.source for row in sink.rows[:6]]
    assert labels == [Source.POLICY] * 2 + [Source.HUMAN] * 2 + [Source.POLICY] * 2
    assert [row.intervention for row in sink.rows[:6]] == [0, 0, 1, 1, 0, 0]
    for row in sink.rows[2:4]:
        assert row.policy_proposal is not None
        np.testing.assert_allclose(row.policy_proposal[2], 0.3)
        assert not np.allclose(row.policy_proposal, row.proposal)
    assert sink.rows[0].policy_proposal is None
    assert result.interventions == 1
    assert result.human_steps == 2


def test_the_policy_plans_anew_from_where_she_left_the_arm(env):
    sink, *_ = play(env, [TAKE, Moment(), BACK])
    asked = [round(float((r.policy_proposal if r.intervention else r.proposal)[0]) / 0.01) for r in sink.rows[:6]]
    assert asked == [1, 2, 3, 3, 3, 4], "asked in each of her steps, then a fresh chunk of three"


def test_the_arm_is_hers_by_lease_and_the_policy_has_no_say(env):
    owners = []
    play(env, [Moment(), TAKE, Moment(), BACK], before_step=lambda: owners.append(env.robot.supervisor.guard["owner"]))
    guard = env.robot.supervisor.guard
    assert [int(o) for o in owners[1:4]] == [Source.POLICY, Source.HUMAN, Source.HUMAN]
    assert int(owners[4]) == Source.POLICY
    assert guard["leased"] == 0


def test_a_hand_over_is_blended_over_a_tenth_of_a_second(env):
    """The goal leaves the policy's without a step, whatever the person asks for."""
    goals = []
    twin, submit = env.robot, env.robot.advance

    def watched(ticks):
        for _ in range(ticks):
            submit(1)
            goals.append((twin.now(), int(twin.supervisor.guard["owner"]), twin.controller.state["goal"].copy()))

    twin.advance = watched
    try:
        play(env, [Moment(), Moment(), TAKE, Moment(), BACK])
    finally:
        del twin.advance
    first = next(i for i, (_, owner, _) in enumerate(goals) if owner == Source.HUMAN)
    ticks = round(BLEND / twin.period)
    way = [np.linalg.norm(pose_error(goals[first + k][2], goals[first - 1][2])) for k in (0, ticks // 2, ticks - 1)]
    assert way[0] < 0.02 * way[2], "no jump"
    assert 0.3 * way[2] < way[1] < 0.7 * way[2], "half-way after half the time"
    assert way[2] > 0.005


def test_a_pause_is_one_row_and_the_arm_holds(env):
    pause = [Moment(events=(Event.PAUSE,)), *[Moment()] * 20, Moment(events=(Event.RESUME,))]
    sink, *_ = play(env, [Moment(), Moment(), *pause])
    labels = [row.source for row in sink.rows]
    assert labels.count(Source.PAUSE) == 1
    row = sink.rows[labels.index(Source.PAUSE)]
    after = sink.rows[labels.index(Source.PAUSE) + 1]
    assert after.stamp - row.stamp == pytest.approx(2.1, abs=0.11)
    assert np.abs(row.action).max() < 1e-6
    assert after.source is Source.POLICY


def test_her_word_ends_the_episode(env):
    for event, success in ((Event.SUCCESS, True), (Event.FAILURE, False)):
        sink, result, _ = play(env, [Moment()] * 3 + [Moment(events=(event,))])
        assert len(sink.rows) == 4
        last = sink.rows[-1]
        assert last.reward_source is RewardSource.PERSON
        assert sink.rows[0].reward_source is RewardSource.TASK
        assert (last.success, last.terminated, last.reward) == (success, True, float(success))
        assert result.success is success
        assert result.verdict == event.value


def test_a_word_during_a_pause_counts_too(env):
    pause = [Moment(events=(Event.PAUSE,)), Moment(), Moment(events=(Event.FAILURE,))]
    sink, result, _ = play(env, [Moment(), *pause])
    assert result.verdict == "failure"
    assert sink.rows[-1].terminated


@pytest.mark.parametrize("event", [Event.DISCARD, Event.RERECORD, Event.STOP])
def test_an_abandoned_episode_is_forgotten(env, event):
    operator = ScriptedPerson(env.clock.now, 3, [Moment(), Moment(events=(event,))])
    sink = Kept()
    with pytest.raises(Abandoned) as left:
        run_episode(env, SharedControl(env, operator, Upwards(), clock=env.clock.now), 3, sink=sink)
    assert left.value.event is event
    assert sink.discarded


def test_a_demonstration_needs_no_policy_and_is_no_intervention(env):
    sink, result, _ = play(env, [], policy=False)
    assert {row.source for row in sink.rows} == {Source.HUMAN}
    assert {row.intervention for row in sink.rows} == {0}
    assert all(row.policy_proposal is None for row in sink.rows)
    assert result.interventions == 0
    assert sink.meta["source"] == "human"


moments = st.builds(
    Moment,
    strength=st.sampled_from([0.0, 0.0, 1.0]),
    events=st.lists(
        st.sampled_from([e for e in Event if e.value not in ("discard", "rerecord", "stop")]), max_size=1
    ).map(tuple),
    silent=st.sampled_from([False, False, False, True]),
)
quiet = st.just(Moment())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(moments | quiet | quiet, min_size=5, max_size=60), policy=st.booleans())
def test_whenever_what_happens_labels_actions_and_tank_agree(env, history, policy):
    ending = [Moment(events=(Event.RESUME,)), Moment(events=(Event.FAILURE,))] * 3
    sink, result, _ = play(env, [*history, *ending], policy=policy)
    assert sink.final is not None
    stamps = [row.stamp for row in sink.rows]
    assert stamps == sorted(stamps)
    for row in sink.rows:
        assert np.abs(row.action).max() <= 1.0
        assert np.abs(row.proposal).max() <= 1.0
        assert row.energy.work <= row.energy.budget + 1e-9, "the tank pays for everybody"
        assert row.energy.violations == 0
        assert (row.intervention > 0) == (policy and row.source is Source.HUMAN)
        assert policy or row.source is not Source.POLICY
        assert (row.policy_proposal is not None) == (policy and row.source is not Source.POLICY)
        if row.source in (Source.PAUSE, Source.SAFETY):
            assert np.abs(row.proposal).max() == 0.0, "nobody asked for anything"
        if row.source is Source.POLICY:
            np.testing.assert_allclose(row.proposal[2], 0.3)
    ids = [row.intervention for row in sink.rows if row.intervention]
    assert ids == sorted(ids), "interventions count up"
    assert result.interventions == len(set(ids))
    ended = [row.terminated or row.truncated for row in sink.rows]
    assert ended == [False] * (len(ended) - 1) + [True]
