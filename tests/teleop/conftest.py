"""Lets the tests share ``hand`` and ``chromium``; says loudly when no browser could be had."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))


def pytest_terminal_summary(terminalreporter):
    """How many tests wanted a browser and got none."""
    skipped = [r for r in terminalreporter.getreports("skipped") if "NO BROWSER" in str(r.longrepr)]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} TESTS WERE SKIPPED FOR WANT OF A BROWSER", red=True, bold=True)
        terminalreporter.write_line(str(skipped[0].longrepr[-1]), red=True)
