"""Addresses, and the settings of both ends of a gRPC connection."""

from __future__ import annotations

import ipaddress

import grpc

from robot_rl.core.errors import ConfigError

MAX_MESSAGE = 8 << 20
KEEPALIVE = (
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 3_000),
    ("grpc.keepalive_permit_without_calls", 1),
)
CLIENT_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.use_local_subchannel_pool", 1),
    *KEEPALIVE,
)
SERVER_OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_MESSAGE),
    ("grpc.max_send_message_length", MAX_MESSAGE),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    *KEEPALIVE,
)


def local(address: str) -> str:
    """The address itself, if nothing outside this machine can reach it; else ``ConfigError``.

    Args:
        address: ``host:port`` with a loopback host, or ``unix:path``.
    """
    if address.startswith("unix:"):
        return address
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"address {address!r} is not host:port, for example 127.0.0.1:50051")
    if not _loopback(host.strip("[]")):
        raise ConfigError(
            f"address {address!r} leaves this machine, and encryption is not built yet: use 127.0.0.1:{port}"
        )
    return address


def open_channel(address: str) -> grpc.Channel:
    """A connection to a learner on this machine; it connects by itself, and again after every loss."""
    return grpc.insecure_channel(local(address), options=CLIENT_OPTIONS)


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
