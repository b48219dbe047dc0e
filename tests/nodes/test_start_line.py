"""Whoever starts an arm for the first time is told why it takes minutes, and that nothing is controlled meanwhile."""

import logging
import time

from robot_rl.nodes.arm_process import say_if_slow


def test_a_slow_start_is_explained_once_and_a_quick_one_is_not(caplog):
    with caplog.at_level(logging.WARNING, "arm"):
        say_if_slow(0.05).cancel()
        time.sleep(0.15)
        assert not caplog.records
        slow = say_if_slow(0.05)
        slow.join(5.0)
    (line,) = (record.getMessage() for record in caplog.records)
    assert "compiled" in line
    assert "nothing is controlled" in line
