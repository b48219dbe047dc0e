"""Addresses, and the settings of both ends of a gRPC connection."""

from __future__ import annotations

import ipaddress

import grpc

from robot_rl.core.errors import ConfigError
from robot_rl.transport.access import Credentials

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}
"""Hosts at which a server listens for everybody -> where this machine reaches it."""
MAX_MESSAGE = 8 << 20
LARGE_FRAMES = ("grpc.http2.max_frame_size", 4 << 20)
"""Of HTTP/2; its default of 16 KB costs a sixth of the time that weights take."""
KEEPALIVE = (
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.keepalive_permit_without_calls", 1),
)
ATTEMPT = 2_000
"""How long one attempt to connect may take [ms]: a busy machine may need more than a second to shake hands, and would
never be reached; with more than two, the system's own pauses between its calls into a dead line would grow."""
CLIENT_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", ATTEMPT),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.use_local_subchannel_pool", 1),
    LARGE_FRAMES,
    *KEEPALIVE,
)
SERVER_OPTIONS = (
    ("grpc.so_reuseport", 0),
    LARGE_FRAMES,
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    *KEEPALIVE,
)


def check_address(address: str, credentials: Credentials | None) -> str:
    """The address itself; ``ConfigError`` if others than this machine can reach it and nobody has to prove anything.

    Args:
        address: ``host:port``, or ``unix:path``.
        credentials: What both sides show; None: nothing.
    """
    if address.startswith("unix:"):
        if credentials is not None:
            raise ConfigError(f"{address} is a file of this machine, where rights of files count: omit credentials")
        return address
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"address {address!r} is not host:port, for example 127.0.0.1:50051")
    if credentials is None and not _loopback(host.strip("[]")):
        line = f"address {address!r} leaves this machine: make credentials by robot-rl certificates and give them to"
        raise ConfigError(f"{line} both sides by --credentials, or use 127.0.0.1:{port}")
    return address


def open_channel(address: str, credentials: Credentials | None = None) -> grpc.Channel:
    """A connection to a learner; it connects by itself, and again after every loss."""
    check_address(address, credentials)
    if credentials is None:
        return grpc.insecure_channel(address, options=CLIENT_OPTIONS)
    return grpc.secure_channel(address, credentials.of_channel(), options=CLIENT_OPTIONS)


def listen(server: grpc.Server, bind: str, credentials: Credentials | None = None) -> str:
    """Let a server listen; returns the address at which this machine reaches it, ``ConfigError`` if it is taken."""
    try:
        if credentials is None:
            port = server.add_insecure_port(bind)
        else:
            port = server.add_secure_port(bind, credentials.of_server())
    except RuntimeError as error:
        raise ConfigError(f"cannot listen at {bind}: another process does; choose another port") from error
    host = bind.rpartition(":")[0]
    return bind if bind.startswith("unix:") else f"{EVERYWHERE.get(host, host)}:{port}"


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
