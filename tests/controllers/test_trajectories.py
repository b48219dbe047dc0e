"""Every interpolator arrives, keeps its limits and is what it says."""

from dataclasses import replace

import numpy as np
import pytest

from controllers.arms.panda import panda
from controllers.impedance_controller import PassiveImpedance
from controllers.law.trajectory import propose, quintic
from controllers.numeric.rotations import pose_add, pose_error
from controllers.parameters.presets import preset
from robot_rl.core.errors import CommandRejectedError
from robot_rl.core.records import Command

KINDS = ["filter", "linear", "min_jerk", "jerk_limited"]


class Reference:
    """The reference of a controller, moved without an arm."""

    def __init__(self, **changes):
        self.config = replace(preset("rl_explore"), **changes)
        self.controller = PassiveImpedance(panda(), self.config)
        self.state = self.controller.state
        self.start = self.state["reference"].copy()
        self.k = 0

    @property
    def now(self):
        return self.k * self.config.period

    def command(self, pose, seq, duration=0.1, stamp=None):
        stamp = self.now if stamp is None else stamp
        return Command(stamp=stamp, seq=seq, valid_until=self.now + 9.0, duration=duration, pose=pose, gripper=0.0)

    def run(self, ticks):
        track = []
        for _ in range(ticks):
            self.k += 1
            self.state["stamp"] = self.now
            propose(self.controller.config, self.state)
            for name, new in (("reference", "proposal"), ("reference_velocity", "next_velocity")):
                self.state[name] = self.state[new]
            self.state["reference_acceleration"] = self.state["next_acceleration"]
            track.append(pose_error(self.state["reference"], self.start))
        return np.array(track)


def norms(track, order, period):
    out = track.copy()
    for _ in range(order):
        out = np.diff(out, axis=0) / period
    return np.linalg.norm(out[:, :3], axis=1).max(), np.linalg.norm(out[:, 3:], axis=1).max()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [0.002, 0.05])
def test_it_arrives_and_keeps_its_speed(kind, size):
    reference = Reference(interpolator=kind)
    delta = size * np.array([1.0, -0.5, 0.3, 2.0, 0.0, -1.0])
    goal = pose_add(reference.start, delta)
    reference.controller.submit(reference.command(goal, 1), 0.0)
    track = reference.run(1500)
    np.testing.assert_allclose(track[-1], delta, atol=1e-7)
    assert np.all(norms(track, 1, 0.001) <= np.array(reference.config.v_max) * 1.002)


@pytest.mark.parametrize("kind", ["min_jerk", "jerk_limited"])
def test_polynomials_keep_their_limits_and_carry_the_motion_on(kind):
    reference, track = Reference(interpolator=kind), []
    rng = np.random.default_rng(0)
    for seq in range(12):
        goal = pose_add(reference.state["goal"], rng.uniform(-0.03, 0.03, 6))
        reference.controller.submit(reference.command(goal, seq), reference.now)
        track.append(reference.run(150))
    track = np.concatenate(track)
    assert np.all(norms(track, 2, 0.001) <= np.array(reference.config.a_max) * 1.05)
    if kind == "jerk_limited":
        jerk = np.diff(track, n=3, axis=0) / 1e-9
        sizes = np.linalg.norm(jerk[:, :3], axis=1)
        assert np.quantile(sizes, 0.97) <= reference.config.j_max[0] * 1.05
        assert sizes.max() <= reference.config.a_max[0] / 0.001 * 0.1


def quickest(way, v_max, a_max, j_max):
    """Time of the time-optimal third-order profile from rest to rest, in closed form [s]."""
    a = min(a_max, (j_max**2 * way / 2) ** (1 / 3))  # the largest acceleration it reaches if speed is no limit
    v = min(v_max, a * a / j_max if a < a_max else (-a * a / j_max + np.sqrt((a * a / j_max) ** 2 + 4 * a * way)) / 2)
    rise = v / a_max + a_max / j_max if v > a_max**2 / j_max else 2 * np.sqrt(v / j_max)
    return rise + way / v


@pytest.mark.parametrize(("way", "worst"), [(0.002, 1.35), (0.02, 1.6), (0.1, 1.8)])
def test_what_the_limits_cost_against_the_time_optimal_profile(way, worst):
    """The fifth-order curve is no time-optimal one, but one curve from any state, smooth at its ends: what that costs.

    In theory 23 % where jerk is the limit and 88 % on long ways, where speed is; then up to a tenth for its search.
    """
    assert quickest(0.002, 9.0, 99.0, 50.0) == pytest.approx((32 * 0.002 / 50.0) ** (1 / 3))
    assert quickest(1.0, 0.25, 2.0, 50.0) == pytest.approx(1.0 / 0.25 + 0.25 / 2.0 + 2.0 / 50.0)
    reference = Reference(interpolator="jerk_limited", lead_max=(0.2, 0.5))
    goal = pose_add(reference.start, np.array([way, 0, 0, 0, 0, 0]))
    reference.controller.submit(reference.command(goal, 1), 0.0)
    limits = (reference.config.v_max[0], reference.config.a_max[0], reference.config.j_max[0])
    share = float(reference.state["segment_left"]) / quickest(way, *limits)
    assert 1.2 < share < worst


