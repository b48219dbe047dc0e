"""Would the tests notice? Each mutation breaks ledger or filter in a scratch copy, where the suite must fail.

    python benchmarks/mutation.py            all mutations
    python benchmarks/mutation.py --quick    the two that matter most: a sign in the ledger, no rate-limit term

The untouched copy must pass first. A mutation whose place is not found any more ends the run with a message.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from peers import ROOT, result

PACKAGES = ("controllers", "robot_rl", "sim", "drivers")
SUITE = ("test_ledger.py", "test_barrier.py", "test_protective_stop.py", "test_passivity.py", "test_adversaries.py")
"""Tests of tests/controllers that a mutation must not get past."""


@dataclass(frozen=True)
class Mutation:
    """One change of the source."""

    name: str
    file: str
    old: str
    new: str


SETTLED = "state.T += state.V - stored - work"
MUTATIONS = (
    Mutation("work with the wrong sign", "ledger.py", SETTLED, "state.T += state.V - stored + work"),
    Mutation("no rate-limit term", "barrier.py", "    return total\n", "    return 0.0 * total\n"),
    Mutation("springs with the wrong sign", "ledger.py", SETTLED, "state.T += stored - state.V - work"),
    Mutation("changes are not paid for", "tick.py", "    state.T -= state.draw\n", ""),
    Mutation("the reference moves at any price", "passivity.py", "    if cost <= allowed:\n", "    if cost <= 1e9:\n"),
    Mutation("active torques at any price", "active.py", "min(1.0, max(0.0, allowed) / (", "min(1.0, 1e9 / ("),
    Mutation("no power-flow limit", "passivity.py", "config.P_max * config.period)", "1e9)"),
    Mutation("a tank without a lid", "ledger.py", "if state.T > config.T_max:", "if state.T > 1e9:"),
    Mutation(
        "a torque that is no number is sent",
        "tick.py",
        "    if finite(state.null_a, state.null_a, state.null_a):",
        "    if True:",
    ),
    Mutation("no kinetic-energy cap", "limits.py", "config.kinetic_rate * (config.kinetic_max - state.kinetic)", "1e9"),
)
"""The first two are the issue's own."""


def scratch(place: Path) -> None:
    """A copy of what the controller's tests need, compiled kernels included: they know when they are stale."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, place / package)
    shutil.copytree(ROOT / "tests" / "controllers", place / "tests" / "controllers")
    shutil.copy(ROOT / "pyproject.toml", place)


def suite_passes(place: Path) -> tuple[bool, str]:
    """Run the suite in a scratch copy; whether it passed, and its last line."""
    tests = [str(place / "tests" / "controllers" / name) for name in SUITE]
    call = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--timeout=900", *tests]
    env = os.environ | {"PYTHONPATH": str(place), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(call, cwd=place, env=env, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"the suite could not run: {(done.stdout + done.stderr).strip().splitlines()[-1]}")
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return done.returncode == 0, failed[0].split(" - ")[0] if failed else ""


def survives(mutation: Mutation, place: Path) -> bool:
    """Whether the suite passes although the source is mutated; the source is restored."""
    file = place / "controllers" / "law" / mutation.file
    source = file.read_text(encoding="utf-8")
    if mutation.old not in source:
        raise SystemExit(f"mutation {mutation.name!r}: {mutation.old!r} is not in {mutation.file} any more; correct it")
    file.write_text(source.replace(mutation.old, mutation.new), encoding="utf-8")
    start = time.monotonic()
    passed, failure = suite_passes(place)
    file.write_text(source, encoding="utf-8")
    print(f"{mutation.name}: {'SURVIVED' if passed else failure} ({time.monotonic() - start:.0f} s)", flush=True)
    return passed


def main() -> None:
    """Mutate, run, count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="only the first two")
    mutations = MUTATIONS[:2] if parser.parse_args().quick else MUTATIONS
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        place = Path(folder)
        scratch(place)
        passed, failure = suite_passes(place)
        if not passed:
            raise SystemExit(f"the suite fails without any mutation, at {failure}: mend that first")
        survivors = [m.name for m in mutations if survives(m, place)]
    result("mutation", {"mutations": len(mutations), "survivors": survivors}, {}, {"survivors": []})
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
