"""Whichever side is killed, whenever: every spooled record reaches the learner's log once, in order, unharmed."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from transport_samples import SPEC, free_port, step

from robot_rl.core.records import StepRecord
from robot_rl.transport.codec import decode_step
from robot_rl.transport.experience_pb2 import Event
from robot_rl.transport.record_log import RecordLog

KILLS = 14


class Process:
    """A child whose standard output is lines with a growing number."""

    def __init__(self, script: str, *arguments: object) -> None:
        command = [sys.executable, str(Path(__file__).with_name(script)), *map(str, arguments)]
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE)
        os.set_blocking(self.child.stdout.fileno(), False)
        self.text = b""

    def last(self) -> int:
        """The newest number that was reported; -1 before the first."""
        self.text += self.child.stdout.read() or b""
        whole = self.text.rpartition(b"\n")[0]
        return int(whole.rpartition(b"\n")[2] or -1)

    def wait_for_report(self) -> None:
        deadline = time.monotonic() + 120
        while self.last() < 0:
            assert self.child.poll() is None, "the child ended by itself"
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def kill(self) -> int:
        """SIGKILL; returns the newest number that it had reported."""
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()
        last = self.last()
        self.child.stdout.close()
        return last


def same(a: StepRecord, b: StepRecord) -> bool:
    arrays = all(np.array_equal(a.obs[k], b.obs[k]) for k in SPEC.observation)
    arrays = arrays and np.array_equal(a.action, b.action) and np.array_equal(a.proposal, b.proposal)
    arrays = arrays and np.array_equal(a.policy_proposal, b.policy_proposal)
    facts = ("reward", "success", "source", "stamp", "energy", "intervention")
    return arrays and all(getattr(a, k) == getattr(b, k) for k in facts)


def drill(folder: Path, rng: random.Random) -> dict[int, int]:
    """Kill at random moments, then let everything arrive. Returns the records known to be spooled per life."""
    address = f"127.0.0.1:{free_port()}"
    learner = Process("killed_learner.py", address, folder / "log")
    life, spooled = 0, {}
    actor = Process("killed_actor.py", address, folder / "spool", life)
    for _ in range(KILLS):
        victims = rng.choice([("actor",), ("learner",), ("actor", "learner")])
        actor.wait_for_report()
        time.sleep(rng.uniform(0.0, 0.4))
        if "learner" in victims:
            learner.kill()
        if "actor" in victims:
            spooled[life] = actor.kill()
            life += 1
            actor = Process("killed_actor.py", address, folder / "spool", life)
        if "learner" in victims:
            learner = Process("killed_learner.py", address, folder / "log")
    actor.wait_for_report()
    spooled[life] = actor.kill()
    learner.wait_for_report()
    last = Process("killed_actor.py", address, folder / "spool", life + 1, 40)
    assert last.child.wait(timeout=120) == 0, "the last actor could not deliver"
    spooled[life + 1] = 42
    learner.kill()
    return spooled


@pytest.mark.timeout(290)
def test_nothing_is_lost_doubled_or_changed(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 30)
    spooled = drill(tmp_path, random.Random(seed))
    lives = Counter()
    for path in sorted((tmp_path / "log").glob("*.log")):
        log = RecordLog.open(path)
        numbers, life, count = [], None, 0
        for seq, payload in log.payloads():
            count += 1
            assert seq == count, f"seed {seed}: gap or double"
            event = Event.FromString(payload)
            if event.WhichOneof("body") == "begin":
                life = int(event.begin.meta.split(":")[1].strip(" }"))
            elif event.WhichOneof("body") == "step":
                record = decode_step(event.step, SPEC).record
                assert same(record, step(life, len(numbers))), f"seed {seed}: life {life} step {len(numbers)} changed"
                numbers.append(record.reward)
        log.close()
        lives[life] += 1
        assert numbers == list(range(len(numbers)))
        assert count >= spooled[life], f"seed {seed}: life {life} spooled {spooled[life]} records, {count} arrived"
    assert all(n == 1 for n in lives.values())
    assert set(lives) >= {life for life, records in spooled.items() if records > 0}
    assert not list((tmp_path / "spool").glob("*.log")), "delivered records stay in the spool"
