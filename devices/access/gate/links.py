"""The two interfaces: whether they are there, forwarding between them, and ports of a bridge kept apart.

Forwarding is switched on for the guest interface and the uplink alone, not for the whole box, and never off again:
somebody else may need it by then. IPv6 knows only one switch for all; whoever learns its own route from router
advertisements goes on doing so (`accept_ra = 2`), which the switch would end.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
from pathlib import Path
from sys import byteorder
from typing import Final

from devices.access.gate.netlink import attributes, messages
from devices.access.gate.settings import Settings

_SYSCTL: Final = Path("/proc/sys/net")
_ROOM: Final = {
    **{f"{ip}/neigh/default/gc_thresh{at}": 2048 << at for ip in ("ipv4", "ipv6") for at in (3, 2, 1)},
    "netfilter/nf_conntrack_max": 131_072,
}
"""Neighbours 4096, 8192 and 16384; connections."""
_MOST_S: Final = {"netfilter/nf_conntrack_tcp_timeout_established": 7440}
"""RFC 5382 wants two hours and four minutes at least. The kernel's five days would keep connections of every phone that
just walked away, until there is room for nobody's.
"""
_GET_FLAGS: Final = 0x8913
_UP, _RUNNING = 0x1, 0x40
_ROUTE: Final = 0
_SET_LINK, _GET_LINK, _ERROR, _DONE = 19, 18, 2, 3
_REQUEST, _ACK, _DUMP = 0x1, 0x4, 0x300
_MASTER, _PROTOCOL_INFO, _ISOLATED = 10, 12, 33
_NESTED: Final = 0x8000
_AF_BRIDGE: Final = 7


class LinksError(Exception):
    def __init__(self, text: str, hint: str) -> None:
        super().__init__(text)
        self.hint = hint


def state(name: str) -> str:
    """up, down or missing; none: no interface is set."""
    if not name:
        return "none"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as asked:
        try:
            answer = fcntl.ioctl(asked, _GET_FLAGS, struct.pack("16sH22x", name.encode(), 0))
        except OSError:
            return "missing"
    flags = struct.unpack_from("=H", answer, 16)[0]
    return "up" if flags & _UP and flags & _RUNNING else "down"


def number(name: str) -> int:
    """0: it is not there. Another number later: another interface, which knows nothing of what the first was told."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return 0


def others_route() -> bool:
    """The box forwards for somebody else: nobody but us leaves the box's own switch alone."""
    try:
        return (_SYSCTL / "ipv4/ip_forward").read_text() == "1\n"
    except OSError:
        return True


def forward(settings: Settings) -> None:
    """Call it when the rules are in. Raises LinksError."""
    if not settings.uplink:
        return
    guest, uplink = settings.interface, settings.uplink
    try:
        for name in (guest, uplink):
            _set(f"ipv4/conf/{name}/forwarding", "1")
        # guests learn nothing of this box's other networks
        _set(f"ipv4/conf/{guest}/arp_ignore", "1")
        _set(f"ipv4/conf/{guest}/send_redirects", "0")
        _make_room()
        if settings.address6:
            _set(f"ipv6/conf/{guest}/accept_ra", "0")
            for one in _SYSCTL.glob("ipv6/conf/*/accept_ra"):
                if one.parent.name not in {guest, "lo"} and one.read_text() == "1\n":
                    one.write_text("2")
            _set("ipv6/conf/all/forwarding", "1")
    except OSError as error:
        raise LinksError(
            f"forwarding can't be switched on: {error.filename}: {error.strerror}",
            "the gate needs CAP_NET_ADMIN and a writable /proc/sys/net: start it as the unit storegate-gate.service",
        ) from error


def shut(settings: Settings) -> None:
    """Nothing of a guest's goes on from here: the interface is nobody else's. For want of rules and of a bar."""
    paths = [f"ipv4/conf/{settings.interface}/forwarding"]
    paths += ["ipv6/conf/all/forwarding"] if settings.address6 else []  # the only switch of IPv6
    for path in paths:
        with contextlib.suppress(OSError):
            _set(path, "0")


def forwarding(settings: Settings) -> bool:
    if not settings.uplink:
        return False
    wanted = [f"ipv4/conf/{name}/forwarding" for name in (settings.interface, settings.uplink)]
    wanted += ["ipv6/conf/all/forwarding"] if settings.address6 else []
    try:
        return all((_SYSCTL / path).read_text() == "1\n" for path in wanted)
    except OSError:
        return False


def _make_room() -> None:
    """For thousands of phones: the kernel's limits are made for an office. Room is only raised, time only cut."""
    for path, least in _ROOM.items():
        with contextlib.suppress(FileNotFoundError, PermissionError):  # both are the box's, not a namespace's
            if int((_SYSCTL / path).read_text()) < least:
                (_SYSCTL / path).write_text(str(least))
    for path, most in _MOST_S.items():
        with contextlib.suppress(FileNotFoundError, PermissionError):
            if int((_SYSCTL / path).read_text()) > most:
                (_SYSCTL / path).write_text(str(most))


def _set(path: str, value: str) -> None:
    at = _SYSCTL / path
    if not at.parent.exists():
        return  # the interface is not there yet, or there is no IPv6
    if at.read_text() != f"{value}\n":
        at.write_text(value)


def isolate(bridge: str) -> int:
    """Every port of the bridge speaks to the bridge only. How many ports there are. Raises LinksError."""
    index = number(bridge)
    if not index:
        return 0
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _ROUTE) as link:
            link.settimeout(5)
            ports = _ports(link, index)
            for port, isolated in ports.items():
                if not isolated:
                    _isolate(link, port)
    except OSError as error:
        raise LinksError(
            f"the ports of {bridge} can't be kept apart: {os.strerror(error.errno or 0)}",
            "the gate needs CAP_NET_ADMIN, and a kernel since 4.18",
        ) from error
    return len(ports)


def _ports(link: socket.socket, bridge: int) -> dict[int, bool]:
    link.send(struct.pack("=IHHII", 32, _GET_LINK, _REQUEST | _DUMP, 1, 0) + _link(0))
    found: dict[int, bool] = {}
    while True:
        for kind, _, body, _ in messages(link.recv(1 << 20)):
            if kind == _DONE:
                return found
            if kind == _ERROR:
                raise OSError(-struct.unpack_from("=i", body)[0], "the kernel refused")
            of = dict(attributes(body[16:]))
            if int.from_bytes(of.get(_MASTER, b""), byteorder) == bridge:
                port = struct.unpack_from("=i", body, 4)[0]
                found[port] = dict(attributes(of.get(_PROTOCOL_INFO, b""))).get(_ISOLATED) == b"\1"


def _isolate(link: socket.socket, port: int) -> None:
    flag = struct.pack("=HHB3x", 5, _ISOLATED, 1)
    body = _link(port) + struct.pack("=HH", 4 + len(flag), _PROTOCOL_INFO | _NESTED) + flag
    link.send(struct.pack("=IHHII", 16 + len(body), _SET_LINK, _REQUEST | _ACK, 2, 0) + body)
    for kind, _, answer, _ in messages(link.recv(1 << 16)):
        code = -struct.unpack_from("=i", answer)[0] if kind == _ERROR else 0
        if code:
            raise OSError(code, os.strerror(code))


def _link(index: int) -> bytes:
    return struct.pack("=BxHiII", _AF_BRIDGE, 0, index, 0, 0)
