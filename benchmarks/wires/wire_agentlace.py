"""agentlace's wire, written again from its description: pickle in lz4 over ZeroMQ requests, s and s' both sent.

At an episode's end the client asks for the server's newest id, sends all newer transitions as one message, and waits
for the reply. The original also formats each message into a debug line that is never shown, which slows it by three to
four times; that is left out here.
"""

from __future__ import annotations

import pickle

import numpy as np
from workload import Observation, Tally, run


def learner(port: int, tally: Tally) -> None:
    """Reply to requests one after the other."""
    import lz4.frame
    import zmq

    reply = zmq.Context().socket(zmq.REP)
    reply.bind(f"tcp://127.0.0.1:{port}")
    store, newest = [], -1
    while True:
        message = pickle.loads(lz4.frame.decompress(reply.recv()))
        if message["type"] == "datastore":
            store = store[-2000:] + message["payload"]
            newest = message["last_id"]
            tally.add(len(message["payload"]))
        reply.send(lz4.frame.compress(pickle.dumps({"success": True, "last_id": newest})))


class Actor:
    """The trainer's client."""

    def __init__(self, port: int) -> None:
        import lz4.frame
        import zmq

        self.compress, self.decompress = lz4.frame.compress, lz4.frame.decompress
        self.request = zmq.Context().socket(zmq.REQ)
        self.request.connect(f"tcp://127.0.0.1:{port}")
        self.sent, self.steps, self.last_id = 0, [], -1
        self.action = np.zeros(4, np.float32)
        self.ask({"type": "hello"})

    def ask(self, message: dict[str, object]) -> dict[str, object]:
        """One request, one reply."""
        raw = self.compress(pickle.dumps(message))
        self.sent += len(raw)
        self.request.send(raw)
        return pickle.loads(self.decompress(self.request.recv()))

    def begin(self) -> None:
        """A new list."""
        self.steps = []

    def add(self, obs: Observation, next_obs: Observation) -> None:
        """Into the queue of the data store."""
        self.last_id += 1
        self.steps.append(
            {"observations": obs, "actions": self.action, "next_observations": next_obs, "rewards": 0.0, "masks": 1.0}
        )

    def end(self, obs: Observation) -> None:  # noqa: ARG002
        """``update()``."""
        self.ask({"type": "hello"})
        # Pickle keeps one copy of an object that occurs twice; the original stacks frames, so its arrays are distinct.
        copies = ({name: array.copy() for name, array in s["next_observations"].items()} for s in self.steps)
        payload = [{**s, "next_observations": copy} for s, copy in zip(self.steps, copies, strict=True)]
        self.ask({"type": "datastore", "payload": payload, "last_id": self.last_id})

    def close(self) -> None:
        """Nothing."""


run(learner, Actor)
