"""How a learner runs, and where it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class RunnerConfig:
    """How a learner runs."""

    folder: Path
    """Where ``start``, ``finetuned``, ``metrics.jsonl``, ``tensorboard`` and ``address`` appear."""
    task: str = ""
    """Name of the task, for the checkpoints; empty: that of the demonstrations."""
    max_env_steps: int = 15_000
    """Environment steps to learn from; then actors are told to stop."""
    max_minutes: float = 0.0
    """Longest time to learn; then actors are told to stop. 0: no limit."""
    target_success: float = 0.0
    """Stop before that, once this share of the newest 50 episodes succeeded; 0: never."""
    utd: float | None = None
    """Updates per environment step; None: what the method was tuned for; 0: as fast as possible."""
    learning_starts: int | None = None
    """Environment steps before the first update; None: what the method was tuned for."""
    max_lead: int = 100
    """Environment steps by which actors may be ahead of the updates."""
    capacity: int = 200_000
    """Steps that the replay holds."""
    publish_every: int = 20
    """Updates from one version of the weights to the next."""
    checkpoint_every: int = 5_000
    """Updates from one checkpoint to the next."""
    metrics_every: float = 1.0
    """Time between two lines of metrics [s]."""
    wandb: str = ""
    """Project at Weights & Biases that gets the curves, beside TensorBoard; empty: none."""
    farewell: float = 20.0
    """Longest time to wait at the end for actors to send what they have [s]."""
    seed: int = 0
    """Of the replay's sampling."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a learner is."""

    env_steps: int
    updates: int
    episodes: int
    recent_success: float
    """Of the last 50 episodes, exploration included."""
    version: int
    """Of the weights that were published last."""
