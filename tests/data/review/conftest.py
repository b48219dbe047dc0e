"""Lets the tests of this folder import the helpers beside them, and the browser of the teleoperation tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[2] / "teleop"))
