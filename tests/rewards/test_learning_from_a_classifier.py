"""Learning from a classifier runs through, and false wins are seen by who looks beside it, not by the learner."""

import importlib.util
import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from robot_rl.actor.rollout import TeleoperatorPolicy, run_episode
from robot_rl.data.replay import Replay
from robot_rl.envs.twin_env import make_twin_env
from robot_rl.rewards.sources import Held, PoseBox, TaskReward
from robot_rl.tasks.registry import make_expert

CLAIMS = Path(__file__).parents[2] / "benchmarks" / "claims"


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(str(CLAIMS))
    spec = importlib.util.spec_from_file_location("classifier_reward", CLAIMS / "classifier_reward.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "classifier_reward", module)
    spec.loader.exec_module(module)
    return module


def test_a_false_win_is_what_is_learnt_from_and_is_counted(benchmark):
    everywhere = PoseBox(np.array([0, 0, 0, 0, 0, 0, 1.0]), np.full(6, np.inf))
    found = {}
    for name, reward in (("fooled", Held(everywhere, 2)), ("honest", TaskReward())):
        witness = benchmark.Witness(reward)
        env = make_twin_env("pick_cube", reward=witness)
        replay = Replay(env.spec, 200, 0)
        done = run_episode(env, TeleoperatorPolicy(env, make_expert("pick_cube", 0.0)), 5, sink=replay)
        witness.close(done.success)
        env.close()
        assert replay.sample(32).reward.max() == 1.0
        found[name] = (done.steps, witness.figures())
    steps, fooled = found["fooled"]
    assert steps == 2
    assert (fooled["won"], fooled["falsely_won"], fooled["falsely_won_of_newest"]) == (1, 1, 1)
    assert abs(fooled["least_lift_cm"]) < 1
    steps, honest = found["honest"]
    assert steps > 10
    assert (honest["won"], honest["falsely_won"], honest["successes_missed"]) == (1, 0, 0)


def test_every_stage_runs(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", ["classifier_reward.py", "--quick", "--folder", str(tmp_path)])
    monkeypatch.syspath_prepend(str(CLAIMS))
    runpy.run_path(str(CLAIMS / "classifier_reward.py"), run_name="__main__")
    line = json.loads(capsys.readouterr().out.strip().splitlines()[-1].removeprefix("RESULT "))
    ours, peer = line["figures"], line["peers"]["the task's own word"]
    assert peer["falsely_won"] == peer["successes_missed"] == 0
    assert 0 < ours["episodes"] >= ours["won"] >= ours["falsely_won"]
    assert ours["env_steps"] > 0
    assert ours["classifier_cpu_s"] > 0
    assert (tmp_path / "both.judge" / "classifier.json").is_file()
