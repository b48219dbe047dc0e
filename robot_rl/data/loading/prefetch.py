"""Makes batches in a thread of its own while the last one is used."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from robot_rl.core.errors import ConfigError

BatchT = TypeVar("BatchT")


class Prefetch(Generic[BatchT]):
    """An endless iterator over batches; a batch may be used until the next one is asked for.

    One thread calls ``fill`` in order, so the batches are those that a plain loop would have made. Use it in a
    ``with``: leaving it stops the thread.
    """

    def __init__(self, fill: Callable[[BatchT], object], buffers: Sequence[BatchT]) -> None:
        """``fill`` writes a batch into one of ``buffers``: one is in use, the others are filled ahead."""
        if len(buffers) < 2:
            raise ConfigError(f"{len(buffers)} buffers: give at least 2, one to use and one to fill")
        self._fill = fill
        self._empty: queue.Queue[BatchT | None] = queue.Queue()
        self._full: queue.Queue[BatchT | BaseException] = queue.Queue()
        for buffer in buffers:
            self._empty.put(buffer)
        self._used: BatchT | None = None
        self._thread = threading.Thread(target=self._work, name="prefetch", daemon=True)
        self._thread.start()

    def __enter__(self) -> Prefetch[BatchT]:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[BatchT]:
        return self

    def __next__(self) -> BatchT:
        if self._used is not None:
            self._empty.put(self._used)
            self._used = None
        batch = self._full.get()
        if isinstance(batch, BaseException):
            self._full.put(batch)
            raise batch
        self._used = batch
        return batch

    def close(self) -> None:
        """Stop the thread; the batch at work is finished first."""
        self._empty.put(None)
        self._thread.join()

    def _work(self) -> None:
        try:
            while (buffer := self._empty.get()) is not None:
                self._fill(buffer)
                self._full.put(buffer)
        except BaseException as error:  # noqa: BLE001  (handed to the caller of next)
            self._full.put(error)
