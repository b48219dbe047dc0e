"""A line between an actor and its learner that can be stopped, cut or slowed: a TCP relay in a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time

BUFFER = 1 << 17
"""Of each socket [bytes]: a line that holds megabytes would hide how slow it is."""


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Relay:
    """Forwards a port to another one. Fork it before anything else that has threads."""

    def __init__(self, target: int) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = listener.getsockname()[1]
        inlet, self._outlet = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            os.close(self._outlet)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            _Line(listener, target).serve(inlet)
            os._exit(0)
        os.close(inlet)
        listener.close()

    def mode(self, word: str) -> None:
        """``open``; ``hole``: nothing passes, nobody is told; ``cut``: connections end; or a number [bytes/s]."""
        os.write(self._outlet, f"{word}\n".encode())

    def close(self) -> None:
        """End the process; its pipe may be open in others that were forked later."""
        self.mode("end")
        os.close(self._outlet)
        os.waitpid(self.child, 0)


class _Line:
    def __init__(self, listener: socket.socket, target: int) -> None:
        self.listener, self.target = listener, target
        self.word = "open"
        self.pairs: list[tuple[socket.socket, socket.socket]] = []

    def serve(self, inlet: int) -> None:
        """Obey the lines of ``inlet``."""
        threading.Thread(target=self._accept, daemon=True).start()
        with os.fdopen(inlet) as lines:
            for line in lines:
                self.word = line.strip()
                if self.word == "end":
                    return
                while self.word == "cut" and self.pairs:
                    _close(*self.pairs.pop())

    def _accept(self) -> None:
        while True:
            near, _ = self.listener.accept()
            if self.word == "cut":
                near.close()
                continue
            far = socket.socket()
            for end in (near, far):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                far.connect(("127.0.0.1", self.target))
            except OSError:
                _close(near, far)
                continue
            self.pairs.append((near, far))
            threading.Thread(target=self._pump, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, True), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, slowed: bool) -> None:
        try:
            while data := source.recv(1 << 14):
                while self.word == "hole":
                    time.sleep(0.005)
                if slowed and self.word.isdigit():
                    time.sleep(len(data) / int(self.word))
                target.sendall(data)
        except OSError:
            pass
        _close(source, target)


def _close(*ends: socket.socket) -> None:
    for end in ends:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        end.close()
