"""The frames of KKM's beacons (KBeacon): JSON in pieces, each acknowledged with the offset that is wanted next. Pure.

A frame is one byte (kind << 4 | tag), a 16-bit offset, and a piece. An acknowledgement is the next offset, a window and
a cause, 16 bits each. From KKM's own library, kbeaconlib2 (KBeacon.java).
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple

SERVICE = "0000fea0-0000-1000-8000-00805f9b34fb"
WRITE = "0000fea1-0000-1000-8000-00805f9b34fb"
NOTIFY = "0000fea2-0000-1000-8000-00805f9b34fb"
HEAD = 3
LEAST_PIECE = 20 - HEAD
"""Before the beacon has said how much fits into one write."""
MAX_BYTES = 4096
WINDOW = 1000
_ACK = struct.Struct(">HHH")


class Kind(IntEnum):
    AUTH = 1
    JSON = 2
    """Down: a piece of ours. Up: its acknowledgement."""
    REPORT = 3
    """Up: a piece of the answer. Down: our acknowledgement."""


class Tag(IntEnum):
    START = 0
    MIDDLE = 1
    END = 2
    SINGLE = 3


class Cause(IntEnum):
    DONE = 0
    NEXT = 4
    """Send the piece at this offset."""
    RECEIVED = 5
    """All is there; what follows is being done."""
    COMPLETE = 6
    MORE = 7


class Ack(NamedTuple):
    offset: int
    cause: int
    data: bytes
    """The beginning of the answer, or all of it."""


class Piece(NamedTuple):
    tag: int
    offset: int
    data: bytes


def head(kind: Kind, tag: Tag = Tag.SINGLE) -> bytes:
    return bytes((kind << 4 | tag,))


def piece_at(payload: bytes, offset: int, *, kind: Kind, room: int) -> bytes:
    """The frame with what begins at an offset. Raises ValueError where nothing begins."""
    if not 0 <= offset < len(payload):
        raise ValueError(f"offset {offset} of {len(payload)} bytes")
    data, last = payload[offset : offset + room], offset + room >= len(payload)
    tag = (Tag.SINGLE if last else Tag.START) if offset == 0 else (Tag.END if last else Tag.MIDDLE)
    return head(kind, tag) + offset.to_bytes(2, "big") + data


def ack(kind: Kind, *, offset: int, cause: int = Cause.DONE, data: bytes = b"") -> bytes:
    return head(kind) + _ACK.pack(offset, WINDOW, cause) + data


def read_ack(frame: bytes) -> Ack | None:
    """None where it is too short to be one."""
    if len(frame) < 1 + _ACK.size:
        return None
    offset, _, cause = _ACK.unpack_from(frame, 1)
    return Ack(offset, cause, frame[1 + _ACK.size :])


def read_piece(frame: bytes) -> Piece | None:
    if len(frame) < HEAD:
        return None
    return Piece(frame[0] & 0x0F, int.from_bytes(frame[1:3], "big"), frame[3:])


def kind_of(frame: bytes) -> int:
    return frame[0] >> 4 if frame else -1


class Assembly:
    """Pieces → the whole. Nothing is taken twice, out of order, or without end."""

    def __init__(self) -> None:
        self.data = b""

    def take(self, piece: Piece) -> tuple[bool, bool]:
        """Whether it was taken, and whether that was the last one."""
        if piece.tag in {Tag.START, Tag.SINGLE} and piece.offset == 0:
            self.data = b""
        if piece.offset != len(self.data) or len(self.data) + len(piece.data) > MAX_BYTES:
            return False, False
        self.data += piece.data
        return True, piece.tag in {Tag.END, Tag.SINGLE}
