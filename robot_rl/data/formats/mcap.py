"""rosbag2 recordings in MCAP: a folder with one bag per episode, standard messages only.

Each feature is a topic (``observation.state`` -> ``/observation/state``), images are ``sensor_msgs/Image``, vectors
``std_msgs/*MultiArray``; the scalars of a step share ``/step``, whose layout names them; ``/episode`` is JSON. All
messages of a step bear its stamp; the observation after the last step comes one period later. Signals that are faster
than the steps are topics under ``/stream`` with their own stamps.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml
from numpy.typing import NDArray

from robot_rl.core.spec import IMAGES, Spec
from robot_rl.data.episode import Episode
from robot_rl.data.formats.cdr import DEFINITIONS, IMAGE, STRING, array_type, encode_array, encode_image, encode_text
from robot_rl.data.formats.columns import describe, is_image, step_columns
from robot_rl.data.formats.export import Export
from robot_rl.data.formats.mcap_read import EPISODE, STEP, STREAM, read, topic_of
from robot_rl.data.formats.needs import need
from robot_rl.data.layout import ACTIONS
from robot_rl.data.streams import STREAMS

__all__ = ["read", "write"]
VERSION: Final = 9
"""Of ``metadata.yaml``, as ROS 2 Jazzy writes it."""


def write(export: Export) -> None:
    """Write a dataset to a folder of bags."""
    facts = describe(export.dataset)
    for i, episode in export.episodes():
        bag = _Bag(export.place / f"ep{i:06d}")
        columns = step_columns(episode, export.dataset.spec)
        about = {**facts, "episodes": [facts["episodes"][i]], "columns": [n for n in columns if n not in ACTIONS]}
        about[STREAMS] = episode.attributes.get(STREAMS, {})
        bag.text(_nanoseconds(episode.stamp[0]), EPISODE, json.dumps(about))
        _write_rows(bag, episode, columns, export.dataset.spec)
        for name in episode.streams:
            stamps, values = episode.stream(name)
            for stamp, value in zip(stamps.tolist(), values, strict=True):
                bag.array(_nanoseconds(stamp), STREAM + name, np.asarray(value))
            if (np.round(stamps * 1e9) / 1e9 != stamps).any():
                export.report.lost[f"stamps of {name}"] = "what is less than a nanosecond"
        bag.close()


def _write_rows(bag: _Bag, episode: Episode, columns: dict[str, NDArray], spec: Spec) -> None:
    actions = {name: columns.pop(name) for name in ACTIONS}
    names = ",".join(columns)
    scalars = np.stack([column.astype(np.float64) for column in columns.values()], axis=1)
    stamps = [*episode.stamp.tolist(), episode.stamp[-1].item() + 1.0 / spec.rate]
    at = -1
    for t, stamp in enumerate(stamps):
        at = max(at + 1, _nanoseconds(stamp))  # steps stay apart, whatever their stamps
        for name, feature in spec.observation.items():
            if is_image(feature):
                camera = name.removeprefix(IMAGES)
                taken = episode.frame_stamps.get(camera, np.full(len(episode), np.nan))
                known = t < len(taken) and np.isfinite(taken[t])
                bag.image(at, topic_of(name), episode.obs[name][t], _nanoseconds(taken[t]) if known else at, camera)
            else:
                bag.array(at, topic_of(name), episode.obs[name][t])
        if t < len(episode):
            for name, rows in actions.items():
                bag.array(at, topic_of(name), rows[t])
            bag.array(at, STEP, scalars[t], [names])


class _Bag:
    """One bag at work."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._name = f"{folder.name}_0.mcap"
        self._file = open(folder / self._name, "wb")
        self._writer = need("mcap.writer").Writer(self._file)
        self._writer.start(profile="ros2", library="robot-rl")
        self._schemas: dict[str, int] = {}
        self._channels: dict[str, int] = {}
        self._topics: dict[str, dict[str, Any]] = {}
        self._times: list[int] = []

    def text(self, at: int, topic: str, value: str) -> None:
        """One ``String``."""
        self._add(at, topic, STRING, encode_text(value))

    def array(self, at: int, topic: str, values: NDArray, labels: tuple[str, ...] | list[str] = ()) -> None:
        """One ``MultiArray``."""
        self._add(at, topic, array_type(values.dtype.name), encode_array(np.asarray(values), labels))

    def image(self, at: int, topic: str, image: NDArray[np.uint8], stamp: int, camera: str) -> None:
        """One ``Image``."""
        self._add(at, topic, IMAGE, encode_image(image, stamp, camera))

    def close(self) -> None:
        """Finish the file, and write what rosbag2 wants to know of it."""
        self._writer.finish()
        self._file.close()
        (self._folder / "metadata.yaml").write_text(yaml.safe_dump(self._metadata(), sort_keys=False))

    def _add(self, at: int, topic: str, kind: str, data: bytes) -> None:
        if topic not in self._channels:
            if kind not in self._schemas:
                definition = DEFINITIONS[kind].encode()
                self._schemas[kind] = self._writer.register_schema(name=kind, encoding="ros2msg", data=definition)
            self._channels[topic] = self._writer.register_channel(
                topic=topic,
                message_encoding="cdr",
                schema_id=self._schemas[kind],
                metadata={"offered_qos_profiles": ""},
            )
            self._topics[topic] = {"type": kind, "count": 0}
        count = self._topics[topic]["count"]
        self._writer.add_message(self._channels[topic], log_time=at, publish_time=at, sequence=count, data=data)
        self._topics[topic]["count"] = count + 1
        self._times.append(at)

    def _metadata(self) -> dict[str, Any]:
        start, length, count = min(self._times), max(self._times) - min(self._times), len(self._times)
        topics = [
            {
                "topic_metadata": {
                    "name": name,
                    "type": topic["type"],
                    "serialization_format": "cdr",
                    "offered_qos_profiles": [],
                    "type_description_hash": "",
                },
                "message_count": topic["count"],
            }
            for name, topic in self._topics.items()
        ]
        span = {"starting_time": {"nanoseconds_since_epoch": start}, "duration": {"nanoseconds": length}}
        return {
            "rosbag2_bagfile_information": {
                "version": VERSION,
                "storage_identifier": "mcap",
                **span,
                "message_count": count,
                "topics_with_message_count": topics,
                "compression_format": "",
                "compression_mode": "",
                "relative_file_paths": [self._name],
                "files": [{"path": self._name, **span, "message_count": count}],
                "custom_data": None,
                "ros_distro": "jazzy",
            }
        }


def _nanoseconds(stamp: float) -> int:
    return max(0, round(float(stamp) * 1e9))
