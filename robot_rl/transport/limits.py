"""What a learner takes from its actors at most, so that none of them can fill its memory or its disk."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from robot_rl.core.errors import ConfigError, DatasetError


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Sizes in bytes. A message has at most ``channel.MAX_MESSAGE``, a record ``framing.MAX_PAYLOAD``."""

    actors: int = 24
    """Connected at once."""
    episode: int = 4 << 30
    """Of one episode; an actor that does not end its episodes is refused."""
    log: int = 0
    """Of all logs of experience together; 0: as much as the disk holds."""
    spare: int = 1 << 30
    """That stay free on the disk of the logs."""

    def __post_init__(self) -> None:
        if not 1 <= self.actors <= 31 or self.episode < 1 or self.log < 0 or self.spare < 0:
            raise ConfigError(f"{self}: actors must be 1 to 31, an episode must have bytes, and no size is negative")


class Quota:
    """Room for the logs in one folder; asks the disk once for every ``STEP`` bytes."""

    STEP = 64 << 20

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._folder, self._limits = folder, limits
        self._used = sum(path.stat().st_size for path in folder.glob("*.log"))
        self._unasked = 0

    def take(self, size: int) -> None:
        """Count bytes that are about to be written; ``DatasetError`` if there is no room for them."""
        limits = self._limits
        if 0 < limits.log < self._used + size:
            told = f"{self._used / 1e9:.1f} of {limits.log / 1e9:.1f} GB"
            raise DatasetError(f"learner log {self._folder} is full ({told}): move it away, or raise its limit")
        if self._unasked <= 0:
            free = shutil.disk_usage(self._folder).free - size
            if free < limits.spare:
                told = f"{free / 1e9:.1f} GB are left of {limits.spare / 1e9:.1f} GB that stay free"
                raise DatasetError(f"no room for learner log {self._folder}: {told}; free space on that disk")
            self._unasked = min(self.STEP, free - limits.spare)
        self._used += size
        self._unasked -= size
