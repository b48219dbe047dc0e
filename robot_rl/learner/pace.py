"""How many updates belong to how many environment steps, so that neither side runs away from the other."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Updates tied to arriving steps, with a bound on how far actors may be ahead."""

    utd: float
    """Updates per environment step; 0: as many as there is time for, actors are never asked to wait."""
    learning_starts: int
    """Environment steps before the first update."""
    max_lead: int
    """Environment steps that may wait to be learnt from before actors are asked to wait."""

    def owed(self, env_steps: int, updates: int) -> bool:
        """Whether one more update is due."""
        if env_steps < self.learning_starts:
            return False
        return self.utd <= 0 or updates < (env_steps - self.learning_starts + 1) * self.utd

    def paused(self, env_steps: int, updates: int, *, was: bool) -> bool:
        """Whether actors wait; once they do, until half of the lead is made up."""
        if self.utd <= 0:
            return False
        lead = env_steps - self.learning_starts - updates / self.utd
        return lead > (self.max_lead / 2 if was else self.max_lead)
