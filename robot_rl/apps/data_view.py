"""``robot-rl data view``: episodes in the browser, with buttons that keep, delete, relabel and undo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Event

import tyro
from rich.console import Console

from robot_rl.core.stopping import on_stop_signal
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
    """Serve the page until Ctrl-C or SIGTERM."""
    ended = Event()
    where = WebConfig(host=config.host, port=config.port)
    with on_stop_signal(ended.set), ReviewPage(config.dataset, where) as page:
        Console(highlight=False).print(f"review {config.dataset} at {page.server.url} (Ctrl-C ends)", soft_wrap=True)
        ended.wait()
