"""What one guest can use up, or take of another's: connections, neighbours, the log, and a MAC."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Callable

import pytest

from tests.peers.wifi.given_gateway import Gateway
from tests.peers.wifi.given_login import leave, let_in
from tests.peers.wifi.given_network import GUEST4, NET4
from tests.peers.wifi.given_phone import Phone

Join = Callable[..., Phone]
ARP = 0x0806
MOST_CONNECTIONS = 512
"""`gate.guest_connections`, which this gateway leaves as it is."""
MALFORMED = (
    b"GET / HTTP/9.9\r\n\r\n",
    b"\x16\x03\x01\x02\0\r\n\r\n",
    b"GET /\x1b[31m HTTP/1.1\r\nHost: \x7f\r\n\r\n",
    b"POST /portal/accept HTTP/1.1\r\nHost: 10.64.0.1\r\nContent-Length: -1\r\n\r\n",
)


def connections(wifi: Gateway) -> int:
    return int(wifi.space.run("cat", "/proc/sys/net/netfilter/nf_conntrack_count"))


def in_within_a_second(phone: Phone) -> None:
    began = time.monotonic()
    let_in(phone)
    assert time.monotonic() - began < 1
    assert phone.online()


@pytest.mark.parametrize("member", [True, False], ids=["member", "captive"])
def test_connections_of_one_are_no_others(wifi: Gateway, join: Join, member: bool) -> None:
    greedy, other = join(wifi), join(wifi)
    if member:
        let_in(greedy)
    before = connections(wifi)
    held: list[socket.socket] = []
    try:
        for _ in range(800):  # each with a port of its own, and so a connection
            held.append(greedy.space.socket(socket.AF_INET, socket.SOCK_DGRAM))
            for port in (8080, 9, 10, 11):
                with contextlib.suppress(OSError):
                    held[-1].sendto(b"x", (NET4, port))
        assert connections(wifi) - before <= (MOST_CONNECTIONS if member else 0) + 50
        in_within_a_second(other)
    finally:
        for sock in held:
            sock.close()


def test_neighbours_that_are_made_up(wifi: Gateway, join: Join) -> None:
    """Four thousand phones that are nobody's say where they are."""
    liar, other = join(wifi), join(wifi)
    ours = socket.inet_aton(GUEST4)
    for number in range(4000):
        address = socket.inet_aton(f"10.64.{4 + number // 250}.{1 + number % 250}")
        mac = b"\x0e\0\0\0" + number.to_bytes(2)
        asks = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + mac + address + b"\0" * 6 + ours
        liar.frame(asks, kind=ARP, source=mac.hex(":"), target="ff:ff:ff:ff:ff:ff")
    in_within_a_second(other)
    in_within_a_second(join(wifi))


def test_ten_thousand_odd_requests_leave_a_small_log(wifi: Gateway, join: Join) -> None:
    phone, other = join(wifi), join(wifi)
    logs = [wifi.folder / f"{name}.log" for name in ("daemon", "gate", "dnsmasq")]
    before = sum(log.stat().st_size for log in logs)
    heard = 0
    for number in range(90):
        lines = [
            f"GET /portal/{number}/{each}/%00%0a%1b%5b31m?x=%3Cscript%3E HTTP/1.1\r\nHost: 10.64.0.1\r\n"
            f"User-Agent: \u00ff{each}\r\nCookie: a={'x' * 50}\r\n\r\n"
            for each in range(100)
        ]
        heard += phone.raw(GUEST4, 80, "".join(lines).encode("latin-1") + MALFORMED[0], within_s=20).count(b"HTTP/1.")
    for number in range(1000):
        heard += phone.raw(GUEST4, 80, MALFORMED[number % len(MALFORMED)]).startswith(b"HTTP/1.")
    assert heard > 9_500
    in_within_a_second(other)
    assert sum(log.stat().st_size for log in logs) - before < 50_000, wifi.logs()


def test_a_copied_mac(wifi: Gateway, join: Join) -> None:
    """On an open Wi-Fi nothing tells the two apart, as docs/wifi.md says: one session, and it ends for both.

    Each sleeps while the other is awake: two at once disturb each other.
    """
    member = join(wifi)
    let_in(member)
    before = len(wifi.members())
    member.space.ip("link set eth0 down")
    thief = join(wifi, joined=False)
    thief.space.ip("link set eth0 down", f"link set eth0 address {member.mac} up")
    thief.join(ipv6=False)
    assert thief.address4 == member.address4, "dnsmasq knows it too"
    assert thief.online()
    assert len(wifi.members()) == before, "no second session"
    page = thief.fetch(f"http://{GUEST4}/portal/welcome")
    secrets = [value for value in member.cookies.values() if len(value) > 8]
    assert secrets, "what a shopper's coupons hang on is in the phone, and stays there"
    assert not any(value in page.text for value in secrets)
    assert not any(value in thief.cookies.values() for value in secrets)
    thief.space.ip("link set eth0 down")
    member.space.ip("link set eth0 up")
    member.join(ipv6=False)
    assert member.online()
    assert leave(member).status == 303
    assert member.captive()
    member.space.ip("link set eth0 down")
    thief.space.ip("link set eth0 up")
    thief.join(ipv6=False)
    assert not thief.online()
