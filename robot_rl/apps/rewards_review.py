"""``robot-rl rewards review``: the frames that a classifier finds hardest, in the browser."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Event

import torch
import tyro
from rich.console import Console

from robot_rl.core.stopping import on_stop_signal
from robot_rl.rewards.classifier import load_classifier
from robot_rl.rewards.review import HardestPage
from robot_rl.web.server import WebConfig


@dataclass(frozen=True, kw_only=True)
class Config:
    """Look at the hardest frames, and say what they really show; every judgement is an edit that can be undone."""

    dataset: tyro.conf.Positional[Path]
    """Folder of the dataset."""
    classifier: Path
    """Folder of the classifier."""
    host: str = "127.0.0.1"
    """Where the page is served; 0.0.0.0 lets other machines in, over HTTPS and with a token."""
    port: int = 0
    """Port; 0: a free one."""


def main(config: Config) -> None:
    """Serve the page until Ctrl-C or SIGTERM."""
    torch.set_num_threads(1)
    ended = Event()
    where = WebConfig(host=config.host, port=config.port)
    classifier = load_classifier(config.classifier)
    with on_stop_signal(ended.set), HardestPage(config.dataset, classifier, where) as page:
        said = f"hardest frames of {config.dataset} at {page.server.url} (Ctrl-C ends)"
        Console(highlight=False).print(said, soft_wrap=True)
        ended.wait()
