"""Learner and actor as two real processes, and what is said when one of them fails."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from robot_rl.apps import collect
from robot_rl.apps.pair import fine_tune
from robot_rl.core.errors import ConnectionLostError
from robot_rl.learner.checkpoint import describe, load_policy
from robot_rl.report.run_folder import learning


def demos(folder: Path) -> str:
    """Two demonstrations of reach."""
    collect.main(collect.Config(task="reach", out=folder / "demos", episodes=2, noise=0.1, cameras=()))
    return str(folder / "demos")


def test_the_pair_learns_and_ends(tmp_path: Path) -> None:
    learner = ["rlpd", "--demos", demos(tmp_path), "--learning-starts", "20", "--utd", "0.2"]
    fine_tune(tmp_path, learner, env_steps=90, minutes=3.0)
    result = tmp_path / "online" / "finetuned"
    assert describe(result)["meta"]["task"] == "reach"
    load_policy(result)
    assert learning(tmp_path / "online" / "metrics.jsonl")


def test_a_learner_that_fails_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(ConnectionLostError, match="nowhere"):
        fine_tune(tmp_path, ["rlpd", "--demos", str(tmp_path / "nowhere")], env_steps=50, minutes=1.0)


def test_a_learner_asked_to_stop_leaves_its_result(tmp_path: Path) -> None:
    command = ["learner", "rlpd", "--demos", demos(tmp_path), "--folder", str(tmp_path / "online")]
    process = subprocess.Popen([sys.executable, "-m", "robot_rl.apps.main", *command])
    deadline = time.monotonic() + 120
    while not (tmp_path / "online" / "address").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    load_policy(tmp_path / "online" / "finetuned")
