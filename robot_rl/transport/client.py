"""The actor's end of the wire. The control thread only hands over; three threads write, send and receive."""

from __future__ import annotations

import queue
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robot_rl.core.errors import ConnectionLostError, DatasetError, RobotRLError, SpecError
from robot_rl.core.records import Observation, StepRecord
from robot_rl.core.spec import Spec
from robot_rl.transport.access import Credentials
from robot_rl.transport.channel import check_address, open_channel
from robot_rl.transport.codec import Meta, encode_begin, encode_end, encode_step, observation_size
from robot_rl.transport.diagnosis import diagnose
from robot_rl.transport.samples import SampleBuffer
from robot_rl.transport.sender import Sender
from robot_rl.transport.service import Stub
from robot_rl.transport.spool import Spool
from robot_rl.transport.versions import SAMPLES_SINCE
from robot_rl.transport.watcher import LearnerStatus, Watcher
from robot_rl.transport.weights import Weights

ABSENCE = 10.0
"""A learner that has been away for this long [s] is not waited for at the end."""


class ExperienceClient:
    """An ``EpisodeSink`` whose steps reach the learner exactly once, and the newest weights from there.

    ``begin`` and ``add`` only put a reference into a queue, so the arrays of a step must not change afterwards.
    ``end`` returns when the episode is on this machine's disk. It makes no difference to an actor whether the learner
    is there: steps wait in the spool, and the policy keeps the weights it has.
    """

    def __init__(
        self,
        address: str,
        spool: Path,
        spec: Spec,
        *,
        credentials: Credentials | None = None,
        flush_timeout: float = 30.0,
    ) -> None:
        observation_size(spec)
        self.spec = spec
        self._address, self._credentials = check_address(address, credentials), credentials
        self.spool = Spool(spool, spec)
        self._flush_timeout = flush_timeout
        self._channel = open_channel(address, credentials)
        stub = Stub(self._channel)
        self._sender = Sender(self.spool, stub)
        self._watcher = Watcher(self.spool.actor, stub)
        self._writer = _Writer(self.spool, self._sender, spec)
        self._adopted: Weights | None = None
        for thread in (self._writer, self._sender, self._watcher):
            thread.start()

    def __enter__(self) -> ExperienceClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def connect(self, timeout: float) -> None:
        """Wait for the learner; ``ConnectionLostError`` if none answers, another error if it refuses."""
        deadline = time.monotonic() + timeout
        while not self._sender.greeted.wait(0.02):
            self._raise()
            if time.monotonic() > deadline:
                reason = diagnose(self._address, self._credentials)
                raise ConnectionLostError(f"no learner answers at {self._address}: {reason}")

    def begin(self, meta: Meta) -> None:
        """Open an episode."""
        self._raise()
        self._writer.items.put(meta)

    def add(self, step: StepRecord) -> None:
        """Hand over one step: a queue operation, nothing else."""
        if self._writer.error is not None:
            self._raise()
        self._writer.items.put(_Step(step, self._adopted, time.monotonic()))

    def stream(self, name: str, stamp: float, value: ArrayLike) -> None:
        """Hand over a sample of a signal that is faster than the steps; from any thread, and none between episodes.

        Args:
            name: Which signal.
            stamp: When it was measured, on the clock of the steps' stamps [s].
            value: A number or an array, of the same shape and type every time.
        """
        self._writer.items.put(_Sample(name, stamp, np.array(value)))

    def end(self, final_obs: Observation | None) -> None:
        """Close the episode and wait until it is on this machine's disk."""
        self._writer.items.put(_End(final_obs))
        self.flush()

    def flush(self) -> None:
        """Wait until all that was added is on this machine's disk; ``DatasetError`` after ``flush_timeout``."""
        done = threading.Event()
        self._writer.items.put(done)
        if not done.wait(self._flush_timeout):
            waited = f"{self._flush_timeout:g} s"
            raise DatasetError(f"spool {self.spool.folder} was not written within {waited}: check its disk")
        self._raise()

    def newest(self, version: int) -> Weights | None:
        """The newest weights, if newer than ``version``; costs nothing."""
        newest = self._watcher.newest
        return newest if newest is not None and newest.version > version else None

    def adopt(self, weights: Weights) -> None:
        """From the next step on actions are chosen by these weights; every step is labelled with version and age."""
        self._adopted = weights

    @property
    def connected(self) -> bool:
        """Whether the learner has answered, and the connection has not broken since."""
        return self._sender.greeted.is_set()

    @property
    def status(self) -> LearnerStatus:
        """What the learner last asked for."""
        return self._watcher.status

    def wait_while_paused(self, timeout: float) -> bool:
        """Wait while the learner asks to; returns whether it still does after ``timeout`` [s]."""
        with self._watcher.changed:
            self._watcher.changed.wait_for(lambda: not self.status.paused or self.status.finished, timeout)
        return self.status.paused and not self.status.finished

    def drain(self, timeout: float) -> bool:
        """Wait until the learner has everything on its disk; False if not, after ``timeout`` [s] or when it is away."""
        self.flush()
        self._sender.wake()
        heard = now = time.monotonic()
        deadline = now + timeout
        while self.spool.pending and now < min(deadline, heard + ABSENCE) and self._sender.error is None:
            with self._sender.changed:
                self._sender.changed.wait(0.1)
            now = time.monotonic()
            heard = now if self._sender.greeted.is_set() else heard
        return self.spool.pending == 0

    def close(self) -> None:
        """Stop the threads; what the learner has not acknowledged stays in the spool for the next start."""
        self._writer.items.put(None)
        self._writer.join(self._flush_timeout)
        self._sender.stop()
        self._watcher.stop()
        self._channel.close()
        self.spool.close()

    def _raise(self) -> None:
        error = self._writer.error or self._sender.error
        if error is not None:
            raise error


