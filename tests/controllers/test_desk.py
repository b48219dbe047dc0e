"""The desk: one answer per request, refusals in words, one writer whose role ends with it, nothing left behind."""

import os
import subprocess
import sys
import threading
import time

import pytest

from controllers.guard.desk import Desk, DeskClient
from robot_rl.core.errors import ConfigError, ConnectionLostError


def refuse(request):
    raise ConfigError(f"not {request['what']}: do something else")


@pytest.fixture
def name():
    return f"test.{os.getpid()}.{time.monotonic_ns()}"


@pytest.fixture
def desk(name):
    made = Desk(name, {"add": lambda r: {"sum": r["a"] + r["b"]}, "refuse": refuse})
    stop = threading.Event()

    def work():
        while not stop.is_set():
            made.serve()
            time.sleep(0.001)

    thread = threading.Thread(target=work)
    thread.start()
    yield made
    stop.set()
    thread.join()
    made.close()


def test_every_request_gets_its_answer(desk, name):
    one, two = DeskClient(name), DeskClient(name)
    assert one.ask("add", {"a": 1, "b": 2}) == {"ok": True, "text": "", "sum": 3}
    assert two.ask("add", {"a": 5, "b": 5})["sum"] == 10
    assert one.ask("refuse", {"what": "so"}) == {"ok": False, "text": "not so: do something else"}


@pytest.mark.parametrize(("do", "details", "said"), [("ad", {}, "one of add, refuse"), ("add", {"a": 1}, "malformed")])
def test_nonsense_is_refused_in_words(desk, name, do, details, said):
    answer = DeskClient(name).ask(do, details)
    assert not answer["ok"]
    assert said in answer["text"]


def test_raw_nonsense_harms_nobody(desk, name):
    client = DeskClient(name)
    for junk in (b"\xff\x00", b"[1]", b'"do"', b"7", b'{"do": []}'):
        client._socket.send(junk)
        assert b"malformed" in client._socket.recv(1000)
    assert client.ask("add", {"a": 1, "b": 1})["sum"] == 2


def test_one_writer_and_the_role_ends_with_the_process(desk, name):
    code = f"from controllers.guard.desk import DeskClient\nimport time\nc = DeskClient({name!r})\n"
    code += "assert c.ask('write')['ok']\n"
    holder = subprocess.Popen([sys.executable, "-c", code + "print('here', flush=True); time.sleep(60)"], stdout=-1)
    holder.stdout.readline()
    client = DeskClient(name)
    assert "another bridge" in client.ask("write")["text"]
    holder.kill()
    holder.wait()
    time.sleep(0.05)
    assert client.ask("write")["ok"]
    assert client.ask("write")["ok"], "asking twice is no conflict"


def test_a_desk_that_is_gone_is_named_and_leaves_no_file(name):
    with pytest.raises(ConnectionLostError, match="no arm"):
        DeskClient(name, timeout=0.05)
    made = Desk(name, {})
    client = DeskClient(name)
    beats = []
    with pytest.raises(ConnectionLostError, match="did not answer"):
        client.ask("add", patience=0.05, meanwhile=lambda: beats.append(1))
    assert len(beats) > 3
    made.close()
    again = Desk(name, {})
    again.close()
