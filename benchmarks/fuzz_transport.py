"""A learner's server under fire: nothing crashes it, nothing of what strangers send is stored, actors notice nothing.

The server is a process of its own, once open to all of this machine and once with mutual TLS. Between the attacks a
sound actor delivers an episode, which must arrive whole.

usage: fuzz_transport.py [--quick] [--seconds N] [--seed N]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psutil
import tyro
from attacks import events, wire
from peers import result

from robot_rl.transport import certificates
from robot_rl.transport.access import Credentials
from robot_rl.transport.client import ExperienceClient
from robot_rl.transport.record_log import RecordLog

SERVER = """
import sys, time
from pathlib import Path
from attacks.events import SPEC
from robot_rl.transport.access import Credentials
from robot_rl.transport.server import ExperienceServer
shown = Credentials.load(Path(sys.argv[2])) if len(sys.argv) > 2 else None
with ExperienceServer("127.0.0.1:0", Path(sys.argv[1]), SPEC, credentials=shown) as server:
    server.start(lambda arrival: None)
    print(server.address, flush=True)
    while server.error is None:
        time.sleep(0.2)
"""
HERE = str(Path(__file__).parent)
EPISODE = 5
EVERY = 25
"""Attacks from one sound episode to the next."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """How long."""

    quick: bool = False
    """Four seconds each."""
    seconds: float = 120.0
    """Of each of the two."""
    seed: int = 0


def deliver(client: ExperienceClient) -> bool:
    """A sound episode; whether the learner has it on its disk."""
    client.begin({})
    for n in range(EPISODE):
        client.add(events.step(n))
    client.end(events.observation(EPISODE))
    return client.drain(20.0)


def kept(log: Path, stream: str) -> tuple[int, int]:
    """Records of a stream in the learner's log, and files in its folder that are not that stream's."""
    records, foreign = 0, 0
    for path in log.iterdir():
        if path.name == ".lock":
            continue
        if path.suffix == ".log" and (found := RecordLog.open(path)).header.stream == stream:
            records = found.last
        else:
            foreign += 1
    return records, foreign


def fire(
    config: Config, address: str, client: ExperienceClient, server: psutil.Process, secure: bool
) -> dict[str, Any]:
    """Attack until the time is over."""
    rng, counts = Random(config.seed), Counter()
    lost = rounds = 0
    deadline = time.monotonic() + (4.0 if config.quick else config.seconds)
    memory, first = [], server.memory_info().rss
    usual, rare = (wire.ENCRYPTED, wire.ENCRYPTED) if secure else (wire.ATTACKS, wire.RARE)
    while time.monotonic() < deadline and server.is_running() and server.status() != psutil.STATUS_ZOMBIE:
        attack = rng.choice(rare if rng.random() < 0.01 else usual)
        attack(rng, address)
        counts[attack.__name__] += 1
        if counts.total() % EVERY == 0:
            rounds += 1
            lost += not deliver(client)
            memory.append(server.memory_info().rss)
    return {
        "attacks": counts.total(),
        **{f"attacks_{name}": count for name, count in sorted(counts.items())},
        "episodes_between": rounds,
        "episodes_not_delivered": lost,
        "memory_grew_mb": round((max(memory, default=first) - first) / 1e6, 1),
        "threads_at_the_end": server.num_threads(),
        "files_open_at_the_end": server.num_fds(),
    }


def siege(config: Config, folder: Path, secure: Path | None) -> dict[str, Any]:
    """Start a server, fire, look at what is left."""
    environment = {**os.environ, "PYTHONPATH": HERE, "OMP_NUM_THREADS": "1", "GRPC_VERBOSITY": "NONE"}
    command = [sys.executable, "-c", SERVER, str(folder / "log"), *([str(secure / "learner")] if secure else [])]
    shown = Credentials.load(secure / "arm") if secure else None
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
        address = child.stdout.readline().strip() if child.stdout else ""
        with ExperienceClient(address, folder / "spool", events.SPEC, credentials=shown) as client:
            client.connect(60.0)
            delivered = deliver(client)
            figures = fire(config, address, client, psutil.Process(child.pid), bool(secure))
            delivered = deliver(client) and delivered
            want = client.spool.live.last
            stream = client.spool.live.header.stream
        crashed = child.poll() is not None
        child.kill()
    records, foreign = kept(folder / "log", stream)
    figures |= {"crashes": int(crashed), "delivered_after": delivered, "stored_of_strangers": foreign}
    return figures | {"records_of_the_actor": records, "records_it_sent": want}


def sound(found: dict[str, Any]) -> bool:
    """Whether nothing happened."""
    whole = found["delivered_after"] and found["records_of_the_actor"] == found["records_it_sent"]
    return whole and not (found["crashes"] or found["stored_of_strangers"] or found["episodes_not_delivered"])


def main() -> None:
    """An open server, then one with certificates."""
    config = tyro.cli(Config)
    folder = Path(tempfile.mkdtemp())
    certificates.make(folder / "certificates", ["127.0.0.1"], ["arm"], 30)
    figures = {}
    for name, secure in (("open", None), ("tls", folder / "certificates")):
        (folder / name).mkdir()
        figures[name] = siege(config, folder / name, secure)
    shutil.rmtree(folder)
    result("fuzz_transport", figures, {})
    sys.exit(0 if all(map(sound, figures.values())) else 1)


if __name__ == "__main__":
    main()
