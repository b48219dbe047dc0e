"""Versions of the weights do not queue up before an actor: the next one leaves when it says that it has the last."""

import queue
import time

import grpc
import numpy as np
import pytest
from transport_samples import SPEC

from robot_rl.transport.experience_pb2 import Manifest, News, WatchRequest
from robot_rl.transport.server import ExperienceServer
from robot_rl.transport.service import Stub
from robot_rl.transport.versions import SCHEMA
from robot_rl.transport.weights import Unpacker, is_chunk


@pytest.fixture
def server(tmp_path):
    with ExperienceServer("127.0.0.1:0", tmp_path / "log", SPEC) as server:
        server.start(lambda arrival: None)
        yield server


def publish(server, *values):
    return [server.publish({"value": np.array(v, np.float32)}) for v in values]


class Slow:
    """An actor that says what it has when it is told to."""

    def __init__(self, server):
        self.words = queue.SimpleQueue()
        self.channel = grpc.insecure_channel(server.address)
        self.say(0)
        self.news = Stub(self.channel).watch(iter(self.words.get, None), wait_for_ready=True, timeout=20)

    def say(self, version):
        self.words.put(WatchRequest(actor="a" * 32, version=version, schema=SCHEMA))

    def next(self):
        """The next version that comes, and its value."""
        coming = Unpacker(Manifest())
        for message in self.news:
            if is_chunk(message):
                coming.add(message)
            elif News.FromString(message).HasField("manifest"):
                coming = Unpacker(News.FromString(message).manifest)
            else:
                continue
            if coming.complete:
                weights = coming.weights()
                return weights.version, float(weights.tensors["value"])
        return None

    def close(self):
        self.words.put(None)
        self.news.cancel()
        self.channel.close()


def test_a_slow_actor_gets_the_newest_when_it_is_ready_and_nothing_before(server) -> None:
    publish(server, 1.0)
    actor = Slow(server)
    assert actor.next() == (1, 1.0)
    publish(server, 2.0, 3.0)
    time.sleep(0.2)
    publish(server, 4.0)
    actor.say(1)
    assert actor.next() == (4, 4.0), "versions 2 and 3 had queued up"
    publish(server, 5.0)
    actor.say(4)
    assert actor.next() == (5, 5.0)
    actor.close()


def test_one_that_never_says_what_it_has_gets_them_all_the_same(server) -> None:
    """A program of an earlier version sends one request and no more."""
    publish(server, 1.0)
    actor = Slow(server)
    actor.words.put(None)
    assert actor.next() == (1, 1.0)
    publish(server, 2.0)
    assert actor.next() == (2, 2.0)
    actor.close()


def test_an_actor_that_leaves_is_no_watcher_any_more(server) -> None:
    publish(server, 1.0)
    actor = Slow(server)
    actor.next()
    assert server.watchers == 1
    actor.close()
    deadline = time.monotonic() + 10
    while server.watchers and time.monotonic() < deadline:
        time.sleep(0.02)
    assert server.watchers == 0
