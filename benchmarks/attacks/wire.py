"""What strangers and broken programs may send to a learner: noise on TCP, HTTP/2, gRPC, protobuf and in records."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from random import Random

import grpc
from attacks import events

from robot_rl.transport.codec import spec_json
from robot_rl.transport.experience_pb2 import Header, WatchRequest
from robot_rl.transport.service import NAME
from robot_rl.transport.versions import SCHEMA

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\0\0\0\4\0\0\0\0\0"
LIMIT = [("grpc.max_send_message_length", -1), ("grpc.max_metadata_size", 1 << 22)]
Attack = Callable[[Random, str], None]


def _speak(address: str, data: bytes, rng: Random) -> None:
    host, _, port = address.rpartition(":")
    with suppress(OSError), socket.create_connection((host, int(port)), 5.0) as connection:
        connection.settimeout(0.05)
        connection.sendall(data)
        if rng.random() < 0.3:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # ends with a reset
        elif rng.random() < 0.3:
            connection.recv(1 << 16)


def noise(rng: Random, address: str) -> None:
    """Random bytes, perhaps after a good beginning."""
    begin = rng.choice([b"", PREFACE, PREFACE[: rng.randrange(24)], b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01"])
    _speak(address, begin + rng.randbytes(rng.choice([0, 1, 9, 100, 5000, 100_000])), rng)


def frames(rng: Random, address: str) -> None:
    """HTTP/2 frames with sound heads."""
    parts = [PREFACE, SETTINGS]
    for _ in range(rng.randrange(1, 30)):
        body = rng.randbytes(rng.choice([0, 4, 5, 8, 16, 300, 16_384]))
        size = len(body) if rng.random() < 0.9 else rng.randrange(1 << 24)
        kind, flags, stream = rng.randrange(12), rng.randrange(256), rng.choice([0, 1, 1, 2, 3, 5, 1 << 30])
        parts.append(struct.pack(">I", size)[1:] + struct.pack(">BBI", kind, flags, stream) + body)
    _speak(address, b"".join(parts), rng)


def _channel(address: str) -> grpc.Channel:
    return grpc.insecure_channel(address, options=[*LIMIT, ("grpc.use_local_subchannel_pool", 1)])


def _uuid(rng: Random) -> str:
    return rng.randbytes(16).hex()


def greetings(rng: Random, address: str) -> None:
    """Hello of many wrong kinds."""
    good = Header(schema=SCHEMA, actor=_uuid(rng), stream=_uuid(rng), spec=spec_json(events.SPEC))
    raws = [rng.randbytes(rng.randrange(300)), good.SerializeToString()[: rng.randrange(200)]]
    for name in ("actor", "stream", "spec"):
        wrong = Header.FromString(good.SerializeToString())
        setattr(wrong, name, rng.choice(["", "../../x", "/etc/passwd", "\0", "A" * 32, "é" * 32, "x" * 100_000, "{}"]))
        raws.append(wrong.SerializeToString())
    good.schema, good.created_ns, good.reader = rng.choice(events.FAR), (1 << 64) - 1, rng.choice(events.FAR)
    raws.append(good.SerializeToString())
    with _channel(address) as channel:
        hello = channel.unary_unary(f"/{NAME}/Hello")
        for raw in raws:
            with suppress(grpc.RpcError):
                hello(raw, timeout=5.0)


def watching(rng: Random, address: str) -> None:
    """Requests for weights, unknown calls, and calls of the wrong kind."""
    wish = WatchRequest(actor=rng.choice(["", "x" * 10_000]), version=rng.choice([0, (1 << 64) - 1]))
    with _channel(address) as channel:
        watch = channel.unary_stream(f"/{NAME}/Watch")
        for raw in (rng.randbytes(rng.randrange(50)), wish.SerializeToString()):
            with suppress(grpc.RpcError):
                next(watch(raw, timeout=0.2))
        for name in ("Hello", "Push", "Watch", "Nothing", "../Hello"):
            with suppress(grpc.RpcError):
                channel.unary_unary(f"/{NAME}/{name}")(rng.randbytes(20), timeout=0.2)


def pushing(rng: Random, address: str) -> None:
    """Unsound batches to a stream that was opened well, or to one that was not."""
    header = Header(schema=SCHEMA, actor=_uuid(rng), stream=_uuid(rng), spec=spec_json(events.SPEC))
    with _channel(address) as channel:
        hello, push = channel.unary_unary(f"/{NAME}/Hello"), channel.stream_stream(f"/{NAME}/Push")
        for _ in range(8):
            with suppress(grpc.RpcError):
                hello(header.SerializeToString(), timeout=5.0)
            stream = header.stream if rng.random() < 0.9 else rng.choice(["", "../x", _uuid(rng), "x" * 9000])
            batches = [events.batch(rng) if rng.random() < 0.9 else rng.randbytes(rng.randrange(500)) for _ in range(3)]
            with suppress(grpc.RpcError):
                list(push(iter(batches), metadata=(("stream", stream),), timeout=2.0))


def bombs(rng: Random, address: str) -> None:
    """Messages that are too large, or become it when they are unpacked."""
    size = rng.choice([9 << 20, 64 << 20])
    with _channel(address) as channel:
        for name, packing in (("Hello", grpc.Compression.Gzip), ("Hello", grpc.Compression.NoCompression)):
            call = channel.unary_unary(f"/{NAME}/{name}")
            with suppress(grpc.RpcError):
                call(bytes(size), timeout=5.0, compression=packing)
        push = channel.stream_stream(f"/{NAME}/Push")
        with suppress(grpc.RpcError):
            list(push(iter([bytes(size)]), timeout=5.0, compression=grpc.Compression.Gzip))


def knocking(rng: Random, address: str) -> None:
    """TLS without a certificate, with noise instead of a handshake, or broken off in the middle of it."""
    host, _, port = address.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([rng.choice(["h2", "http/1.1", "x"])])
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    shaking = context.wrap_bio(incoming, outgoing)
    with suppress(OSError, ssl.SSLError), socket.create_connection((host, int(port)), 2.0) as connection:
        connection.settimeout(0.5)
        for _ in range(rng.randrange(1, 5)):
            with suppress(ssl.SSLWantReadError):
                shaking.do_handshake()
                shaking.write(PREFACE + SETTINGS + rng.randbytes(rng.randrange(300)))
            data = bytearray(outgoing.read())
            if data and rng.random() < 0.5:
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            connection.sendall(data[: rng.randrange(len(data) + 1)] if rng.random() < 0.2 else data)
            incoming.write(connection.recv(1 << 16))


ENCRYPTED: tuple[Attack, ...] = (knocking, knocking, knocking, noise, frames, greetings)
"""Against a server that wants certificates."""
ATTACKS: tuple[Attack, ...] = (noise, noise, frames, frames, greetings, watching, pushing, pushing, pushing)
RARE: tuple[Attack, ...] = (bombs,)
"""Costly ones."""
