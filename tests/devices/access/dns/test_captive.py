"""What a phone hears that is not let in."""

from __future__ import annotations

import asyncio
import socket
import struct

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import pytest

from devices.access.dns import rates
from devices.access.dns.captive import CaptiveDns
from edge.board import Board
from edge.config_wifi import GateSection, PortalSection
from edge.errors import DeviceError
from tests.devices.access.dns.given_dns import (
    GATE,
    ONLY4,
    Gate,
    Neighbours,
    addresses,
    asked,
    captive,
    free_port,
    running,
    submit,
    told,
)


async def test_every_name_is_the_portal_for_seconds() -> None:
    made = captive()
    for name in ("captive.apple.com", "connectivitycheck.gstatic.com", "nowhere.invalid", "printer"):
        answer = await asked(made, name)
        assert answer.answer[0].to_text().endswith("IN A 192.0.2.1")
        assert 2 <= answer.answer[0].ttl <= 5
        assert await addresses(made, name, "AAAA") == ["2001:db8::53"]
        assert answer.flags & dns.flags.RA


async def test_without_ipv6_there_is_no_address_of_it() -> None:
    assert await addresses(captive(gate=ONLY4), "captive.apple.com", "AAAA") == []


async def test_the_portals_own_name_is_this_box() -> None:
    made = captive()
    assert await addresses(made, "S042.Portal.example.NET") == ["10.64.0.1"]
    assert await addresses(made, "s042.portal.example.net", "AAAA") == ["fd00:64::1"]
    assert await addresses(captive(gate=ONLY4), "s042.portal.example.net", "AAAA") == []
    assert await addresses(made, "s042.portal.example.net", "HTTPS") == []


@pytest.mark.parametrize("kind", ["HTTPS", "SVCB", "PTR", "SRV", "SOA", "NS"])
async def test_what_stands_beside_an_address_is_empty(kind: str) -> None:
    answer = await asked(captive(), "www.example.com", kind)
    assert (answer.rcode(), answer.answer) == (dns.rcode.NOERROR, [])


@pytest.mark.parametrize("kind", ["ANY", "TXT", "NULL", "MX", "CNAME", "AXFR", "DNSKEY", "TYPE65400"])
async def test_the_rest_is_refused(kind: str) -> None:
    board = Board()
    answer = await asked(captive(board=board), "www.example.com", kind)
    assert (answer.rcode(), answer.answer) == (dns.rcode.REFUSED, [])
    assert (board.wifi.dns_answered, board.wifi.dns_refused) == (0, 1)


@pytest.mark.parametrize(
    "name",
    [
        ".".join(["aaaaaaaaaa"] * 12),
        "a" * 63 + ".t.example.com",
        "mzxw6ytboi2dqmbrgiztinjwg44dsmbrgi.mzxw6ytboi2dqmbrgiztinjwg44dsmbrgi.t.example.com",
        ".".join("abcdefghijk") + ".t",
        r"da\000ta.example.com",
        "d a t a.example.com",
        ".",
    ],
)
async def test_data_in_a_name_is_refused(name: str) -> None:
    if len(name) == 63 + 14:  # one long label is a content network's
        assert (await asked(captive(), name)).rcode() == dns.rcode.NOERROR
    else:
        assert (await asked(captive(), name)).rcode() == dns.rcode.REFUSED


async def test_edns_is_answered_and_a_later_version_is_not() -> None:
    made = captive()
    query = dns.message.make_query("www.example.com", "A", use_edns=0, payload=4096, want_dnssec=True)
    answer = dns.message.from_wire(await told(made, query.to_wire()) or b"")
    assert (answer.edns, answer.payload, answer.rcode()) == (0, 1232, dns.rcode.NOERROR)
    later = dns.message.make_query("www.example.com", "A", use_edns=1)
    answer = dns.message.from_wire(await told(made, later.to_wire()) or b"")
    assert answer.rcode() == dns.rcode.BADVERS
    plain = dns.message.make_query("www.example.com", "A", use_edns=False)
    assert dns.message.from_wire(await told(made, plain.to_wire()) or b"").edns == -1


async def test_what_is_no_question_gets_no_more_than_it_deserves() -> None:
    made, query = captive(), dns.message.make_query("www.example.com", "A", use_edns=False)
    answer = dns.message.make_response(query)
    assert await told(made, answer.to_wire()) is None
    for short in (b"", b"\0", query.to_wire()[:11], query.to_wire()[:16], b"\0" * 5000):
        assert await told(made, short) is None
    query.set_opcode(dns.opcode.UPDATE)
    assert (await told(made, query.to_wire()) or b"")[3] == dns.rcode.NOTIMP
    two = struct.pack("!HHHHHH", 7, 0, 2, 0, 0, 0) + b"\x01a\0\0\x01\0\x01" * 2
    assert await told(made, two) == struct.pack("!HHHHHH", 7, 0x8001, 0, 0, 0, 0)
    loop = struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\xc0\x0c\0\x01\0\x01"
    assert await told(made, loop) == struct.pack("!HHHHHH", 7, 0x8101, 0, 0, 0, 0)
    chaos = dns.message.make_query("version.bind", "TXT", "CH")
    assert dns.message.from_wire(await told(made, chaos.to_wire()) or b"").rcode() == dns.rcode.REFUSED


