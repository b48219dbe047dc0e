"""The page of ``robot-rl rewards review``: the hardest frames, and buttons that say what they really show."""

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
from robot_rl.data.dataset import open_dataset
from robot_rl.data.edit import Editor
from robot_rl.data.episode import Episode
from robot_rl.data.versions import Edit, last_undoable
from robot_rl.rewards.classifier import Classifier
from robot_rl.rewards.hardest import Scored, flip
from robot_rl.web.images import jpeg
from robot_rl.web.server import WebConfig, WebServer, json_reply
from robot_rl.web.site import Reply

PAGES: Final = Path(__file__).with_name("pages")
KEPT: Final = 16
"""Episodes that stay open."""
SHOWN: Final = 60
"""Frames on the page."""


class HardestPage:
    """Serves a dataset's hardest frames to browsers; a context manager. Every judgement is an edit of the dataset."""

    def __init__(self, root: Path, classifier: Classifier, config: WebConfig) -> None:
        self._root = Path(root)
        self._dataset = open_dataset(self._root)
        self.scored = Scored(self._dataset, classifier)
        self._episodes: OrderedDict[int, Episode] = OrderedDict()
        self._lock = threading.Lock()
        self._serial = 0
        self._worker = ThreadPoolExecutor(1, "rewards-edit")
        questions = {"/about": self._tell_about, "/hardest": self._tell_hardest, "/frame": self._show_frame}
        self.server = WebServer([PAGES], config, questions, self)

    def __enter__(self) -> HardestPage:
        self.server.__enter__()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._worker.shutdown()
        self.server.__exit__(kind, error, trace)

    def on_message(self, client: int, message: dict[str, Any]) -> None:  # noqa: ARG002
        """A judgement from a browser; they are made one after the other in a thread of their own."""
        self._worker.submit(self._edit, message)

    def on_close(self, client: int) -> None:
        """Nothing is kept of a browser."""

    def _edit(self, message: Mapping[str, Any]) -> None:
        self._serial += 1
        try:
            with Editor(self._root) as editor:
                said, error = str(self._apply(editor, message)), ""
        except RobotRLError as refused:
            said, error = "", str(refused)
        except (KeyError, TypeError, ValueError):
            said, error = "", "that is no judgement: reload the page"
        dataset = open_dataset(self._root)
        with self._lock:
            self._dataset = dataset
            self._episodes.clear()
            self.scored.relabel(dataset)
        self.server.publish({"serial": self._serial, "version": dataset.version, "said": said, "error": error})

    def _apply(self, editor: Editor, message: Mapping[str, Any]) -> Edit:
        if message["judge"] == "undo":
            return editor.undo()
        number, row, success = int(message["number"]), int(message["row"]), bool(message["success"])
        episode = self._episode(number)
        if not 1 <= row <= len(episode):
            raise DatasetError(f"observation {row} of episode {number} cannot be judged, only 1 to {len(episode)}")
        return flip(editor, episode, row, success)

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

    def _tell_about(self, query: Mapping[str, str]) -> Reply:  # noqa: ARG002
        with self._lock:
            dataset, charts, wrong = self._dataset, self.scored.charts(), self.scored.wrong_by()
            held = self.scored.held_out
        undoable = last_undoable(dataset.history)
        facts = self.scored.facts
        return json_reply(
            {
                "root": str(dataset.root),
                "version": dataset.version,
                "cameras": facts.cameras,
                "frames": len(wrong),
                "held_out": int(held.sum()),
                "wrong": int((wrong > 0).sum()),
                "wrong_held_out": int((wrong[held] > 0).sum()),
                "undoable": "" if undoable is None else undoable.summary,
                "charts": charts,
            }
        )

    def _tell_hardest(self, query: Mapping[str, str]) -> Reply:
        kind = check_name("kind", query.get("kind") or "all", ("all", "alarm", "missed"))
        with self._lock:
            return json_reply(self.scored.hardest(SHOWN, kind, held_out=query.get("held_out") == "1"))

    def _show_frame(self, query: Mapping[str, str]) -> Reply:
        camera = check_name("camera", query.get("camera", ""), self.scored.facts.cameras)
        rows, row = self._episode(_whole(query, "number")).obs[IMAGES + camera], _whole(query, "row")
        if not 0 <= row < len(rows):
            raise DatasetError(f"the episode has the rows 0 to {len(rows) - 1}, not {row}: reload the page")
        return Reply(body=jpeg(rows[row], 85), content_type="image/jpeg")


def _whole(query: Mapping[str, str], name: str) -> int:
    try:
        return int(query.get(name, ""))
    except ValueError:
        raise ConfigError(f"{name} must be a whole number: reload the page") from None
