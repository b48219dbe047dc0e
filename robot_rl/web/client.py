"""One browser at the other end of a websocket: it gets the newest of everything and never a queue."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

MAX_MESSAGE = 1 << 16
"""Longest message that a browser may send [B]."""


class Client:
    """What waits to be sent to one browser. All methods belong to the server's event loop."""

    def __init__(self) -> None:
        self._waiting: dict[str, str | bytes] = {}
        self._something = asyncio.Event()

    def offer(self, slot: str, payload: str | bytes) -> None:
        """Send this next; what still waits in the same slot is forgotten."""
        self._waiting[slot] = payload
        self._something.set()

    async def send(self, socket: web.WebSocketResponse) -> None:
        """Send what is offered, as fast as the browser takes it."""
        while not socket.closed:
            await self._something.wait()
            self._something.clear()
            waiting, self._waiting = self._waiting, {}
            for payload in waiting.values():
                if isinstance(payload, str):
                    await socket.send_str(payload)
                else:
                    await socket.send_bytes(payload)


async def receive(socket: web.WebSocketResponse, take: Callable[[dict[str, Any]], None]) -> None:
    """Hand over every message that is a JSON object, until the browser leaves or says something else."""
    async for message in socket:
        try:
            data = json.loads(message.data) if message.type is WSMsgType.TEXT else None
        except ValueError:
            data = None
        if not isinstance(data, dict):
            await socket.close(code=1007, message=b"send JSON objects")
            return
        take(data)


def image_message(name: str, jpeg: bytes) -> bytes:
    """An image on the wire: length of its name (1 byte), name, JPEG file."""
    label = name.encode()
    return bytes([len(label)]) + label + jpeg