class _End:
    def __init__(self, final_obs: Observation | None) -> None:
        self.final_obs = final_obs


class _Sample(NamedTuple):
    name: str
    stamp: float
    value: NDArray


class _Step(NamedTuple):
    record: StepRecord
    weights: Weights | None
    added: float


_Item = Meta | _Step | _Sample | _End | threading.Event | None


class _Writer(threading.Thread):
    """Encodes what the control thread handed over and appends it to the spool."""

    def __init__(self, spool: Spool, sender: Sender, spec: Spec) -> None:
        super().__init__(name="experience-writer", daemon=True)
        self.items: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        self.error: RobotRLError | None = None
        """Why nothing is written any more, or None."""
        self._spool, self._sender, self._spec = spool, sender, spec
        self._samples = SampleBuffer()
        self._open = False

    def run(self) -> None:
        """Write until None comes."""
        while (item := self.items.get()) is not None:
            if self.error is None:
                try:
                    self._handle(item)
                except RobotRLError as error:
                    self.error = error
                except (TypeError, ValueError, KeyError, AttributeError) as error:
                    self.error = SpecError(f"a step cannot be encoded ({error}): give what the spec names")
            if isinstance(item, threading.Event):
                item.set()

    def _handle(self, item: _Item) -> None:
        if isinstance(item, threading.Event):
            self._spool.live.sync()
            self._sender.wake()
        elif isinstance(item, _Sample):
            if self._open and self._sender.schema >= SAMPLES_SINCE:
                self._write(self._samples.add(*item))
        elif isinstance(item, _Step):
            weights = item.weights
            version, age = (weights.version, item.added - weights.published) if weights else (0, 0.0)
            self._write(encode_step(item.record, self._spec, version, age))
        elif isinstance(item, _End):
            for payload in self._samples.rest():
                self._write(payload)
            self._write(encode_end(item.final_obs, self._spec))
            self._open = False
        elif item is not None:
            self._samples.rest()
            self._write(encode_begin(item))
            self._open = True

    def _write(self, payload: bytes | None) -> None:
        if payload is not None:
            self._sender.wrote(self._spool.live.append(payload))
