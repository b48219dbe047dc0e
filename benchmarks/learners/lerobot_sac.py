"""LeRobot RL 0.6.1's SAC: its own ``SACAlgorithm.update`` with its own optimisers; run by the peer's interpreter."""

import json
import sys
import time
from collections.abc import Iterator

import torch
from lerobot.configs.types import FeatureType, PolicyFeature
from lerobot.policies.gaussian_actor.configuration_gaussian_actor import GaussianActorConfig
from lerobot.policies.gaussian_actor.modeling_gaussian_actor import GaussianActorPolicy
from lerobot.rl.algorithms.sac.configuration_sac import SACAlgorithmConfig
from lerobot.rl.algorithms.sac.sac_algorithm import SACAlgorithm

members, utd, updates = (int(v) for v in sys.argv[1:4])
torch.set_num_threads(1)
torch.manual_seed(0)
BATCH, STATE, ACTION = 256, 18, 3
policy_config = GaussianActorConfig(
    device="cpu",
    storage_device="cpu",
    input_features={"observation.state": PolicyFeature(type=FeatureType.STATE, shape=(STATE,))},
    output_features={"action": PolicyFeature(type=FeatureType.ACTION, shape=(ACTION,))},
    dataset_stats=None,
    normalization_mapping={},
)
policy = GaussianActorPolicy(config=policy_config)
policy.train()
config = SACAlgorithmConfig.from_policy_config(policy_config)
config.num_critics, config.utd_ratio, config.use_backup_entropy = members, utd, False
config.num_subsample_critics = 2 if members > 2 else None
algorithm = SACAlgorithm(policy=policy, config=config)
algorithm.make_optimizers_and_scheduler()


def batches() -> Iterator[dict]:
    """Random transitions for ever."""
    while True:
        yield {
            "action": torch.rand(BATCH, ACTION) * 2 - 1,
            "reward": torch.zeros(BATCH),
            "state": {"observation.state": torch.randn(BATCH, STATE)},
            "next_state": {"observation.state": torch.randn(BATCH, STATE)},
            "done": torch.zeros(BATCH),
        }


source = batches()
algorithm.update(source)
started = time.process_time()
for _ in range(updates):
    algorithm.update(source)
print(json.dumps({"rate": updates / (time.process_time() - started)}))
