"""The web server as browsers meet it: over real sockets, by aiohttp's client."""

import asyncio
import json
import ssl
import time
from contextlib import asynccontextmanager

import aiohttp
import cv2
import numpy as np
import pytest

from robot_rl.core.errors import ConfigError, DatasetError
from robot_rl.web.certificate import tls_context
from robot_rl.web.server import WebConfig, WebServer, json_reply

TOKEN = "a-secret-of-this-test"


class Heard:
    def __init__(self):
        self.messages, self.closed = [], []

    def on_message(self, client, message):
        self.messages.append((client, message))

    def on_close(self, client):
        self.closed.append(client)


def refused(query):
    raise DatasetError(f"no episode {query['episode']}: choose another")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("<h1>hello</h1>")
    (tmp_path / "secret.txt").write_text("not for you")
    return tmp_path / "site"


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def server(folder, heard):
    questions = {"/sum": lambda q: json_reply(int(q["a"]) + int(q["b"])), "/refused": refused}
    with WebServer([folder], WebConfig(), questions, heard) as server:
        yield server


def fetch(url, *, headers=None, ssl_context=True, jar=True):
    async def get():
        cookies = aiohttp.CookieJar(unsafe=True) if jar else aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(cookie_jar=cookies) as session:
            async with session.get(url, headers=headers, ssl=ssl_context) as response:
                return response.status, await response.text(), response.headers, str(response.url)

    return asyncio.run(get())


@asynccontextmanager
async def linked(url, headers=None):
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{url}link", headers=headers) as socket:
        yield socket


def until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


def test_a_page_comes_with_rules_that_keep_it_at_home(server):
    status, text, headers, _ = fetch(server.url)
    assert (status, text) == (200, "<h1>hello</h1>")
    assert headers["Content-Type"].startswith("text/html")
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert fetch(f"{server.url}link.js")[0] == 200, "what every page may use"


@pytest.mark.parametrize("path", ["../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "nothing.html"])
def test_nothing_outside_the_folder_is_served(server, path):
    import yarl

    status, text, *_ = fetch(yarl.URL(server.url + path, encoded=True))
    assert status == 404
    assert "not for you" not in text


def test_a_question_is_answered_and_a_mistake_is_one_line(server):
    assert fetch(f"{server.url}sum?a=2&b=40")[:2] == (200, "42")
    assert fetch(f"{server.url}refused?episode=7")[:2] == (400, "no episode 7: choose another\n")


def test_state_goes_out_and_events_come_in(server, heard):
    async def talk():
        async with linked(server.url) as socket:
            server.publish({"episodes": 3})
            states = [await socket.receive_json(timeout=5)]
            while states[-1] != {"episodes": 3}:
                states.append(await socket.receive_json(timeout=5))
            await socket.send_str(json.dumps({"event": "success"}))
            await asyncio.sleep(0.1)

    asyncio.run(talk())
    until(lambda: heard.closed)
    assert heard.messages == [(heard.closed[0], {"event": "success"})]
    assert server.clients == 0


def test_who_comes_late_sees_the_newest_state_and_image(server):
    image = np.zeros((24, 32, 3), np.uint8)
    image[:, :, 0] = 200

    async def look():
        async with linked(server.url) as socket:
            text = picture = None
            while text != {"n": 2} or picture is None:
                message = await socket.receive(timeout=5)
                if message.type is aiohttp.WSMsgType.TEXT:
                    text = json.loads(message.data)
                else:
                    picture = message.data
            return picture

    for n in (1, 2):
        server.publish({"n": n})
    server.publish_image("front", image)
    picture = asyncio.run(look())
    assert picture[0] == 5
    assert picture[1:6] == b"front"
    back = cv2.imdecode(np.frombuffer(picture[6:], np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_allclose(back[:, :, ::-1], image, atol=6)


def test_a_slow_browser_gets_the_newest_state_not_a_queue(server):
    async def sleep_and_look():
        async with linked(server.url) as socket:
            await socket.receive(timeout=5)
            started, sent = time.monotonic(), 0
            padding = "x" * 100_000
            while time.monotonic() - started < 1.0:
                server.publish({"n": (sent := sent + 1), "padding": padding})
                await asyncio.sleep(0.002)
            numbers = []
            while not numbers or numbers[-1] != sent:
                numbers.append(json.loads((await socket.receive(timeout=5)).data)["n"])
            return sent, numbers

    sent, numbers = asyncio.run(sleep_and_look())
    assert numbers == sorted(numbers)
    assert numbers[-1] == sent


@pytest.mark.parametrize("message", ["not json", "[1, 2]", "3"])
def test_nonsense_ends_the_link(server, heard, message):
    async def talk():
        async with linked(server.url) as socket:
            await socket.send_str(message)
            while (got := await socket.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
                pass
            return got.type, socket.close_code

    kind, code = asyncio.run(talk())
    assert kind in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    assert code == 1007
    assert not heard.messages


def test_pages_of_others_may_not_speak_to_it(server):
    assert fetch(server.url, headers={"Host": "evil.example"})[0] == 403, "a name that leads here (DNS rebinding)"
    assert fetch(server.url, headers={"Origin": "http://evil.example"})[0] == 403

    async def link():
        async with linked(server.url, {"Origin": "http://evil.example"}):
            pass

    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        asyncio.run(link())
    assert refusal.value.status == 403


def test_other_machines_need_the_token_and_get_https(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with WebServer([folder], WebConfig(host="0.0.0.0", token=TOKEN)) as server:
        assert server.url.startswith("https://")
        port = server.url.split(":")[2].split("/")[0]
        trust = ssl.create_default_context(cafile=str(tmp_path / "state/robot-rl/tls/certificate.pem"))
        base = f"https://127.0.0.1:{port}/"
        assert fetch(base, ssl_context=trust)[0] == 403
        assert fetch(f"{base}?token=wrong", ssl_context=trust)[0] == 403
        status, text, _, url = fetch(f"{base}?token={TOKEN}", ssl_context=trust)
        assert (status, text) == (200, "<h1>hello</h1>")
        assert TOKEN not in url, "the token leaves the address bar"
        assert fetch(f"{base}?token={TOKEN}", ssl_context=trust, jar=False)[0] == 403, "the cookie does it"
    with WebServer([folder], WebConfig(host="0.0.0.0")) as other:
        assert len(other.url.split("token=")[1]) >= 32, "a fresh secret when none is given"


def test_the_certificate_stays_until_it_does_not_fit(tmp_path):
    first = tls_context(["localhost", "127.0.0.1"], tmp_path)[1]
    assert tls_context(["127.0.0.1"], tmp_path)[1] == first
    assert (tmp_path / "key.pem").stat().st_mode & 0o077 == 0
    other = tls_context(["127.0.0.1", "robot.local"], tmp_path)[1]
    assert other != first
    (tmp_path / "key.pem").write_text("rubbish")
    assert tls_context(["127.0.0.1"], tmp_path)[1] != other


@pytest.mark.parametrize("wrong", [{"port": 99999}, {"host": "999.1.1.1"}])
def test_a_wrong_address_is_one_line(folder, wrong, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match=r"no page can be served at .*: choose another host or port"):
        WebServer([folder], WebConfig(**wrong)).__enter__()


def test_a_busy_port_is_one_line(server, folder):
    port = int(server.url.split(":")[2].strip("/"))
    with pytest.raises(ConfigError, match=r"no page can be served at 127.0.0.1:\d+ .*: choose another host or port"):
        WebServer([folder], WebConfig(port=port)).__enter__()
