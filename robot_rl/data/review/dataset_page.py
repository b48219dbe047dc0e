"""A dataset in the browser: its frames, and edits that are made one after the other."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from robot_rl.core.errors import ConfigError, DatasetError, RobotRLError
from robot_rl.core.names import check_name
from robot_rl.core.spec import IMAGES
from robot_rl.data.dataset import Dataset, open_dataset
from robot_rl.data.edit import Editor
from robot_rl.data.episode import Episode
from robot_rl.data.versions import Edit
from robot_rl.web.images import jpeg
from robot_rl.web.server import WebConfig, WebServer
from robot_rl.web.site import Question, Reply

KEPT: Final = 16
"""Episodes that stay open."""


class DatasetPage(ABC):
    """Serves a dataset to browsers on this machine; a context manager.

    Args:
        root: The dataset.
        pages: Folder of the page's own files.
        questions: What the page asks besides /frame.
        config: Where it is served.
    """

    def __init__(self, root: Path, pages: Path, questions: Mapping[str, Question], config: WebConfig) -> None:
        self._root = Path(root)
        self._dataset = open_dataset(self._root)
        self._episodes: OrderedDict[int, Episode] = OrderedDict()
        self._lock = threading.Lock()
        self._serial = 0
        self._worker = ThreadPoolExecutor(1, "dataset-edit")
        self.server = WebServer([pages], config, {"/frame": self._show_frame, **questions}, self)

    def __enter__(self) -> Self:
        self.server.__enter__()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._worker.shutdown()
        self.server.__exit__(kind, error, trace)

    def on_message(self, client: int, message: dict[str, Any]) -> None:  # noqa: ARG002
        """An edit that a browser asks for; it is made in a thread of its own, one after the other."""
        self._worker.submit(self._edit, message)

    def on_close(self, client: int) -> None:  # noqa: B027  (a listener has it)
        """Nothing is kept of a browser."""

    @abstractmethod
    def _apply(self, editor: Editor, message: Mapping[str, Any]) -> Edit:
        """Make the edit that a browser asks for; any of its keys may be missing or of a wrong type."""

    @property
    def _cameras(self) -> Sequence[str]:
        """Those whose frames are shown."""
        return self._dataset.spec.cameras

    def _take(self, dataset: Dataset) -> None:
        """Another version is the one that is shown from now on; called with the lock held."""
        self._dataset = dataset
        self._episodes.clear()

    def _reopen(self) -> Dataset:
        """The dataset as it is now: others may have recorded or edited."""
        dataset = open_dataset(self._root)
        with self._lock:
            self._take(dataset)
        return dataset

    def _edit(self, message: Mapping[str, Any]) -> None:
        self._serial += 1
        try:
            with Editor(self._root) as editor:
                said, error = str(self._apply(editor, message)), ""
        except RobotRLError as refused:
            said, error = "", str(refused)
        except (KeyError, TypeError, ValueError):
            said, error = "", "that is no edit: reload the page"
        version = self._reopen().version
        self.server.publish({"serial": self._serial, "version": version, "said": said, "error": error})

    def _episode(self, number: int) -> Episode:
        with self._lock:
            dataset, known = self._dataset, self._episodes.get(number)
        if known is not None:
            return known
        position = next((i for i, entry in enumerate(dataset.index) if entry["number"] == number), None)
        if position is None:
            raise DatasetError(f"{dataset.root} has no episode {number}: reload the page")
        episode = dataset.episode(position)
        with self._lock:
            self._episodes[number] = episode
            while len(self._episodes) > KEPT:
                self._episodes.popitem(last=False)
        return episode

    def _show_frame(self, query: Mapping[str, str]) -> Reply:
        camera = check_name("camera", query.get("camera", ""), self._cameras)
        rows, row = self._episode(whole(query, "number")).obs[IMAGES + camera], whole(query, "row")
        if not 0 <= row < len(rows):
            raise DatasetError(f"the episode has the rows 0 to {len(rows) - 1}, not {row}: reload the page")
        return Reply(body=jpeg(rows[row], 85), content_type="image/jpeg")


def whole(query: Mapping[str, str], name: str) -> int:
    """A whole number of a question; ``ConfigError`` when it is none."""
    try:
        return int(query.get(name, ""))
    except ValueError:
        raise ConfigError(f"{name} must be a whole number: reload the page") from None
