"""``robot-rl data view``: episodes in the browser, with buttons that keep, delete, relabel and undo."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console

from robot_rl.data.review.page import ReviewPage
from robot_rl.web.server import WebConfig


@dataclass(frozen=True, kw_only=True)
class Config:
    """Look at episodes, and judge them; every judgement is an edit that can be undone."""

    dataset: tyro.conf.Positional[Path]
    """Its folder."""
    host: str = "127.0.0.1"
    """Where the page is served; 0.0.0.0 lets other machines in, over HTTPS and with a token."""
    port: int = 0
    """Port; 0: a free one."""


def main(config: Config) -> None:
    """Serve the page until Ctrl-C."""
    with ReviewPage(config.dataset, WebConfig(host=config.host, port=config.port)) as page:
        Console(highlight=False).print(f"review {config.dataset} at {page.server.url} (Ctrl-C ends)", soft_wrap=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return
