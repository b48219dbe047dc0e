"""How a record lies in a file and in a message: as one entry of the protobuf message ``Batch``.

A file is therefore one long ``Batch``, and any run of whole records is one too: the same bytes go from the actor's
spool over the wire into the learner's log, nothing is encoded twice, and the checksum that the actor made is the one
that a restarted learner checks. The lengths are varints padded to five bytes, so that the header has a fixed size.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import google_crc32c

HEADER = struct.Struct("<B5sBQBIB5s")
"""Tag and length of the record, tag and sequence number, tag and CRC-32C, tag and length of the payload."""
RECORD, SEQ, CRC, PAYLOAD = 0x0A, 0x09, 0x15, 0x1A
INNER = HEADER.size - 6
"""Bytes of the header that the record's own length counts."""
NUMBER = struct.Struct("<Q")
SHIFTS = (0, 7, 14, 21, 28)
MAX_PAYLOAD = 6 << 20
"""Largest payload [bytes]; an observation with larger images is refused when the client is made."""


def frame(seq: int, payload: bytes) -> bytes:
    """One record with its header."""
    return _header(seq, checksum(seq, payload), len(payload)) + payload


def intact(buffer: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Walk the records of a buffer, up to the first that is torn or damaged.

    Args:
        buffer: Records, perhaps with a torn tail.

    Yields:
        Sequence number, payload, and the offset at which the record ends.
    """
    at = 0
    while at + HEADER.size <= len(buffer):
        _, _, _, seq, _, crc, _, size = HEADER.unpack_from(buffer, at)
        start, length = at + HEADER.size, _number(size)
        end = start + length
        if length > MAX_PAYLOAD or end > len(buffer) or buffer[at:start] != _header(seq, crc, length):
            return
        payload = buffer[start:end]
        if checksum(seq, payload) != crc:
            return
        yield seq, payload, end
        at = end


def announced(head: bytes) -> tuple[int, int] | None:
    """Sequence number and size of the record that begins with these bytes; None if they begin none."""
    if len(head) < HEADER.size:
        return None
    _, _, _, seq, _, crc, _, size = HEADER.unpack_from(head)
    length = _number(size)
    if length > MAX_PAYLOAD or head[: HEADER.size] != _header(seq, crc, length):
        return None
    return seq, HEADER.size + length


def checksum(seq: int, payload: bytes) -> int:
    """CRC-32C of the sequence number and the payload."""
    return google_crc32c.extend(google_crc32c.value(NUMBER.pack(seq)), payload)


def _header(seq: int, crc: int, length: int) -> bytes:
    return HEADER.pack(RECORD, padded_varint(INNER + length), SEQ, seq, CRC, crc, PAYLOAD, padded_varint(length))


def padded_varint(value: int) -> bytes:
    """A number below 2^35 in five bytes of seven bits, the lowest first; all but the last are marked."""
    return bytes((*(0x80 | (value >> shift) & 0x7F for shift in SHIFTS[:4]), value >> 28))


def _number(varint: bytes) -> int:
    return sum((byte & 0x7F) << shift for byte, shift in zip(varint, SHIFTS, strict=True))
