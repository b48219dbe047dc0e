"""Shared memory between two processes: nothing torn, nothing lost that must not be, everyone can die."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from controllers.loop.exchange import Exchange, shared_path
from robot_rl.core.errors import ConnectionLostError, StaleDataError

SIZES = (97, 15)


@pytest.fixture
def name():
    unique = f"test.{os.getpid()}.{time.monotonic_ns()}"
    yield unique
    shared_path(unique).unlink(missing_ok=True)


@pytest.fixture
def pair(name):
    return Exchange.create(name, SIZES, {"objects": ["hole"]}), Exchange.attach(name, timeout=1.0, writer=True)


def child(name, body):
    code = f"import numpy as np\nfrom controllers.loop.exchange import Exchange\nname, sizes = {name!r}, {SIZES}\n"
    return subprocess.Popen([sys.executable, "-c", code + textwrap.dedent(body)])


def test_state_and_info_arrive(pair):
    arm, bridge = pair
    out = np.zeros(SIZES[0])
    assert bridge.read(out) == 0, "nothing was written yet"
    arm.publish(np.arange(97.0))
    assert bridge.read(out) == 1
    np.testing.assert_array_equal(out, np.arange(97.0))
    assert bridge.info["objects"] == ["hole"]
    assert bridge.info["pid"] == os.getpid()


def test_newest_command_wins_and_comes_once(pair):
    arm, bridge = pair
    out = np.zeros(SIZES[1])
    assert not arm.take_command(out)
    for value in range(5):
        bridge.put_command(np.full(15, float(value)))
    assert arm.take_command(out)
    np.testing.assert_array_equal(out, 4.0)
    assert not arm.take_command(out)
    bridge.put_command(np.full(15, 9.0))
    assert arm.take_command(out)
    assert out[0] == 9.0


def test_any_interleaving_of_puts_and_takes_gives_the_newest(pair):
    arm, bridge = pair
    rng, out, last, newest = np.random.default_rng(0), np.zeros(15), 0.0, 0.0
    for _ in range(3000):
        if rng.random() < 0.5:
            newest += 1
            bridge.put_command(np.full(15, newest))
        else:
            assert arm.take_command(out) == (newest > last)
            last = newest
            assert (out == newest).all()


def test_requests(pair):
    arm, bridge = pair
    assert arm.take_reset() is None
    assert not arm.take_stop()
    ticket = bridge.ask_reset(-7)
    assert not bridge.reset_done(ticket)
    assert arm.take_reset() == -7
    assert arm.take_reset() is None
    arm.confirm_reset()
    assert bridge.reset_done(ticket)
    bridge.ask_stop()
    assert arm.take_stop()
    assert not arm.take_stop()


def test_heartbeat_ages(pair):
    arm, bridge = pair
    assert arm.bridge_age(100.0) >= 100.0 - 1e-6
    bridge.beat(100.0)
    assert arm.bridge_age(100.25) == pytest.approx(0.25, abs=1e-6)


def test_first_reason_to_halt_stays(pair):
    arm, bridge = pair
    assert not arm.halted
    bridge.halt("camera_front was killed")
    bridge.halt("something else")
    assert arm.halted
    assert arm.reason == "camera_front was killed"


def test_nobody_there(name):
    with pytest.raises(ConnectionLostError, match="start the graph"):
        Exchange.attach(name, timeout=0.05)


def test_readers_never_see_a_torn_state(name):
    """A second process writes as fast as it can; every snapshot read here is one that it wrote."""
    arm = Exchange.create(name, SIZES, {})
    writer = child(
        name,
        """
        exchange = Exchange.attach(name, 5.0)
        value = 0.0
        while not exchange.halted:
            value += 1.0
            exchange.publish(np.full(sizes[0], value))
        """,
    )
    out, last, seen = np.zeros(SIZES[0]), 0.0, 0
    try:
        end = time.monotonic() + 60.0
        while seen < 2000 and time.monotonic() < end:
            arm.read(out)
            assert (out == out[0]).all()
            assert out[0] >= last
            seen += out[0] != last
            last = out[0]
    finally:
        arm.halt("done")
        assert writer.wait(10.0) == 0
    assert seen > 500


def test_commands_are_whole_and_in_order_while_writers_are_killed(name):
    """Bridges are killed at random moments and replaced; no command is torn and none comes back."""
    arm, out, last = Exchange.create(name, SIZES, {}), np.zeros(15), 0.0
    taken = 0
    for _ in range(3):
        start = last + 1e9
        writer = child(
            name,
            f"""
            exchange = Exchange.attach(name, 5.0, writer=True)
            value = {start}
            while True:
                value += 1.0
                exchange.put_command(np.full(15, value))
            """,
        )
        end, goal = time.monotonic() + 20.0, taken + 300
        while taken < goal and time.monotonic() < end:
            if arm.take_command(out):
                assert (out == out[0]).all()
                assert out[0] > last
                last, taken = out[0], taken + 1
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    assert taken >= 900


def test_a_writer_that_died_half_way_is_reported(pair):
    arm, bridge = pair
    arm.publish(np.ones(97))
    arm._words[8] += 1  # an odd count: the copy was begun and never finished
    with pytest.raises(StaleDataError, match="restart the graph"):
        bridge.read(np.zeros(97))
