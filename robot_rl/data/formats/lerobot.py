"""LeRobotDataset v3.0, written without LeRobot: tables in Parquet, images in them as PNG or beside them as video.

Its rows have no observation after the last step and no stamps of their own; both, and what is known of the episodes,
lie beside its files (``meta/robot_rl*``), where LeRobot does not look and an import finds them again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from robot_rl.data.episode import Episode
from robot_rl.data.formats.columns import describe as describe_dataset
from robot_rl.data.formats.columns import is_image, step_columns
from robot_rl.data.formats.export import Export
from robot_rl.data.formats.lerobot_read import FINAL, SIDE, read
from robot_rl.data.formats.lerobot_tables import (
    CHUNK,
    DATA,
    FILE_SIZE,
    OWN,
    RENAMED,
    VIDEO,
    arrow_column,
    arrow_type,
    describe,
    describe_all,
    features,
    info_feature,
    write_json,
    write_tasks,
)
from robot_rl.data.formats.needs import need
from robot_rl.data.formats.video import encode, squared_error

__all__ = ["read", "write"]
VERSION: Final = "v3.0"


def write(export: Export) -> None:
    """Write a dataset to a folder that LeRobot opens."""
    export.lose_streams()
    writer = _Writer(export)
    for i, episode in export.episodes():
        writer.add(i, episode)
    writer.close()


class _Writer:
    """Tables and videos of one export."""

    def __init__(self, export: Export) -> None:
        self.export = export
        self.spec = export.dataset.spec
        self.root = export.place
        self.rate = max(1, round(self.spec.rate))
        self.features = features(self.spec)
        video = export.options.images != "png"
        self.videos = [name for name, f in self.features.items() if is_image(f) and video]
        self.tasks: list[str] = []
        self.rows: list[dict[str, Any]] = []
        self.finals: list[dict[str, NDArray]] = []
        self.errors: dict[str, float] = dict.fromkeys(self.videos, 0.0)
        self._file: Any = None
        self._number = -1
        self._frames = 0
        if self.rate != self.spec.rate:
            export.report.lost["rate"] = f"{self.spec.rate} Hz: a whole number, {self.rate}; kept in {SIDE}"

    def add(self, i: int, episode: Episode) -> None:
        """One episode: its rows, its videos, its line in the table of episodes."""
        task = episode.instruction or str(self.export.dataset.meta.get("task", ""))
        if task not in self.tasks:
            self.tasks.append(task)
        columns = {RENAMED.get(name, name): rows for name, rows in step_columns(episode, self.spec).items()}
        columns |= {name: rows[:-1] for name, rows in episode.obs.items()}
        columns["next.done"] = episode.terminated | episode.truncated
        own = self._own(i, len(episode), self.tasks.index(task))
        places = [self._write_video(i, name, columns[name]) for name in self.videos]
        number = self._write_rows(columns, own)
        line: dict[str, Any] = {"episode_index": i, "tasks": [task], "length": len(episode)}
        line |= {"data/chunk_index": number // CHUNK, "data/file_index": number % CHUNK}
        line |= {"dataset_from_index": self._frames, "dataset_to_index": self._frames + len(episode)}
        for place in places:
            line |= place
        for name, rows in columns.items():
            line |= {f"stats/{name}/{k}": v for k, v in describe(rows, self.features[name]).items()}
        self.rows.append({**line, "meta/episodes/chunk_index": 0, "meta/episodes/file_index": 0})
        self.finals.append(episode.final_obs)
        self._frames += len(episode)

    def close(self) -> None:
        """Write what can only be written at the end."""
        pa, pq = need("pyarrow"), need("pyarrow.parquet")
        if self._file is not None:
            self._file.close()
        dataset, meta = self.export.dataset, self.root / "meta"
        (meta / "episodes/chunk-000").mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(self.rows), meta / "episodes/chunk-000/file-000.parquet")
        write_tasks(meta / "tasks.parquet", self.tasks)
        write_json(meta / "stats.json", describe_all(dataset.statistics(), self.spec, self._frames))
        write_json(meta / "info.json", self._info())
        write_json(self.root / SIDE, describe_dataset(dataset))
        finals = {
            name: arrow_column(np.stack([obs[name] for obs in self.finals]), feature)
            for name, feature in self.spec.observation.items()
        }
        pq.write_table(pa.table(finals), self.root / FINAL)
        for name, total in self.errors.items():
            error = total / self._frames
            self.export.report.decibels[name] = float(10 * np.log10(255.0**2 / max(error, 1e-9)))

    def _own(self, i: int, steps: int, task: int) -> dict[str, NDArray]:
        index = np.arange(steps)
        return {
            "timestamp": (index / self.rate).astype(np.float32),
            "frame_index": index,
            "episode_index": np.full(steps, i),
            "index": index + self._frames,
            "task_index": np.full(steps, task),
        }

    def _write_rows(self, columns: dict[str, NDArray], own: dict[str, NDArray]) -> int:
        """Append rows to a table; returns the number of its file."""
        pa, pq = need("pyarrow"), need("pyarrow.parquet")
        stored = {name: f for name, f in self.features.items() if name not in self.videos}
        arrays = {name: arrow_column(columns[name], feature) for name, feature in stored.items()}
        arrays |= {name: pa.array(rows.astype(OWN[name])) for name, rows in own.items()}
        if self._file is not None and self._path(DATA, self._number).stat().st_size > FILE_SIZE << 20:
            self._file.close()
            self._file = None
        if self._file is None:
            self._number += 1
            path = self._path(DATA, self._number)
            path.parent.mkdir(parents=True, exist_ok=True)
            types = {name: arrow_type(feature) for name, feature in stored.items()}
            self._file = pq.ParquetWriter(path, pa.schema({**types, **{n: arrays[n].type for n in own}}))
        self._file.write_table(pa.table(arrays))
        return self._number

    def _write_video(self, i: int, name: str, frames: NDArray[np.uint8]) -> dict[str, Any]:
        path = self._path(VIDEO, i, name)
        encode(path, frames, self.rate, self.export.options.images, self.export.options.quality)
        self.errors[name] += len(frames) * squared_error(path, frames, self.rate)
        found = {"chunk_index": i // CHUNK, "file_index": i % CHUNK}
        found |= {"from_timestamp": 0.0, "to_timestamp": len(frames) / self.rate}
        return {f"videos/{name}/{key}": value for key, value in found.items()}

    def _path(self, pattern: str, number: int, name: str = "") -> Path:
        return self.root / pattern.format(chunk_index=number // CHUNK, file_index=number % CHUNK, video_key=name)

    def _info(self) -> dict[str, Any]:
        described = {name: info_feature(f, self.export.options.images) for name, f in self.features.items()}
        for name in self.videos:
            height, width, _ = self.features[name].shape
            facts = {"height": height, "width": width, "codec": self.export.options.images, "pix_fmt": "yuv420p"}
            facts |= {"is_depth_map": False, "fps": self.rate, "channels": 3}
            described[name]["info"] = {**{f"video.{k}": v for k, v in facts.items()}, "has_audio": False}
        own = {name: {"dtype": dtype, "shape": [1], "names": None} for name, dtype in OWN.items()}
        return {
            "codebase_version": VERSION,
            "robot_type": str(self.export.dataset.meta.get("station", "")) or None,
            "total_episodes": len(self.rows),
            "total_frames": self._frames,
            "total_tasks": len(self.tasks),
            "chunks_size": CHUNK,
            "data_files_size_in_mb": FILE_SIZE,
            "video_files_size_in_mb": 200,
            "fps": self.rate,
            "splits": {"train": f"0:{len(self.rows)}"},
            "data_path": DATA,
            "video_path": VIDEO if self.videos else None,
            "features": {**described, **own},
        }
