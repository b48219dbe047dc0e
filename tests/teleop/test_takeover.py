"""The state machine of a takeover, for any order and time of what a person, her device and the arm do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robot_rl.core.records import Source
from robot_rl.core.teleop import Event, Reading
from robot_rl.teleop.takeover import Stage, Takeover, TakeoverConfig

CONFIG = TakeoverConfig()
MOVE, REST = 0.9, 0.0


def reading(stamp, strength=REST, *events):
    return Reading(stamp=stamp, action=None, strength=strength, events=events)


def after(machine, *moments):
    """The stage after (time, strength, events) with a device that is alive."""
    for now, strength, *events in moments:
        machine.update(now, reading(now, strength, *events))
    return machine.stage


def test_one_clear_reading_is_no_takeover():
    assert after(Takeover(), (0.0, MOVE), (0.1, REST), (0.2, MOVE)) is Stage.POLICY


def test_motion_for_long_enough_is_one_and_lasts_until_rest_for_long_enough():
    machine = Takeover()
    assert after(machine, (0.0, MOVE), (0.06, MOVE)) is Stage.HUMAN
    assert after(machine, (0.1, REST), (0.55, REST), (0.58, MOVE), (0.6, REST), (1.0, REST)) is Stage.HUMAN
    assert after(machine, (1.11, REST)) is Stage.POLICY
    assert machine.count == 1


def test_the_button_latches_whatever_the_device_does():
    machine = Takeover()
    assert after(machine, (0.0, REST, Event.TAKE_OVER), (5.0, REST), (10.0, MOVE), (11.0, REST)) is Stage.HUMAN
    assert after(machine, (12.0, REST, Event.HAND_BACK)) is Stage.POLICY


def test_motion_does_not_take_over_when_only_the_button_may():
    machine = Takeover(TakeoverConfig(by_motion=False))
    assert after(machine, (0.0, MOVE), (1.0, MOVE)) is Stage.POLICY
    assert after(machine, (1.1, MOVE, Event.TAKE_OVER)) is Stage.HUMAN


@pytest.mark.parametrize("take", [Event.TAKE_OVER, None])
def test_a_silent_device_takes_the_arm_to_safety_and_stays_there(take):
    machine = Takeover()
    after(machine, (0.0, MOVE, *([take] if take else [])), (0.06, MOVE))
    assert machine.stage is Stage.HUMAN
    assert machine.update(0.5, reading(0.06, MOVE)) is Stage.HUMAN
    assert machine.update(0.6, reading(0.06, MOVE)) is Stage.SAFETY
    assert machine.update(9.0, reading(9.0, MOVE)) is Stage.SAFETY, "coming back is not enough"
    assert machine.update(9.1, reading(9.1, REST, Event.RESUME)) is Stage.POLICY
    assert machine.update(9.2, reading(9.2, REST, Event.TAKE_OVER)) is Stage.HUMAN
    assert machine.count == 2


@pytest.mark.parametrize("arm_ok", [True, False])
def test_motion_from_before_the_arm_was_safe_takes_nothing_over(arm_ok):
    machine = Takeover()
    assert after(machine, (0.0, MOVE), (0.5, MOVE)) is Stage.HUMAN
    assert machine.update(0.51, reading(-1.0, REST), arm_ok=arm_ok) is Stage.SAFETY
    assert machine.update(0.52, reading(-1.0, REST, Event.RESUME)) is Stage.POLICY
    assert machine.update(0.53, reading(0.53, MOVE)) is Stage.POLICY, "motion must be clear anew"


def test_a_silent_device_cannot_take_over():
    machine = Takeover()
    assert machine.update(2.0, reading(0.0, MOVE, Event.TAKE_OVER)) is Stage.POLICY


def test_a_pause_goes_on_where_it_began():
    machine = Takeover()
    assert after(machine, (0.0, REST, Event.PAUSE), (0.1, MOVE), (1.0, MOVE)) is Stage.PAUSED
    assert after(machine, (1.1, MOVE, Event.RESUME)) is Stage.POLICY
    after(machine, (2.0, REST, Event.TAKE_OVER), (2.1, REST, Event.PAUSE))
    assert after(machine, (3.0, REST, Event.RESUME), (9.0, REST)) is Stage.HUMAN
    assert machine.count == 1, "the same intervention goes on"


def test_without_a_policy_she_has_the_arm_and_hands_it_to_nobody():
    machine = Takeover(policy=False)
    assert after(machine, (0.0, REST), (5.0, REST, Event.HAND_BACK), (6.0, REST)) is Stage.HUMAN
    assert machine.intervention == 0, "a demonstration is no intervention"
    assert machine.update(7.0, reading(6.0)) is Stage.SAFETY
    assert machine.update(7.1, reading(6.0, REST, Event.RESUME)) is Stage.SAFETY, "the device is still silent"
    assert machine.update(7.2, reading(7.2, REST, Event.RESUME)) is Stage.HUMAN


moments = st.tuples(
    st.floats(0.0, 0.7),  # time since the last step [s]
    st.floats(0.0, 1.0),  # strength
    st.floats(0.0, 1.0),  # age of the device's last sign of life [s]
    st.lists(st.sampled_from(list(Event)), max_size=3),
    st.booleans() | st.just(True),  # the arm is well
)


@settings(max_examples=400, deadline=None)
@given(st.lists(moments, max_size=60), st.booleans())
def test_whatever_happens_the_labels_agree(history, policy):
    machine = Takeover(policy=policy)
    now, last_id, before = 0.0, 0, machine.stage
    clear_since = rest_since = None
    for dt, strength, age, events, arm_ok in history:
        now += dt
        alive = age <= CONFIG.silence
        stage = machine.update(now, reading(now - age, strength, *events), arm_ok=arm_ok)
        assert stage.source in (Source.POLICY, Source.HUMAN, Source.PAUSE, Source.SAFETY)
        assert (machine.intervention > 0) == (stage is Stage.HUMAN and policy)
        assert machine.intervention in (0, machine.count)
        assert machine.count >= last_id, "numbers only count up"
        assert arm_ok or stage is Stage.SAFETY
        assert policy or stage is not Stage.POLICY
        if stage is Stage.HUMAN and not alive:
            raise AssertionError("a person without a device has the arm")
        clear = alive and strength > CONFIG.threshold
        clear_since = (clear_since if clear_since is not None else now) if clear else None
        rest_since = (rest_since if rest_since is not None else now) if not clear else None
        asked = bool({Event.TAKE_OVER, Event.RESUME} & set(events))
        if policy and stage is Stage.HUMAN and before is Stage.POLICY and not asked:
            assert clear_since is not None
            assert now - clear_since >= CONFIG.engage - 1e-9, "one step is not enough"
        if stage is Stage.POLICY and before is Stage.HUMAN and arm_ok and not {*events} & {*Event} - {Event.SUCCESS}:
            assert rest_since is not None
            assert now - rest_since >= CONFIG.release - 1e-9, "one step of rest is not enough"
        last_id, before = machine.count, stage
