"""Whose address it is: the kernel's neighbours of the guest network's interface, held against the leases.

A phone that takes another's IPv4 address by hand has another MAC than the lease: it is not that guest, and nobody. One
that announces another's MAC for its own address gets it written into the kernel's table; so for whatever is done in a
guest's name the gate is asked which MAC the connection's first packet really came from.
"""

from __future__ import annotations

import asyncio
import ipaddress

from devices.access.leases import Leases
from devices.access.orders import Gate, GateError
from devices.access.rtnetlink import Address, Table
from edge.ids import Mac

HERE_S = 300.0
"""A neighbour that was not heard of for so long has gone; the kernel may keep it for ever."""
MAX_TEXT = 64


def plain(address: str) -> Address | None:
    """As a web server sees a peer: with a zone, or IPv4 inside IPv6. None: no address of one phone."""
    if len(address) > MAX_TEXT:
        return None
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if found.version == 6 and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return None if found.is_multicast or found.is_unspecified or found.is_loopback else found


class KernelNeighbours:
    """`edge.portal.asks.Callers`, of one interface."""

    def __init__(self, table: Table, leases: Leases, gate: Gate) -> None:
        self._table = table
        self._leases = leases
        self._gate = gate

    async def mac_of(self, address: str) -> Mac | None:
        """Raises DeviceError when the kernel can't be asked."""
        asked = plain(address)
        raw = None if asked is None else self._table.look(asked)
        mac = None if raw is None else _mac(raw)
        if asked is None or mac is None or asked.version == 6:
            return mac
        lease = await self._leases.of(str(asked))
        if lease is not None and lease.mac != mac:  # the address may have a new tenant since the last look
            lease = await self._leases.of(str(asked), now=True)
        return None if lease is not None and lease.mac != mac else mac

    async def sent(self, mac: Mac, address: str, port: int) -> bool | None:
        asked = plain(address)
        if asked is None or not port:
            return None
        try:
            return await self._gate.sent(mac, address=str(asked), port=port)
        except GateError:
            return None

    async def present(self) -> frozenset[Mac]:
        """All phones on the network, let in or not. Raises DeviceError."""
        found = await asyncio.to_thread(self._table.dump)
        macs = {each.mac for each in found if each.confirmed_s <= HERE_S}
        return frozenset(mac for mac in map(_mac, macs) if mac is not None)


def _mac(raw: bytes) -> Mac | None:
    try:
        return Mac(raw.hex(":"))
    except ValueError:
        return None
