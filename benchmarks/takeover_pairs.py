"""How many of the stored (s, s') pairs are wrong after a person took over and handed back, ours beside LeRobot's.

gym-hil's PandaPickCube, a policy that makes no progress, and a scripted person who takes over for 3 to 8 steps at a
time. The same stream of steps goes into our replay and into LeRobot's buffers as its learner fills them (steps of a
person in the demonstration buffer too). Then both are sampled, and every sampled s' that has value is compared with
what really followed s.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from learners.lerobot_rl import lerobot_python
from learners.pick_cube_link import ACTION, OBS, Overseer, World
from numpy.typing import NDArray
from peers import peer_python, result, run_peer

from robot_rl.core.records import Source, StepRecord
from robot_rl.core.spec import STATE
from robot_rl.data.replay import Replay
from robot_rl.data.transitions import Batch
from robot_rl.envs.foreign_env import UNKNOWN_ENERGY, spec_of

EPISODES = 15
Rows = dict[str, NDArray]


def stream(world: World, episodes: int) -> Rows:
    """The steps of some episodes, one after the other."""
    person, rows = Overseer(), []
    for seed in range(episodes):
        obs, done, lazy = world.reset(seed), {"terminated": False, "truncated": False}, np.random.default_rng(seed)
        person.reset(seed)
        while not (done["terminated"] or done["truncated"]):
            human = person.takes_over(obs)
            action = person.act(obs) if human else lazy.uniform(-0.3, 0.3, ACTION).astype(np.float32)
            done = world.step(action)
            row = {"obs": obs, "next_obs": done["obs"], "action": action, "reward": np.float32(done["reward"])}
            rows.append({**row, "terminated": done["terminated"], "truncated": done["truncated"], "human": human})
            obs = done["obs"]
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def fill(rows: Rows) -> Replay:
    """Our replay after the same steps."""
    replay = Replay(spec_of({STATE: OBS}, ACTION, rate=10.0), len(rows["obs"]) + EPISODES + 1, seed=0)
    begins = True
    for i in range(len(rows["obs"])):
        if begins:
            replay.begin({})
        replay.add(record(rows, i))
        begins = bool(rows["terminated"][i] or rows["truncated"][i])
        if begins:
            replay.end({STATE: rows["next_obs"][i]})
    return replay


def record(rows: Rows, i: int) -> StepRecord:
    """One step as it is stored."""
    human = bool(rows["human"][i])
    return StepRecord(
        obs={STATE: rows["obs"][i]},
        action=rows["action"][i],
        proposal=rows["action"][i],
        reward=float(rows["reward"][i]),
        success=bool(rows["terminated"][i] and rows["reward"][i] > 0),
        terminated=bool(rows["terminated"][i]),
        truncated=bool(rows["truncated"][i]),
        source=Source.HUMAN if human else Source.POLICY,
        stamp=i / 10,
        energy=UNKNOWN_ENERGY,
        peak_force=0.0,
        intervention=int(human),
    )


def wrong(batch: Batch, rows: Rows) -> float:
    """Of the sampled pairs that have a next state: how often it is another one than what really followed."""
    truth = {rows["obs"][i].tobytes(): rows["next_obs"][i] for i in range(len(rows["obs"]))}
    pairs = [(batch.obs[STATE][i], batch.next_obs[STATE][i]) for i in np.flatnonzero(batch.discount)]
    return float(np.mean([not np.array_equal(truth[s.tobytes()], following) for s, following in pairs]))


def main() -> None:
    """Record, fill, sample, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two episodes, ours alone")
    quick = parser.parse_args().quick
    world = World(str(peer_python("gym-hil", ["gym-hil==0.1.14"])))
    rows = stream(world, 2 if quick else EPISODES)
    world.close()
    replay = fill(rows)
    corrections = replay.corrections(seed=1)
    figures: dict[str, Any] = {
        "steps": len(rows["obs"]),
        "steps_of_a_person": int(rows["human"].sum()),
        "corrections_that_can_be_sampled": len(corrections),
        "wrong_next_states": {
            "corrections": wrong(corrections.sample(10_000), rows),
            "online": wrong(replay.sample(10_000), rows),
        },
    }
    peers = {}
    if not quick:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "rows.npz"
            np.savez(file, **rows)
            script = (Path(__file__).parent / "learners" / "pick_cube_pairs.py").read_text(encoding="utf-8")
            peers = {"LeRobot 0.6.1": {"wrong_next_states": run_peer(lerobot_python(), script, str(file))}}
    print(json.dumps(figures), flush=True)
    result("takeover_pairs", figures, peers, {"wrong_next_states": 0.0})


if __name__ == "__main__":
    main()
