"""``robot-rl learner`` and ``robot-rl actor --ros`` as two processes: it learns while the arm moves in real time."""

import json
import re
import signal
import time
from contextlib import ExitStack

import numpy as np
import pytest

pytest.importorskip("rclpy")

from robot_rl.apps import actor
from robot_rl.apps.graph import domain_of
from robot_rl.apps.pair import start
from robot_rl.core.errors import StationError
from robot_rl.core.records import Source
from robot_rl.core.spec import Spec
from robot_rl.learner import registry
from robot_rl.learner import start as begin
from robot_rl.learner.checkpoint import describe, load_policy
from robot_rl.tasks.registry import make_task
from robot_rl.transport.codec import decode_step
from robot_rl.transport.experience_pb2 import Event
from robot_rl.transport.record_log import RecordLog

SMALL = ["--method.hidden", "16", "16", "--method.members", "2", "--learning-starts", "15", "--utd", "1"]


def stored(online):
    """The steps in a learner's log, of all its actors."""
    spec = Spec.from_json(json.loads(describe(online / "start")["meta"][begin.STORED]))
    events = []
    for path in (online / "log").glob("*.log"):
        log = RecordLog.open(path)
        events += [Event.FromString(payload) for _, payload in log.payloads()]
        log.close()
    return [decode_step(e.step, spec) for e in events if e.WhichOneof("body") == "step"]


def metrics(online):
    """The newest line about the learner."""
    path = online / "metrics.jsonl"
    text = path.read_text().splitlines() if path.exists() else []
    lines = [json.loads(line) for line in text if line.endswith("}")]
    return next((line for line in reversed(lines) if line["kind"] == "learner"), {})


@pytest.mark.timeout(400)
def test_it_learns_while_the_arm_moves_and_is_asked_to_end(tmp_path):
    online = tmp_path / "online"
    with ExitStack() as stack:
        learning = ["learner", "rlpd", "--task", "reach", "--folder", str(online), "--publish-every", "5"]
        learner = start(stack, tmp_path / "learner.log", [*learning, *SMALL])
        acting = ["actor", str(online), "--ros", "--spool", str(tmp_path / "spool"), "--device", "expert"]
        arm = start(stack, tmp_path / "actor.log", [*acting, "--connect-timeout", "100"])
        deadline = time.monotonic() + 240
        while metrics(online).get("env_steps", 0) < 45 and time.monotonic() < deadline:
            assert learner.poll() is None, (tmp_path / "learner.log").read_text()[-800:]
            assert arm.poll() is None, (tmp_path / "actor.log").read_text()[-800:]
            time.sleep(0.1)
        arm.send_signal(signal.SIGTERM)
        assert arm.wait(60) == 0, (tmp_path / "actor.log").read_text()[-800:]
        learner.send_signal(signal.SIGTERM)
        assert learner.wait(60) == 0, (tmp_path / "learner.log").read_text()[-800:]
    steps = stored(online)
    said = re.search(r"(\d+) steps in (\d+) episodes$", (tmp_path / "actor.log").read_text(), re.MULTILINE)
    assert int(said[1]) >= len(steps) >= int(said[1]) - 1 >= 44, "the step in which it was asked to end was not made"
    versions = [step.policy_version for step in steps]
    assert versions == sorted(versions)
    assert max(versions) >= 3, "weights that were learnt from the first steps moved the arm in the later ones"
    assert len(set(versions)) >= 3
    moved = [step.record for step in steps]
    ages = np.array([[r.freshness.observation_age, r.freshness.action_age, r.freshness.weights_age] for r in moved])
    assert (np.isfinite(ages) & (ages > 0)).all()
    assert {r.source for r in moved} == {Source.POLICY, Source.HUMAN}
    last = metrics(online)
    assert last["updates"] >= 10
    assert 0 < last["human_steps"] <= sum(r.source is Source.HUMAN for r in moved)
    load_policy(online / "finetuned")


def test_a_robot_is_where_people_and_cameras_are_and_a_twin_by_itself():
    assert domain_of("franka") is None
    assert domain_of("ur5e") is None
    assert domain_of("twin") == -1


def test_an_arm_of_another_kind_is_refused_before_anything_starts(tmp_path):
    method, spec = registry.load("rlpd"), make_task("reach", ()).spec
    learner = method.make(method.Config(hidden=(16,)), spec, base=None, statistics=None)
    begin.save(tmp_path / "start", learner, "reach", {})
    config = actor.Config(learner=tmp_path, spool=tmp_path / "spool", address="127.0.0.1:1", ros=True, station="ur5e")
    with pytest.raises(StationError, match="7 joints, ur5e has 6"):
        actor.main(config)
    assert not (tmp_path / "spool").exists()
