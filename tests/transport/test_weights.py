"""Weights arrive whole or not at all, the newest only, and versions never go back."""

import hashlib
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transport_samples import SPEC, free_port

from robot_rl.core.errors import CheckpointError
from robot_rl.transport.client import ExperienceClient
from robot_rl.transport.experience_pb2 import Manifest, News
from robot_rl.transport.server import ExperienceServer
from robot_rl.transport.weights import Packed, Unpacker, Weights

RNG = np.random.default_rng(0)
TENSORS = {
    "layer.weight": RNG.standard_normal((5, 7)).astype(np.float32),
    "layer.empty": np.zeros((0, 3), np.float16),
    "count": np.array(7, np.int64),
    "transposed": RNG.standard_normal((4, 3)).T,
    "flag": np.array([True, False]),
}


def wait_for(condition, timeout: float = 10.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def ignore(arrival) -> None:
    pass


def sent(tensors) -> tuple[Manifest, list[bytes]]:
    packed = Packed(tensors)
    packed.version = 3
    first, *rest = packed.messages()
    return News.FromString(first).manifest, rest


def received(manifest: Manifest, chunks: list[bytes]) -> Weights:
    unpacker = Unpacker(manifest)
    for chunk in chunks:
        assert not unpacker.complete
        unpacker.add(chunk)
    assert unpacker.complete
    return unpacker.weights()


def test_pack_and_unpack_are_inverse() -> None:
    weights = received(*sent(TENSORS))
    assert weights.version == 3
    assert 0.0 <= weights.age() < 10.0
    for name, value in TENSORS.items():
        assert weights.tensors[name].dtype == value.dtype
        assert weights.tensors[name].shape == value.shape
        assert np.array_equal(weights.tensors[name], value)


def test_damage_is_noticed() -> None:
    manifest, chunks = sent(TENSORS)
    damaged = bytearray(chunks[0])
    damaged[17] ^= 4
    with pytest.raises(CheckpointError, match="damaged"):
        received(manifest, [bytes(damaged)])
    with pytest.raises(CheckpointError, match="more weights"):
        Unpacker(manifest).add(chunks[0] + b"x")
    manifest.tensors[0].offset = 1 << 40
    with pytest.raises(CheckpointError, match="described wrongly"):
        received(manifest, chunks)
    with pytest.raises(CheckpointError, match="too large"):
        Unpacker(Manifest(size=1 << 50))


def test_large_weights_go_in_chunks_and_later_changes_do_not_show() -> None:
    value = np.arange(1_000_000, dtype=np.float32)
    packed = Packed({"w": value})
    expected = value.copy()
    value[:] = 0
    first, *rest = packed.messages()
    assert len(rest) == 4
    assert np.array_equal(received(News.FromString(first).manifest, rest).tensors["w"], expected)


def test_an_actor_of_schema_1_can_check_them_too() -> None:
    first, *rest = Packed(TENSORS).messages(schema=1)
    manifest, buffer = News.FromString(first).manifest, b"".join(News.FromString(m).chunk for m in rest)
    assert len(buffer) == manifest.size
    assert hashlib.sha256(buffer).digest() == manifest.sha256
    assert not News.FromString(next(Packed(TENSORS).messages())).manifest.sha256


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_comes_only_whole_weights_are_taken(data) -> None:
    """A learner that sends nonsense is answered with one kind of error."""
    manifest, chunks = sent(TENSORS)
    for field in data.draw(st.lists(st.sampled_from(["version", "size", "offset", "shape", "dtype", "crcs"]))):
        if field in ("version", "size"):
            setattr(manifest, field, data.draw(st.integers(0, 1 << 31)))
        elif field == "crcs":
            manifest.crcs[:] = data.draw(st.lists(st.integers(0, (1 << 32) - 1), max_size=3))
        else:
            entry = data.draw(st.sampled_from(list(manifest.tensors)))
            if field == "shape":
                entry.shape[:] = data.draw(st.lists(st.integers(0, (1 << 64) - 1), max_size=4))
            else:
                setattr(entry, field, data.draw(st.integers(0, (1 << 64) - 1) if field == "offset" else st.text()))
    chunks = data.draw(st.lists(st.one_of(st.sampled_from(chunks), st.binary(max_size=64)), max_size=3))
    try:
        unpacker = Unpacker(manifest)
        for chunk in chunks:
            unpacker.add(chunk)
        weights = unpacker.weights() if unpacker.complete else None
    except CheckpointError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert weights is None or all(v.nbytes <= manifest.size for v in weights.tensors.values())


def test_objects_are_not_sent() -> None:
    with pytest.raises(CheckpointError, match="object"):
        Packed({"a": np.array([object()])})


def test_a_slow_actor_gets_the_newest_version_only(tmp_path) -> None:
    big = {"w": np.zeros(3_000_000, np.float32)}
    with ExperienceServer("127.0.0.1:0", tmp_path / "log", SPEC) as server:
        server.start(ignore)
        with ExperienceClient(server.address, tmp_path / "spool", SPEC) as client:
            client.connect(10.0)
            seen = set()
            for value in range(1, 21):
                big["w"][:] = value
                server.publish(big)
                seen |= {w.version for w in [client.newest(0)] if w}
            wait_for(lambda: client.newest(19))
            newest = client.newest(0)
            assert newest.version == 20
            assert (newest.tensors["w"] == 20).all()
            assert 0.0 <= newest.age() < 10.0
            assert len(seen) < 19, "every version was sent"
            assert client.newest(20) is None


def test_versions_count_on_after_the_learner_restarts(tmp_path) -> None:
    address = f"127.0.0.1:{free_port()}"
    server = ExperienceServer(address, tmp_path / "log", SPEC)
    server.start(ignore)
    with ExperienceClient(address, tmp_path / "spool", SPEC) as client:
        for _ in range(5):
            server.publish(TENSORS)
        wait_for(lambda: client.newest(4))
        server.stop()
        wait_for(lambda: not client.status.connected)
        with ExperienceServer(address, tmp_path / "log", SPEC) as server:
            server.publish({"w": np.full(3, 9.0)})
            server.start(ignore)
            wait_for(lambda: client.newest(5))
            assert client.newest(5).tensors["w"][0] == 9.0


def test_wishes_reach_a_waiting_actor(tmp_path) -> None:
    with ExperienceServer("127.0.0.1:0", tmp_path / "log", SPEC) as server:
        server.start(ignore)
        with ExperienceClient(server.address, tmp_path / "spool", SPEC) as client:
            server.ask(finished=False, paused=True)
            wait_for(lambda: client.status.paused)
            assert client.wait_while_paused(0.05), "the pause ended by itself"
            threading.Timer(0.1, lambda: server.ask(finished=False, paused=False)).start()
            assert not client.wait_while_paused(10.0)
            server.ask(finished=True, paused=False)
            wait_for(lambda: client.status.finished)
