"""The tick allocates nothing, is fast, gives the same bits again, and is never stale machine code."""

import time

import numpy as np
import pytest
from numba.core.runtime import _nrt_python, rtsys

from controllers.arms.panda import panda
from controllers.impedance_controller import PassiveImpedance
from controllers.law.tick import tick
from controllers.numeric.jit import kernel, sources_stamp
from controllers.numeric.linalg import cholesky_into, jacobi_again, jacobi_eigen, solve_lower, solve_upper
from controllers.parameters.presets import preset
from robot_rl.core.records import Command


@kernel
def drifting(records, q, dq, ticks):
    for k in range(ticks):
        for i in range(q.shape[0]):
            q[i] += 1e-5
        tick(records[0], records[1], records[2], q, dq, dq, 0.001 * k)


def test_the_tick_allocates_nothing():
    controller = PassiveImpedance(panda(), preset("rl_explore"))
    records = (controller.model, controller.config, controller.state)
    q, dq, counts = panda().home.copy(), np.full(7, 0.01), []
    drifting(records, q, dq, 1)
    _nrt_python.memsys_enable_stats()
    for ticks in (1, 500):
        before = rtsys.get_allocation_stats().alloc
        drifting(records, q, dq, ticks)
        counts.append(rtsys.get_allocation_stats().alloc - before)
    _nrt_python.memsys_disable_stats()
    assert counts[0] == counts[1]


def test_the_tick_is_far_below_its_period():
    controller = PassiveImpedance(panda(), preset("rl_explore"))
    q, still, spent = panda().home, np.zeros(7), []
    for _ in range(2000):
        start = time.perf_counter()
        controller.tick(q, still, still, 0.0)
        spent.append(time.perf_counter() - start)
    assert np.percentile(spent, 10) < 40e-6


def test_equal_inputs_give_equal_bits(make_plant):
    ends = []
    for _ in range(2):
        plant = make_plant(preset("rl_explore"), wall=True)
        pose = plant.controller.state["goal"] - np.array([0.02, 0.0, 0.05, 0.0, 0.0, 0.0, 0.0])
        plant.controller.submit(
            Command(stamp=0.0, seq=0, valid_until=9.0, duration=0.1, pose=pose, gripper=0.0), plant.now
        )
        plant.step(500)
        ends.append((plant.data.qpos.copy(), plant.controller.state.tobytes()))
    np.testing.assert_array_equal(ends[0][0], ends[1][0])
    assert ends[0][1] == ends[1][1]


@pytest.mark.parametrize("n", [3, 6, 7])
def test_small_linear_algebra(n):
    rng = np.random.default_rng(n)
    for _ in range(100):
        a = rng.normal(size=(n, n))
        a = a @ a.T + 1e-3 * np.eye(n)
        x, lower, vectors = rng.normal(size=n), np.zeros((n, n)), np.zeros((n, n))
        cholesky_into(a, lower)
        np.testing.assert_allclose(lower, np.linalg.cholesky(a), atol=1e-10)
        y = x.copy()
        solve_lower(lower, y)
        solve_upper(lower, y)
        np.testing.assert_allclose(a @ y, x, atol=1e-8)
        b = a.copy()
        jacobi_eigen(b, vectors, 1e-12)
        np.testing.assert_allclose(vectors.T @ np.diag(np.diag(b)) @ vectors, a, atol=1e-9)
        np.testing.assert_allclose(vectors @ vectors.T, np.eye(n), atol=1e-12)
        for _ in range(3):  # a matrix that moves a little from tick to tick
            a = a + 1e-3 * np.diag(rng.random(n))
            b = a.copy()
            jacobi_again(b, vectors, np.zeros((n, n)), 1e-12)
            np.testing.assert_allclose(vectors.T @ np.diag(np.diag(b)) @ vectors, a, atol=1e-9)
            np.testing.assert_allclose(vectors @ vectors.T, np.eye(n), atol=1e-9)


def test_a_changed_callee_changes_the_stamp_of_its_callers(tmp_path):
    package = tmp_path / "laws"
    package.mkdir()
    inner, outer, other = (package / f"{name}.py" for name in ("inner", "outer", "other"))
    inner.write_text("x = 1\n")
    outer.write_text("from laws.inner import x\n")
    other.write_text("y = 1\n")
    stamps = {path: sources_stamp(path) for path in (outer, other)}
    inner.write_text("x = 2\n")
    sources_stamp.cache_clear()
    assert sources_stamp(outer) != stamps[outer]
    assert sources_stamp(other) == stamps[other]
