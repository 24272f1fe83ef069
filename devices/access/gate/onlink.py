"""The networks that this box is in itself, whatever addresses they have: all but the guests' own are the shop's.

Asked of the kernel over rtnetlink: the networks of all addresses, and all routes without a router, of every interface
but the guests'. Only what lies behind a router is the internet. Layouts: linux/rtnetlink.h and linux/if_addr.h.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from sys import byteorder
from typing import Final

from devices.access.gate import links
from devices.access.gate.netlink import Element, attributes, messages

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Spans = tuple[tuple[int, int], ...]
"""First address and the one after the last, in order, apart from each other."""
_GET_LINK, _GET_ADDRESS, _GET_ROUTE, _ERROR, _DONE = 18, 22, 26, 2, 3
_REQUEST, _DUMP = 0x1, 0x300
_GROUPS: Final = 0x1 | 0x10 | 0x40 | 0x100 | 0x400
"""Interfaces; addresses and routes of IPv4; of IPv6."""
_LOOPBACK, _POINT_TO_POINT = 0x8, 0x10
_ADDRESS: Final = 1
_TO, _OUT, _ROUTER, _WAYS, _ROUTER_OF_OTHER_FAMILY = 1, 4, 5, 9, 18
_UNICAST, _CLONED = 1, 0x200
_AT_ONCE: Final = 1000
_PATIENCE_S: Final = 5.0


def read(guest: str) -> tuple[Network, ...]:
    """Without overlaps, IPv4 first. Raises links.LinksError."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as asked:
            asked.settimeout(_PATIENCE_S)
            flags = {
                struct.unpack_from("=i", body, 4)[0]: struct.unpack_from("=I", body, 8)[0]
                for body in _dump(asked, _GET_LINK, socket.AF_UNSPEC, 16)
            }
            own = links.number(guest)
            near = {number for number, each in flags.items() if not each & _LOOPBACK and number != own}
            # the far end of a line from point to point is a router by itself: what is sent there goes on from there
            lans = {number for number in near if not flags[number] & _POINT_TO_POINT}
            found = []
            for family in (socket.AF_INET, socket.AF_INET6):
                found += [_of_address(body, near) for body in _dump(asked, _GET_ADDRESS, family, 8)]
                found += [_of_route(body, lans) for body in _dump(asked, _GET_ROUTE, family, 12)]
    except OSError as error:
        raise links.LinksError(
            f"the kernel does not tell this box's networks: {error.strerror or error}",
            "guests are kept from those that were known; ip route, and: journalctl -u storegate-gate",
        ) from error
    return collapsed(one for one in found if one is not None)


def collapsed(networks: Iterable[Network]) -> tuple[Network, ...]:
    """Every address once, IPv4 first."""
    every = list(networks)
    four = ipaddress.collapse_addresses(one for one in every if isinstance(one, ipaddress.IPv4Network))
    six = ipaddress.collapse_addresses(one for one in every if isinstance(one, ipaddress.IPv6Network))
    return (*four, *six)


def spans(networks: Iterable[Network], version: int) -> Spans:
    """Networks side by side are one span, as the kernel may have them."""
    return _joined(
        (int(one.network_address), int(one.broadcast_address) + 1) for one in networks if one.version == version
    )


def elements(of: Spans, version: int) -> list[Element]:
    """As an interval set takes them: the first address, and the first that is no longer in it."""
    width = 4 if version == 4 else 16
    ends = 1 << 8 * width
    return [
        element
        for first, after in of
        for element in (
            Element(first.to_bytes(width, "big")),
            *([Element(after.to_bytes(width, "big"), end=True)] if after < ends else []),
        )
    ]


