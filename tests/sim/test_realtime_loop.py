"""The compiled loop over the twin: commands, holds, resets, bit-equal torques; no Python, no GIL, no allocation."""

import json
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core.runtime import _nrt_python as nrt
from numba.core.runtime import rtsys

sys.path.insert(0, str(Path(__file__).parent))

from loop_rig import LoopRig, digest_of, script, twin_torques

from controllers.guard.requests import ArmRequests
from controllers.loop.alarm import LoopAlarm
from controllers.loop.cycle import cycle
from controllers.parameters.presets import preset
from robot_rl.core.errors import ActivationRefusedError
from robot_rl.core.records import Mode
from sim.twin import Twin

pytestmark = pytest.mark.timeout(600)


SILENCE = 1.0
"""How long the bridge may be silent here [s]: a busy machine must not make the arm hold."""


@pytest.fixture(scope="module")
def rig():
    with LoopRig(hold_after=SILENCE) as made:
        yield made


@pytest.fixture(autouse=True)
def _fresh(request):
    if "rig" in request.fixturenames:
        rig = request.getfixturevalue("rig")
        ticket = rig.bridge.ask_reset(0)
        rig.wait(0.05)
        rig.until(lambda: rig.bridge.reset_done(ticket))


def test_a_command_moves_the_arm_and_the_snapshot_is_the_twins_own_state(rig):
    start = rig.wait(0.02)["ee_pose"].copy()
    target = start + np.array([0, 0.03, 0, 0, 0, 0, 0])
    for seq in range(1, 13):
        rig.send(seq=seq, pose=target)
        rig.wait(0.1)
    assert rig.record["accepted"] >= 12
    np.testing.assert_allclose(rig.state().ee_pose[:3], target[:3], atol=4e-3)
    rig.loop.park()
    rig.read()
    state, twin = rig.state(), rig.twin.state()
    np.testing.assert_allclose(state.q, twin.q, atol=2e-3)
    np.testing.assert_allclose(state.ee_pose, twin.ee_pose, atol=2e-3)
    np.testing.assert_array_equal(state.reference, twin.reference)
    np.testing.assert_array_equal(rig.record["object.target"], rig.twin.objects()["target"])
    assert state.energy.budget == twin.energy.budget
    rig.loop.resume()


BAD = ({"pose": np.full(7, np.nan)}, {"seq": -(2.0**60)}, {"pose": np.r_[9.0, np.zeros(6)]})


@pytest.mark.parametrize("changes", BAD)
def test_what_cannot_be_obeyed_is_counted_and_holds(rig, changes):
    start = rig.wait(0.02)["ee_pose"].copy()
    rejected, accepted = float(rig.record["rejected"]), float(rig.record["accepted"])
    rig.send(seq=1, pose=start + np.array([0, 0.2, 0, 0, 0, 0, 0]), valid_until=time.monotonic() + 5.0)
    rig.until(lambda: rig.read()["accepted"] == accepted + 1)
    rig.send(**{"seq": 2, "pose": start, **changes})
    rig.until(lambda: rig.read()["rejected"] == rejected + 1)
    assert (rig.record["rejected"] - rejected, rig.record["accepted"] - accepted) == (1, 1)
    assert rig.record["mode"] == Mode.HOLD


def test_a_silent_bridge_holds_and_its_last_command_is_dropped(rig):
    start = rig.wait(0.02)["ee_pose"].copy()
    accepted = float(rig.record["accepted"])
    rig.wait(SILENCE + 0.2, beat=False)
    assert rig.record["connected"] == 0
    rig.send(seq=1, pose=start)
    rig.wait(0.05, beat=False)
    rig.wait(0.05)
    assert rig.record["connected"] == 1
    assert rig.record["accepted"] == accepted, "a command from before the silence must not move the arm after it"


def test_what_is_asked_for_is_granted_in_the_next_tick(rig):
    rig.wait(0.02)
    waits = []
    for _ in range(40):
        asked = time.monotonic()
        rig.bridge.ask_stop()
        rig.until(lambda asked=asked: rig.bridge.held_at() > asked)
        waits.append(rig.bridge.held_at() - asked)
    assert np.median(waits) < 2e-3


def test_a_robot_does_not_start_on_a_loop_that_does_not_keep_time(rig):
    rig.wait(0.02)
    assert ArmRequests(rig.loop, rig.loop.supervisor).activate({})["phase"] == "ACTIVE", "a twin may"
    strict = ArmRequests(rig.loop, rig.loop.supervisor, strict=True)
    for do in (strict.activate, strict.home):
        with pytest.raises(ActivationRefusedError, match=r"no real-time priority.*not locked.*soft_realtime"):
            do({})


