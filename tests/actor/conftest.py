"""Lets the tests and the processes that they start share ``scripted_person``."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
