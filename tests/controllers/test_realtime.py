"""The loop's clock and its histograms."""

import gc
import time

import numpy as np
import pytest

from controllers.loop.realtime import LATE, Ticker, refusals, request_realtime, stay_awake
from controllers.numeric.histogram import Histogram


def test_percentiles_are_upper_edges_of_bins():
    histogram = Histogram()
    for micros in range(1, 1001):
        histogram.add(micros * 1000)
    assert histogram.percentile(0.5) == pytest.approx(501e-6, abs=1.1e-6)
    assert histogram.percentile(0.99) == pytest.approx(991e-6, abs=1.1e-6)
    assert histogram.largest == pytest.approx(1e-3)


@pytest.mark.parametrize("seconds", [3e-6, 1.5e-3, 7e-3, 0.09, 5.0])
def test_one_sample_is_within_its_bin(seconds):
    histogram = Histogram()
    histogram.add(round(seconds * 1e9))
    edge = histogram.percentile(0.99)
    assert edge >= min(seconds, 0.102)
    assert edge <= max(seconds * 1.1, seconds + 2e-6, 1e-6)


def test_empty_histogram():
    assert Histogram().percentile(0.5) == 0.0


def test_ticks_keep_pace_with_time():
    ticker = Ticker(0.002)
    start = time.monotonic()
    ticks = sum(ticker.wait() for _ in range(100))
    elapsed = time.monotonic() - start
    assert ticks + ticker.missed == pytest.approx(elapsed / 0.002, abs=2)
    assert ticker.lateness.counts.sum() == 100


def test_a_held_up_loop_gets_its_ticks_back_up_to_a_limit():
    ticker = Ticker(0.001, catch_up=20)
    time.sleep(0.01)
    due = ticker.wait()
    assert 9 <= due <= 20
    time.sleep(0.1)
    assert ticker.wait() == 20
    assert ticker.missed >= 70


def test_nothing_is_asked_for_without_a_priority():
    try:
        grants = request_realtime(0)
        assert not gc.isenabled(), "the collector never interrupts the loop"
    finally:
        gc.enable()
        gc.unfreeze()
    assert not grants.fifo
    assert grants.remedies == ()


def test_percentile_counts_are_whole():
    histogram = Histogram()
    for value in np.random.default_rng(0).integers(0, 2_000_000_000, 1000):
        histogram.add(int(value))
    assert histogram.counts.sum() == 1000


def test_a_loop_that_keeps_time_has_no_refusals():
    assert list(refusals(fifo=True, locked=True, p99=LATE)) == []
    assert list(refusals(fifo=True, locked=True, p99=2 * LATE)) == ["its loop wakes 400 us late (p99; 200 are allowed)"]
    assert len(list(refusals(fifo=False, locked=False, p99=1.0))) == 3


def test_processors_stay_awake_as_long_as_the_file_is_open():
    file = stay_awake()
    if file is None:
        pytest.skip("this user may not write the device")
    with file:
        assert not file.closed
