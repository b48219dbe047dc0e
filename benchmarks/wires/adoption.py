"""What new weights cost an actor's control thread while it acts: the step in which it adopts them, and all others.

usage: adoption.py ADDRESS MEGABYTES VERSIONS [--copied]    the actor's end
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from robot_rl.core.spec import STATE, Feature, Spec
from robot_rl.learner import registry
from robot_rl.nets.cpu import prepare
from robot_rl.transport.client import ExperienceClient
from robot_rl.transport.server import ExperienceServer

SPEC = Spec(observation={STATE: Feature((19,))}, action_dim=4, rate=50.0)
METHOD = registry.load("sac")
WIDTHS = {5: 1100, 50: 3500}
"""Megabytes of a policy -> width of its two layers."""
QUIET = 100
"""Control steps before the first weights come."""
EVERY = 0.3
"""Time between two publications [s]."""


def policy_of(megabytes: int) -> Any:  # noqa: ANN401
    """A policy of about that size."""
    width = WIDTHS[megabytes]
    return METHOD.make_policy(METHOD.Config(hidden=(width, width)), SPEC, base=None)


def act(address: str, megabytes: int, versions: int, *, copied: bool) -> dict[str, list[float]]:
    """A control loop's times, until it has adopted so many versions [s].

    Args:
        address: Of the learner.
        megabytes: Of the policy.
        versions: That are waited for.
        copied: Copy the weights in the control thread, as one would without handing them over.
    """
    policy, obs, folder = policy_of(megabytes), {STATE: np.zeros(19, np.float32)}, Path(tempfile.mkdtemp())
    quiet, taking, after, others = [], [], [], []
    with ExperienceClient(address, folder / "spool", SPEC) as client:
        client.connect(60.0)
        version, due = 0, time.perf_counter()
        while len(taking) < versions:
            due = max(due + 1 / SPEC.rate, time.perf_counter() - 1 / SPEC.rate)
            time.sleep(max(0.0, due - time.perf_counter()))
            began = time.perf_counter()
            weights = client.newest(version) if len(quiet) >= QUIET else None
            if weights is not None:
                policy.load_weights(dict(weights.tensors) if copied else weights.tensors)
                client.adopt(weights)
                version = weights.version
                taking.append(time.perf_counter() - began)
            policy.act(obs)
            took = time.perf_counter() - began
            (after if weights is not None else others if version else quiet).append(took)
    shutil.rmtree(folder)
    return {"quiet": quiet[10:], "taking": taking, "after": after, "others": others}


def measure(megabytes: int, versions: int, *, both: bool = True) -> dict[str, float]:
    """By changing references, and if ``both`` also by a copy in the control thread [ms]."""
    figures, weights = {}, policy_of(megabytes).weights()
    for ways in ([], ["--copied"])[: 1 + both]:
        folder = Path(tempfile.mkdtemp())
        with ExperienceServer("127.0.0.1:0", folder / "log", SPEC) as server:
            server.start(lambda arrival: None)  # noqa: ARG005
            call = [sys.executable, __file__, server.address, str(megabytes), str(versions), *ways]
            child = subprocess.Popen(call, stdout=subprocess.PIPE, text=True)
            while server.watchers == 0 and child.poll() is None:
                time.sleep(0.05)
            time.sleep((QUIET + 10) / SPEC.rate)
            while child.poll() is None:
                server.publish(weights)
                time.sleep(EVERY)
            told, _ = child.communicate()
        shutil.rmtree(folder)
        if child.returncode:
            raise RuntimeError("the actor failed: its reason stands above")
        times = {name: 1e3 * np.array(values) for name, values in json.loads(told).items()}
        figures |= summary(times, f"{megabytes}mb" + "_copied" * bool(ways))
    return figures


def summary(times: dict[str, np.ndarray], name: str) -> dict[str, float]:
    """Figures of one control loop."""
    usual = float(np.median(times["quiet"]))
    moving = np.concatenate([times["after"], times["others"]]) - usual
    found = {
        f"adopt_{name}_ms": np.median(times["taking"]),
        f"adopt_{name}_worst_ms": times["taking"].max(),
        f"step_{name}_quiet_p99_more_ms": np.percentile(times["quiet"], 99) - usual,
        f"step_{name}_p99_more_ms": np.percentile(moving, 99),
        f"step_{name}_worst_more_ms": moving.max(),
        f"step_{name}_adopting_more_ms": np.median(times["after"]) - usual,
    }
    return {key: round(float(value), 3) for key, value in found.items()}


if __name__ == "__main__":
    prepare(1)
    address, megabytes, versions, *ways = sys.argv[1:]
    print(json.dumps(act(address, int(megabytes), int(versions), copied=bool(ways))))
