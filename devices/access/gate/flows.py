"""Connections of whoever is out: forgotten by the kernel, so that nobody fills its table by coming and going, and no
connection that was led past the portal while they were in goes on afterwards.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterable
from typing import Final

from devices.access.gate.netlink import attribute

_NETFILTER: Final = 12
_DELETE: Final = 1 << 8 | 2
"""IPCTNL_MSG_CT_DELETE: without a tuple, all that fit the filter (linux/netfilter/nfnetlink_conntrack.h)."""
_MARK, _MARK_MASK = 8, 21
_REQUEST, _ACK = 0x1, 0x4
_PATIENCE_S: Final = 1.0
_MOST: Final = 64
"""At once: each is a walk through the whole table. Of a crowd that is sent home, the rest is left to time."""


def forget(marks: Iterable[int]) -> None:
    """Never fails: the rules let nothing of theirs pass in any case."""
    for mark in list(marks)[:_MOST]:
        with contextlib.suppress(OSError), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETFILTER) as kernel:
            kernel.settimeout(_PATIENCE_S)
            body = struct.pack("=BBH", 0, 0, 0)
            body += attribute(_MARK, struct.pack(">I", mark)) + attribute(_MARK_MASK, struct.pack(">I", 0xFFFFFFFF))
            kernel.send(struct.pack("=IHHII", 16 + len(body), _DELETE, _REQUEST | _ACK, 1, 0) + body)
            kernel.recv(4096)
