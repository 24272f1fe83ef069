"""The kernel's table of neighbours, asked over rtnetlink: which MAC an address has, without starting a process.

The kernel answers a question about one neighbour before `send` returns, so the event loop never waits. A dump of all
is for a thread. Layouts are those of linux/netlink.h and linux/neighbour.h.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

from edge.errors import DeviceError

RTM_NEWNEIGH, RTM_GETNEIGH = 28, 30
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_DUMP = 0x1, 0x300
NDA_DST, NDA_LLADDR, NDA_CACHEINFO, NDA_IFINDEX = 1, 2, 3, 8
NUD_KNOWN = 0x02 | 0x04 | 0x08 | 0x10 | 0x80
"""Reachable, stale, delay, probe, permanent: there is an address behind it."""
HEADER, NDMSG, CACHEINFO = struct.Struct("=IHHII"), struct.Struct("=BxxxiHBB"), struct.Struct("=IIII")
ATTRIBUTE, ERROR = struct.Struct("=HH"), struct.Struct("=i")
MAX_DUMP = 64 * 1024 * 1024
BUFFER = 64 * 1024

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Neighbour(NamedTuple):
    interface: int
    """Its index."""
    address: bytes
    mac: bytes
    state: int
    confirmed_s: float
    """Since it was last sure to be there."""


def question(address: Address, index: int) -> bytes:
    """One neighbour of one interface."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    body = NDMSG.pack(family, index, 0, 0, 0) + _attribute(NDA_DST, address.packed)
    return HEADER.pack(HEADER.size + len(body), RTM_GETNEIGH, NLM_F_REQUEST, 1, 0) + body


def dump_question(index: int) -> bytes:
    body = NDMSG.pack(socket.AF_UNSPEC, 0, 0, 0, 0) + _attribute(NDA_IFINDEX, struct.pack("=I", index))
    return HEADER.pack(HEADER.size + len(body), RTM_GETNEIGH, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    return ATTRIBUTE.pack(ATTRIBUTE.size + len(value), kind) + value + b"\0" * (-len(value) % 4)


class Answer(NamedTuple):
    error: int | None = None
    """An errno; 0: the end, and all is well; None: there is more."""
    neighbour: Neighbour | None = None


def answers(raw: bytes) -> Iterator[Answer]:
    """Messages of one datagram; stops at the first that is cut."""
    at = 0
    while at + HEADER.size <= len(raw):
        length, kind, _, _, _ = HEADER.unpack_from(raw, at)
        if length < HEADER.size or at + length > len(raw):
            return
        body = raw[at + HEADER.size : at + length]
        if kind == NLMSG_ERROR and len(body) >= ERROR.size:
            yield Answer(-ERROR.unpack_from(body)[0])
        elif kind == NLMSG_DONE:
            yield Answer(0)
        elif kind == RTM_NEWNEIGH:
            yield Answer(neighbour=_neighbour(body))
        at += (length + 3) & ~3


def _neighbour(body: bytes) -> Neighbour | None:
    if len(body) < NDMSG.size:
        return None
    _, index, state, _, _ = NDMSG.unpack_from(body)
    address = mac = b""
    confirmed_s = 0.0
    for kind, value in _attributes(body[NDMSG.size :]):
        if kind == NDA_DST:
            address = value
        elif kind == NDA_LLADDR:
            mac = value
        elif kind == NDA_CACHEINFO and len(value) >= CACHEINFO.size:
            confirmed_s = CACHEINFO.unpack_from(value)[0] / os.sysconf("SC_CLK_TCK")
    return Neighbour(index, address, mac, state, confirmed_s)


def _attributes(raw: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + ATTRIBUTE.size <= len(raw):
        length, kind = ATTRIBUTE.unpack_from(raw, at)
        if length < ATTRIBUTE.size or at + length > len(raw):
            return
        yield kind, raw[at + ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3


def _opened() -> socket.socket:
    line = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
    line.bind((0, 0))
    return line


def _raise(error: int | None) -> None:
    if error:
        raise OSError(error, os.strerror(error))


class Table:
    """Of one interface, which may not be there yet, or come back with another index."""

    def __init__(self, interface: str) -> None:
        self._interface = interface

    def look(self, address: Address) -> bytes | None:
        """The MAC; None: it is no neighbour there, or nothing answers under it now. Raises DeviceError."""
        try:
            index = socket.if_nametoindex(self._interface)
        except OSError:
            return None
        try:
            with _opened() as line:
                line.settimeout(0)
                line.send(question(address, index))
                answer = next(answers(line.recv(BUFFER)), None)
            _raise(answer.error if answer is not None else None)
        except OSError as error:
            if error.errno in {errno.ENOENT, errno.ENODEV}:
                return None
            raise DeviceError(f"the kernel does not tell neighbours: {error.strerror}") from error
        found = answer.neighbour if answer is not None else None
        ours = found is not None and found.interface == index and found.state & NUD_KNOWN and len(found.mac) == 6
        return found.mac if found is not None and ours else None

    def dump(self, *, timeout_s: float = 5.0) -> list[Neighbour]:
        """All of the interface that have a MAC. Blocks: for a thread. Raises DeviceError."""
        try:
            index = socket.if_nametoindex(self._interface)
        except OSError:
            return []
        found: list[Neighbour] = []
        try:
            with _opened() as line:
                line.settimeout(timeout_s)
                line.send(dump_question(index))
                taken = 0
                while taken < MAX_DUMP:
                    raw = line.recv(BUFFER)
                    taken += len(raw)
                    for answer in answers(raw):
                        _raise(answer.error)
                        if answer.error == 0:
                            return found
                        if (
                            (each := answer.neighbour)
                            and each.interface == index
                            and each.state & NUD_KNOWN
                            and each.mac
                        ):
                            found.append(each)
        except OSError as error:
            raise DeviceError(f"the kernel does not tell neighbours: {error.strerror or error}") from error
        return found
