"""Share of wrong next states in LeRobot's demonstration buffer after takeovers; run by the peer's interpreter.

Its learner adds each transition to the online buffer, and those of a person to the demonstration buffer too. Both save
memory by taking the next slot's state as the next state.
"""

import json
import sys

import numpy as np
import torch
from lerobot.rl.buffer import ReplayBuffer

STATE = "observation.state"
with np.load(sys.argv[1], allow_pickle=False) as stored:
    rows = {name: stored[name] for name in stored.files}
torch.manual_seed(0)


def wrong(chosen: np.ndarray) -> float:
    """Of what is sampled and has a next state: how often it is another one than what really followed."""
    capacity = len(chosen) + 1
    buffer = ReplayBuffer(
        capacity, device="cpu", state_keys=[STATE], use_drq=False, storage_device="cpu", optimize_memory=True
    )
    truth = {}
    for i in chosen:
        state, following = ({STATE: torch.from_numpy(rows[name][i])[None]} for name in ("obs", "next_obs"))
        truth[rows["obs"][i].tobytes()] = rows["next_obs"][i]
        ends = bool(rows["terminated"][i]), bool(rows["truncated"][i])
        buffer.add(state, torch.from_numpy(rows["action"][i])[None], float(rows["reward"][i]), following, *ends)
    drawn = [buffer.sample(256) for _ in range(40)]
    states, following = (torch.cat([d[k][STATE] for d in drawn]).numpy() for k in ("state", "next_state"))
    alive = torch.cat([d["done"] for d in drawn]).numpy() == 0
    pairs = zip(states[alive], following[alive], strict=True)
    return float(np.mean([not np.array_equal(truth[s.tobytes()], n) for s, n in pairs]))


everything = np.arange(len(rows["obs"]))
print(json.dumps({"corrections": wrong(everything[rows["human"]]), "online": wrong(everything)}))
