"""Windows: some observations up to a step and some actions from it on, never from another episode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robot_rl.core.errors import ConfigError
from robot_rl.core.spec import Spec
from robot_rl.data.returns import window_rows


@dataclass(frozen=True, kw_only=True)
class Window:
    """Which rows around a step make a sample."""

    history: int = 1
    """Observations, the newest that of the step itself."""
    horizon: int = 1
    """Actions."""
    first_action: int = 0
    """Step of the first action, counted from the newest observation: 0 its own, 1 - history as in diffusion policy."""

    def __post_init__(self) -> None:
        if self.history < 1 or self.horizon < 1:
            raise ConfigError(f"history {self.history}, horizon {self.horizon}: give at least 1 each")
        if not -self.horizon < self.first_action <= 0:
            raise ConfigError(f"first_action {self.first_action}: the chunk must hold the step's own action")


@dataclass(frozen=True, kw_only=True)
class Windows:
    """A batch of windows."""

    obs: dict[str, NDArray]
    """Name -> (B, history, ...), the newest last; before the episode's start its first one is repeated."""
    obs_mask: NDArray[np.bool_]
    """(B, history); False where an observation is a repeated one."""
    action: NDArray[np.float32]
    """(B, horizon, A); outside the episode its nearest action is repeated."""
    action_mask: NDArray[np.bool_]
    """(B, horizon); False where an action is a repeated one."""
    row: NDArray[np.int64]
    """Row of its source that each window was drawn for, (B,)."""


def empty_windows(spec: Spec, window: Window, batch: int) -> Windows:
    """Memory for ``batch`` windows."""
    return Windows(
        obs={k: np.empty((batch, window.history, *f.shape), f.dtype) for k, f in spec.observation.items()},
        obs_mask=np.empty((batch, window.history), np.bool_),
        action=np.empty((batch, window.horizon, spec.action_dim), np.float32),
        action_mask=np.empty((batch, window.horizon), np.bool_),
        row=np.empty(batch, np.int64),
    )


def observation_rows(table: NDArray[np.void], row: NDArray[np.int64], window: Window) -> tuple[NDArray, NDArray]:
    """Rows of the observations (B, history) of the windows at ``row``, and their mask."""
    return _rows(table, row, 1 - window.history, window.history)


def action_rows(table: NDArray[np.void], row: NDArray[np.int64], window: Window) -> tuple[NDArray, NDArray]:
    """Rows of the actions (B, horizon) of the windows at ``row``, and their mask."""
    return _rows(table, row, window.first_action, window.horizon)


def _rows(table: NDArray[np.void], row: NDArray[np.int64], first: int, count: int) -> tuple[NDArray, NDArray]:
    rows, mask = np.empty((len(row), count), np.int64), np.empty((len(row), count), np.bool_)
    window_rows(table, row, first, rows, mask)
    return rows, mask
