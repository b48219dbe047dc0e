"""The operator's page: cameras, who has the arm, counts and rates, and her buttons; also a device in its own right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robot_rl.teleop.browser import Browser
from robot_rl.web.server import WebConfig, WebServer

PAGES = Path(__file__).with_name("pages")


class OperatorPage:
    """Serves the page; shows what it is given, and ``browser`` says what comes back.

    Args:
        config: Where.
        facts: What stays the same: ``task``, ``instruction``, ``bindings`` (button -> meaning).
        name: What the browser is called as a device.
    """

    def __init__(self, config: WebConfig, facts: Mapping[str, Any], name: str = "browser") -> None:
        self.browser = Browser(name)
        self.facts = dict(facts)
        self.server = WebServer([PAGES], config, listener=self.browser)

    def __enter__(self) -> OperatorPage:
        self.server.__enter__()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.server.__exit__(kind, error, trace)

    @property
    def url(self) -> str:
        """What a person opens."""
        return self.server.url

    def show(self, state: Mapping[str, Any]) -> None:
        """Everything that the page says."""
        self.server.publish({**self.facts, **state, "driven": self.browser.driver is not None})

    def image(self, name: str, rgb: NDArray[np.uint8]) -> None:
        """The newest image (H, W, 3) of a camera."""
        self.server.publish_image(name, rgb)
