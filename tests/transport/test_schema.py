"""All that a dataset keeps of a step crosses the wire, and programs of different age agree on what they both know."""

import json
import math
from dataclasses import replace

import grpc
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transport_samples import ENERGY, SPEC, observation, step

from robot_rl.core.errors import SpecError
from robot_rl.core.freshness import Freshness
from robot_rl.core.records import RewardSource, StepRecord
from robot_rl.transport.client import ExperienceClient
from robot_rl.transport.codec import decode_samples, decode_step, encode_step, spec_json
from robot_rl.transport.experience_pb2 import Event, Header
from robot_rl.transport.server import ExperienceServer
from robot_rl.transport.service import Stub
from robot_rl.transport.versions import agree

RICH = replace(
    step(1, 2),
    reward_source=RewardSource.CLASSIFIER,
    frame_stamps={"front": 12.25},
    freshness=Freshness(observation_age=0.25, action_age=0.5, overrun=0.125, missed=3),
)


def across(record: StepRecord, version: int = 0, age: float = 0.0) -> StepRecord:
    return decode_step(Event.FromString(encode_step(record, SPEC, version, age)).step, SPEC).record


def test_every_field_of_a_step_crosses() -> None:
    got, want = across(RICH, 7, 1.5), RICH
    assert got.freshness == replace(want.freshness, weights_version=7, weights_age=1.5)
    for name in vars(want).keys() - {"obs", "freshness"}:
        assert np.array_equal(getattr(got, name), getattr(want, name)), name
    assert vars(got).keys() == vars(want).keys()
    assert vars(ENERGY).keys() == vars(got.energy).keys()


def test_what_nobody_measured_stays_unknown() -> None:
    got = across(step(0, 0))
    assert got.frame_stamps == {}
    assert math.isnan(got.freshness.observation_age)
    assert math.isnan(got.freshness.weights_age)
    assert across(replace(RICH, frame_stamps={"wrist": 3.0})).frame_stamps == {}, "no camera of this task"


def test_signals_faster_than_the_steps_cross(tmp_path) -> None:
    arrived = []
    with ExperienceServer("127.0.0.1:0", tmp_path / "log", SPEC) as server:
        server.start(arrived.append)
        with ExperienceClient(server.address, tmp_path / "spool", SPEC) as client:
            client.stream("wrench", 0.0, np.zeros(6))
            for episode in range(2):
                client.begin({})
                for n in range(300):
                    client.stream("wrench", n * 0.001, np.full(6, episode * 1000 + n, np.float32))
                    client.stream("joint", n * 0.001, n)
                client.add(step(0, 0))
                client.end(observation(0, 1))
            assert client.drain(10.0)
    samples = [decode_samples(a.event.samples) for a in arrived if a.event.HasField("samples")]
    assert [a.event.WhichOneof("body") for a in arrived].count("begin") == 2
    wrenches = [part for part in samples if part[0] == "wrench"]
    values = np.concatenate([values for _, _, values in wrenches])
    assert values.dtype == np.float32
    assert np.array_equal(values[:, 5], [*range(300), *range(1000, 1300)]), "samples were lost, or one came in between"
    assert np.concatenate([stamps for _, stamps, _ in wrenches])[299] == 299 * 0.001
    assert sum(len(stamps) for name, stamps, _ in samples if name == "joint") == 600


@pytest.mark.parametrize("value", [np.zeros(5), np.zeros(6, np.int32), np.zeros((100, 100)), np.array("a")])
def test_a_signal_that_changes_its_looks_stops_the_actor(tmp_path, value) -> None:
    with ExperienceClient("127.0.0.1:1", tmp_path / "spool", SPEC) as client:
        client.begin({})
        client.stream("wrench", 0.0, np.zeros(6))
        client.stream("wrench", 0.1, value)
        with pytest.raises(SpecError, match="'wrench'"):
            client.end(None)


@settings(max_examples=200, deadline=None)
@given(*[st.integers(1, 9)] * 2, st.integers(1, 5), st.integers(1, 5))
def test_the_schema_agreed_on_is_known_to_both(written, reader, newest, oldest) -> None:
    reader, oldest = min(reader, written), min(oldest, newest)
    header = Header(schema=written, reader=reader)
    if reader <= newest and written >= oldest:
        assert agree(header, newest=newest, oldest=oldest) == min(written, newest)
    else:
        with pytest.raises(SpecError, match="update the actor" if written < oldest else "update the learner"):
            agree(header, newest=newest, oldest=oldest)


def greet(address: str, **about) -> object:
    header = Header(actor="a" * 32, stream="b" * 32, spec=spec_json(SPEC), **about)
    with grpc.insecure_channel(address) as channel:
        return Stub(channel).hello(header, timeout=10.0)


def test_older_and_newer_actors_are_greeted_if_they_can_be_read(tmp_path) -> None:
    with ExperienceServer("127.0.0.1:0", tmp_path / "log", SPEC) as server:
        server.start(lambda arrival: None)
        assert greet(server.address, schema=1).schema == 1
        assert greet(server.address, schema=7, reader=2).schema == 2
        for about in ({"schema": 7}, {"schema": 7, "reader": 5}, {}):
            with pytest.raises(grpc.RpcError) as refused:
                greet(server.address, **about)
            assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
            assert "update the" in refused.value.details()
    assert not list((tmp_path / "log").glob("*.log")), "a greeting alone left a file"


def test_records_of_schema_1_are_read() -> None:
    event = Event.FromString(encode_step(RICH, SPEC, 3, 0.5))
    for field in ("reward_source", "frame_stamps", "freshness"):
        event.step.ClearField(field)
    record = decode_step(event.step, SPEC).record
    assert (record.reward_source, record.frame_stamps) == (RewardSource.TASK, {})
    assert (record.freshness.weights_version, record.freshness.weights_age) == (3, 0.5)
    assert math.isnan(record.freshness.action_age)
    assert json.loads(spec_json(SPEC))["rate"] == 10.0
