"""A learner and an actor together: bounded rate, fresh weights, clean end, and restart from what is on disk."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from learner_samples import SPEC, STARTS, UTD, Line, make_learner, make_runner

from robot_rl.actor.runner import ActorConfig, ActorRunner, ActorSummary
from robot_rl.core.errors import ConfigError
from robot_rl.learner import registry, start
from robot_rl.learner.runner import LearnerRunner, RunnerConfig
from robot_rl.transport.client import ExperienceClient
from robot_rl.transport.codec import decode_step
from robot_rl.transport.experience_pb2 import Event
from robot_rl.transport.server import ExperienceServer

torch.set_num_threads(1)


def wait_for(condition, timeout: float = 120.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def act(folder: Path, config: ActorConfig, address: str = "") -> ActorSummary:
    """An actor's whole life."""
    wait_for(lambda: address or (folder / "address").exists())
    policy, stored = start.load(folder / "start")
    with ExperienceClient(address or (folder / "address").read_text().strip(), folder / "spool", stored) as client:
        return ActorRunner(Line(), policy, client, config).run()


def steps_in(folder: Path) -> list:
    """All steps in the learner's log."""
    server = ExperienceServer("127.0.0.1:0", folder / "log", SPEC)
    events = [Event.FromString(a.payload) for a in server.recorded()]
    server.stop()
    return [decode_step(e.step, SPEC) for e in events if e.WhichOneof("body") == "step"]


def test_a_run_from_start_to_end(tmp_path) -> None:
    runner = make_runner(tmp_path)
    thread = threading.Thread(target=runner.run)
    thread.start()
    summary = act(tmp_path, ActorConfig())
    thread.join(120)
    assert not thread.is_alive()
    done = runner.progress()
    assert summary.delivered
    assert 240 <= done.env_steps == summary.steps <= 240 + 60, "the lead of the actor was not bounded"
    assert done.updates == pytest.approx((240 - STARTS + 1) * UTD, abs=1)
    assert summary.adopted > 5, "weights were not adopted on the way"
    versions = [s.policy_version for s in steps_in(tmp_path)]
    assert len(versions) == summary.steps
    assert versions == sorted(versions)
    assert len(set(versions)) > 5
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert sum(line["kind"] == "episode" for line in lines) >= summary.episodes
    assert [line for line in lines if line["kind"] == "learner"][-1]["updates"] == done.updates
    policy, stored = start.load(tmp_path / "finetuned")
    assert stored == SPEC
    assert all(np.array_equal(v, runner.learner.weights()[k]) for k, v in policy.weights().items())
    assert not (tmp_path / "address").exists()
    assert list((tmp_path / "tensorboard").iterdir())


def test_a_stopped_learner_goes_on_where_it_was(tmp_path) -> None:
    runner = make_runner(tmp_path)
    thread = threading.Thread(target=runner.run)
    thread.start()
    assert act(tmp_path, ActorConfig(max_steps=120)).delivered
    wait_for(lambda: runner.updates >= 100)
    runner.stop()
    thread.join(120)
    again = make_runner(tmp_path)
    thread = threading.Thread(target=again.run)
    thread.start()
    wait_for(lambda: (tmp_path / "address").exists())
    assert again.updates >= runner.updates
    wait_for(lambda: again.feed.env_steps == 120)
    assert len(again.replay) >= len(runner.replay)
    assert act(tmp_path, ActorConfig()).delivered
    thread.join(120)
    assert again.progress().updates == pytest.approx((240 - STARTS + 1) * UTD, abs=1)


def test_the_disk_at_any_instant_is_enough_to_go_on(tmp_path) -> None:
    """What a kill leaves is what the files are at that instant."""
    runner = make_runner(tmp_path / "live")
    thread = threading.Thread(target=runner.run)
    thread.start()
    client_thread = threading.Thread(target=act, args=(tmp_path / "live", ActorConfig()))
    client_thread.start()
    for i in range(3):
        wait_for(lambda mark=i * 60 + 50: runner.feed.env_steps >= mark)
        known = runner.feed.env_steps
        shutil.copytree(tmp_path / "live" / "log", tmp_path / f"copy{i}" / "log")
        other = make_runner(tmp_path / f"copy{i}")
        other._open()
        while other.feed.drain():
            pass
        assert other.feed.env_steps >= known
        assert other.feed.rejected == 0
        other.server.stop()
    thread.join(120)
    client_thread.join(10)
    assert not thread.is_alive()


def test_a_learner_that_is_killed_and_started_again(tmp_path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, str(Path(__file__).with_name("killed_runner.py")), str(tmp_path), address, "260"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    wait_for(lambda: (tmp_path / "start").exists())
    summaries: list[ActorSummary] = []
    actor = threading.Thread(target=lambda: summaries.append(act(tmp_path, ActorConfig(connect_timeout=120), address)))
    actor.start()
    while int(child.stdout.readline()) < 100:
        pass
    child.send_signal(signal.SIGKILL)
    child.communicate()
    assert subprocess.run(command, stdout=subprocess.DEVNULL, timeout=240, check=False).returncode == 0
    actor.join(120)
    assert summaries[0].delivered
    steps = steps_in(tmp_path)
    assert len(steps) == summaries[0].steps, "steps were lost or doubled"
    versions = [s.policy_version for s in steps]
    assert versions == sorted(versions), "weights went back in time"
    assert start.counters(tmp_path / "finetuned")["updates"] == pytest.approx((260 - STARTS + 1) * UTD, abs=1)


def test_imitation_is_not_learnt_here(tmp_path) -> None:
    method = registry.load("bc")
    learner = method.make(method.Config(), SPEC, base=None, statistics=None)
    with ExperienceServer("127.0.0.1:0", tmp_path / "log", learner.spec) as server:
        with pytest.raises(ConfigError, match="robot-rl train bc"):
            LearnerRunner(learner, None, server, RunnerConfig(folder=tmp_path))


def test_a_start_checkpoint_tells_what_to_send(tmp_path) -> None:
    learner = make_learner()
    start.save(tmp_path / "start", learner, "line", {"updates": 7})
    policy, stored = start.load(tmp_path / "start")
    assert stored == learner.spec
    assert start.counters(tmp_path / "start") == {"updates": 7}
    obs = Line().reset(0)
    assert np.array_equal(policy.act(obs), learner.policy.act(obs))


def test_time_is_a_limit_too(tmp_path) -> None:
    runner = make_runner(tmp_path, max_env_steps=1_000_000, max_minutes=1.5 / 60)
    thread = threading.Thread(target=runner.run)
    thread.start()
    assert act(tmp_path, ActorConfig()).delivered
    thread.join(120)
    assert not thread.is_alive()
    assert (tmp_path / "finetuned").is_dir()
