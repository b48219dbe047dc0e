"""The review page: episodes with their images and curves, and buttons that make versioned edits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from robot_rl.data.edit import Editor
from robot_rl.data.review.curves import curves, segments
from robot_rl.data.review.dataset_page import DatasetPage, whole
from robot_rl.data.versions import Edit, last_undoable
from robot_rl.web.server import WebConfig, json_reply
from robot_rl.web.site import Reply

PAGES: Final = Path(__file__).with_name("pages")
REVIEWED: Final = "reviewed"
"""Fact of an episode that somebody looked at and kept."""


class ReviewPage(DatasetPage):
    """Serves a dataset's episodes to browsers; a context manager."""

    def __init__(self, root: Path, config: WebConfig) -> None:
        super().__init__(root, PAGES, {"/dataset": self._tell_dataset, "/episode": self._tell_episode}, config)

    def _apply(self, editor: Editor, message: Mapping[str, Any]) -> Edit:
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
        episode = self._episode(whole(query, "number"))
        meta = {str(key): str(value) for key, value in episode.meta.items()}
        facts = {"number": episode.number, "steps": len(episode), "outcome": episode.outcome, "meta": meta}
        parts = {"segments": segments(episode), "curves": curves(episode, self._dataset.spec)}
        return json_reply({**facts, **parts, "timing": dict(episode.timing)})


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
