"""The whole way as one: collect, rewards train, learner with actors of several kinds, evaluate, deploy."""

from __future__ import annotations

import importlib.util
import json
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from robot_rl.apps import collect, deploy, evaluate
from robot_rl.apps.main import run as robot_rl
from robot_rl.apps.pair import start
from robot_rl.core.records import RewardSource, Source
from robot_rl.core.spec import Spec
from robot_rl.data.dataset import open_dataset
from robot_rl.learner.checkpoint import describe
from robot_rl.transport.codec import decode_step
from robot_rl.transport.experience_pb2 import Event
from robot_rl.transport.record_log import RecordLog

STEPS = 120


def lives(folder: Path, spec: Spec) -> list[tuple[dict, list]]:
    """What the learner's log holds: the facts of each stream's first episode, and its steps."""
    found = []
    for path in sorted(folder.glob("*.log")):
        log = RecordLog.open(path)
        events = [Event.FromString(payload) for _, payload in log.payloads()]
        log.close()
        begins = [json.loads(e.begin.meta) for e in events if e.WhichOneof("body") == "begin"]
        steps = [decode_step(e.step, spec) for e in events if e.WhichOneof("body") == "step"]
        found += [(begins[0], steps)] if begins else []
    return found


def learn(folder: Path, reward: str) -> None:
    """A learner; an actor with a person's stand-in; one at another station; one that examines."""
    online = str(folder / "online")
    learner = ["learner", "rlpd", "--demos", str(folder / "demos"), "--folder", online, "--farewell", "30"]
    learner += ["--max-env-steps", str(STEPS), "--learning-starts", "20", "--utd", "0.2", "--method.hidden", "32"]
    acting = ["actor", online, "--connect-timeout", "200"]
    kinds = {
        "corrected": ["--device", "expert", "--reward", reward],
        "closeup": ["--station", "twin_closeup", "--max-steps", "40"],
        "examiner": ["--evaluate", "2"],
    }
    with ExitStack() as stack:
        first = start(stack, folder / "learner.log", learner)
        others = {
            name: start(stack, folder / f"{name}.log", [*acting, "--spool", str(folder / name), *words])
            for name, words in kinds.items()
        }
        deadline = time.monotonic() + 240
        while any(process.poll() is None for process in (first, *others.values())) and time.monotonic() < deadline:
            time.sleep(0.2)
        codes = {name: process.poll() for name, process in {"learner": first, **others}.items()}
    said = "\n".join((folder / f"{name}.log").read_text()[-800:] for name, code in codes.items() if code)
    assert not any(codes.values()), f"{codes}: {said}"


@pytest.mark.timeout(600)
def test_from_demonstrations_to_a_deployed_policy(tmp_path: Path) -> None:
    demos = collect.Config(
        task="reach", out=tmp_path / "demos", episodes=4, noise=0.1, cameras=("front",), keep_failures=True
    )
    collect.main(demos)
    quick = ["--updates", "30", "--batch", "16", "--shift", "1", "--network.size", "32", "--held-out", "0.5"]
    assert robot_rl(["rewards", "train", str(tmp_path / "demos"), "--out", str(tmp_path / "reward"), *quick]) == 0

    learn(tmp_path, str(tmp_path / "reward"))
    result = tmp_path / "online" / "finetuned"
    spec = Spec.from_json(json.loads(describe(result)["meta"]["stored_spec"]))
    found = {(facts["station"], "evaluation" in facts, facts["device"]): steps for facts, steps in lives(
        tmp_path / "online" / "log", spec)}  # fmt: skip
    corrected, closeup = found["twin", False, "expert"], found["twin_closeup", False, ""]
    examined = found["twin", True, ""]
    assert {s.record.reward_source for s in corrected} == {RewardSource.CLASSIFIER}
    assert {s.record.reward_source for s in closeup} == {RewardSource.TASK}
    assert {s.record.source for s in examined} == {Source.POLICY}
    lines = [json.loads(line) for line in (tmp_path / "online" / "metrics.jsonl").read_text().splitlines()]
    last = [line for line in lines if line["kind"] == "learner"][-1]
    assert 0 < last["human_steps"] <= sum(s.record.source is Source.HUMAN for s in corrected)
    assert len(examined) > 0
    assert len(closeup) == 40
    assert STEPS <= last["env_steps"] <= len(corrected) + len(closeup), "evaluations do not count"
    assert last["updates"] > 10
    assert len({line["actor"] for line in lines if line["kind"] == "actor"}) == 3

    evaluate.main(evaluate.Config(checkpoint=result, episodes=2, out=tmp_path / "after.json"))
    assert len(json.loads((tmp_path / "after.json").read_text())["episodes"]) == 2
    if importlib.util.find_spec("rclpy") is None:
        pytest.skip("ROS 2 is not here: everything but deploy was tried")
    deploy.main(deploy.Config(checkpoint=result, out=tmp_path / "deploy", episodes=1))
    assert len(open_dataset(tmp_path / "deploy")) == 1
