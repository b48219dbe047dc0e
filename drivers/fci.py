"""Ask a Franka robot which version of its control interface it speaks, without taking control of it.

The manufacturer's Python library does not tell. A connection request of a version that no robot has is always refused,
and the refusal names the robot's own version; it starts no session and disturbs none.
"""

from __future__ import annotations

import socket
import struct

from drivers.link import ArmRefusedError

PORT = 1337
NO_VERSION = 0
_HEADER = struct.Struct("<III")
_REQUEST = struct.Struct("<HH")
_RESPONSE = struct.Struct("<BH")


def server_version(address: str, timeout: float = 2.0) -> int:
    """The version of the robot's control interface at ``address``; ``ArmRefusedError`` when it does not tell."""
    size = _HEADER.size + _REQUEST.size
    request = _HEADER.pack(0, 0, size) + _REQUEST.pack(NO_VERSION, 0)
    try:
        with socket.create_connection((address, PORT), timeout=timeout) as line:
            line.sendall(request)
            answer = _receive(line, _HEADER.size + _RESPONSE.size)
    except OSError as error:
        reason = f"{address}: no Franka control interface answers ({error})"
        raise ArmRefusedError(f"{reason}; check the cable, the address, and that FCI is activated in Desk") from None
    command, _, _ = _HEADER.unpack_from(answer)
    status, version = _RESPONSE.unpack_from(answer, _HEADER.size)
    if command != 0 or status != 1 or version == NO_VERSION:
        raise ArmRefusedError(f"{address}: port {PORT} is not a Franka control interface; check the address")
    return int(version)


def _receive(line: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = line.recv(size - len(data))
        if not part:
            raise ConnectionError("the connection was closed")
        data += part
    return data
