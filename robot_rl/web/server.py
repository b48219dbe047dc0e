"""A small web server: pages, state out and events in over a websocket, images, and answers to questions."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from aiohttp import web
from numpy.typing import NDArray

from robot_rl.core.errors import ConfigError
from robot_rl.web.access import Door, is_loopback, own_addresses
from robot_rl.web.certificate import tls_context
from robot_rl.web.client import MAX_MESSAGE, Client, image_message, receive
from robot_rl.web.images import jpeg
from robot_rl.web.site import Question, Reply, application, files_of


@dataclass(frozen=True, kw_only=True)
class WebConfig:
    """Where a page is served."""

    host: str = "127.0.0.1"
    """Address to listen at; 0.0.0.0 lets other machines in, with a token and over HTTPS."""
    port: int = 0
    """Port; 0: a free one."""
    https: bool = False
    """Speak HTTPS on this machine too; to other machines it is always spoken."""
    token: str = ""
    """Secret in the address; empty: none on this machine, a fresh one elsewhere."""
    image_rate: float = 15.0
    """Images per second and camera, at most [Hz]."""


def json_reply(data: Any, status: int = 200) -> Reply:  # noqa: ANN401  (anything that JSON can say)
    """An answer in JSON."""
    return Reply(body=json.dumps(data, allow_nan=False).encode(), status=status)


class Listener(Protocol):
    """Hears what browsers say. Called in the server's thread: be quick."""

    def on_message(self, client: int, message: dict[str, Any]) -> None: ...
    def on_close(self, client: int) -> None: ...


class WebServer:
    """Serves the pages in ``folders`` from a thread of its own; a context manager, ``__init__`` opens nothing."""

    def __init__(
        self,
        folders: Sequence[Path],
        config: WebConfig,
        questions: Mapping[str, Question] | None = None,
        listener: Listener | None = None,
    ) -> None:
        self.config = config
        self.url = ""
        """What a person opens, with the token."""
        self.fingerprint = ""
        """SHA-256 of the certificate; empty without HTTPS."""
        self._files = files_of(folders)
        self._questions = dict(questions or {})
        self._listener = listener
        self._clients: dict[int, Client] = {}
        self._count = 0
        self._state = "{}"
        self._images: dict[str, NDArray[np.uint8]] = {}
        self._drawn: dict[str, bytes] = {}
        self._error: OSError | OverflowError | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def __enter__(self) -> WebServer:
        """Serve; ``ConfigError`` when the address cannot be had."""
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            where = f"{self.config.host}:{self.config.port}"
            said = getattr(self._error, "strerror", None) or self._error
            raise ConfigError(f"no page can be served at {where} ({said}): choose another host or port")
        return self

    def __exit__(self, *exc: object) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._closing.set)
            self._thread.join(5.0)

    @property
    def clients(self) -> int:
        """How many browsers are here."""
        return len(self._clients)

    def publish(self, state: Mapping[str, Any]) -> None:
        """Show ``state`` to every browser, now and to those that come later; from any thread."""
        self._loop.call_soon_threadsafe(self._show, json.dumps(state, allow_nan=False))

    def publish_image(self, name: str, rgb: NDArray[np.uint8]) -> None:
        """Show an image (H, W, 3) that nobody will change; from any thread, and free of cost there."""
        self._images[name] = rgb

    def _show(self, state: str) -> None:
        self._state = state
        self._offer("state", state)

    def _offer(self, slot: str, payload: str | bytes) -> None:
        for client in self._clients.values():
            client.offer(slot, payload)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except (OSError, OverflowError) as error:
            self._error = error
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        host, context = self.config.host, None
        names = own_addresses(host)
        if self.config.https or not is_loopback(host):
            context, self.fingerprint = tls_context(names)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, self.config.port), family=family)
        port = listening.getsockname()[1]
        door = Door.of(host, port, self.config.token, context is not None)
        runner = web.AppRunner(application(door, self._files, self._questions, self._link), shutdown_timeout=1.0)
        await runner.setup()
        await web.SockSite(runner, listening, ssl_context=context).start()
        name = f"[{names[0]}]" if ":" in names[0] else names[0]
        token = f"?token={door.token}" if door.token else ""
        self.url = f"{'https' if context else 'http'}://{name}:{port}/{token}"
        images = asyncio.ensure_future(self._send_images())
        self._ready.set()
        await self._closing.wait()
        images.cancel()
        await runner.cleanup()

    async def _send_images(self) -> None:
        """Draw each new image once, whoever looks; none when nobody does."""
        while True:
            await asyncio.sleep(1 / self.config.image_rate)
            if not self._clients:
                continue
            for name in list(self._images):
                rgb = self._images.pop(name)
                self._drawn[name] = image_message(name, await asyncio.to_thread(jpeg, rgb))
                self._offer(f"image {name}", self._drawn[name])

    async def _link(self, request: web.Request) -> web.StreamResponse:
        link = web.WebSocketResponse(max_msg_size=MAX_MESSAGE, heartbeat=5.0, compress=False)
        await link.prepare(request)
        self._count += 1
        number, client = self._count, Client()
        self._clients[number] = client
        client.offer("state", self._state)
        for name, drawn in self._drawn.items():
            client.offer(f"image {name}", drawn)
        sending = asyncio.ensure_future(client.send(link))
        closing = asyncio.ensure_future(self._closing.wait())
        receiving = asyncio.ensure_future(receive(link, lambda message: self._hear(number, message)))
        try:
            await asyncio.wait({sending, receiving, closing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._clients.pop(number)
            for task in (sending, receiving, closing):
                task.cancel()
            if self._listener is not None:
                self._listener.on_close(number)
            await link.close()
        return link

    def _hear(self, number: int, message: dict[str, Any]) -> None:
        if self._listener is not None:
            self._listener.on_message(number, message)
