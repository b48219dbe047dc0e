"""Every source's word, and that environments ask it in the task's place."""

import numpy as np
import pytest

from robot_rl.actor.rollout import TeleoperatorPolicy, run_episode
from robot_rl.core.errors import CheckpointError, ConfigError, StaleDataError
from robot_rl.core.records import Frame, Outcome, RewardSource
from robot_rl.core.rewards import Sight
from robot_rl.core.station import FOLDER
from robot_rl.envs.twin_env import make_twin_env
from robot_rl.rewards.file import chosen, make_reward
from robot_rl.rewards.sources import Held, KeyReward, PoseBox, Stage, Stages, TaskReward
from robot_rl.tasks.registry import make_expert

DOWN = (1.0, 0.0, 0.0, 0.0)
ANY = np.full(3, np.inf)
QUIET = Outcome(reward=0.0, success=False, terminated=False)
WON = Outcome(reward=1.0, success=True, terminated=True)


class At:
    """A state that has only a tool pose."""

    def __init__(self, *position, turn=DOWN):
        self.ee_pose = np.array([*position, *turn])


def sight(state=None, task=QUIET, objects=None):
    return Sight(state=state, objects=objects or {}, frames={}, task=lambda: task)


class Scripted:
    """Says success in some steps."""

    cameras, alarm = ("front",), "odd"

    def __init__(self, said):
        self.said, self.resets = list(said), 0

    def reset(self):
        self.resets += 1
        self.t = 0

    def outcome(self, sight):
        self.t += 1
        return WON if self.said[self.t - 1] else QUIET


def outcomes(source, steps):
    return [source.outcome(sight()) for _ in range(steps)]


def test_a_box_in_base_and_on_an_object():
    box = PoseBox(np.array([0.5, 0.0, 0.1, *DOWN]), np.array([0.01, 0.02, 0.03, *ANY]))
    for offset, inside in (((0.0099, 0.0199, -0.0299), True), ((0.0101, 0, 0), False), ((0, 0, 0.0301), False)):
        said = box.outcome(sight(At(0.5 + offset[0], offset[1], 0.1 + offset[2])))
        assert (said.success, said.terminated, said.reward) == (inside, inside, float(inside))
    half_turn = np.array([0.3, 0.1, 0.0, 0.0, 0.0, 1.0, 0.0])  # x and y of the object point backwards
    moved = PoseBox(np.array([0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]), np.array([1e-6, 1e-6, 1e-6, *ANY]), "hole")
    assert moved.outcome(sight(At(0.2, 0.1, 0.0), objects={"hole": half_turn})).success
    assert not moved.outcome(sight(At(0.4, 0.1, 0.0), objects={"hole": half_turn})).success
    with pytest.raises(StaleDataError, match="tracker"):
        moved.outcome(sight(At(0, 0, 0)))


def test_a_box_knows_how_the_tool_is_turned():
    box = PoseBox(np.array([0, 0, 0, 0, 0, 0, 1.0]), np.array([1, 1, 1, 0.1, 0.1, 0.1]))
    for angle, inside in ((0.09, True), (0.11, False)):
        turn = (0.0, 0.0, np.sin(angle / 2), np.cos(angle / 2))
        assert box.outcome(sight(At(0, 0, 0, turn=turn))).success is inside
    for pose, size in (([0, 0, 0, 0, 0, 0, 2.0], np.ones(6)), ([0, 0, 0, 0, 0, 0, 1.0], np.zeros(6))):
        with pytest.raises(ConfigError):
            PoseBox(np.array(pose), size)


def test_success_must_be_held():
    source = Scripted([0, 1, 1, 0, 1, 1, 1])
    held = Held(source, 3)
    said = outcomes(held, 7)
    assert [o.success for o in said] == [False, True, True, False, True, True, True]
    assert [o.terminated for o in said] == [False] * 6 + [True]
    assert [o.reward for o in said] == [0.0] * 6 + [1.0]
    held.reset()
    assert outcomes(held, 2)[1].success
    assert (held.cameras, held.alarm, source.resets) == (("front",), "odd", 2)


def test_stages_come_one_after_the_other():
    first, last = Scripted([0, 1, 0, 0, 0]), Scripted([0, 0, 1])
    stages = Stages([Stage(first, 0.25), Stage(last, 0.75)])
    said = outcomes(stages, 5)
    assert [o.reward for o in said] == [0.0, 0.25, 0.0, 0.0, 0.75]
    assert [o.success for o in said] == [o.terminated for o in said] == [False] * 4 + [True]
    stages.reset()
    assert stages.reached == 0
    lost = Stages([Stage(TaskReward(), 1.0)])
    failed = lost.outcome(sight(task=Outcome(reward=0.0, success=False, terminated=True)))
    assert failed.terminated
    assert not failed.success
    only_held = Stages([Stage(Held(Scripted([1, 1]), 2), 1.0)])
    assert [(o.reward, o.terminated) for o in outcomes(only_held, 2)] == [(0.0, False), (1.0, True)]