async def test_who_is_not_on_the_guest_network_hears_nothing() -> None:
    made = captive(gate=GateSection(interface="br-guest", address4="10.64.0.1/20", address6="fd00:64::1/64"))
    packet = dns.message.make_query("www.example.com", "A").to_wire()
    for address in ("192.168.1.7", "10.64.16.1", "127.0.0.1", "fd00:65::1", "fe80::1%eth7", "fe80::1"):
        assert await told(made, packet, address) is None
    for address in ("10.64.15.254", "fd00:64::abcd"):
        assert await told(made, packet, address) is not None


async def test_one_guest_may_ask_so_much_with_however_many_addresses() -> None:
    made = captive(neighbours=Neighbours())
    packet = dns.message.make_query("www.example.com", "A").to_wire()
    mine = [f"fd00:64::{number:x}" for number in range(1, 9)]
    for address in mine:
        assert await told(made, packet, address) is not None  # nobody knows yet whose they are
    await asyncio.sleep(0.01)
    heard = [await told(made, packet, mine[number % 8]) for number in range(200)]
    assert rates.EACH_BURST <= sum(each is not None for each in heard) <= rates.EACH_BURST + 10


async def test_another_guest_is_not_held_up() -> None:
    board = Board()
    made = captive(board=board, neighbours=Neighbours({"10.64.0.9": "02:00:00:00:00:09"}))
    packet = dns.message.make_query("www.example.com", "A").to_wire()
    for address in ("10.64.0.8", "10.64.0.9"):
        await told(made, packet, address)
    await asyncio.sleep(0.01)
    heard = [await told(made, packet, "10.64.0.8") for _ in range(500)]
    assert heard[-1] is None
    assert await told(made, packet, "10.64.0.9") is not None
    assert board.wifi.dns_refused == sum(each is None for each in heard)


async def test_made_up_senders_share_one_allowance() -> None:
    made = captive(neighbours=Neighbours(knows=False))
    packet = dns.message.make_query("www.example.com", "A").to_wire()
    heard = [await told(made, packet, f"10.64.{number // 250}.{number % 250 + 2}") for number in range(1000)]
    assert rates.STRANGERS_PER_S <= sum(each is not None for each in heard) <= rates.STRANGERS_PER_S + 50


async def test_all_together_have_a_limit() -> None:
    made, packet = captive(), dns.message.make_query("www.example.com", "A").to_wire()
    heard = [await told(made, packet, f"10.64.{number // 250}.{number % 250 + 2}") for number in range(3000)]
    assert rates.ALL_PER_S <= sum(each is not None for each in heard) <= rates.ALL_PER_S + 1500


class Client(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[bytes, tuple[str, int]]] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard.put_nowait((data, addr))


@pytest.mark.parametrize("asked_at", ["127.0.0.1", "127.0.0.5", "::1"])
async def test_the_answer_comes_from_the_address_that_was_asked(asked_at: str) -> None:
    port = free_port()
    made = captive(gate=GateSection(driver="fake", address6="fd00:64::1/64", dns_port=port))
    async with running(made):
        loop = asyncio.get_running_loop()
        local = ("::1", 0) if ":" in asked_at else ("127.0.0.1", 0)
        transport, client = await loop.create_datagram_endpoint(Client, local_addr=local)
        transport.sendto(dns.message.make_query("www.example.com", "A").to_wire(), (asked_at, port))
        data, sender = await asyncio.wait_for(client.heard.get(), 2)
        transport.close()
    assert sender[:2] == (asked_at, port)
    assert dns.message.from_wire(data).answer[0][0].to_text() == "192.0.2.1"


async def over_tcp(port: int, *packets: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for packet in packets:
        writer.write(struct.pack("!H", len(packet)) + packet)
    writer.write_eof()
    heard = await asyncio.wait_for(reader.read(), 2)
    writer.close()
    return heard


async def test_tcp_too() -> None:
    port = free_port()
    made = captive(gate=GateSection(driver="fake", address6="fd00:64::1/64", dns_port=port))
    packet = dns.message.make_query("www.example.com", "A").to_wire()
    async with running(made):
        heard = await over_tcp(port, packet, packet)
        size = struct.unpack("!H", heard[:2])[0]
        assert len(heard) == 2 * (2 + size)
        assert dns.message.from_wire(heard[2 : 2 + size]).answer[0][0].to_text() == "192.0.2.1"
        assert await over_tcp(port, b"x" * 5000) == b""
        assert await over_tcp(port, b"") == b""
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):  # who holds too many is turned away
            await hold(port, 6)


async def hold(port: int, number: int) -> None:
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(number)]
    try:
        packet = dns.message.make_query("www.example.com", "A").to_wire()
        for reader, writer in held:
            writer.write(struct.pack("!H", len(packet)) + packet)
            await asyncio.wait_for(reader.readexactly(2), 2)
    finally:
        for _, writer in held:
            writer.close()


async def test_a_taken_port_is_one_clear_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("", 0))
        made = captive(gate=GateSection(driver="fake", dns_port=taken.getsockname()[1]))
        with pytest.raises(DeviceError, match="can't listen on port"):
            await made.run(submit)


async def test_a_gateway_that_lets_no_ipv6_in_has_no_socket_of_it() -> None:
    port = free_port()
    async with running(captive(gate=GateSection(driver="fake", dns_port=port))):
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other:
            other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            other.bind(("::", port))


def test_it_is_a_driver() -> None:
    made = CaptiveDns(GATE, PortalSection(), board=Board(), garden=lambda: (), let=Gate().let)
    assert made.name == "captive DNS"