def test_min_jerk_is_the_textbook_curve():
    reference = Reference(interpolator="min_jerk", T_res=1.5, v_max=(9.0, 9.0), a_max=(99.0, 99.0))
    goal = pose_add(reference.start, np.array([0.05, 0, 0, 0, 0, 0]))
    reference.controller.submit(reference.command(goal, 1, 0.5), 0.0)
    track = reference.run(500)
    s = np.arange(1, 501) / 500
    np.testing.assert_allclose(track[:, 0], 0.05 * (10 * s**3 - 15 * s**4 + 6 * s**5), atol=1e-9)


def test_a_quintic_carries_velocity_and_acceleration():
    way, v, a, _ = quintic(0.1, 0.2, -0.3, 0.7, 0.0)
    assert (way, v, a) == pytest.approx((0.0, 0.2, -0.3))
    way, v, a, _ = quintic(0.1, 0.2, -0.3, 0.7, 0.7)
    assert (way, v, a) == pytest.approx((0.1, 0.0, 0.0), abs=1e-12)


def test_linear_takes_the_time_between_two_commands():
    reference = Reference(interpolator="linear")
    for seq in range(40):
        goal = pose_add(reference.state["goal"], np.array([0.0, 0.004, 0.0, 0.0, 0.0, 0.0]))
        reference.controller.submit(reference.command(goal, seq, duration=0.07), reference.now)
        track = reference.run(50)
    assert reference.state["arrival_period"] == pytest.approx(0.05, rel=0.02)
    steps = np.diff(track[:, 1])
    np.testing.assert_allclose(steps, 0.004 / 50, rtol=0.15)


def wave(t):
    return 0.03 * np.sin(2.0 * t), 0.2 * np.sin(1.5 * t)


def waypoints(reference, stamps, seq):
    out = []
    for t in stamps:
        y, yaw = wave(t)
        out.append(reference.command(pose_add(reference.start, np.array([0, y, 0, 0, 0, yaw])), seq, stamp=t))
    return out


def test_chunks_are_played_in_time_and_blended():
    reference, track = Reference(), []
    for seq in range(6):
        stamps = reference.now + 0.05 * np.arange(16)
        reference.controller.submit_chunk(waypoints(reference, stamps, seq), reference.now)
        track.append(reference.run(400))
    track = np.concatenate(track)
    t = 0.001 * np.arange(1, len(track) + 1)
    y, yaw = wave(t)
    assert np.abs(track[300:, 1] - y[300:]).max() < 1e-3
    assert np.abs(track[300:, 5] - yaw[300:]).max() < 6e-3
    assert np.abs(np.diff(track[:, 1], n=2)).max() / 1e-6 <= reference.config.a_max[0] * 1.01


def test_a_chunk_ends_at_its_last_waypoint_and_a_contradicting_one_takes_over_smoothly():
    reference = Reference()
    reference.controller.submit_chunk(waypoints(reference, 0.05 * np.arange(16), 0), 0.0)
    reference.run(300)
    turned = [replace(c, pose=pose_add(c.pose, np.array([0.02, 0, 0, 0, 0, 0]))) for c in
              waypoints(reference, reference.now + 0.05 * np.arange(10), 1)]  # fmt: skip
    reference.controller.submit_chunk(turned, reference.now)
    track = reference.run(1500)
    assert np.linalg.norm(np.diff(track, axis=0)[:, :3], axis=1).max() / 0.001 <= 0.25 * 1.001
    np.testing.assert_allclose(reference.state["reference"], turned[-1].pose, atol=1e-4)


def test_bad_chunks_are_refused():
    reference = Reference()
    good = waypoints(reference, 0.05 * np.arange(8), 9)
    bad = {
        "rise": [good[1], good[0]],
        "too far": [replace(good[0], pose=pose_add(good[0].pose, np.array([0.4, 0, 0, 0, 0, 0])))],
        "not finite": [replace(good[0], pose=np.full(7, np.nan))],
        "send 1 to": [good[0]] * 65,
    }
    for seq, (words, chunk) in enumerate(bad.items()):
        chunk = [replace(c, seq=seq) for c in chunk]
        with pytest.raises(CommandRejectedError, match=words):
            reference.controller.submit_chunk(chunk, reference.now)
    reference.run(2000)
    with pytest.raises(CommandRejectedError, match="valid_until"):
        reference.controller.submit_chunk(good, reference.now)
