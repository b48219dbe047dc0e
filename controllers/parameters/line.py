"""What the line between controller and arm does at worst, declared by whoever drives the arm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from controllers.parameters.settings import ControllerConfig


@dataclass(frozen=True, kw_only=True)
class LineLimits:
    """The line at its worst. The default is a line without faults, as a twin in lockstep has it."""

    lost: int = 0
    """Packets in a row that may be lost, one way or the other; a robot that stops by itself ends this [ticks]."""
    late: int = 0
    """Age of a state when its torque is computed, beyond the tick it belongs to [ticks]."""


def provide(config: ControllerConfig, line: LineLimits) -> ControllerConfig:
    """``config`` with energy and speed in hand for what ``line`` may do; never less than it had."""
    return replace(
        config,
        loss_ticks=max(config.loss_ticks, line.lost + line.late),
        delay_ticks=max(config.delay_ticks, line.late),
    )


def line_problems(config: ControllerConfig, line: LineLimits) -> Iterator[str]:
    """Every way in which ``line`` may be worse than ``config`` was told; none: the promise covers it."""
    if config.loss_ticks < line.lost + line.late:
        yield (
            f"its line may lose or delay {line.lost + line.late} packets in a row, the controller has energy in hand "
            f"for {config.loss_ticks}: raise loss_ticks, or use parameters.line.provide"
        )
    if config.delay_ticks < line.late:
        yield (
            f"its states may be {line.late} ticks old, the controller counts on {config.delay_ticks}: "
            "raise delay_ticks, or use parameters.line.provide"
        )
