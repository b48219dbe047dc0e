"""The Franka hand through the manufacturer's gripper interface. Its calls block while the fingers move."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from drivers.hand import HandSettings
from drivers.link import ArmFaultError, ArmRefusedError, vendor


class FrankaHand:
    """The wire to a hand.

    Args:
        settings: What it is told.
        library: Stands in for ``pylibfranka``.
    """

    def __init__(self, settings: HandSettings, library: ModuleType | None = None) -> None:
        self.settings, self.name = settings, f"hand {settings.address}"
        self._given, self._library, self._hand = library, None, None
        self.widest = 0.0

    def open(self) -> float:
        """Connect, without any motion; the widest opening [m]."""
        library: Any = self._given or vendor("pylibfranka", "pylibfranka")
        try:
            self._hand = library.Gripper(self.settings.address)
            self.widest = float(self._hand.read_once().max_width)
        except (library.FrankaException, RuntimeError) as error:
            raise ArmRefusedError(f"{self.name}: {_line(error)}; check that Desk shows the hand") from None
        if self.widest <= 0.0:
            raise ArmRefusedError(f"{self.name}: it does not know its width; home it in Desk")
        return self.widest

    def opening(self) -> float:
        """Where the fingers are: the distance between them [m]."""
        return float(self._call("read_once").width)

    def go(self, opening: float) -> None:
        """Close on whatever lies between the fingers, with the force of the settings, or open."""
        force, speed = self.settings.force, self.settings.speed
        if opening < self.opening():
            self._call("grasp", opening, speed, force, self.widest, self.widest)
        else:
            self._call("move", opening, speed)

    def close(self) -> None:
        """Disconnect; the fingers hold what they hold."""
        self._hand = None

    def _call(self, name: str, *arguments: float) -> Any:  # noqa: ANN401  (of the library)
        try:
            return getattr(self._hand, name)(*arguments)
        except RuntimeError as error:
            raise ArmFaultError(f"{self.name}: {_line(error)}; look at the hand") from None


def _line(error: BaseException) -> str:
    return " ".join(str(error).replace("libfranka:", "").split()) or type(error).__name__
