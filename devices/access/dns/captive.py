"""DNS of guests who are not let in: every name is the portal, for seconds; nothing is asked of anybody else for them.

    dns = CaptiveDns(config.gate, config.portal, board=board, neighbours=access.neighbours, let=access.let,
                     garden=lambda: (*shop().portal.garden, *hosts_that_ways_need))
    drivers.append(dns)

Only names of the walled garden are really resolved, and while the uplink is down not even those: so a phone finds the
portal with the line cut, and no tunnel through questions leads anywhere.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from ipaddress import IPv4Interface, IPv6Interface, ip_interface, ip_network

from devices.access.dns import names, rates, sockets, upstream, walled, wire
from devices.access.dns.guests import Guests
from devices.access.dns.wire import Address, Code, Question, Unreadable
from devices.driver import Submit
from edge.board import Board
from edge.config_wifi import GateSection, PortalSection
from edge.errors import DeviceError
from edge.portal.asks import Neighbours

TTL_S = 3
"""Soon after a guest is let in, the real addresses have to be asked for."""
OWN_TTL_S = 60
EMPTY = frozenset({wire.HTTPS, wire.SVCB, wire.PTR, wire.SRV, wire.SOA, wire.NS})
"""Phones ask for these beside an address; REFUSED would send them to another resolver."""
MOST_PENDING = 256
COUNT_S = 5.0

Answered = bytes | Callable[[], Awaitable[bytes]] | None
"""At once, after a look at the internet, or not at all."""


class CaptiveDns:
    """A `devices.driver.Driver`."""

    def __init__(
        self,
        gate: GateSection,
        portal: PortalSection,
        *,
        board: Board,
        garden: Callable[[], Sequence[str]],
        let: walled.Let,
        neighbours: Neighbours | None = None,
    ) -> None:
        """`garden`: names that may be reached by everybody, `*.` for all below one. `neighbours`: so that a guest with
        many addresses counts as one; None: each address counts.
        """
        self._gate = gate
        self._board = board
        self._garden_of = garden
        self._patterns: tuple[str, ...] = ()
        self._garden = names.Garden()
        self._portal_name = portal.name.lower().rstrip(".")
        own = [ip_interface(text) for text in (gate.address4, gate.address6) if text]
        self._own = {wire.A: _of(own, 4), wire.AAAA: _of(own, 6)}
        self._synthetic = {wire.A: (names.PORTAL4,), wire.AAAA: (names.PORTAL6,) if gate.address6 else ()}
        here = ("127.0.0.0/8", "::1") if gate.driver == "fake" else ()
        networks = (*(one.network for one in own), *map(ip_network, here))
        self._families = [socket.AF_INET, *([socket.AF_INET6] if gate.address6 else [])]
        self._walled = walled.Walled(
            upstream.Servers(portal.dns_upstream),
            let=let,
            reachable=names.Reachable([*gate.blocked, *map(str, networks)]),
            ipv6=bool(gate.address6),
        )
        self._guests = Guests(networks, gate.interface, neighbours)
        self._lookups = rates.Buckets(rates.LOOKUPS_PER_S, rates.LOOKUPS_BURST)
        self._pending: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        return "captive DNS"

    async def run(self, submit: Submit) -> None:  # noqa: ARG002 - a question is nothing the journal keeps
        """Raises DeviceError when the port can't be had."""
        udp: list[sockets.Udp] = []
        tcp = sockets.Tcp(self._take_tcp)
        try:
            try:
                for family in self._families:
                    udp.append(sockets.Udp(family, self._gate.dns_port, self._take_udp))
                    await tcp.open(family, self._gate.dns_port)
            except OSError as error:
                hint = "change gate.dns_port in gateway.toml, or stop what uses it (ss -lntup)"
                raise DeviceError(f"can't listen on port {self._gate.dns_port}: {error.strerror}", hint=hint) from error
            await self._count()
        finally:
            for each in udp:
                each.close()
            await tcp.close()
            for task in self._pending:
                task.cancel()
            await asyncio.gather(*self._pending, return_exceptions=True)
            await self._walled.close()
            await self._guests.close()
            self._board.wifi.dns_per_s = 0.0

    async def _count(self) -> None:
        wifi = self._board.wifi
        before = wifi.dns_answered + wifi.dns_refused
        while True:
            await asyncio.sleep(COUNT_S)
            now = wifi.dns_answered + wifi.dns_refused
            wifi.dns_per_s, before = (now - before) / COUNT_S, now

    def _take_udp(self, udp: sockets.Udp, datagram: sockets.Datagram) -> None:
        answered = self.answer(datagram.packet, datagram.sender[0], interface=datagram.interface)
        if isinstance(answered, bytes):
            udp.send(answered, datagram)
        elif answered is not None:
            task = asyncio.create_task(_send_later(udp, datagram, answered))
            self._pending.add(task)
            task.add_done_callback(self._pending.discard)

    async def _take_tcp(self, packet: bytes, sender: sockets.Sender) -> bytes | None:
        interface = sender[3] if len(sender) == 4 else 0
        answered = self.answer(packet, sender[0], interface=interface, room=wire.TCP_BYTES)
        return answered if answered is None or isinstance(answered, bytes) else await answered()

    def answer(self, packet: bytes, address: str, *, interface: int = 0, room: int = 0) -> Answered:
        """`interface`: index of the one it came in by, for an address that says nothing without it."""
        if not self._guests.may_ask(address, interface, _now_s()):
            self._board.wifi.dns_refused += 1
            return None
        question = wire.read(packet)
        if isinstance(question, Unreadable):
            self._board.wifi.dns_refused += 1
            return question.answer or None
        return self._answer(question, address, room)

    def _answer(self, question: Question, address: str, room: int) -> Answered:
        kind, name = question.kind, question.name
        if not names.is_plain(name) or (kind not in EMPTY and kind not in self._synthetic):
            self._board.wifi.dns_refused += 1
            return wire.answer(question, Code.REFUSED)
        self._board.wifi.dns_answered += 1
        if kind in EMPTY:
            return wire.answer(question)
        if name == self._portal_name:
            return wire.answer(question, Code.OK, self._own[kind], ttl_s=OWN_TTL_S, room=room)
        if self._board.wifi.uplink is not False and name in self._garden_now():
            return self._of_garden(question, address, room)
        return self._of_portal(question)

    def _of_portal(self, question: Question) -> bytes:
        return wire.answer(question, Code.OK, self._synthetic[question.kind], ttl_s=TTL_S)

    def _of_garden(self, question: Question, address: str, room: int) -> Answered:
        known = self._walled.known(question.name)
        if known is not None:
            return self._really(question, known, room)
        who = self._guests.who(address)
        has_room = len(self._pending) < MOST_PENDING and self._walled.has_room(question.name)
        if not has_room or not self._lookups.take(who, _now_s()):
            return self._of_portal(question)
        return partial(self._looked_up, question, room)

    async def _looked_up(self, question: Question, room: int) -> bytes:
        return self._really(question, await self._walled.look(question.name), room)

    def _really(self, question: Question, known: walled.Known, room: int) -> bytes:
        if known.failed:
            return self._of_portal(question)
        ttl_s = max(1, int(known.until_s - _now_s()))
        return wire.answer(question, Code.OK, known.of(question.kind), ttl_s=ttl_s, room=room)

    def _garden_now(self) -> names.Garden:
        patterns = tuple(self._garden_of())
        if patterns != self._patterns:
            self._patterns, self._garden = patterns, names.Garden(patterns)
        return self._garden


def _of(own: Sequence[IPv4Interface | IPv6Interface], version: int) -> tuple[Address, ...]:
    return tuple(each.ip for each in own if each.version == version)


async def _send_later(udp: sockets.Udp, datagram: sockets.Datagram, answered: Callable[[], Awaitable[bytes]]) -> None:
    udp.send(await answered(), datagram)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
