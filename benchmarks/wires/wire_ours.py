"""Our transport: spool on disk, gRPC, log on disk with fdatasync before every acknowledgement.

Both processes keep freed memory, as the learner's and the actor's programs do.
"""

from __future__ import annotations

import queue
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from workload import Observation, Tally, run

from robot_rl.core.memory import keep_freed
from robot_rl.core.records import EnergyState, Mode, Source, StepRecord
from robot_rl.core.spec import Feature, Spec
from robot_rl.transport import certificates
from robot_rl.transport.access import Credentials

IMAGE = Feature((128, 128, 3), "uint8")
SPEC = Spec(observation={"state": Feature((19,)), "front": IMAGE, "wrist": IMAGE}, action_dim=4, rate=10.0)
ENERGY = EnergyState(
    tank=1.0, spring=0.0, work=0.0, budget=1.0, scale=1.0, mode=Mode.ACTIVE, violations=0, worst_ratio=0.0
)
ACTION = np.zeros(4, np.float32)
FOLDER = Path(tempfile.mkdtemp())
SECURE = "--tls" in sys.argv


def credentials(name: str) -> Credentials | None:
    """What one side shows."""
    return Credentials.load(FOLDER / "certificates" / name) if SECURE else None


def learner(port: int, tally: Tally) -> None:
    """The server, with the runner's way of taking records off it."""
    from robot_rl.transport.codec import decode_step
    from robot_rl.transport.server import ExperienceServer

    arrivals = queue.SimpleQueue()
    shown = credentials("learner")
    server = ExperienceServer(f"127.0.0.1:{port}", FOLDER / "log", SPEC, credentials=shown)
    server.start(arrivals.put)
    while True:
        event = arrivals.get().event
        if event.WhichOneof("body") == "step":
            decode_step(event.step, SPEC)
            tally.add(1)


class Actor:
    """The client."""

    def __init__(self, port: int) -> None:
        from robot_rl.transport.client import ExperienceClient

        self.client = ExperienceClient(f"127.0.0.1:{port}", FOLDER / "spool", SPEC, credentials=credentials("arm"))
        self.client.connect(60.0)

    @property
    def sent(self) -> int:
        """Bytes so far: the wire carries what the spool's files hold."""
        return self.client.spool.live.written

    def begin(self) -> None:
        """Open an episode."""
        self.client.begin({})

    def add(self, obs: Observation, next_obs: Observation) -> None:  # noqa: ARG002
        """Hand over one step."""
        self.client.add(
            StepRecord(
                obs=obs, action=ACTION, proposal=ACTION, reward=0.0, success=False, terminated=False, truncated=False,
                source=Source.POLICY, stamp=0.0, energy=ENERGY, peak_force=0.0,
            )
        )  # fmt: skip

    def end(self, obs: Observation) -> None:
        """Close the episode: on disk when this returns."""
        self.client.end(obs)

    def close(self) -> None:
        """Leave nothing behind."""
        self.client.close()
        shutil.rmtree(FOLDER, ignore_errors=True)


keep_freed()
if SECURE:
    certificates.make(FOLDER / "certificates", ["127.0.0.1"], ["arm"], 30)
run(learner, Actor)
