"""Run before LeRobot is imported: lets torchvision's wheel, built for CUDA, load beside a torch built for the CPU.

The kernels of that wheel do not load there, and its import fails because it describes one of them, non-maximum
suppression, that nobody has declared. LeRobot's dataset calls none of them.
"""

import torch

torch.library.define("torchvision::nms", "(Tensor boxes, Tensor scores, float threshold) -> Tensor")
