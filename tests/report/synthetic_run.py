"""A made-up run folder in the layout that ``robot-rl demo`` writes."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from robot_rl.actor.rollout import EpisodeResult
from robot_rl.core.freshness import Freshness
from robot_rl.core.records import EnergyState, Mode, Observation, Source, StepRecord
from robot_rl.core.spec import Feature, Spec
from robot_rl.data.recorder import EpisodeWriter
from robot_rl.report.records import Evaluation
from robot_rl.report.run_folder import write_json

SPEC = Spec(
    observation={
        "observation.state": Feature((4,)),
        "observation.images.front": Feature((128, 128, 3), "uint8"),
        "observation.images.wrist": Feature((128, 128, 3), "uint8"),
    },
    action_dim=3,
    rate=10.0,
)


def evaluation(rate: float, count: int, seed: int = 0) -> Evaluation:
    """``count`` made-up episodes of which about ``rate`` succeed."""
    rng = np.random.default_rng(seed)
    episodes = [
        EpisodeResult(
            seed=1000 + i,
            success=bool(rng.random() < rate),
            steps=int(rng.integers(35, 100)),
            peak_force=float(rng.gamma(5.0, 2.5)),
            violations=0,
            worst_ratio=float(rng.uniform(0.1, 0.7)),
            least_scale=float(rng.uniform(0.4, 1.0)),
            wall=1.0,
        )
        for i in range(count)
    ]
    timing = {"arm_loop_late_p50_us": 9.1, "arm_loop_late_p99_us": 87.0, "control_step_late_p99_ms": 1.93}
    return Evaluation(task="peg_insert", checkpoint="online/finetuned", episodes=episodes, timing=timing)


def image(step: int, size: int = 128) -> np.ndarray:
    """A moving square on a shaded ground, (size, size, 3)."""
    ground = np.linspace(90, 190, size)[:, None, None] * np.ones((1, size, 3))
    ground[step : step + 24, 30 + step : 54 + step] = (220, 140, 40)
    return ground.astype(np.uint8)


def observation(step: int) -> Observation:
    """What was seen at ``step``."""
    state = np.full(4, step, np.float32)
    return {"observation.state": state, **{k: image(step) for k in SPEC.observation if "images" in k}}


def record(step: int, last: int) -> StepRecord:
    """A step of an insertion: the force rises at contact."""
    work = 0.25 * (1 - np.exp(-step / 20)) + 0.03 * np.sin(step / 5)
    energy = EnergyState(
        tank=1.0 - work, spring=0.05 + 0.04 * np.sin(step / 7) ** 2, work=work, budget=1.05,
        scale=0.6 if 40 < step < 46 else 1.0, mode=Mode.ACTIVE, violations=0, worst_ratio=0.3,
    )  # fmt: skip
    force = 1.0 + 14.0 * np.exp(-(((step - 44) / 6) ** 2))
    ends = {"success": step == last, "terminated": step == last, "truncated": False}
    action = np.zeros(3, np.float32)
    facts = {"reward": float(step == last), "source": Source.POLICY, "stamp": 50 + 0.1 * step, "peak_force": force}
    if step < 3:
        facts |= {"source": Source.HUMAN, "intervention": 1}
    fresh = Freshness(observation_age=0.04, action_age=0.05, overrun=0.2 * (step == 5), missed=2 * (step == 5))
    facts |= {"obs": observation(step), "freshness": fresh}
    return StepRecord(action=action, proposal=action, energy=energy, **ends, **facts)


def write_run(folder: Path, steps: int = 60) -> Path:
    """Write the whole run; returns its folder."""
    write_json(folder / "before.json", evaluation(0.5, 50).to_json())
    write_json(folder / "after.json", evaluation(0.98, 50).to_json())
    write_json(folder / "deploy.json", evaluation(1.0, 5).to_json())
    phases = {"demonstrations": 92, "base policy": 65, "fine-tuning": 380, "deploy": 60}
    about = {"task": "peg_insert", "phases": [{"name": k, "seconds": v} for k, v in phases.items()]}
    about["settings"] = {"method": "resfit", "demonstrations": "30", "machine": "2 cores"}
    write_json(folder / "run.json", about)
    rng, total, rows = np.random.default_rng(3), 0, []
    for i in range(220):
        total += int(rng.integers(40, 100))
        won = bool(rng.random() < 0.5 + 0.5 * min(1, i / 160))
        told = {"steps": 10, "human_steps": 1, "interventions": 1, "overruns": 0, "missed": 0, "observation_age": 0.01}
        told |= {"action_age": 0.02, "policy_age": 4.5 if i == 7 else 1.0}
        rows.append(json.dumps({"kind": "episode", "env_steps": total, "success": won, "complete": True, **told}))
        rows.append(json.dumps({"kind": "learner", "env_steps": total, "updates": 2 * total}))
    (folder / "online").mkdir()
    (folder / "online" / "metrics.jsonl").write_text("\n".join(rows) + "\n")
    with EpisodeWriter(folder / "deploy", SPEC, {"task": "peg_insert"}) as writer:
        writer.begin({"seed": 1})
        for step in range(steps):
            writer.add(record(step, steps - 1))
        writer.end(observation(steps))
    assert asdict(evaluation(1.0, 1).episodes[0])["success"]
    return folder
