"""Lets the tests and the processes that they start share ``learner_samples``."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