BURNING = """
import json, sys, threading, time
sys.path.insert(0, sys.argv[1])
import numpy as np
from loop_rig import LoopRig

stop, late = threading.Event(), []

def burn():
    while not stop.is_set():
        sum(range(1000))

def sleep():
    while not stop.is_set():
        deadline = time.monotonic() + 0.001
        time.sleep(0.001)
        late.append(time.monotonic() - deadline)

with LoopRig(priority=80) as rig:
    counts = rig.loop.rig.lateness
    rig.wait(0.2)
    rig.bridge.beat(time.monotonic() + 10.0)
    threads = [threading.Thread(target=t, daemon=True) for t in (burn, sleep)]
    before = counts.copy()
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    stop.set()
    added = np.cumsum(counts - before)
    print(json.dumps({"loop": int(np.searchsorted(added, added[-1] / 2)) * 1e-6, "python": float(np.median(late)),
                      "rounds": int(added[-1])}))
"""


def test_a_thread_that_burns_the_interpreter_does_not_make_the_loop_late():
    """A loop in Python is late by 5 ms then, the interpreter's switching interval."""
    call = [sys.executable, "-c", BURNING, str(Path(__file__).parent)]
    done = subprocess.run(call, capture_output=True, text=True, timeout=300, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["rounds"] > 500
    assert found["python"] > 2e-3, "the burning thread bites"
    assert found["loop"] < 1e-3
    assert found["loop"] < 0.2 * found["python"]


def test_nothing_is_allocated_in_the_loop():
    """Neither by numba's runtime nor by the interpreter, over commands, ticks and snapshots."""
    with LoopRig(lockstep=True) as rig:
        rig.loop.park()
        tuple_of_all = rig.loop.rig
        _many(tuple_of_all, 1)
        ticks = int(tuple_of_all.loop["total"])
        few, many = (np.min([_allocated(tuple_of_all, rounds) for _ in range(3)], axis=0) for rounds in (20, 400))
        assert tuple_of_all.loop["total"] == ticks + 3 * (20 + 400) * 3
        assert many[0] == few[0], "what is allocated boxes the arguments, once per call; nothing per tick"
        assert many[1] <= few[1] + 500, "by the interpreter [bytes]"
        rig.loop.resume()


def _allocated(rig, rounds):
    """Allocations of numba's runtime, and memory that the interpreter took [bytes]."""
    nrt.memsys_enable_stats()
    tracemalloc.start()
    try:
        before, python = rtsys.get_allocation_stats(), tracemalloc.get_traced_memory()[0]
        _many(rig, rounds)
        after, used = rtsys.get_allocation_stats(), tracemalloc.get_traced_memory()[0] - python
    finally:
        tracemalloc.stop()
        nrt.memsys_disable_stats()
    return after.alloc - before.alloc, used


@numba.njit(nogil=True)
def _many(rig, rounds):
    for _ in range(rounds):
        cycle(rig, 3)


def test_equal_commands_give_equal_torques_in_the_twin_and_in_the_loop():
    torques = twin_torques(Twin("reach", preset("rl_explore"), ()))
    assert np.abs(torques).max() > 1.0
    with LoopRig(lockstep=True) as rig:
        start = rig.twin.controller.state["ee_pose"].copy()
        for _, command in script(start):
            rig.send(**{name: getattr(command, name) for name in command.__dataclass_fields__})
            rig.advance(100)
        assert rig.record["digest"] == digest_of(torques)
        np.testing.assert_array_equal(rig.record["tau"], torques[-1])


def test_a_loop_that_stands_still_is_noticed_and_a_parked_one_is_not(rig):
    alarm = LoopAlarm(rig.bridge, priority=30)
    try:
        rig.wait(0.05)
        rig.loop.park()
        before = alarm.stalls
        time.sleep(0.05)
        assert alarm.stalls == before, "parked for a reset"
        rig.loop.exchange._store(11, time.monotonic_ns())  # a loop that died right after a turn
        time.sleep(0.05)
        assert alarm.stalls == before + 1
        assert alarm.silent_for > 0.03
        assert alarm.reaction < 0.02
    finally:
        rig.loop.exchange._store(11, 0)
        rig.loop.resume()
        alarm.close()
