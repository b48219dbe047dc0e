"""Whatever comes, nothing crashes the server and nothing unsound is stored; what is sound is not refused."""

import itertools
import json
import subprocess
import sys
from pathlib import Path
from random import Random

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transport_samples import SPEC

from robot_rl.core.errors import DatasetError, SpecError
from robot_rl.transport.client import ExperienceClient
from robot_rl.transport.codec import encode_begin, encode_samples, spec_json
from robot_rl.transport.examine import Examiner
from robot_rl.transport.experience_pb2 import Event, Header
from robot_rl.transport.framing import frame
from robot_rl.transport.inbox import Inbox
from robot_rl.transport.intake import Refused
from robot_rl.transport.limits import Limits
from robot_rl.transport.server import ExperienceServer
from robot_rl.transport.service import Stub
from robot_rl.transport.versions import SCHEMA

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.append(str(BENCHMARKS))
from attacks import events  # noqa: E402

UUIDS = (f"{number:032x}" for number in itertools.count())


def header(**about) -> Header:
    return Header(schema=SCHEMA, actor=next(UUIDS), stream=next(UUIDS), spec=spec_json(events.SPEC), **about)


def push(inbox: Inbox, stream: str, *batches: bytes) -> int:
    """The highest number that was acknowledged."""
    return max(inbox.receive(stream, iter(batches)), default=0)


@pytest.fixture(scope="module")
def inbox(tmp_path_factory):
    folder = tmp_path_factory.mktemp("log")
    inbox = Inbox(folder, events.SPEC)
    yield inbox
    inbox.close()


def files(inbox: Inbox) -> list[str]:
    return [path.name for path in inbox._folder.iterdir()]


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 1 << 60))
def test_an_unsound_batch_leaves_nothing(inbox, seed) -> None:
    mine = header()
    assert inbox.hello(mine) == (0, SCHEMA)
    with pytest.raises(Refused) as refused:
        push(inbox, mine.stream, events.batch(Random(seed)))
    assert refused.value.code in (grpc.StatusCode.DATA_LOSS, grpc.StatusCode.INVALID_ARGUMENT)
    assert "\n" not in str(refused.value)
    assert not files(inbox)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.builds(lambda p: frame(1, p), st.binary(max_size=300))))
def test_random_bytes_leave_nothing(inbox, raw) -> None:
    mine = header()
    inbox.hello(mine)
    if raw:
        with pytest.raises(Refused):
            push(inbox, mine.stream, raw)
    assert not files(inbox)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["actor", "stream", "spec"]), st.text(max_size=40))
def test_a_wrong_greeting_leaves_nothing(inbox, field, text) -> None:
    wrong = header()
    setattr(wrong, field, text)
    with pytest.raises(Refused):
        inbox.hello(wrong)
    with pytest.raises(Refused, match="say hello"):
        push(inbox, text, b"")
    assert not files(inbox)


def test_what_is_sound_is_kept_and_what_follows_unsound_is_not(tmp_path) -> None:
    inbox, mine = Inbox(tmp_path, events.SPEC), header()
    samples = encode_samples("w", [0.0], events.observation(0)["observation.state"][None])
    payloads = [*events.sound(), encode_begin({}), samples]
    good = [frame(n + 1, payload) for n, payload in enumerate(payloads)]
    inbox.hello(mine)
    assert push(inbox, mine.stream, b"".join(good[:3])) == 3
    bad = frame(4, b"\xff")
    with pytest.raises(Refused, match="record 4 is refused"):
        push(inbox, mine.stream, bad)
    inbox.hello(mine)
    assert push(inbox, mine.stream, b"".join(good[2:]), good[-1]) == len(payloads)
    assert [a.payload for a in inbox.recorded()] == payloads
    inbox.close()


def test_every_maker_of_unsound_records_is_seen_through() -> None:
    examiner, rng = Examiner(events.SPEC), Random(1)
    for make in events.UNSOUND:
        for _ in range(30):
            with pytest.raises(SpecError):
                examiner.examine(make(rng))
    for payload in events.sound():
        assert isinstance(examiner.examine(payload), Event)


