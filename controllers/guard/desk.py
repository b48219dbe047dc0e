"""The arm process's desk: slow requests over a UNIX socket, one answer each (activate, go home, leases, limits).

What must act within a tick goes through shared memory instead (``Exchange.ask``). The socket has no file: nothing of
it stays when the process is gone. Only processes of the same user are answered. One connection at a time may be the one
that sends commands; the role ends with the connection, however that ends.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from collections.abc import Callable, Mapping
from typing import Any

from robot_rl.core.errors import ConnectionLostError, RobotRLError

Request = Mapping[str, Any]
Action = Callable[[Request], Mapping[str, Any]]
LARGEST = 1 << 16
"""Longest message [bytes]."""
POLL = 0.005
"""How often a waiting client does what it has to do meanwhile [s]."""


def _address(name: str) -> str:
    return f"\0robot_rl.desk.{name}"


def _user_of(connection: socket.socket) -> int:
    _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(user)


class Desk:
    """Answers requests; ``serve`` never waits.

    Args:
        name: Of the arm's exchange.
        actions: What can be asked for: request in, further fields of the answer out; a ``RobotRLError`` refuses.
    """

    def __init__(self, name: str, actions: Mapping[str, Action]) -> None:
        self.actions = dict(actions)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.bind(_address(name))
        self._socket.listen(16)
        self._socket.setblocking(False)
        self._clients: list[socket.socket] = []
        self._writer: socket.socket | None = None

    def serve(self) -> None:
        """Answer all that was asked since the last call."""
        try:
            connection, _ = self._socket.accept()
            if _user_of(connection) == os.geteuid():
                connection.setblocking(False)
                self._clients.append(connection)
            else:
                connection.close()
        except BlockingIOError:
            pass
        for client in tuple(self._clients):
            self._serve(client)

    def _serve(self, client: socket.socket) -> None:
        try:
            while message := client.recv(LARGEST):
                client.send(json.dumps(self._answer(client, message)).encode())
        except BlockingIOError:
            return
        except OSError:
            pass
        self._clients.remove(client)
        self._writer = None if self._writer is client else self._writer
        client.close()

    def _answer(self, client: socket.socket, message: bytes) -> dict[str, Any]:
        try:
            request = json.loads(message)
            if request["do"] == "write":
                return self._claim(client)
            action = self.actions.get(request["do"])
            if action is None:
                return _refusal(f"cannot do {request['do']!r}; ask for one of {', '.join(sorted(self.actions))}")
            return {"ok": True, "text": "", **action(request)}
        except RobotRLError as error:
            return _refusal(str(error))
        except (KeyError, TypeError, ValueError) as error:
            return _refusal(f"the request is malformed ({type(error).__name__}: {error}): correct its sender")

    def _claim(self, client: socket.socket) -> dict[str, Any]:
        if self._writer not in (None, client):
            return _refusal("another bridge or client sends this arm's commands: stop it first")
        self._writer = client
        return {"ok": True, "text": ""}

    def close(self) -> None:
        """Hang up."""
        for connection in (*self._clients, self._socket):
            connection.close()


def _refusal(text: str) -> dict[str, Any]:
    return {"ok": False, "text": text}


class DeskClient:
    """A connection to the desk of the arm ``name``; ``ConnectionLostError`` when there is none."""

    def __init__(self, name: str, timeout: float = 5.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        end = time.monotonic() + timeout
        while True:
            try:
                self._socket.connect(_address(name))
                break
            except (ConnectionRefusedError, FileNotFoundError):
                if time.monotonic() > end:
                    self._socket.close()
                    raise ConnectionLostError(f"no arm {name!r} answers after {timeout:g} s: start the graph") from None
                time.sleep(0.02)
        self._socket.settimeout(POLL)

    def ask(
        self,
        do: str,
        details: Request | None = None,
        patience: float = 10.0,
        meanwhile: Callable[[], None] | None = None,
    ) -> dict[str, Any]:
        """The answer to one request: ``ok``, ``text`` (why not, or what was done) and what else belongs to it.

        ``meanwhile`` is called every few ms until it comes; ``ConnectionLostError`` after ``patience`` [s].
        """
        end = time.monotonic() + patience
        try:
            self._socket.send(json.dumps({**(details or {}), "do": do}).encode())
            while time.monotonic() < end:
                if meanwhile is not None:
                    meanwhile()
                try:
                    message = self._socket.recv(LARGEST)
                except TimeoutError:
                    continue
                if message:
                    return json.loads(message)
                break
        except OSError:
            pass
        self.close()
        raise ConnectionLostError(f"the arm process did not answer {do!r}: start the graph again")

    def close(self) -> None:
        """Hang up; a role that came with the connection ends."""
        self._socket.close()
