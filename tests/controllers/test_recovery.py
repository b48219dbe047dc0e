"""Every fault waits for a person, and every one can be left again; a stop stays latched through all of them."""

from dataclasses import replace

import numpy as np
import pytest

from controllers.arms.panda_shape import panda_shape, table
from controllers.guard.lifecycle import Ask, Phase, Reason
from controllers.parameters.presets import preset
from robot_rl.core.errors import ActivationRefusedError
from sim.guarded_twin import GuardedTwin


def nothing(twin):
    return None


FAULTS = {
    Reason.MEASUREMENT: (lambda m: replace(m, q=m.q * np.nan), nothing),
    Reason.CLOCK: (lambda m: replace(m, now=m.now - 1.0), nothing),
    Reason.POSITION: (lambda m: m, None),
    Reason.SPEED: (lambda m: replace(m, dq=m.dq + 5.0), nothing),
    Reason.ENERGY: (lambda m: m, lambda twin: twin.controller.state.__setitem__("T", -10.0)),
    Reason.ROBOT_STOP: (lambda m: m, lambda twin: twin.supervisor.ask(Ask.ROBOT_STOPPED)),
}


@pytest.fixture(scope="module")
def made():
    with GuardedTwin("reach", preset("rl_explore"), shape=panda_shape([table()])) as twin:
        yield twin


def fail(twin, reason):
    change, act = FAULTS[reason]
    if act is None:  # the joint's end comes nearer instead of the joint to its end
        twin.controller.model["q_max"][0] = -0.1
        twin.advance(2)
        twin.controller.model["q_max"][0] = twin.arm.q_max[0]
        return
    act(twin)
    twin.advance_through(2, change)


@pytest.fixture(params=FAULTS, ids=lambda reason: reason.name)
def faulty(made, request):
    """An arm in FAULT for the reason of the row, its cause gone."""
    if made.supervisor.phase in (Phase.FAULT, Phase.STOPPED):
        made.supervisor.guard["phase"] = Phase.INACTIVE
    made.reset(0)
    made.supervisor.recoveries = type(made.supervisor.recoveries)()
    made.advance(20)
    fail(made, request.param)
    assert (made.supervisor.phase, made.supervisor.reason) == (Phase.FAULT, request.param)
    return made


def test_every_fault_waits_for_a_person_who_can_end_it(faulty):
    arm = faulty.supervisor
    faulty.advance(400)
    assert arm.phase is Phase.FAULT, "never by itself"
    with pytest.raises(ActivationRefusedError, match="FAULT"):
        arm.activate(faulty.measured())
    with pytest.raises(ActivationRefusedError, match="FAULT"):
        arm.check_reset()
    arm.recover(faulty.now())
    faulty.advance(1400)
    assert arm.phase is Phase.ACTIVE
    state = faulty.controller.state
    assert state["T"] == pytest.approx(faulty.controller.config["T0"], abs=0.05)
    assert state["violations"] == 0


def test_a_stop_outlasts_every_fault(faulty):
    arm = faulty.supervisor
    arm.ask(Ask.STOP)
    faulty.advance(50)
    assert arm.phase is Phase.STOPPED
    with pytest.raises(ActivationRefusedError, match="STOPPED"):
        arm.recover(faulty.now())
    arm.clear(faulty.now())
    faulty.advance(50)
    assert arm.phase is Phase.INACTIVE, "cleared is not yet active"
    arm.activate(faulty.measured())
    faulty.advance(1200)
    assert arm.phase is Phase.ACTIVE
