"""A snapshot lies in memory that was there before, and its files are safetensors."""

from __future__ import annotations

import resource
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch
from learner_samples import SPEC, make_learner

from robot_rl.core.records import Transition
from robot_rl.core.spec import STATE
from robot_rl.learner import registry, tensorfile
from robot_rl.learner import snapshot as snapshot_module
from robot_rl.learner.protocol import Learner
from robot_rl.learner.room import Room
from robot_rl.learner.snapshot import Scribe, Snapshot, take
from robot_rl.nets.optimise import mix


def update(learner: Learner, times: int = 1) -> None:
    for _ in range(times):
        learner.update(
            Transition(
                obs={STATE: torch.randn(32, 2)}, action=torch.rand(32, 1), reward=torch.ones(32),
                discount=torch.ones(32), next_obs={STATE: torch.randn(32, 2)},
            )
        )  # fmt: skip


def faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


class Kept(Scribe):
    """A scribe whose disk is a list."""

    def __init__(self) -> None:
        self.snapshots: list[Snapshot] = []
        super().__init__(lambda path, snapshot, counts: self.snapshots.append(snapshot))

    def save_ready(self, learner: Learner) -> Snapshot:
        """Save once there is memory for it."""
        while not self.ready(learner):
            self.wait()
        self.save(Path("x"), lambda: take(learner), {})
        self.wait()
        return self.snapshots[-1]


def test_not_even_the_first_snapshot_needs_new_memory():
    method = registry.load("rlpd")
    learner = method.make(method.Config(hidden=(512, 512), batch_size=32), SPEC, base=None, statistics=None)
    update(learner)
    size = sum(tensor.nbytes for tensor in learner.state_dict().values())
    scribe = Kept()
    while not scribe.ready(learner):
        scribe.wait()
    before = faults()
    scribe.save(Path("x"), lambda: take(learner), {})
    assert faults() - before < size / resource.getpagesize() / 20
    scribe.wait()
    places = [{k: v.data_ptr() for k, v in s.tensors.items() if k not in ("count", "generator")}
              for s in (scribe.snapshots[0], scribe.save_ready(learner))]  # fmt: skip
    assert places[0] == places[1]


def test_what_a_learner_grew_since_gets_its_place_before_it_is_copied():
    learner, scribe = make_learner(), Kept()
    few = scribe.save_ready(learner)
    assert set(few.tensors) == set(learner.state_dict())
    update(learner)
    assert not scribe.ready(learner)
    scribe.wait()
    assert scribe.ready(learner)
    many = scribe.save_ready(learner)
    assert set(many.tensors) == set(learner.state_dict()) > set(few.tensors)


def test_a_snapshot_is_the_learner_and_stays_as_it_was():
    learner, scribe = make_learner(), Kept()
    update(learner, 3)
    state, weights = learner.state_dict(), learner.weights()
    snapshot = scribe.save_ready(learner)
    update(learner, 3)
    assert all(torch.equal(snapshot.tensors[k], v) for k, v in state.items())
    assert all(np.array_equal(snapshot.weights[k], v) for k, v in weights.items())
    assert any(not torch.equal(snapshot.tensors[k], v) for k, v in learner.state_dict().items())
    assert any(not np.array_equal(snapshot.weights[k], v) for k, v in learner.weights().items())


def test_only_the_thread_that_takes_a_snapshot_copies_into_it():
    learner, scribe, other = make_learner(), Kept(), make_learner()
    update(learner)
    while not scribe.ready(learner):
        scribe.wait()
    theirs: list[dict[str, torch.Tensor]] = []

    def snapshot() -> Snapshot:
        thread = threading.Thread(target=lambda: theirs.append(other.state_dict()))
        thread.start()
        thread.join()
        return take(learner)

    scribe.save(Path("x"), snapshot, {})
    scribe.wait()
    used = {v.data_ptr() for v in scribe.snapshots[0].tensors.values()}
    assert not used & {v.data_ptr() for v in theirs[0].values()}


class Slow(Room):
    """A room on a machine that is far too busy."""

    def finish(self) -> bool:
        time.sleep(0.5)
        return super().finish()


def large(method: str = "rlpd") -> Learner:
    made = registry.load(method)
    learner = made.make(made.Config(hidden=(256, 256), batch_size=32), SPEC, base=None, statistics=None)
    update(learner, 3)
    return learner


def unequal(snapshot: Snapshot, state: dict[str, torch.Tensor]) -> list[str]:
    return [k for k, v in snapshot.tensors.items() if not torch.equal(state[k], v)]


@pytest.mark.parametrize("method", ["rlpd", "sac"])
def test_the_next_step_waits_for_a_copy_that_is_made_beside_its_gradient(method: str, monkeypatch):
    monkeypatch.setattr(snapshot_module, "Room", Slow)
    learner, scribe = large(method), Kept()
    scribe.save_ready(learner)  # the optimisers' moments have their places now
    state, weights = learner.state_dict(), learner.weights()
    scribe.save(Path("x"), lambda: take(learner), {})
    assert scribe.pause < 0.3
    update(learner)
    assert scribe.pause > 0.3, "what it waited for is not told"
    assert scribe.longest_pause == scribe.pause
    update(learner, 40)  # the policy too has made its steps
    scribe.wait()
    assert not scribe.torn
    assert len(unequal(scribe.snapshots[-1], learner.state_dict())) > 10
    assert not unequal(scribe.snapshots[-1], state)
    assert all(np.array_equal(scribe.snapshots[-1].weights[k], v) for k, v in weights.items())


def test_a_learner_that_changes_something_before_its_step_is_copied_at_once(monkeypatch):
    monkeypatch.setattr(snapshot_module, "Room", Slow)
    learner, scribe = large(), Kept()
    scribe.save_ready(learner)
    kept = len(scribe.snapshots)
    scribe.save(Path("x"), lambda: take(learner), {})
    mix(learner.critic_target, learner.critic, 0.5)
    scribe.wait()
    assert scribe.torn
    assert len(scribe.snapshots) == kept
    state = learner.state_dict()
    assert scribe.ready(learner)
    scribe.save(Path("x"), lambda: take(learner), {})
    mix(learner.critic_target, learner.critic, 0.5)
    scribe.wait()
    assert not scribe.torn
    assert not unequal(scribe.snapshots[-1], state)


TENSORS = {
    "scalar": torch.tensor(3),
    "none": torch.zeros(0, 4),
    "half": torch.randn(3, 5).to(torch.bfloat16),
    "turned": torch.randn(6, 4).T,
    "bytes": torch.arange(7, dtype=torch.uint8),
    "truth": torch.tensor([True, False]),
    "double": torch.randn(2, 3, dtype=torch.float64),
    "large": torch.randn(3_000_001),
}


def test_files_are_safetensors(tmp_path: Path):
    tensorfile.write(tmp_path / "a", TENSORS)
    back = safetensors.torch.load_file(tmp_path / "a")
    assert set(back) == set(TENSORS)
    for name, tensor in TENSORS.items():
        assert back[name].dtype == tensor.dtype
        assert torch.equal(back[name], tensor), name
    arrays = {"a": np.float32(3.0) * np.ones(()), "b": np.arange(12.0).reshape(3, 4).T}
    tensorfile.write(tmp_path / "b", arrays)
    again = safetensors.numpy.load_file(tmp_path / "b")
    assert all(np.array_equal(again[k], v) and again[k].shape == v.shape for k, v in arrays.items())


def test_a_full_disk_is_told():
    with pytest.raises(OSError, match="space"):
        tensorfile.write(Path("/dev/full"), TENSORS)
