"""A disk that is really full: a file system of a few megabytes, in a mount namespace of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNSHARE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]


def small_disk(folder: Path, size: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command while ``folder`` is a file system of ``size``."""
    script = f'mount -t tmpfs -o size={size} none "$0" && exec "$@"'
    call = [*UNSHARE, "sh", "-c", script, str(folder), *command]
    return subprocess.run(call, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("disk")
    if shutil.which("unshare") is None or small_disk(path, "1m", "true").returncode != 0:
        pytest.skip("this machine lets no test mount a file system")
    return path


@pytest.mark.parametrize("length", [150, 1200])
def test_a_full_disk_costs_no_more_than_the_step_that_did_not_fit(folder: Path, length: int):
    script = str(Path(__file__).with_name("full_disk_process.py"))
    done = small_disk(folder, "5m", sys.executable, script, str(folder), str(length))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    full, freed = said["full"], said["freed"]
    assert "No space left on device" in said["errors"][0]
    assert all("\n" not in error for error in said["errors"])
    assert full["lengths"] == [length] * len(full["lengths"])
    assert full["names"] == list(range(len(full["names"])))
    assert (length == 1200) == (len(full["names"]) == 0)
    assert full["damaged"] == freed["damaged"] == []
    assert "free space" in full["left_open"]
    kept = said["committed"] - 1
    assert freed["lengths"] == [*full["lengths"], kept]
    assert freed["rows"][-1] == kept
    assert kept > 10
    assert f"recovered with {kept} steps" in freed["recovered"][0]
    assert freed["left_open"] == ""


def test_what_did_not_fit_can_be_discarded_and_recording_goes_on(folder: Path):
    script = str(Path(__file__).with_name("full_disk_process.py"))
    done = small_disk(folder, "5m", sys.executable, script, str(folder), "0")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert "No space left on device" in said["full"]
    assert (said["names"], said["lengths"], said["damaged"]) == ([1], [20], [])
    assert (said["recovered"], said["left_open"]) == ([], "")
