"""A learner's end of the wire, with a learner that has just begun, for actors' nodes on a graph."""

import json
import time

from robot_rl.learner import registry, start
from robot_rl.tasks.registry import make_task
from robot_rl.transport.client import ExperienceClient
from robot_rl.transport.codec import decode_step
from robot_rl.transport.experience_pb2 import Event
from robot_rl.transport.server import ExperienceServer


class School:
    """Keeps what arrives, with the time of its arrival, and what the node says."""

    def __init__(self, folder):
        method, self.spec = registry.load("rlpd"), make_task("reach", ()).spec
        config = method.Config(hidden=(16, 16))
        self.learner = method.make(config, self.spec, base=None, statistics=None)
        start.save(folder / "start", self.learner, "reach", {})
        self.folder, self.arrived, self.lines = folder, [], []
        self.open()
        self.publish()

    def open(self):
        self.server = ExperienceServer("127.0.0.1:0", self.folder / "log", self.spec)
        self.server.start(self.take)

    def take(self, arrival):
        self.arrived.append((time.monotonic(), Event.FromString(arrival.payload)))

    def publish(self):
        return self.server.publish(self.learner.weights())

    def fetch(self):
        """What an actor that has ended left in its spool; whether that was all."""
        with ExperienceClient(self.server.address, self.folder / "spool", self.spec) as client:
            return client.drain(10.0)

    def of(self, kind):
        return [(at, getattr(event, kind)) for at, event in list(self.arrived) if event.WhichOneof("body") == kind]

    def steps(self):
        return [decode_step(step, self.spec) for _, step in self.of("step")]

    def firsts(self):
        """Which of the steps were the first of their episodes."""
        kinds = [event.WhichOneof("body") for _, event in self.arrived]
        return [kinds[:k].count("step") for k, kind in enumerate(kinds) if kind == "begin" and "step" in kinds[k:]]

    def begun(self):
        return [json.loads(begin.meta) for _, begin in self.of("begin")]

    def run(self, graph, *words, on_line=lambda line: None, enough=lambda: False):
        """An actor's node on the graph, from its start to its end: its exit code."""

        def hear(text):
            self.lines.append(json.loads(text))
            on_line(self.lines[-1])

        wanted = ["--begin", self.folder / "start", "--task", "reach", "--spool", self.folder / "spool"]
        wanted += ["--address", self.server.address, "--station", "twin", *words]
        return graph.run_node("robot_rl.nodes.learning_node", list(map(str, wanted)), hear, enough)


def once(when, do):
    """Asked again and again: does it the first time that it may; never enough."""
    done = []

    def ask():
        if when() and not done:
            done.append(do())
        return False

    return ask
