"""LeRobot RL 0.6.1 in a virtual environment of its own; it needs Python 3.12. One place for all benchmarks that use it.

Everything that its learner, its actor, its buffers and its wire import is there, and gym-hil's environment. Its pin of
an older torch is left aside, so that all that is compared runs on the same torch; what only other parts of LeRobot
use (video, hardware, language models) is not installed.
"""

from __future__ import annotations

from pathlib import Path

from peers import peer_python

NUMBERS = "numpy==2.2.6 einops==0.8.1 safetensors==0.6.2 pandas==2.3.3 opencv-python-headless==4.13.0.92"
CONFIGURATION = "draccus==0.11.6 huggingface-hub==1.6.0 datasets==4.8.0 accelerate==1.14.0 jsonlines==4.0.0"
SMALL = "pyarrow==22.0.0 packaging==25.0 pillow==11.3.0 requests==2.32.5 termcolor==3.1.0 tqdm==4.67.1 deepdiff==8.6.1"
WIRE = "grpcio==1.78.0 protobuf==6.33.5 pyserial==3.5 av==15.1.0"
STEPS = (
    ["torch==2.13.0"],
    [*NUMBERS.split(), *CONFIGURATION.split(), *SMALL.split(), *WIRE.split(), "gymnasium==1.2.3", "mujoco==3.8.1"],
    ["--no-deps", "lerobot==0.6.1", "torchvision==0.28.0", "gym-hil==0.1.14"],
)


def lerobot_python() -> Path:
    """The interpreter of the virtual environment ``lerobot-rl``, made on first use."""
    return peer_python("lerobot-rl", *STEPS, version="3.12")
