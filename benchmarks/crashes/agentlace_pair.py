"""An actor and a learner that speak agentlace's protocol, written again from its description.

An actor keeps its newest 2000 steps in memory, numbers them from 0 in every life, asks the learner at an episode's end
which one it has last, and sends all that are newer, as pickles in lz4 over ZeroMQ. The learner keeps the steps in
memory and dumps them to pickles, 1000 at a time, which it loads when it starts again; then it does not know what it had
last. Weights are published to a queue of the subscriber's, and adopted one after the other.
"""

from __future__ import annotations

import pickle
import random
import signal
import threading
import time
from collections import deque
from pathlib import Path

import lz4.frame
import numpy as np
import zmq

HOLD, EVERY, SLUGGISH = 3.0, 0.25, 0.6
"""How long an actor is slow that is told to be; time between two publications; how long it then takes over one [s]."""
QUEUE, DUMP = 2000, 1000
"""Steps that an actor keeps, and after how many the learner writes them down."""
RATE = 25.0


def pack(message: object) -> bytes:
    """As it goes over the wire."""
    return lz4.frame.compress(pickle.dumps(message))


def unpack(raw: bytes) -> dict:
    """And back."""
    return pickle.loads(lz4.frame.decompress(raw))


def note(path: Path, *numbers: float) -> None:
    """A line that survives the process."""
    with path.open("a") as file:
        file.write(" ".join(f"{n:.6f}" for n in numbers) + "\n")


def learner(folder: Path, ports: tuple[int, int], life: int) -> None:
    """Takes steps, publishes weights."""
    store = [step for path in folder.glob("dump-*.pkl") for step in pickle.loads(path.read_bytes())]
    dumped, newest, stopping = len(store), -1, threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    context = zmq.Context()
    reply, publisher = context.socket(zmq.REP), context.socket(zmq.PUB)
    reply.bind(f"tcp://127.0.0.1:{ports[0]}")
    publisher.bind(f"tcp://127.0.0.1:{ports[1]}")
    ballast, count, due = np.zeros(1 << 18, np.float32), 0, time.monotonic()
    (folder / "ready").touch()
    while not stopping.is_set():
        if reply.poll(max(0.0, due - time.monotonic()) * 1000):
            message = unpack(reply.recv())
            for number, step in message.get("steps", ()):
                if number > newest:
                    store.append(step)
                    newest = number
            reply.send(pack({"last": newest}))
        if len(store) - dumped >= DUMP:
            (folder / f"dump-{life:03d}-{len(store):06d}.pkl").write_bytes(pickle.dumps(store[dumped:]))
            dumped = len(store)
        if time.monotonic() >= due:
            count, due = count + 1, time.monotonic() + EVERY
            note(folder / f"learner-{life:03d}.txt", time.monotonic(), count, life)
            publisher.send(pack({"publication": (life, count), "ballast": ballast}))
    (folder / "final.pkl").write_bytes(pickle.dumps(store))


class Weights:
    """What the subscriber's thread adopted last; every version is adopted, in order."""

    def __init__(self, port: int) -> None:
        self.publication, self.slow_until = (0, 0), 0.0
        self.port = port
        threading.Thread(target=self._follow, daemon=True).start()

    def dawdle(self, *_: object) -> None:
        """Adopting takes long for a while."""
        self.slow_until = time.monotonic() + HOLD

    def _follow(self) -> None:
        subscriber = zmq.Context.instance().socket(zmq.SUB)
        subscriber.setsockopt(zmq.SUBSCRIBE, b"")
        subscriber.connect(f"tcp://127.0.0.1:{self.port}")
        subscriber.setsockopt(zmq.CONFLATE, 1)  # after connect it has no effect
        while True:
            message = unpack(subscriber.recv())
            if time.monotonic() < self.slow_until:
                time.sleep(SLUGGISH)
            self.publication = message["publication"]


def actor(folder: Path, ports: tuple[int, int], life: int) -> None:
    """Acts, and sends what it did at the end of every episode."""
    stopping, rng = threading.Event(), random.Random(life)
    weights = Weights(ports[1])
    signal.signal(signal.SIGUSR1, weights.dawdle)
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    steps, number, request = deque(maxlen=QUEUE), 0, None
    while not stopping.is_set():
        for _ in range(rng.randint(5, 59)):
            note(folder / f"actor-{life:03d}.txt", time.monotonic(), number, *weights.publication)
            time.sleep(1 / RATE)
            steps.append((number, (life, number)))
            number += 1
        request = update(request, ports[0], steps)
    for _ in range(3):
        request = update(request, ports[0], steps)


def update(request: zmq.Socket | None, port: int, steps: deque) -> zmq.Socket | None:
    """Send what the learner says it lacks; the socket, or None after a time-out."""
    if request is None:
        request = zmq.Context.instance().socket(zmq.REQ)
        request.setsockopt(zmq.RCVTIMEO, 3000)
        request.setsockopt(zmq.LINGER, 0)
        request.connect(f"tcp://127.0.0.1:{port}")
    try:
        request.send(pack({}))
        last = unpack(request.recv())["last"]
        request.send(pack({"steps": [step for step in steps if step[0] > last]}))
        request.recv()
    except zmq.Again:
        request.close()
        return None
    return request
