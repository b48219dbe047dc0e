"""Which parameters of LeRobot's reward classifier its own loss gives a gradient to. Argument: folder of its packages.

The classifier, its configuration and its forward pass are LeRobot's. Its backbone, helper2424/resnet10 on the Hugging
Face hub, is replaced by transformers' ResNet of the same shape with random weights: it is frozen in either case.
"""

import json
import sys
import tempfile

sys.path.append(sys.argv[1])

import torch
from lerobot.configs.types import FeatureType, PolicyFeature
from lerobot.rewards.classifier.configuration_classifier import RewardClassifierConfig
from lerobot.rewards.classifier.modeling_classifier import Classifier
from transformers import ResNetConfig, ResNetModel

shape = ResNetConfig(
    embedding_size=64, hidden_sizes=[64, 128, 256, 512], depths=[1, 1, 1, 1], layer_type="basic", hidden_act="relu"
)
names = ["observation.images.front", "observation.images.wrist"]
with tempfile.TemporaryDirectory() as folder:
    ResNetModel(shape).save_pretrained(folder)
    config = RewardClassifierConfig(
        model_name=folder,
        num_cameras=2,
        input_features={name: PolicyFeature(type=FeatureType.VISUAL, shape=(3, 128, 128)) for name in names},
    )
    model = Classifier(config).train()
batch = {name: torch.rand(4, 3, 128, 128) for name in names}
loss, _ = model({**batch, "next.reward": torch.tensor([0.0, 1.0, 0.0, 1.0])})
loss.backward()
learns = [p for p in model.parameters() if p.requires_grad]
reached = sum(p.numel() for p in learns if p.grad is not None and bool((p.grad != 0).any()))
print(json.dumps({"reached": reached, "trainable": sum(p.numel() for p in learns)}))
