"""An open episode: rows handed over by the control thread, written and brought to the disk by threads of its own."""

from __future__ import annotations

import json
import os
import queue
import threading
import zlib
from pathlib import Path
from typing import Final

import numpy as np

from robot_rl.core.errors import DatasetError
from robot_rl.core.records import Observation, StepRecord
from robot_rl.data.digest import Digest, Follower
from robot_rl.data.files import replace_file, sync, write_file
from robot_rl.data.layout import (
    FINAL,
    GROUP,
    LOG,
    META,
    STEP,
    Layout,
    Meta,
    chunk_file,
    pack,
    record_to_json,
    row_bytes,
)
from robot_rl.data.streams import StreamLogs

SYNC_PERIOD: Final = 1.0
"""Time between two waits for the disk [s]: what a power cut can take."""
BUFFER_BYTES: Final = 64 << 20
"""Memory for rows that wait to be written [B]."""
PATIENCE: Final = 30.0
"""Longest time that ``add`` waits for a free slot [s]."""
CLOSE: Final = -1


class Buffer:
    """Memory for rows that wait to be written; made once, used by one episode after the other."""

    def __init__(self, layout: Layout) -> None:
        size = layout.record.itemsize + sum(row_bytes(f) for f in layout.large.values())
        self.slots = int(np.clip(BUFFER_BYTES // size, 8, 256))
        self.records = np.zeros(self.slots, layout.record)
        self.fields = {name: self.records[name] for name in layout.record.names or ()}
        self.large = {k: np.empty((self.slots, *f.shape), f.dtype) for k, f in layout.large.items()}
        for rows in self.large.values():
            rows.fill(0)  # the pages are made here, not one by one in the control loop


class StagedEpisode:
    """The files of one open episode and the two threads that write them and wait for the disk.

    ``add`` copies a row into a free slot of a fixed buffer and returns; it waits only when the disk is a whole buffer
    behind. A row counts once its record, the last thing written of it, is complete: a kill loses only later rows.
    """

    def __init__(self, folder: Path, layout: Layout, meta: Meta, buffer: Buffer) -> None:
        self.folder = folder
        self.layout = layout
        self._records, self._fields, self._large = buffer.records, buffer.fields, buffer.large
        self.committed = 0
        """Records that a kill of this process can no longer take away."""
        self._count = 0
        self._error: OSError | None = None
        self._free: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._full: queue.SimpleQueue[int] = queue.SimpleQueue()
        for slot in range(buffer.slots):
            self._free.put(slot)
        self._open_files(meta)
        self.streams = StreamLogs(folder)
        """Signals that are faster than the steps."""
        self._closing = threading.Event()
        files = {k: (chunk_file(folder / GROUP, k, f), f) for k, f in layout.large.items()}
        self._follower = Follower(files, lambda: self.committed)
        self._writer = threading.Thread(target=self._write_rows, name="episode-writer", daemon=True)
        self._syncer = threading.Thread(target=self._sync_rows, name="episode-syncer", daemon=True)
        self._writer.start()
        self._syncer.start()

    def add(self, step: StepRecord) -> None:
        """Hand over one step."""
        slot = self._take_slot()
        pack(self._fields, slot, step, self.layout.frame_stamps)
        self._hand_over(slot, STEP, step.obs)

    def annotate(self, meta: Meta) -> None:
        """Replace what is known of the episode."""
        replace_file(self.folder / META, self._about(meta))

    def add_final(self, obs: Observation) -> None:
        """Hand over the observation after the last step."""
        slot = self._take_slot()
        self._records[slot] = np.zeros((), self.layout.record)
        self._hand_over(slot, FINAL, obs)

    def close(self) -> dict[str, Digest]:
        """Write what waits, bring it to the disk, close the files; digests of the large ones."""
        self._full.put(CLOSE)
        self._closing.set()
        self._writer.join()
        self._syncer.join()
        self._sync()
        self.streams.close()
        for descriptor in (*self._files.values(), self._log):
            os.close(descriptor)
        self._follower.stop()
        self._raise_error()
        return self._follower.finish()

    def _open_files(self, meta: Meta) -> None:
        group = self.folder / GROUP
        try:
            group.mkdir(parents=True)
            write_file(self.folder / META, self._about(meta))
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._files: dict[str, int] = {}
            for name, feature in self.layout.large.items():
                (group / name).mkdir()
                self._files[name] = os.open(chunk_file(group, name, feature), flags)
            self._log = os.open(self.folder / LOG, flags)
        except OSError as error:
            reason = error.strerror
            raise DatasetError(f"{self.folder}: cannot write ({reason}); free space or choose another folder") from None

    def _about(self, meta: Meta) -> bytes:
        plain = {key: None if isinstance(v, float) and not np.isfinite(v) else v for key, v in meta.items()}
        return json.dumps({"attributes": plain, "record": record_to_json(self.layout.record)}).encode()

    def _take_slot(self) -> int:
        self._raise_error()
        try:
            return self._free.get(timeout=PATIENCE)
        except queue.Empty:
            raise DatasetError(f"{self.folder}: the disk took nothing for {PATIENCE:.0f} s; check it") from None

    def _hand_over(self, slot: int, kind: int, obs: Observation) -> None:
        for name in self.layout.small:
            self._fields[name][slot] = obs[name]
        for name, rows in self._large.items():
            rows[slot] = obs[name]
        self._fields["count"][slot] = self._count
        self._fields["kind"][slot] = kind
        self._count += 1
        self._full.put(slot)

    def _raise_error(self) -> None:
        if self._error is not None:
            reason = self._error.strerror
            raise DatasetError(f"{self.folder}: cannot write ({reason}); free space, what was written is kept")

    def _write_rows(self) -> None:
        for slot in iter(self._full.get, CLOSE):
            self._attempt(slot)
            self._free.put(slot)

    def _sync_rows(self) -> None:
        try:
            sync([self.folder / META, self.folder / GROUP, self.folder, self.folder.parent])
        except OSError as error:
            self._error = error
        while not self._closing.wait(SYNC_PERIOD):
            self._sync()

    def _attempt(self, slot: int) -> None:
        if self._error is not None:
            return
        try:
            self._write(slot)
        except OSError as error:
            self._error = error

    def _write(self, slot: int) -> None:
        record = self._records[slot : slot + 1].view(np.uint8)
        crc = zlib.crc32(record[:-4].data)
        for name, descriptor in self._files.items():
            row = self._large[name][slot].reshape(-1).view(np.uint8)
            crc = zlib.crc32(row.data, crc)
            _write_all(descriptor, row)
        self._fields["crc"][slot] = crc
        _write_all(self._log, record)
        self.committed += 1

    def _sync(self) -> None:
        try:
            for descriptor in (*self._files.values(), self._log):
                os.fdatasync(descriptor)
            self.streams.sync()
        except OSError as error:
            self._error = error


def _write_all(descriptor: int, data: np.ndarray) -> None:
    view = data.data
    while view:
        view = view[os.write(descriptor, view) :]
