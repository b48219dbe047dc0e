"""The page of ``robot-rl rewards review``: the hardest frames, and buttons that say what they really show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from robot_rl.core.errors import DatasetError
from robot_rl.core.names import check_name
from robot_rl.data.dataset import Dataset
from robot_rl.data.edit import Editor
from robot_rl.data.review.dataset_page import DatasetPage
from robot_rl.data.versions import Edit, last_undoable
from robot_rl.rewards.classifier import Classifier
from robot_rl.rewards.hardest import Scored, flip
from robot_rl.web.server import WebConfig, json_reply
from robot_rl.web.site import Reply

PAGES: Final = Path(__file__).with_name("pages")
SHOWN: Final = 60
"""Frames on the page."""


class HardestPage(DatasetPage):
    """Serves a dataset's hardest frames to browsers; a context manager. Every judgement is an edit of the dataset."""

    def __init__(self, root: Path, classifier: Classifier, config: WebConfig) -> None:
        super().__init__(root, PAGES, {"/about": self._tell_about, "/hardest": self._tell_hardest}, config)
        self.scored = Scored(self._dataset, classifier)

    @property
    def _cameras(self) -> Sequence[str]:
        return self.scored.facts.cameras

    def _take(self, dataset: Dataset) -> None:
        super()._take(dataset)
        self.scored.relabel(dataset)

    def _apply(self, editor: Editor, message: Mapping[str, Any]) -> Edit:
        if message["judge"] == "undo":
            return editor.undo()
        number, row, success = int(message["number"]), int(message["row"]), bool(message["success"])
        episode = self._episode(number)
        if not 1 <= row <= len(episode):
            raise DatasetError(f"observation {row} of episode {number} cannot be judged, only 1 to {len(episode)}")
        return flip(editor, episode, row, success)

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
