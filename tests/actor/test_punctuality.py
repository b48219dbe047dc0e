"""Rates are held, and what is late or missing is counted, shown and stored."""

import time

from scripted_person import Moment, ScriptedPerson, Seen

from robot_rl.actor.collection import Collector, Plan, Tally
from robot_rl.actor.shared_control import SharedControl
from robot_rl.core.teleop import Event
from robot_rl.data.dataset import open_dataset
from robot_rl.data.recorder import EpisodeWriter
from robot_rl.envs.twin_env import make_twin_env

QUIET, DONE = Moment(), Moment(events=(Event.SUCCESS,))


def collect(env, out, moments, view):
    """One episode of a scripted person."""
    pilot = SharedControl(env, ScriptedPerson(env.clock.now, 3, moments), clock=env.clock.now)
    lines = []
    with EpisodeWriter(out, env.spec) as writer:
        tally = Collector(env, pilot, writer, Plan(good=1), Tally(), view).run(lines.append)
    return tally, lines


def test_every_late_step_is_counted_shown_and_stored(tmp_path):
    """The twin in real time, and a view that holds the loop up for a while at two steps."""
    env = make_twin_env("reach", paced=True)

    class Slow(Seen):
        def show(self, state):
            super().show(state)
            if state["phase"] == "human" and len(self.states) in (5, 8):
                time.sleep(0.25)

    view = Slow()
    _, lines = collect(env, tmp_path / "d", [QUIET] * 11 + [DONE], view)
    env.close()
    meta = open_dataset(tmp_path / "d").episode(0).meta
    assert meta["late_steps"] == lines[0]["late_steps"]
    assert 2 <= meta["late_steps"] <= 4  # a busy machine may add some
    assert meta["missed_steps"] >= 2
    assert 4.0 < meta["rate"] < 9.5
    assert "2, 2 in all" in str(view.states[-1]["figures"]) or meta["late_steps"] > 2


def test_an_image_that_did_not_come_is_counted(tmp_path):
    env = make_twin_env("reach", ("front",))
    camera, held = env.cameras["front"], {}

    class Stuck:
        def latest(self, max_age):
            held["calls"] = held.get("calls", 0) + 1
            if held["calls"] not in (4, 5):
                held["frame"] = camera.latest(max_age)
            return held["frame"]

    env.cameras = {"front": Stuck()}
    view = Seen()
    collect(env, tmp_path / "d", [QUIET] * 7 + [DONE], view)
    env.close()
    assert open_dataset(tmp_path / "d").episode(0).meta["stale_images"] == 2
    assert set(view.images) == {("front", (128, 128, 3))}
