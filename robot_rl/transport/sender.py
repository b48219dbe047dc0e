"""The actor's thread that carries the spool to the learner: hello, push from the first missing record, repeat."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import grpc

from robot_rl.core.errors import ConfigError, RobotRLError, SpecError
from robot_rl.transport.service import Stub
from robot_rl.transport.spool import Spool, Stream
from robot_rl.transport.versions import OLDEST, SCHEMA

BATCH_BYTES = 1 << 20
"""A full message: with half of it a sixth of the processor's time goes into the messages themselves."""
WINDOW = 16
"""Batches that may be on their way without an acknowledgement, which comes when they are on the learner's disk."""
LINGER = 0.05
"""Longest time that a record waits for company [s]."""
HELLO_TIMEOUT = 3.0
"""Time for the answer to a greeting, at first [s]; it doubles whenever it was not enough."""
HELLO_LONGEST = 60.0
"""Most that it becomes [s]: a learner whose disk or machine is that busy is there, and would never be heard else."""
RETRY = 0.1
REFUSALS = (grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED)
STRANGERS = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)


class Sender(threading.Thread):
    """Delivers every record of the spool exactly once, in order, however often either side is killed."""

    def __init__(self, spool: Spool, stub: Stub) -> None:
        super().__init__(name="experience-sender", daemon=True)
        self.spool = spool
        self.changed = threading.Condition()
        """Notified when a full batch is waiting, when an acknowledgement came, and at the end."""
        self.greeted = threading.Event()
        """Set while the learner has answered and the connection has not broken since."""
        self.error: RobotRLError | None = None
        """Why the learner refuses this actor, or None."""
        self.schema = SCHEMA
        """The newest schema that the learner knows too, once it has greeted."""
        self._stub = stub
        self._call: grpc.RpcContext | None = None
        self._stopping = False
        self._unsent_bytes = 0
        self._patience = HELLO_TIMEOUT

    def wrote(self, size: int) -> None:
        """A record of ``size`` bytes is in the live stream."""
        self._unsent_bytes += size
        if self._unsent_bytes >= BATCH_BYTES:
            self.wake()

    def wake(self) -> None:
        """Send what there is now."""
        with self.changed:
            self.changed.notify_all()

    def stop(self) -> None:
        """End the thread; records that were not acknowledged stay in the spool."""
        self._stopping = True
        self.wake()
        if self._call is not None:
            self._call.cancel()
        self.join(HELLO_TIMEOUT + 1.0)

    def run(self) -> None:
        """Deliver earlier lives, oldest first, then this one until ``stop``."""
        while not self._stopping and self.error is None:
            older = self.spool.older
            stream = older[0] if older else self.spool.live
            try:
                self._deliver(stream)
            except grpc.FutureCancelledError:
                return
            except grpc.RpcError as error:
                self.greeted.clear()
                self._judge(error)
                self._wait(RETRY)
            else:
                if older and stream is older[0] and stream.waiting == 0:
                    self.spool.finish_oldest()
                else:
                    self._wait(RETRY)
        self.wake()

    def _deliver(self, stream: Stream) -> None:
        closed = stream is not self.spool.live
        hello = self._call = self._stub.hello.future(stream.header, timeout=self._patience, wait_for_ready=True)
        if self._stopping:
            hello.cancel()
        reply = hello.result()
        self._patience = HELLO_TIMEOUT
        self.schema = min(SCHEMA, reply.schema or OLDEST)
        stream.acknowledge(reply.durable, closed=closed)
        self.greeted.set()
        over = threading.Event()
        metadata = (("stream", stream.header.stream),)
        call = self._call = self._stub.push(self._batches(stream, closed, over), metadata=metadata)
        try:
            for ack in call:
                stream.acknowledge(ack.durable, closed=closed)
                self.wake()
                if self._stopping:
                    break
        finally:
            over.set()
            self.wake()
            call.cancel()

    def _batches(self, stream: Stream, closed: bool, over: threading.Event) -> Iterator[bytes]:
        """Slices of the spool from the first record that the learner lacks; runs in a thread of gRPC."""
        sent, in_flight = stream.acked, []
        while not (over.is_set() or self._stopping):
            in_flight = [seq for seq in in_flight if seq > stream.acked]
            if sent < stream.last and len(in_flight) < WINDOW:
                raw, sent = stream.read(sent + 1, BATCH_BYTES)
                in_flight.append(sent)
                self._unsent_bytes = 0
                yield raw
            elif closed and sent == stream.last:
                return
            else:
                self._wait(LINGER)

    def _wait(self, timeout: float) -> None:
        with self.changed:
            if not self._stopping:
                self.changed.wait(timeout)

    def _judge(self, error: grpc.RpcError) -> None:
        if error.code() in REFUSALS:
            self.error = SpecError(error.details())
        elif error.code() in STRANGERS:
            self.error = ConfigError(error.details())
        elif error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            self._patience = min(2 * self._patience, HELLO_LONGEST)
