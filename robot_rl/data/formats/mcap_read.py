"""Reads episodes from MCAP recordings: those that an export wrote, and those of any ROS 2 graph with ``/action``.

A step is one message on ``/action``; its observation is the newest message of every other topic until then. What comes
after the last action is the observation after the last step.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml
from numpy.typing import NDArray

from robot_rl.core.errors import DatasetError
from robot_rl.core.spec import IMAGES as CAMERAS
from robot_rl.core.spec import Feature, Spec
from robot_rl.data.formats.cdr import ARRAYS, IMAGE, JOINTS, POSE, decode
from robot_rl.data.formats.columns import Incoming, described
from robot_rl.data.formats.needs import need
from robot_rl.data.formats.report import Report
from robot_rl.data.layout import ACTIONS, Layout
from robot_rl.data.streams import STREAMS

STEP: Final = "/step"
EPISODE: Final = "/episode"
STREAM: Final = "/stream/"
"""Prefix of the topics of signals that are faster than the steps."""
ACTION: Final = "/action"
READ: Final = {*ARRAYS, IMAGE, JOINTS, POSE}
"""Types of message that become features."""
Message = tuple[int, str, Any]
"""Time [ns], topic, what it says."""


def topic_of(name: str) -> str:
    """The topic of a feature or column."""
    return "/" + name.replace(".", "/")


@dataclass
class Bag:
    """One recording: one or several files, one after the other."""

    files: list[Path]

    def kinds(self) -> dict[str, str]:
        """Topic -> type of its messages."""
        kinds = {}
        for file in self.files:
            with open(file, "rb") as opened:
                summary = need("mcap.reader").make_reader(opened).get_summary()
                for channel in summary.channels.values() if summary else ():
                    kinds[channel.topic] = summary.schemas[channel.schema_id].name
        return kinds

    def messages(self, topics: Iterable[str]) -> Iterator[Message]:
        """Messages on some topics, by time."""
        for file in self.files:
            with open(file, "rb") as opened:
                reader = need("mcap.reader").make_reader(opened)
                for schema, channel, message in reader.iter_messages(topics=list(topics)):
                    yield message.log_time, channel.topic, decode(schema.name, message.data)


def read(source: Path, report: Report) -> tuple[Spec, dict[str, Any], Iterator[Incoming]]:
    """Spec, meta and episodes of a bag, or of a folder of bags."""
    bags = _find(source)
    try:
        first = {topic: value for _, topic, value in bags[0].messages([EPISODE])}
        side = described(first.get(EPISODE))
        spec = Spec.from_json(side["spec"]) if side else _spec(bags[0], report)
    except (need("mcap.exceptions").McapError, OSError, ValueError):
        raise DatasetError(f"{bags[0].files[0]} cannot be read: repair it with 'mcap recover', convert again") from None
    meta = side["meta"] if side else {}
    return spec, meta, (_episode(bag, spec, report) for bag in bags)


def _find(source: Path) -> list[Bag]:
    if source.is_file():
        return [Bag([source])]
    if (source / "metadata.yaml").exists():
        return [_listed(source)]
    folders = sorted(path.parent for path in source.glob("*/metadata.yaml"))
    bags = [_listed(folder) for folder in folders] or [Bag([file]) for file in sorted(source.glob("*.mcap"))]
    if not bags:
        raise DatasetError(f"{source} holds no MCAP recordings: give a bag, a folder of bags, or an .mcap file")
    return bags


def _listed(folder: Path) -> Bag:
    facts = yaml.safe_load((folder / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
    if facts["storage_identifier"] != "mcap":
        found = facts["storage_identifier"]
        raise DatasetError(f"{folder} is stored as {found}: turn it into MCAP with 'ros2 bag convert' first")
    return Bag([folder / name for name in facts["relative_file_paths"]])


def _spec(bag: Bag, report: Report) -> Spec:
    """Features of somebody else's recording."""
    kinds = bag.kinds()
    if ACTION not in kinds:
        there = ", ".join(sorted(kinds)) or "nothing"
        raise DatasetError(f"{bag.files[0]} has no topic /action, only {there}: remap the topic of the commands to it")
    report.lost |= {topic: f"{kind} is not read" for topic, kind in kinds.items() if kind not in READ}
    wanted = {topic for topic, kind in kinds.items() if kind in READ}
    seen: dict[str, Any] = {}
    times = []
    for at, topic, value in bag.messages(wanted):
        seen.setdefault(topic, value)
        times += [at] if topic == ACTION else []
    if len(times) < 2 or not all(np.ndim(value) for value in seen.values()):
        raise DatasetError(f"{bag.files[0]} has fewer than two actions, or images of an unknown encoding: check it")
    report.assumed |= {"observation": "the newest message of each topic at each action"}
    report.assumed |= {"outcome": "unlabeled", "reward": "0", "source": "a person", "ledger": "empty"}
    features = {_feature_name(topic, kinds[topic]): _feature(v) for topic, v in seen.items() if topic != ACTION}
    rate = 1e9 / float(np.median(np.diff(times)))
    return Spec(observation=features, action_dim=int(np.size(seen[ACTION])), rate=round(rate, 3))


