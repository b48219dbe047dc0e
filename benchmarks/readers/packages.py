"""What the peers' virtual environments hold: one ``pip install`` per step."""

from __future__ import annotations

from typing import Final

LEROBOT_VIDEO: Final = (
    ["torch==2.13.0"],
    (
        "datasets==4.1.1 huggingface-hub==0.35.3 jsonlines==4.0.0 packaging==25.0 pillow==11.3.0 numpy==2.2.6 "
        "einops==0.8.2 draccus==0.10.0 deepdiff==8.6.1 imageio==2.37.0 termcolor==3.3.0 pyarrow==26.0.1 psutil==7.2.2 "
        "safetensors==0.8.0"
    ).split(),
    ["--no-deps", "lerobot==0.4.4", "accelerate==1.11.0", "av==15.1.0", "torchvision==0.25.0", "torchcodec==0.13.0"],
)
"""LeRobot's dataset without the robots, beside a torch without CUDA; for torchvision see ``cpu_torchvision.py``."""
ROBOMIMIC: Final = (
    ["torch==2.13.0", "numpy==1.26.4"],
    ["h5py==3.16.0", "tqdm==4.70.1", "termcolor==3.3.0"],
    ["--no-deps", "robomimic==0.3.0"],
)
TENSORSTORE: Final = (["tensorstore==0.1.86", "numpy==2.2.6"],)
ROSBAGS: Final = (["rosbags==0.11.9", "mcap-ros2-support==0.6.0"],)
ZARR2: Final = (["zarr==2.18.7", "numcodecs==0.15.1", "numpy==1.26.4"],)
