"""The benchmark on somebody else's environment: its account, its scripted person, and that it runs."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
_spec = importlib.util.spec_from_file_location("pick_cube_link", BENCHMARKS / "learners" / "pick_cube_link.py")
link = importlib.util.module_from_spec(_spec)
sys.modules["pick_cube_link"] = link
_spec.loader.exec_module(link)


def test_a_trial_is_done_when_nineteen_of_the_newest_twenty_succeeded_unaided() -> None:
    account = link.Account(SimpleNamespace(cpu=5.0, toggles=0), cap=10_000)
    for success in [False, False] + [True] * 17:
        account.ended(success)
    account.ended(True, human_steps=4)
    assert not account.done
    account.ended(True)
    account.ended(True)
    assert account.done, "the two failures have left the window, the helped success is the one miss"
    assert account.summary()["episodes"] == 22


def observation(tool: float) -> np.ndarray:
    obs = np.zeros(link.OBS, np.float32)
    obs[link.TCP], obs[link.CUBE] = (0.4, 0.0, tool), (0.4, 0.0, 0.02)
    return obs


def test_the_person_takes_over_for_three_to_eight_steps_and_only_without_progress() -> None:
    person, lengths = link.Overseer(), set()
    for seed in range(40):
        person.reset(seed)
        hers = [person.takes_over(observation(0.3)) for _ in range(100)]
        assert not any(hers[: person.patience])
        starts = [i for i in range(100) if hers[i] and not hers[i - 1]]
        ends = [i for i in range(100) if hers[i - 1] and not hers[i]]
        assert len(starts) == person.most
        lengths |= {end - start for start, end in zip(starts, ends, strict=True)}
    assert lengths == set(range(3, 9))
    person.reset(0)
    assert not any(person.takes_over(observation(0.5 - 0.01 * i)) for i in range(45))


GYM = BENCHMARKS.parent / ".venvs" / "gym-hil" / "installed.json"


@pytest.mark.skipif(not GYM.exists(), reason="gym-hil's own environment is made by benchmarks/twin_rate.py")
def test_the_benchmarks_run(tmp_path: Path) -> None:
    calls = [["learn_pick_cube.py", "--quick", "--folder", str(tmp_path)], ["takeover_pairs.py", "--quick"]]
    results = []
    for call in calls:
        command = [sys.executable, str(BENCHMARKS / call[0]), *call[1:]]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=250)
        results.append(json.loads(done.stdout.strip().splitlines()[-1].removeprefix("RESULT ")))
    learning, pairs = (r["figures"] for r in results)
    assert learning["ours"]["env_steps"] >= 120
    assert learning["ours"]["updates"] >= 1500
    assert pairs["wrong_next_states"] == {"corrections": 0.0, "online": 0.0}
    assert pairs["corrections_that_can_be_sampled"] == pairs["steps_of_a_person"] > 5
