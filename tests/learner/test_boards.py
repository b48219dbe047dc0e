"""What a learner draws can be read by the programs that show it: TensorBoard's reader, Weights & Biases' store."""

import importlib.util
import json
import math
import struct

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from robot_rl.core.errors import MissingDependencyError
from robot_rl.learner import boards
from robot_rl.learner.metrics import CURVES, Metrics
from robot_rl.learner.tally import EpisodeSummary

LATE = EpisodeSummary(
    actor="a", env_steps=40, steps=40, success=True, episode_return=1.0, complete=True, human_steps=10, interventions=2,
    policy_version=7, policy_age=1.25, observation_age=0.03125, action_age=0.25, overruns=3, missed=1,
)  # fmt: skip


def write(folder, wandb=""):
    """A learner's first lines."""
    metrics = Metrics(folder, wandb)
    metrics.episode(LATE)
    for loss in (1.0, 3.0):
        metrics.update({"critic_loss": loss})
    metrics.learner({"updates": 2, "updates_per_s": 8.0}, 50)
    metrics.episode(EpisodeSummary(actor="e", env_steps=50, evaluation=1, success=True, complete=True))
    metrics.close()


def records(data):
    """The records of a run that was kept offline: after 7 bytes, LevelDB's log in blocks of 32 KiB."""
    at, whole = 7, b""
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        _, size, kind = struct.unpack_from("<IHB", data, at)
        whole += data[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):  # the whole of a record, or the last of its parts
            yield whole
            whole = b""


def test_tensorboard_reads_every_curve(tmp_path):
    write(tmp_path / "run")
    reader = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    reader.Reload()
    tags = set(reader.Tags()["scalars"])
    assert {f"actor/{name}" for name in (*CURVES, "recent_success", "intervention_share")} <= tags
    points = {tag: (reader.Scalars(tag)[-1].step, reader.Scalars(tag)[-1].value) for tag in tags}
    assert points["learner/critic_loss"] == (50, 2.0)
    assert points["learner/updates_per_s"] == (50, 8.0)
    assert points["actor/intervention_share"] == (40, 0.25)
    assert points["actor/policy_age"] == (40, 1.25)
    assert points["actor/observation_age"] == (40, 0.03125)
    assert points["actor/missed"] == (40, 1.0)
    assert points["evaluation/success"] == (50, 1.0)


def test_the_lines_hold_the_same_numbers_and_are_plain_json(tmp_path):
    write(tmp_path / "run")
    text = (tmp_path / "run" / "metrics.jsonl").read_text()
    lines = [json.loads(line, parse_constant=pytest.fail) for line in text.splitlines()]
    episode = next(line for line in lines if line["kind"] == "episode")
    assert (episode["overruns"], episode["action_age"], episode["human_steps"]) == (3, 0.25, 10)
    assert not any(isinstance(v, float) and math.isnan(v) for line in lines for v in line.values())


@pytest.mark.skipif(importlib.util.find_spec("wandb") is not None, reason="it is here")
def test_asking_for_what_is_not_installed_is_one_line_and_leaves_no_run(tmp_path):
    with pytest.raises(MissingDependencyError, match=r"pip install 'robot-rl\[wandb\]', or leave --wandb out"):
        boards.open_boards(tmp_path, "arms")
    assert list(tmp_path.iterdir()) == []


def test_weights_and_biases_keeps_the_curves_and_goes_on_with_the_same_run(tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    from wandb.proto.wandb_internal_pb2 import Record

    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    folder = tmp_path / "arm7"
    write(folder, "arms")
    write(folder, "arms")
    files = sorted((folder / "wandb").glob("offline-run-*/run-*.wandb"))
    assert len(files) == 2
    runs, curves = set(), {}
    for record in (Record.FromString(data) for file in files for data in records(file.read_bytes())):
        if record.HasField("run"):
            runs.add((record.run.project, record.run.run_id, record.run.display_name))
        for item in record.history.item:
            curves[item.key or "/".join(item.nested_key)] = json.loads(item.value_json)
    assert len(runs) == 1
    assert {(project, name) for project, _, name in runs} == {("arms", "arm7")}
    assert curves["learner/critic_loss"] == 2.0
    assert curves["actor/policy_age"] == 1.25
    assert curves[boards.AXIS] == 50
