"""Weights arrive whole or not at all, the newest only, and versions never go back."""

import threading
import time

import numpy as np
import pytest
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
    first, *rest = [News.FromString(message) for message in packed.messages()]
    return first.manifest, [news.chunk for news in rest]


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
    first, *rest = [News.FromString(message) for message in packed.messages()]
    assert len(rest) == 4
    assert np.array_equal(received(first.manifest, [r.chunk for r in rest]).tensors["w"], expected)


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
