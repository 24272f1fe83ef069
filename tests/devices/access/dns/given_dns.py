"""A resolver of the internet on loopback, phones that ask, a gate that only writes down what it is told."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable, Sequence

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from devices.access.dns.captive import CaptiveDns
from edge.board import Board
from edge.config_wifi import GateSection, PortalSection
from edge.errors import DeviceError
from edge.events import Event
from edge.ids import Mac

Zone = dict[tuple[str, str], Sequence[str]]
"""(name, type) → records as text, `ttl TYPE value`; a name that stands nowhere does not exist."""
Spoil = Callable[[dns.message.Message, dns.message.Message], bytes | None]


class Resolver(asyncio.DatagramProtocol):
    """Follows aliases inside its zone, as a resolver does."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.asked: list[tuple[str, str]] = []
        self.ports: set[int] = set()
        self.numbers: set[int] = set()
        self.silent = False
        self.cut = False
        """Over UDP: says that the rest has to be asked for over TCP."""
        self.stops_at_alias = False
        self.code = dns.rcode.NOERROR
        self.spoil: Spoil | None = None
        self.port = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.ports.add(addr[1])
        answer = self.answer(data, cut=self.cut)
        if answer is not None:
            self._transport.sendto(answer, addr)

    def answer(self, data: bytes, *, cut: bool = False) -> bytes | None:
        query = dns.message.from_wire(data)
        self.numbers.add(query.id)
        (question,) = query.question
        name, kind = question.name.to_text().rstrip("."), question.rdtype.name
        self.asked.append((name, kind))
        if self.silent:
            return None
        answer = dns.message.make_response(query)
        answer.set_rcode(self.code)
        if cut:
            answer.flags |= dns.flags.TC
        elif self.code == dns.rcode.NOERROR:
            self._fill(answer, name, kind)
        return self.spoil(query, answer) if self.spoil else answer.to_wire()

    def _fill(self, answer: dns.message.Message, name: str, kind: str) -> None:
        for _ in range(30):
            if records := self.zone.get((name, kind)):
                answer.answer.append(_rrset(name, kind, records))
                return
            alias = self.zone.get((name, "CNAME"))
            if not alias:
                break
            answer.answer.append(_rrset(name, "CNAME", alias))
            name = alias[0].split()[2].rstrip(".")
            if self.stops_at_alias:
                return
        if not any(known == name for known, _ in self.zone):
            answer.set_rcode(dns.rcode.NXDOMAIN)

    async def serve_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (size,) = struct.unpack("!H", await reader.readexactly(2))
        answer = self.answer(await reader.readexactly(size)) or b""
        writer.write(struct.pack("!H", len(answer)) + answer)
        writer.close()


def _rrset(name: str, kind: str, records: Sequence[str]) -> dns.rrset.RRset:
    ttl = int(records[0].split()[0])
    return dns.rrset.from_text(f"{name}.", ttl, "IN", kind, *(record.split(" ", 2)[2] for record in records))


@contextlib.asynccontextmanager
async def resolver(zone: Zone) -> AsyncIterator[Resolver]:
    loop = asyncio.get_running_loop()
    made = Resolver(zone)
    server = await asyncio.start_server(made.serve_tcp, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    transport, _ = await loop.create_datagram_endpoint(lambda: made, local_addr=("127.0.0.1", made.port))
    try:
        yield made
    finally:
        transport.close()
        server.close()


class Gate:
    def __init__(self) -> None:
        self.let_through: list[tuple[list[str], int]] = []
        self.down = False

    async def let(self, addresses: Sequence[str], for_s: int) -> None:
        await asyncio.sleep(0.02)  # the kernel takes a moment; nobody may hear an address before
        if self.down:
            raise DeviceError("the gate is not there")
        self.let_through.append((list(addresses), for_s))

    @property
    def open(self) -> set[str]:
        return {each for addresses, _ in self.let_through for each in addresses}


class Neighbours:
    """Each address is a phone of its own, but for those that `same` names."""

    def __init__(self, same: dict[str, str] | None = None, *, knows: bool = True) -> None:
        self._same = same or {}
        self._knows = knows

    async def mac_of(self, address: str) -> Mac | None:
        return Mac(self._same.get(address, "02:00:00:00:00:01")) if self._knows else None


GATE = GateSection(driver="fake", address4="10.64.0.1/20", address6="fd00:64::1/64")
ONLY4 = GateSection(driver="fake", address4="10.64.0.1/20")


def captive(
    *,
    gate: GateSection = GATE,
    garden: Sequence[str] = (),
    upstream: Resolver | None = None,
    door: Gate | None = None,
    board: Board | None = None,
    neighbours: Neighbours | None = None,
    name: str = "s042.portal.example.net",
) -> CaptiveDns:
    upstreams = (f"127.0.0.1#{upstream.port}",) if upstream else ("127.0.0.1#1",)
    return CaptiveDns(
        gate,
        PortalSection(name=name, dns_upstream=upstreams),
        board=board or Board(),
        garden=lambda: garden,
        let=(door or Gate()).let,
        neighbours=neighbours,
    )


async def told(made: CaptiveDns, packet: bytes, address: str = "10.64.0.7") -> bytes | None:
    answered = made.answer(packet, address)
    return answered if answered is None or isinstance(answered, bytes) else await answered()


async def asked(made: CaptiveDns, name: str, kind: str = "A", *, address: str = "10.64.0.7") -> dns.message.Message:
    packet = await told(made, dns.message.make_query(name, kind).to_wire(), address)
    assert packet is not None
    return dns.message.from_wire(packet)


async def addresses(made: CaptiveDns, name: str, kind: str = "A") -> list[str]:
    answer = await asked(made, name, kind)
    assert answer.rcode() == dns.rcode.NOERROR
    return sorted(record.to_text() for rrset in answer.answer for record in rrset)


async def submit(_: Event) -> None:
    raise AssertionError("DNS tells the journal nothing")


def free_port() -> int:
    """One that is free for UDP and TCP, a moment ago."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
        udp.bind(("::", 0))
        return int(udp.getsockname()[1])


@contextlib.asynccontextmanager
async def running(made: CaptiveDns) -> AsyncIterator[None]:
    task = asyncio.create_task(made.run(submit))
    host = "::1" if made._gate.address6 else "127.0.0.1"  # the last one that it opens
    try:
        while True:
            await asyncio.sleep(0.01)
            assert not task.done()
            with contextlib.suppress(ConnectionRefusedError):
                _, writer = await asyncio.open_connection(host, made._gate.dns_port)
                writer.close()
                break
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
