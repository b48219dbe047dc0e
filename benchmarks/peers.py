"""What all benchmarks share: peers in virtual environments of their own, and the RESULT line."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from robot_rl.report.figures import comparison

ROOT = Path(__file__).resolve().parents[1]
PLACE = ROOT / ".venvs"
STAMP = "installed.json"


def peer_python(name: str, *steps: Sequence[str], version: str = "") -> Path:
    """The interpreter of ``.venvs/<name>``, where each of ``steps`` was one ``pip install``.

    Made on first use, and made again when the steps have changed. A step is a list of requirements and pip's options:
    ``peer_python("lerobot", ["torch==2.13.0"], ["--no-deps", "lerobot==0.4.4"])``. ``version`` ("3.12") asks for
    another Python than the one that runs.
    """
    PLACE.mkdir(exist_ok=True)
    with (PLACE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _install(name, steps, version)


def interpreter(version: str) -> Path:
    """A Python of that version: this one, one on the path, or one that pyenv installed."""
    if version in {"", f"{sys.version_info.major}.{sys.version_info.minor}"}:
        return Path(sys.executable)
    found = shutil.which(f"python{version}")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for python in [*([Path(found)] if found else []), *sorted(pyenv.glob(f"{version}*/bin/python{version}"))]:
        if subprocess.run([str(python), "-c", "import venv"], capture_output=True, check=False).returncode == 0:
            return python
    raise RuntimeError(f"this peer needs Python {version}; install it (pyenv install {version}) and start again")


def _install(name: str, steps: Sequence[Sequence[str]], version: str) -> Path:
    home = PLACE / name
    python = home / "bin" / "python"
    wanted = json.dumps([*([version] if version else []), *map(list, steps)])
    stamp = home / STAMP
    if python.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    print(f"installing the peer {name!r} into {home.relative_to(ROOT)} ...", flush=True)
    subprocess.run([str(interpreter(version)), "-m", "venv", "--clear", str(home)], check=True)
    for step in steps:
        _pip(python, step)
    stamp.write_text(wanted, encoding="utf-8")
    return python


def _pip(python: Path, step: Sequence[str]) -> None:
    call = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *step]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RuntimeError(f"pip install {' '.join(step)} failed: {last}")


def run_peer(python: Path, script: str, *args: str, timeout: float = 900.0) -> dict[str, Any]:
    """Run Python source text with a peer's interpreter, one thread; the JSON object that it prints last."""
    env = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    env |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    call = [str(python), "-c", script, *args]
    done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=timeout, env=env)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RuntimeError(f"the peer in {python.parents[1].name} failed: {last}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    cpu = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        cpu = models[0] if models else cpu
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def result(
    benchmark: str,
    figures: Mapping[str, Any],
    peers: Mapping[str, Any],
    limit: Mapping[str, Any] | None = None,
) -> None:
    """Print a table to read, and the last line of a benchmark: ``RESULT {json}``."""
    line = {"benchmark": benchmark, "figures": figures, "peers": peers, "limit": limit or {}, "machine": machine()}
    header, rows = comparison(line)
    table = Table(*header, title=benchmark)
    for row in rows:
        table.add_row(*row)
    Console(width=140).print(table)
    print("RESULT " + json.dumps(line), flush=True)
