"""The benchmark of kills and cut lines, in small: it runs, and finds nothing lost, doubled or out of date."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from learner_samples import ENERGY

from robot_rl.core.records import Source, StepRecord
from robot_rl.core.spec import STATE
from robot_rl.transport.client import ExperienceClient
from robot_rl.transport.server import ExperienceServer

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(280)
def test_one_fault_of_each_kind() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "faults_learner.py"), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=260, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    figures = json.loads(done.stdout.strip().splitlines()[-1].removeprefix("RESULT "))["figures"]
    assert figures["trials"] == 5
    assert figures["steps"] > 100
    assert figures["lives of actors"] == 4
    for name in ("lost", "duplicated", "reordered", "changed", "in the replay: lost", "in the replay: duplicated"):
        assert figures[name] == 0
    assert figures["steps with a connection"] > 20


def deliver(folder: Path, who: int) -> None:
    """A life with a step that came twice and one that is not as it should be."""
    from crashes.numbered import SPEC, done, seen

    with ExperienceServer("127.0.0.1:0", folder / "run" / "log", SPEC) as server:
        server.start(lambda arrival: None)
        with ExperienceClient(server.address, folder / "spool", SPEC) as client:
            client.begin({"who": who})
            for number in (0, 1, 1, 3):
                obs = seen(who, number if number < 3 else 4)
                step = StepRecord(
                    obs={STATE: obs[STATE]}, action=done(who, number), proposal=done(who, number),
                    reward=float(number), success=False, terminated=False, truncated=False, source=Source.POLICY,
                    stamp=0.0, energy=ENERGY, peak_force=0.0,
                )  # fmt: skip
                client.add(step)
            client.end(seen(who, 4))
            assert client.drain(20.0)


def test_its_ledger_finds_what_is_wrong(tmp_path: Path, monkeypatch) -> None:
    """A lost, a doubled and a changed step, and old weights, are not overlooked."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from crashes.ledger import Ledger, audit, staleness
    from crashes.numbered import LIVES

    who = LIVES + 1
    deliver(tmp_path, who)
    rows = [(10.0, 6, 7, 1, 1, 1), (11.0, 9, 8, 1, 1, 1)]
    (tmp_path / "actor1-001.txt").write_text("".join(" ".join(map(str, row)) + "\n" for row in rows))
    (tmp_path / "learner-001.txt").write_text("9.0 1\n9.5 2\n10.5 3\n10.6 4\n")
    told = {"length": 3, "known": [[who, 0], [who, 1]], "env_steps": 4, "rejected": 0}
    count = audit(tmp_path, told)
    assert (count.lost, count.duplicated, count.reordered, count.changed) == (2, 1, 1, 1)
    assert (count.unspooled, count.replay_lost, count.replay_duplicated) == (3, 1, 1)
    assert len(count.wrong) == 6
    ledger = Ledger()
    assert staleness(tmp_path, ledger)["weights behind, most [publications]"] == 3
    ledger.ill("partition", 1, 10.2, 10.5)
    assert staleness(tmp_path, ledger)["weights behind, most [publications]"] == 1
    assert np.isclose(staleness(tmp_path, ledger)["weights behind, p99 [publications]"], 1.0)
