"""A command crosses shared memory whole: compiled code and Python read the same as was written."""

import numpy as np
import pytest

from controllers.law.state import command_dtype, command_record
from controllers.loop.snapshot import COMMAND, read_command, write_command
from controllers.loop.wire import decode, epoch_of
from controllers.numeric.histogram import Histogram, moments
from robot_rl.core.errors import CommandRejectedError
from robot_rl.core.records import Command, Source, StiffnessFrame

RNG = np.random.default_rng(0)


def make(size, **fields):
    stiffness = None if size == 0 else RNG.uniform(1.0, 900.0, size)
    body = {"stamp": 1.0, "seq": 7, "valid_until": 1.3, "duration": 0.1, "pose": RNG.normal(size=7), "gripper": 0.02}
    return Command(**{**body, "stiffness": stiffness, **fields})


def written(command, epoch=0):
    record = np.zeros((), COMMAND)
    write_command(record, command, epoch)
    return record


@pytest.mark.parametrize("size", [0, 2, 6, 21])
@pytest.mark.parametrize("frame", StiffnessFrame)
def test_both_readers_agree_with_the_writer(size, frame):
    wrench = RNG.normal(size=6)
    command = make(size, stiffness_frame=frame, source=Source.HUMAN, feed_forward=wrench)
    record, compiled = written(command, 12), np.zeros((), command_dtype())[()]
    assert decode(record[()], compiled, 0.0)
    assert epoch_of(record[()]) == 12
    direct = command_record(command)
    for name in direct.dtype.names:
        np.testing.assert_array_equal(compiled[name], direct[name], err_msg=name)
    again = command_record(read_command(record))
    for name in direct.dtype.names:
        np.testing.assert_array_equal(again[name], direct[name], err_msg=name)


@pytest.mark.parametrize("name", ["seq", "source", "stiffness_frame"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -1e300, 0.5, 77.5])
def test_what_is_no_number_of_anything_is_refused(name, value):
    record, compiled = written(make(2)), np.zeros((), command_dtype())[()]
    record[name] = value
    assert not decode(record[()], compiled, 0.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.5, 1e300])
def test_what_is_no_lease_is_none_that_counts(value):
    record = written(make(2))
    record["epoch"] = value
    assert epoch_of(record[()]) == -1


def test_a_stiffness_of_three_numbers_is_refused():
    with pytest.raises(CommandRejectedError, match="2, 6 or 21"):
        written(make(3))


def test_a_stiffness_with_a_hole_stays_unsound():
    """It must not be taken for a shorter one."""
    command = make(6)
    command.stiffness[3] = np.nan
    compiled = np.zeros((), command_dtype())[()]
    assert decode(written(command)[()], compiled, 0.0)
    assert compiled["has_stiffness"] == 6
    assert np.isnan(compiled["stiffness"][3])


def test_moments_of_a_histogram():
    histogram, samples = Histogram(), RNG.uniform(20e-6, 900e-6, 5000)
    for x in samples:
        histogram.add(round(x * 1e9))
    mean, spread = moments(histogram.counts)
    assert mean == pytest.approx(samples.mean(), abs=1e-6)
    assert spread == pytest.approx(samples.std(), abs=1e-6)
    assert moments(Histogram().counts) == (0.0, 0.0)