def test_events_of_a_newer_schema_pass_from_newer_actors_only() -> None:
    unknown = b"\xba\x01\x00"  # field 23
    assert Examiner(events.SPEC).examine(unknown, newer=True).WhichOneof("body") is None
    with pytest.raises(SpecError, match="older of the two"):
        Examiner(events.SPEC).examine(unknown)


def test_an_actor_that_never_ends_its_episode_is_refused(tmp_path) -> None:
    limits = Limits(episode=4 * len(events.sound()[1]))
    with ExperienceServer("127.0.0.1:0", tmp_path / "log", events.SPEC, limits=limits) as server:
        server.start(lambda arrival: None)
        with ExperienceClient(server.address, tmp_path / "spool", events.SPEC) as client:
            for _ in range(2):
                client.begin({})
                for n in range(3):
                    client.add(events.step(n))
                client.end(None)
            assert client.drain(10.0)
            client.begin({})
            for n in range(5):
                client.add(events.step(n))
            with pytest.raises(SpecError, match="end episodes sooner"):
                drained_and_ended(client)


def drained_and_ended(client: ExperienceClient) -> None:
    """An actor is told with the first call after the learner's answer, whichever that is."""
    client.drain(10.0)
    client.end(None)


def test_only_so_many_actors_at_once_and_one_that_left_makes_room(tmp_path) -> None:
    with ExperienceServer("127.0.0.1:0", tmp_path / "log", SPEC, limits=Limits(actors=1)) as server:
        server.start(lambda arrival: None)
        for life in range(2):
            with ExperienceClient(server.address, tmp_path / f"spool{life}", SPEC) as first:
                first.connect(10.0)
                first.begin({})
                first.end(None)
                assert first.drain(10.0)
                with ExperienceClient(server.address, tmp_path / "other", SPEC) as second:
                    with pytest.raises(SpecError, match="serves 1 actors already"):
                        second.connect(5.0)


@pytest.mark.parametrize("limits", [Limits(log=3000), Limits(spare=1 << 62)])
def test_a_full_quota_stops_the_learner_in_one_line(tmp_path, limits) -> None:
    inbox, mine = Inbox(tmp_path, events.SPEC, limits), header()
    inbox.hello(mine)
    with pytest.raises(Refused, match="learner log"):
        push(inbox, mine.stream, b"".join(frame(n + 1, p) for n, p in enumerate(events.sound())))
    assert isinstance(inbox.error, DatasetError)
    assert not list(tmp_path.iterdir())


def test_a_flood_of_greetings_fills_no_memory(tmp_path) -> None:
    inbox = Inbox(tmp_path, events.SPEC)
    kept = header()
    for mine in [kept, *(header() for _ in range(2000))]:
        inbox.hello(mine)
    assert len(inbox._greeted) + len(inbox._streams) <= 256
    assert not list(tmp_path.iterdir())
    with pytest.raises(Refused, match="say hello"):
        push(inbox, kept.stream, b"")


def test_a_message_that_is_too_large_is_not_taken_even_if_packed(tmp_path) -> None:
    with ExperienceServer("127.0.0.1:0", tmp_path / "log", SPEC) as server:
        server.start(lambda arrival: None)
        with grpc.insecure_channel(server.address, options=[("grpc.max_send_message_length", -1)]) as channel:
            for packing in (grpc.Compression.NoCompression, grpc.Compression.Gzip):
                large = Header(schema=SCHEMA, spec="x" * (40 << 20))
                with pytest.raises(grpc.RpcError) as refused:
                    Stub(channel).hello(large, timeout=20.0, compression=packing)
                assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.timeout(120)
def test_a_server_under_fire_serves_on() -> None:
    call = [sys.executable, str(BENCHMARKS / "fuzz_transport.py"), "--quick"]
    done = subprocess.run(call, capture_output=True, text=True, timeout=110, check=True)
    figures = json.loads(done.stdout.splitlines()[-1].removeprefix("RESULT "))["figures"]
    assert figures.keys() == {"open", "tls"}
    for found in figures.values():
        assert found["attacks"] > 5
        assert (found["crashes"], found["stored_of_strangers"]) == (0, 0)
        assert found["delivered_after"]
        assert found["memory_grew_mb"] < 200
