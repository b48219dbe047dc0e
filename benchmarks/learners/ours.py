"""robot-rl's RLPD: its learner's own ``update``, fed with random batches."""

import json
import sys
import time

import torch

from robot_rl.core.records import Transition
from robot_rl.core.spec import STATE, Feature, Spec
from robot_rl.methods import rlpd
from robot_rl.nets.cpu import prepare

members, utd, updates = (int(v) for v in sys.argv[1:4])
precision = sys.argv[4] if len(sys.argv) > 4 else "float32"
prepare(1)
BATCH = 256
spec = Spec(observation={STATE: Feature((18,))}, action_dim=3, rate=10.0)
config = rlpd.Config(members=members, utd=utd, hidden=(256, 256), batch_size=BATCH, precision=precision)
learner = rlpd.make(config, spec)


def batch() -> Transition:
    """Random transitions."""
    return Transition(
        obs={STATE: torch.randn(BATCH, 18)},
        action=torch.rand(BATCH, 3) * 2 - 1,
        reward=torch.zeros(BATCH),
        discount=torch.full((BATCH,), 0.97),
        next_obs={STATE: torch.randn(BATCH, 18)},
    )


for _ in range(utd):
    learner.update(batch())
started = time.process_time()
for _ in range(updates * utd):
    learner.update(batch())
print(json.dumps({"rate": updates / (time.process_time() - started)}))
