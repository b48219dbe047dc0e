"""Lets the tests and the processes that they start share ``transport_samples``."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