def _feature_name(topic: str, kind: str) -> str:
    name = topic.strip("/").replace("/", ".")
    if kind == IMAGE:
        return CAMERAS + name.removeprefix(CAMERAS).removesuffix(".image_raw").replace(".", "_")
    return name if name.startswith("observation.") else f"observation.{name}"


def _feature(value: NDArray) -> Feature:
    dtype = "float32" if value.dtype == np.float64 else value.dtype.name
    return Feature(value.shape or (1,), dtype)


def _episode(bag: Bag, spec: Spec, report: Report) -> Incoming:
    kinds = bag.kinds()
    topics = {topic: _feature_name(topic, kind) for topic, kind in kinds.items() if kind in READ}
    ours = EPISODE in kinds
    if ours:
        topics = {topic_of(name): name for name in spec.observation}
    missing = set(spec.observation) - set(topics.values())
    if missing:
        raise DatasetError(f"{bag.files[0]} lacks {sorted(missing)[0]!r}, which the first has: convert it alone")
    topics = {topic: name for topic, name in topics.items() if name in spec.observation}
    columns, facts = _columns(bag, spec) if ours else _foreign_columns(bag, set(topics), report)
    return Incoming(rows=_rows(bag, topics, spec), columns=columns, **facts)


def _columns(bag: Bag, spec: Spec) -> tuple[dict[str, NDArray], dict[str, Any]]:
    features = Layout(spec).step_columns
    rows: dict[str, list[NDArray]] = {topic_of(name): [] for name in ACTIONS} | {STEP: []}
    text = ""
    for _, topic, value in bag.messages([*rows, EPISODE]):
        if topic == EPISODE:
            text = value
        else:
            rows[topic].append(value)
    columns = {name: np.stack(rows[topic_of(name)]) for name in ACTIONS}
    scalars = np.stack(rows[STEP])
    about = described(text) or {}
    places = {name: i for i, name in enumerate(about["columns"]) if name in features}
    columns |= {name: scalars[:, i].astype(features[name].dtype) for name, i in places.items()}
    facts = {key: about["episodes"][0][key] for key in ("outcome", "meta")}
    return columns, {**facts, "streams": _streams(bag, about.get(STREAMS, {}))}


def _streams(bag: Bag, about: dict[str, Any]) -> dict[str, tuple[NDArray, NDArray]]:
    stamps: dict[str, list[float]] = {name: [] for name in about}
    values: dict[str, list[NDArray]] = {name: [] for name in about}
    for at, topic, value in bag.messages([STREAM + name for name in about]):
        name = topic.removeprefix(STREAM)
        stamps[name].append(at / 1e9)
        values[name].append(np.asarray(value, about[name]["dtype"]).reshape(about[name]["shape"]))
    return {name: (np.array(stamps[name]), np.stack(values[name])) for name in about if values[name]}


def _foreign_columns(bag: Bag, topics: set[str], report: Report) -> tuple[dict[str, NDArray], dict[str, Any]]:
    """Actions and their times, from the first on at which every topic has spoken."""
    seen: set[str] = set()
    actions, times, early = [], [], 0
    for at, group in itertools.groupby(bag.messages({*topics, ACTION}), lambda message: message[0]):
        values = {topic: value for _, topic, value in group}
        seen |= set(values) & topics
        if ACTION in values and seen == topics:
            actions.append(np.asarray(values[ACTION], np.float32).reshape(-1))
            times.append(at / 1e9)
        elif ACTION in values:
            early += 1
    if not actions:
        raise DatasetError(f"{bag.files[0]}: at no action had every topic spoken; record longer, or fewer topics")
    if early:
        report.lost["first actions"] = "some came before the first message of every topic"
    stamp = np.array(times)
    truncated = np.arange(len(stamp)) == len(stamp) - 1
    columns = {"action": np.stack(actions), "stamp": stamp, "truncated": truncated}
    return columns, {"outcome": "unlabeled"}


def _rows(bag: Bag, topics: dict[str, str], spec: Spec) -> Iterator[dict[str, NDArray]]:
    newest: dict[str, NDArray] = {}
    fresh = False
    for _, group in itertools.groupby(bag.messages({*topics, ACTION}), lambda message: message[0]):
        values = {topic: value for _, topic, value in group}
        for topic in topics.keys() & values.keys():
            feature = spec.observation[topics[topic]]
            newest[topics[topic]] = np.asarray(values[topic], feature.dtype).reshape(feature.shape)
            fresh = True
        if ACTION in values and len(newest) == len(topics):
            yield dict(newest)
            fresh = False
    if fresh:
        yield dict(newest)
