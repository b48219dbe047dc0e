"""What a process does with a dataset until it is killed; each tells on a pipe what must survive it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from crashes.pattern import SPEC, facts, observation, step

from robot_rl.core.errors import DatasetError
from robot_rl.data.archive import archive, expand
from robot_rl.data.dataset import open_dataset
from robot_rl.data.edit import Editor
from robot_rl.data.formats.convert import convert
from robot_rl.data.recorder import EpisodeWriter

Say = Callable[[str, Any], None]
FORMATS = ("robomimic", "diffusion_policy", "lerobot", "mcap")


def speaker(descriptor: int) -> Say:
    """Writes a line per fact."""
    return lambda kind, value: os.write(descriptor, (json.dumps([kind, value]) + "\n").encode()) and None


def record(root: Path, rng: np.random.Generator, say: Say) -> None:
    """Episodes at 30 Hz."""
    name = int(rng.integers(1 << 20))
    with EpisodeWriter(root, SPEC) as writer:
        say("ready", None)
        while True:
            name, length = name + 1, int(rng.integers(3, 30))
            writer.begin({"episode": name})
            due = time.monotonic()
            for row in range(length):
                writer.add(step(name, row, last=row == length - 1))
                say("added", [name, row + 1])
                due += 1 / SPEC.rate
                time.sleep(max(0.0, due - time.monotonic()))
            writer.end(observation(name, length))
            say("saved", [name, length])


def edit(root: Path, rng: np.random.Generator, say: Say) -> None:
    """One edit after the other."""
    say("ready", None)
    while True:
        history = open_dataset(root).version
        say("version", [history, facts(root)])
        with Editor(root) as editor:
            try:
                one_edit(editor, rng)
            except DatasetError as error:
                say("refused", str(error))


def one_edit(editor: Editor, rng: np.random.Generator) -> None:
    """A random edit of a random episode; some are refused."""
    entries = open_dataset(editor.root).index
    entry = entries[int(rng.integers(len(entries)))]
    number, steps = int(entry["number"]), int(entry["steps"])
    everything = [e["number"] for e in entries]
    edits = [
        lambda: editor.delete([number][: len(entries) - 4]),
        lambda: editor.relabel([number], outcome="failure", meta={"notes": str(rng.integers(9))}),
        lambda: editor.relabel(everything, meta={"instruction": "put it there"}),
        lambda: editor.reward(number, rng.uniform(size=steps)),
        lambda: editor.trim(number, 1, steps),
        lambda: editor.split(number, [steps // 2]),
        lambda: editor.merge(editor.root.parent / "other"),
        lambda: editor.undo(),
        lambda: editor.restore(int(rng.integers(len(editor.history()) + 1))),
    ]
    edits[int(rng.integers(len(edits)))]()


def compact(root: Path, rng: np.random.Generator, say: Say) -> None:
    """Archive and expand, and purge now and then."""
    say("ready", None)
    while True:
        say("facts", facts(root))
        everything = [int(e["number"]) for e in open_dataset(root).index]
        some = rng.choice(everything, size=min(3, len(everything)), replace=False).tolist()
        (archive if rng.random() < 0.6 else expand)(root, some)
        if rng.random() < 0.2:
            with Editor(root) as editor:
                editor.purge()


def converting(root: Path, rng: np.random.Generator, say: Say) -> None:
    """To a format and back."""
    kind = FORMATS[int(rng.integers(len(FORMATS)))]
    work = root.parent / f"converted-{rng.integers(1 << 30)}"
    work.mkdir()
    convert(root.parent / "other", work / "warm", kind)  # what must be imported for it is there from here on
    say("ready", None)
    say("facts", facts(root))
    for attempt in range(1000):
        convert(root, work / f"{attempt}", kind)
        say("exported", str(work / f"{attempt}"))
        convert(work / f"{attempt}", work / f"{attempt}-back", kind)
        say("imported", str(work / f"{attempt}-back"))


ACTIVITIES = {"recording": record, "editing": edit, "compacting": compact, "converting": converting}
