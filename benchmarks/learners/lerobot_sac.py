"""LeRobot's SAC, its own classes and optimiser calls in the order of its learner; run by the peer's interpreter."""

import json
import sys
import time

import torch
from lerobot.configs.types import FeatureType, PolicyFeature
from lerobot.policies.sac.configuration_sac import SACConfig
from lerobot.policies.sac.modeling_sac import SACPolicy

members, utd, updates = (int(v) for v in sys.argv[1:4])
torch.set_num_threads(1)
torch.manual_seed(0)
BATCH, STATE, ACTION = 256, 18, 3
config = SACConfig(
    num_critics=members,
    num_subsample_critics=2 if members > 2 else None,
    utd_ratio=utd,
    use_torch_compile=False,
    device="cpu",
    storage_device="cpu",
    use_backup_entropy=False,
    input_features={"observation.state": PolicyFeature(type=FeatureType.STATE, shape=(STATE,))},
    output_features={"action": PolicyFeature(type=FeatureType.ACTION, shape=(ACTION,))},
    dataset_stats=None,
    normalization_mapping={},
)
policy = SACPolicy(config)
policy.train()
optimisers = {
    "actor": torch.optim.Adam([p for n, p in policy.actor.named_parameters() if not n.startswith("encoder")], lr=3e-4),
    "critic": torch.optim.Adam(policy.critic_ensemble.parameters(), lr=3e-4),
    "temperature": torch.optim.Adam([policy.log_alpha], lr=3e-4),
}


def batch() -> dict:
    """Random transitions."""
    return {
        "action": torch.rand(BATCH, ACTION) * 2 - 1,
        "reward": torch.zeros(BATCH),
        "state": {"observation.state": torch.randn(BATCH, STATE)},
        "next_state": {"observation.state": torch.randn(BATCH, STATE)},
        "done": torch.zeros(BATCH),
    }


def step(name: str, parameters: list, data: dict) -> None:
    """Loss, gradient, clipping, optimiser."""
    loss = policy.forward(data, model=name)[f"loss_{name}"]
    optimisers[name].zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, max_norm=config.grad_clip_norm)
    optimisers[name].step()


def update() -> None:
    """``utd`` critic steps, each with a batch of its own, then actor and temperature."""
    for _ in range(utd):
        data = batch()
        step("critic", list(policy.critic_ensemble.parameters()), data)
        policy.update_target_networks()
    step("actor", list(policy.actor.parameters()), data)
    step("temperature", [policy.log_alpha], data)


update()
started = time.process_time()
for _ in range(updates):
    update()
print(json.dumps({"rate": updates / (time.process_time() - started)}))