class Watcher(KeyReward):
    """Keeps what it is shown."""

    cameras = ("wrist",)

    def __init__(self):
        self.seen: list[Sight] = []

    def outcome(self, sight):
        self.seen.append(sight)
        return super().outcome(sight)


def test_an_environment_asks_it_and_shows_it_cameras_of_its_own():
    reward = Watcher()
    env = make_twin_env("reach", reward=reward)
    expert = TeleoperatorPolicy(env, make_expert("reach"))
    result = run_episode(env, expert, 3)
    assert not result.success
    assert result.steps == env.max_steps == len(reward.seen), "the task would have ended it earlier"
    assert isinstance(reward.seen[0].frames["wrist"], Frame)
    assert any(seen.task().success for seen in reward.seen)
    assert "observation.images.wrist" not in env.reset(3)
    step = env.step(np.zeros(3))
    assert step.judge is RewardSource.PERSON
    assert step.frame_stamps == {}, "of the observation's images only"
    env.close()
    lingering = make_twin_env("reach", reward=make_reward("linger"))
    longer = run_episode(lingering, TeleoperatorPolicy(lingering, make_expert("reach")), 3)
    lingering.close()
    plain = make_twin_env("reach")
    usual = run_episode(plain, TeleoperatorPolicy(plain, make_expert("reach")), 3)
    plain.close()
    assert longer.success
    assert longer.steps == usual.steps + 7


FILE = """
kind: stages
stages:
  - {kind: pose, position: [0.5, 0.0, 0.2], half: [0.02, 0.02, 0.02], reward: 0.5}
  - {kind: task, hold: 2, reward: 0.5}
"""


def test_a_reward_file(tmp_path):
    (tmp_path / "steps.yaml").write_text(FILE)
    found = make_reward(str(tmp_path / "steps.yaml"))
    assert isinstance(found, Stages)
    assert [stage.reward for stage in found.stages] == [0.5, 0.5]
    assert found.outcome(sight(At(0.5, 0.0, 0.21))).reward == 0.5
    assert make_reward("") is make_reward("task") is None
    assert isinstance(make_reward("key"), KeyReward)
    with pytest.raises(ConfigError, match="no person"):
        make_reward("key", person=False)


def test_a_station_chooses(tmp_path):
    twin = (FOLDER / "twin.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(twin + "reward: steps.yaml\n")
    (tmp_path / "steps.yaml").write_text(FILE)
    station = str(tmp_path / "mine.yaml")
    assert isinstance(make_reward("", station), Stages), "its path is seen from the station's file"
    assert make_reward("task", station) is None, "a flag stands above it"
    assert (chosen("", station), chosen("key", station), chosen("")) == ("steps.yaml", "key", "task")
    assert make_reward("", "twin") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: tsk", "'task'"),
        ("kind: pose\nhalf: [1, 1, 1]", "position is missing"),
        ("kind: task\nholds: 3", "'hold'"),
        ("kind: task\nhold: many", "type int"),
        ("kind: task\nhold: 0", "1 step at least"),
        ("kind: pose\nposition: [1, 2]\nhalf: [1, 1, 1]", "three numbers"),
        ("kind: pose\nposition: [1, 2, 3]\nhalf: [1, 1, -1]", "greater than 0"),
        ("kind: stages\nstages: []", "name one"),
        ("kind: stages\nstages:\n  - {kind: key}", "stages.1.kind"),
        ("[1", "not YAML"),
        ("3", "must map"),
    ],
)
def test_a_wrong_file_is_answered_in_one_line(tmp_path, text, said):
    (tmp_path / "wrong.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"wrong\.yaml") as refused:
        make_reward(str(tmp_path / "wrong.yaml"))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_wrong_name(tmp_path):
    with pytest.raises(ConfigError, match="'linger'"):
        make_reward("lnger")
    with pytest.raises(CheckpointError, match="rewards train"):
        make_reward(str(tmp_path))
    (tmp_path / "own.yaml").write_text("kind: classifier\ncheckpoint: nowhere")
    with pytest.raises(CheckpointError, match="nowhere is no classifier"):
        make_reward(str(tmp_path / "own.yaml"))
