"""The table of phases, the reasons to refuse a start, the shape of a soft start."""

import numpy as np
import pytest

from controllers.arms.panda import panda
from controllers.guard.lifecycle import NEXT, REMEDIES, Phase, Reason, refusals, smooth

ARM = panda()
OK = {"q": ARM.home, "dq": np.zeros(7), "residual": np.zeros(7), "spring": 0.0}


def test_every_phase_has_a_way_out_and_every_reason_a_remedy():
    assert set(NEXT) == set(Phase)
    assert set(REMEDIES) == set(Reason)
    assert NEXT[Phase.STOPPED] == {Phase.INACTIVE}, "a latched stop never leads straight back to motion"
    assert Phase.ACTIVE not in NEXT[Phase.FAULT]
    reached, new = set(), {Phase.UNCONFIGURED}
    while new:
        reached |= new
        new = {n for p in new for n in NEXT[p]} - reached
    assert reached == set(Phase)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, None),
        ({"q": np.full(7, np.nan)}, "not finite"),
        ({"q": ARM.q_max + 0.01}, "joint 1 is beyond its end"),
        ({"dq": np.full(7, 0.2)}, "it moves with 0.20 rad/s"),
        ({"residual": np.array([0, 0, 0, 7.0, 0, 0, 0])}, "joint 4 bears 7.0 N m at rest: set the payload"),
        ({"spring": 0.2}, "springs would hold 0.20 J"),
    ],
)
def test_a_start_is_refused_with_its_reason(change, says):
    problems = list(refusals(ARM.record(), **{**OK, **change}))
    assert (problems == []) if says is None else any(says in p for p in problems)


def test_a_soft_start_begins_and_ends_without_slope():
    x = np.linspace(0.0, 1.0, 1001)
    y = np.array([smooth(v) for v in x])
    slope = np.gradient(y, x)
    assert (y[0], y[-1]) == (0.0, 1.0)
    assert (np.diff(y) > 0).all()
    assert max(abs(slope[0]), abs(slope[-1])) < 5e-3
    assert (smooth(-1.0), smooth(2.0)) == (0.0, 1.0)
