"""Devices at the wire: input events through a pipe, keys through a pseudo-terminal."""

import os
import pty
import struct
import termios
import time

import numpy as np
import pytest

from robot_rl.core.errors import RobotRLError
from robot_rl.core.teleop import Event
from robot_rl.teleop import keys, pad
from robot_rl.teleop import spacemouse as mouse
from robot_rl.teleop.bindings import events_of
from robot_rl.teleop.evdev_reader import EventPort, KeyDecoder, PadDecoder, Range, gamepad, keyboard
from robot_rl.teleop.sample import Inbox
from robot_rl.teleop.terminal import TerminalPort, decode, terminal


def settled(inbox):
    inbox.take()
    time.sleep(0.01)
    return inbox.take()


def events(*rows):
    """struct input_event: (type, code, value), closed by SYN_REPORT."""
    return b"".join(struct.pack("llHHi", 5, 6, *row) for row in (*rows, (0, 0, 0)))


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            pass


STICK, TRIGGER, HAT = Range(-32768, 32767), Range(0, 1023), Range(-1, 1)
RANGES = {0: STICK, 1: STICK, 3: STICK, 4: STICK, 2: TRIGGER, 5: TRIGGER, 16: HAT, 17: HAT}


def port_on(pipe, decoder):
    inbox = Inbox()
    return EventPort(pipe[0], decoder, inbox, lambda: None), inbox


def test_gamepad_sticks_cross_and_triggers(pipe):
    port, inbox = port_on(pipe, PadDecoder(RANGES))
    os.write(pipe[1], events((3, 1, -32768), (3, 0, 16384), (3, 4, -32768), (3, 3, -32768), (3, 17, -1), (3, 5, 1023)))
    port.poll()
    sample = settled(inbox)
    np.testing.assert_allclose(sample.axes, [1.0, -0.5, 1.0, 0.0, 1.0, 1.0], atol=1e-3)
    assert sample.buttons == {"rt"}


def test_gamepad_buttons_mean_what_is_written(pipe):
    port, inbox = port_on(pipe, PadDecoder(RANGES))
    os.write(pipe[1], events((1, 308, 1)) + events((1, 308, 0)) + events((1, 304, 1)) + events((1, 307, 1)))
    port.poll()
    assert events_of(inbox.take().presses, pad.BINDINGS) == (Event.SUCCESS, Event.FAILURE, Event.RERECORD)


def test_an_event_that_comes_in_two_pieces_is_one(pipe):
    port, inbox = port_on(pipe, PadDecoder(RANGES))
    data = events((3, 1, -32768))
    os.write(pipe[1], data[:31])
    port.poll()
    os.write(pipe[1], data[31:])
    port.poll()
    assert settled(inbox).axes[0] == pytest.approx(1.0)


def test_lost_events_let_everything_go(pipe):
    """SYN_DROPPED: what the kernel reports until the next SYN_REPORT is incomplete."""
    port, inbox = port_on(pipe, KeyDecoder())
    os.write(pipe[1], events((1, 17, 1)))
    port.poll()
    assert settled(inbox).buttons == {"w"}
    os.write(pipe[1], struct.pack("llHHi", 5, 6, 0, 3, 0) + events((1, 30, 1)))
    port.poll()
    sample = settled(inbox)
    assert sample.buttons == frozenset()
    np.testing.assert_array_equal(sample.axes, 0.0)


def test_keyboard_keys_through_the_kernel(pipe):
    port, inbox = port_on(pipe, KeyDecoder())
    os.write(pipe[1], events((1, 17, 1)) + events((1, 42, 1)) + events((1, 54, 1)) + events((1, 42, 0)))
    port.poll()
    sample = settled(inbox)
    assert sample.buttons == {"w", "shift"}, "the other shift is still down"
    np.testing.assert_allclose(sample.axes, np.eye(6)[0])
    os.write(pipe[1], events((1, 17, 2)) + events((1, 17, 0)) + events((1, 28, 1)))
    port.poll()
    sample = settled(inbox)
    np.testing.assert_array_equal(sample.axes, 0.0)


def test_a_device_that_is_closed_is_gone(pipe):
    port, _ = port_on(pipe, KeyDecoder())
    os.close(pipe[1])
    with pytest.raises(OSError, match="closed"):
        port.poll()


@pytest.fixture
def console():
    master, slave = pty.openpty()
    yield master, slave
    os.close(master)
    os.close(slave)


def awaited(reader, holds):
    """The sample for which ``holds`` is true; the last one after 5 s, however busy the machine is."""
    end = time.monotonic() + 5.0
    while not holds(sample := reader.sample()) and time.monotonic() < end:
        time.sleep(0.02)
    return sample


def test_keys_through_a_terminal(console):
    master, slave = console
    before = termios.tcgetattr(slave)
    with terminal(slave) as reader:
        os.write(master, b"w")
        sample = awaited(reader, lambda sample: sample.buttons)
        assert "w" in sample.buttons
        assert sample.axes[0] > 0.3
        sample = awaited(reader, lambda sample: not sample.buttons)
        assert sample.buttons == frozenset(), "no character any more: the key is up"
        os.write(master, b" x\x7f\x1b[A\r")
        names = []
        awaited(reader, lambda sample: names.extend(p.name for p in sample.presses if p.down) or len(names) >= 5)
        assert names == ["space", "x", "backspace", "up", "enter"]
        assert termios.tcgetattr(slave)[3] & termios.ICANON == 0
    assert termios.tcgetattr(slave) == before, "the terminal is as it was"


def test_what_a_terminal_sends():
    assert [sorted(k) for k in decode(b"wA\x1b[3~\x1b")] == [["w"], ["a", "shift"], ["delete"], ["escape"]]


def test_no_terminal_is_one_line(pipe):
    with pytest.raises(RobotRLError, match="no terminal to read keys from: start this in one"):
        TerminalPort(pipe[0], Inbox())


@pytest.mark.parametrize("make", [mouse.spacemouse, gamepad, keyboard])
def test_a_missing_device_is_one_line_with_the_remedy(make):
    """This machine has none of them; on one that has, the device opens."""
    said = ""
    try:
        with make():
            pass
    except RobotRLError as error:
        said = str(error)
    if not said:
        pytest.skip("the device is here")
    assert "\n" not in said
    assert "plug" in said or "install" in said


def test_every_key_that_means_something_has_a_code_and_a_name():
    from robot_rl.teleop.evdev_reader import BUTTONS, KEYS

    assert set(KEYS.values()) == keys.KEYS
    bound = {*pad.BINDINGS.press, *pad.BINDINGS.hold, *pad.BINDINGS.close, *pad.BINDINGS.open, *pad.BINDINGS.clutch}
    assert bound | pad.BINDINGS.slow <= set(BUTTONS.values())
