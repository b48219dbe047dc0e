"""The review page: episodes with their images and curves, and buttons that make versioned edits."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from robot_rl.core.errors import ConfigError, DatasetError, RobotRLError
from robot_rl.core.names import check_name
from robot_rl.core.spec import IMAGES
from robot_rl.data.dataset import Dataset, open_dataset
from robot_rl.data.edit import Editor
from robot_rl.data.episode import Episode
from robot_rl.data.review.curves import curves, segments
from robot_rl.data.versions import Edit, last_undoable
from robot_rl.web.images import jpeg
from robot_rl.web.server import WebConfig, WebServer, json_reply
from robot_rl.web.site import Reply

PAGES: Final = Path(__file__).with_name("pages")
KEPT: Final = 8
"""Episodes that stay open."""
REVIEWED: Final = "reviewed"
"""Fact of an episode that somebody looked at and kept."""


class ReviewPage:
    """Serves a dataset to browsers on this machine; a context manager."""

    def __init__(self, root: Path, config: WebConfig) -> None:
        self._root = Path(root)
        self._dataset = open_dataset(self._root)
        self._episodes: OrderedDict[int, Episode] = OrderedDict()
        self._lock = threading.Lock()
        self._serial = 0
        self._worker = ThreadPoolExecutor(1, "review-edit")
        questions = {"/dataset": self._tell_dataset, "/episode": self._tell_episode, "/frame": self._show_frame}
        self.server = WebServer([PAGES], config, questions, self)

    def __enter__(self) -> ReviewPage:
        self.server.__enter__()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._worker.shutdown()
        self.server.__exit__(kind, error, trace)

    def on_message(self, client: int, message: dict[str, Any]) -> None:  # noqa: ARG002
        """An edit that a browser asks for; it is made in a thread of its own, one after the other."""
        self._worker.submit(self._edit, message)

    def on_close(self, client: int) -> None:
        """Nothing is kept of a browser."""

    def _edit(self, message: Mapping[str, Any]) -> None:
        self._serial += 1
        try:
            with Editor(self._root) as editor:
                said, error = str(apply(editor, message)), ""
        except RobotRLError as refused:
            said, error = "", str(refused)
        except (KeyError, TypeError, ValueError):
            said, error = "", "that is no edit: reload the page"
        self._reopen()
        state = {"serial": self._serial, "version": self._dataset.version, "said": said, "error": error}
        self.server.publish(state)

    def _reopen(self) -> Dataset:
        """The dataset as it is now: others may have recorded or edited."""
        dataset = open_dataset(self._root)
        with self._lock:
            self._dataset = dataset
            self._episodes.clear()
        return dataset

    def _episode(self, query: Mapping[str, str]) -> Episode:
        number = _whole(query, "number")
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

    def _tell_dataset(self, query: Mapping[str, str]) -> Reply:  # noqa: ARG002
        dataset = self._reopen()
        undoable = last_undoable(dataset.history)
        return json_reply(
            {
                "root": str(dataset.root),
                "rate": dataset.spec.rate,
                "cameras": dataset.spec.cameras,
                "version": dataset.version,
                "undoable": "" if undoable is None else undoable.summary,
                "episodes": [_row(entry) for entry in dataset.index],
            }
        )

    def _tell_episode(self, query: Mapping[str, str]) -> Reply:
        episode = self._episode(query)
        meta = {str(key): str(value) for key, value in episode.meta.items()}
        facts = {"number": episode.number, "steps": len(episode), "outcome": episode.outcome, "meta": meta}
        parts = {"segments": segments(episode), "curves": curves(episode, self._dataset.spec)}
        return json_reply({**facts, **parts, "timing": dict(episode.timing)})

    def _show_frame(self, query: Mapping[str, str]) -> Reply:
        camera = check_name("camera", query.get("camera", ""), self._dataset.spec.cameras)
        rows, row = self._episode(query).obs[IMAGES + camera], _whole(query, "row")
        if not 0 <= row < len(rows):
            raise DatasetError(f"the episode has the rows 0 to {len(rows) - 1}, not {row}: reload the page")
        return Reply(body=jpeg(rows[row], 85), content_type="image/jpeg")


def apply(editor: Editor, message: Mapping[str, Any]) -> Edit:
    """Make the edit that a browser asks for."""
    operation, note = str(message["edit"]), str(message.get("note", ""))
    if operation == "undo":
        return editor.undo(note)
    number = int(message["number"])
    if operation == "delete":
        return editor.delete([number], note)
    if operation == "keep":
        return editor.relabel([number], meta={REVIEWED: True}, note=note)
    if operation == "trim":
        return editor.trim(number, int(message["start"]), int(message["stop"]), note)
    if operation == "instruction":
        return editor.relabel([number], meta={"instruction": str(message["instruction"])}, note=note)
    return editor.relabel([number], outcome=str(message["outcome"]), meta={REVIEWED: True}, note=note)


def _row(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What the list says of an episode."""
    meta, timing = entry["meta"], entry.get("timing", {})
    return {
        "number": entry["number"],
        "steps": entry["steps"],
        "outcome": entry["outcome"],
        "instruction": str(meta.get("instruction") or ""),
        "operator": str(meta.get("operator") or ""),
        "reviewed": bool(meta.get(REVIEWED)),
        "missing": int(timing.get("missing", 0)),
    }


def _whole(query: Mapping[str, str], name: str) -> int:
    try:
        return int(query.get(name, ""))
    except ValueError:
        raise ConfigError(f"{name} must be a whole number: reload the page") from None
