"""A whole learner process, to be killed: FOLDER ADDRESS STEPS. Reports its updates."""

import os
import sys
from pathlib import Path

import torch
from learner_samples import make_runner

torch.set_num_threads(1)
runner = make_runner(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
runner.run(lambda progress: os.write(1, b"%d\n" % progress.updates))