def spans_of(found: Iterable[tuple[bytes, bool]], version: int) -> Spans:
    """Of a set as the kernel has it: keys, and whether each is an end."""
    ends = 1 << (32 if version == 4 else 128)
    seen: list[tuple[int, int]] = []
    start = -1
    for key, is_end in sorted(found, key=lambda one: (one[0], not one[1])):
        at = int.from_bytes(key, "big")
        if is_end and start >= 0:
            seen.append((start, at))
            start = -1
        elif not is_end and start < 0:
            start = at
    return _joined([*seen, (start, ends)] if start >= 0 else seen)


class Watch:
    """Whether addresses, routes or interfaces have changed since it was last asked."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None

    def changed(self) -> bool:
        """At first, and where the kernel tells nothing: yes."""
        if self._socket is None:
            with contextlib.suppress(OSError):
                self._socket = _listening()
            return True
        for heard in range(_AT_ONCE):
            try:
                self._socket.recv(1 << 16)
            except BlockingIOError:
                return heard > 0
            except OSError as error:
                if error.errno != errno.ENOBUFS:  # so much that it did not fit: that is a yes too
                    self.close()
                return True
        return True

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _listening() -> socket.socket:
    made = socket.socket(
        socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
    )
    try:
        made.bind((0, _GROUPS))
    except OSError:
        made.close()
        raise
    return made


def _dump(asked: socket.socket, kind: int, family: int, size: int) -> Iterator[bytes]:
    """The bodies of all answers; `size` is that of their heads. What changes meanwhile is heard by the Watch."""
    asked.send(struct.pack("=IHHII", 16 + size, kind, _REQUEST | _DUMP, kind, 0) + bytes([family]).ljust(size, b"\0"))
    while True:
        for answer, number, body, _ in messages(asked.recv(1 << 20)):
            if number != kind:
                continue
            if answer == _DONE:
                return
            if answer == _ERROR:
                code = -struct.unpack_from("=i", body)[0]
                raise OSError(code, os.strerror(code))
            if len(body) >= size:
                yield body


def _of_address(body: bytes, near: set[int]) -> Network | None:
    """Also where no route says so: a neighbour is one, whichever way packets to it would take."""
    family, length = body[0], body[1]
    index = struct.unpack_from("=I", body, 4)[0]
    return _network(family, dict(attributes(body[8:])).get(_ADDRESS, b""), length) if index in near else None


def _of_route(body: bytes, lans: set[int]) -> Network | None:
    family, length, kind = body[0], body[1], body[7]
    flags = struct.unpack_from("=I", body, 8)[0]
    of = dict(attributes(body[12:]))
    if kind != _UNICAST or flags & _CLONED or not any(_ends_here(way, lans) for way in _ways(of)):
        return None
    return _network(family, of.get(_TO, b""), length)


def _ways(of: dict[int, bytes]) -> Iterator[dict[int, bytes]]:
    if _OUT in of:
        yield of
    several, at = of.get(_WAYS, b""), 0
    while at + 8 <= len(several):
        length, _, _, index = struct.unpack_from("=HBBi", several, at)
        if length < 8:
            return
        yield {**dict(attributes(several[at + 8 : at + length])), _OUT: index.to_bytes(4, byteorder, signed=True)}
        at += (length + 3) & ~3


def _ends_here(way: dict[int, bytes], lans: set[int]) -> bool:
    return int.from_bytes(way[_OUT], byteorder) in lans and not {_ROUTER, _ROUTER_OF_OTHER_FAMILY} & way.keys()


def _network(family: int, address: bytes, length: int) -> Network | None:
    """None: not one that guests' packets could go to, or everything."""
    if len(address) != (4 if family == socket.AF_INET else 16) or not 0 < length <= 8 * len(address):
        return None
    found = ipaddress.ip_network((address, length), strict=False)
    return None if found.is_multicast or found.is_link_local or found.is_loopback else found


def _joined(of: Iterable[tuple[int, int]]) -> Spans:
    whole: list[tuple[int, int]] = []
    for first, after in sorted(of):
        if whole and first <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(whole[-1][1], after))
        else:
            whole.append((first, after))
    return tuple(whole)
