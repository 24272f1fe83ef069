"""The gate alone, as a process in the gateway: what its rules do to real packets of real phones."""

from __future__ import annotations

import itertools
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.peers.wifi.given_gateway import ADMIN_PORT, PORTAL_PORT, SHOP_PORT, Gateway
from tests.peers.wifi.given_namespaces import until
from tests.peers.wifi.given_network import (
    BEHIND4,
    BOX_SHOP4,
    BOX_SHOP6,
    GARDEN4,
    GARDEN6,
    GUEST4,
    GUEST6,
    NET4,
    NET6,
    OFFICE4,
    OFFICE6,
    ROUTER4,
    ROUTER6,
    SHOP4,
    SHOP6,
    SHOP_PUBLIC4,
    WAN4,
    WAN6,
)
from tests.peers.wifi.given_phone import Phone, udp4

Join = Callable[..., Phone]
AT_ONCE_S = 0.2
HOUR_S = 3600
BOTH = pytest.mark.parametrize("address", [NET4, NET6], ids=["IPv4", "IPv6"])
_marks = itertools.count(1)


def allow(gateway: Gateway, phone: Phone, *, end_s: int = HOUR_S) -> int:
    mark = next(_marks)
    said = gateway.ask("allow", mac=phone.mac, mark=mark, end_s=end_s)
    assert said["ok"], said
    return mark


@pytest.fixture(autouse=True)
def nobody_is_in(bare: Gateway) -> Iterator[None]:
    """As every test finds it."""
    yield
    bare.ask("reset", members=[])


@BOTH
def test_a_member_is_out_and_the_next_phone_is_not(bare: Gateway, join: Join, address: str) -> None:
    member, other = join(bare), join(bare)
    assert member.refused_s(address, 443) < AT_ONCE_S
    allow(bare, member)
    assert member.reaches(address, 443)
    assert member.datagram(address, 443) == b"storegate"
    assert other.refused_s(address, 443) < AT_ONCE_S
    bare.ask("revoke", mac=member.mac)
    assert member.refused_s(address, 443) < AT_ONCE_S


@BOTH
def test_what_is_refused_is_refused_at_once(bare: Gateway, join: Join, address: str) -> None:
    """A browser that waits for a timeout shows nothing for half a minute."""
    phone = join(bare)
    for port in (443, 853, 22, 8443):
        assert phone.refused_s(address, port) < AT_ONCE_S
    began = time.monotonic()
    assert phone.datagram(address, 443) not in {b"storegate", "TimeoutError"}
    assert time.monotonic() - began < AT_ONCE_S


@BOTH
def test_logout_cuts_a_running_download_within_a_second(bare: Gateway, join: Join, address: str) -> None:
    phone = join(bare)
    allow(bare, phone)
    with phone.connect(address, 80) as running:
        running.sendall(b"GET /download HTTP/1.1\r\nHost: x\r\n\r\n")
        assert len(running.recv(65_536)) > 100
        bare.ask("revoke", mac=phone.mac)
        assert drained_s(running) < 1.0


def drained_s(running: socket.socket) -> float:
    """How long bytes still came: the last of them, not the silence after it."""
    began = last = time.monotonic()
    running.settimeout(0.5)
    while time.monotonic() - began < 5:
        try:
            if not running.recv(1 << 20):
                break
        except OSError:
            break
        last = time.monotonic()
    return last - began


def test_the_kernel_ends_a_session_without_anybody(bare: Gateway, join: Join) -> None:
    phone, other = join(bare), join(bare)
    allow(bare, phone, end_s=2)
    allow(bare, other)
    with phone.connect(NET4, 80) as running:
        running.sendall(b"GET /download HTTP/1.1\r\nHost: x\r\n\r\n")
        assert 0.5 < drained_s(running) < 3.0
    assert phone.refused_s(NET4, 443) < AT_ONCE_S
    assert other.reaches(NET4, 443)


def test_extending_a_session_keeps_its_downloads(bare: Gateway, join: Join) -> None:
    phone = join(bare)
    mark = allow(bare, phone, end_s=2)
    with phone.connect(NET4, 80) as running:
        running.sendall(b"GET /download HTTP/1.1\r\nHost: x\r\n\r\n")
        bare.ask("allow", mac=phone.mac, mark=mark, end_s=HOUR_S)
        ends = time.monotonic() + 2.5
        while time.monotonic() < ends:
            assert running.recv(1 << 20)


def test_bytes_are_counted_both_ways(bare: Gateway, join: Join) -> None:
    phone = join(bare)
    mark = allow(bare, phone)
    with phone.connect(NET4, 80) as running:
        running.sendall(b"GET /download HTTP/1.1\r\nHost: x\r\n\r\n")
        got = 0
        while got < 1_000_000:
            got += len(running.recv(1 << 20))
    counted = next(one for one in bare.ask("count")["members"] if one["mac"] == phone.mac)
    assert counted["mark"] == mark
    assert counted["down_bytes"] > 1_000_000
    assert 0 < counted["up_bytes"] < counted["down_bytes"]


@pytest.mark.parametrize("member", [False, True], ids=["captive", "member"])
def test_the_shop_is_out_of_reach(bare: Gateway, join: Join, member: bool) -> None:
    """Its LANs by private and public addresses, the router, what is behind it, and the box itself on every address."""
    phone, next_to = join(bare), join(bare)
    if member:
        allow(bare, phone)
        assert phone.reaches(NET4, 443)
    with listening(bare, 22, 9999, SHOP_PORT, ADMIN_PORT):
        for address in (SHOP4, SHOP6, SHOP_PUBLIC4, BEHIND4, OFFICE4, OFFICE6, ROUTER4, ROUTER6):
            assert not phone.reaches(address, 443), address
            assert phone.datagram(address, 443) != b"storegate", address
        link_local = bare.space.run("ip", "-6", "-o", "addr", "show", "dev", "guest0", "scope", "link").split()[3]
        for address in (GUEST4, GUEST6, WAN4, WAN6, BOX_SHOP4, BOX_SHOP6, f"{link_local.split('/')[0]}%eth0"):
            for port in (22, 9999, SHOP_PORT, ADMIN_PORT):
                assert not phone.reaches(address, port, within_s=0.3), (address, port)
        for address in (next_to.address4, next_to.address6):
            assert not phone.reaches(address, 443, within_s=0.3), address


@contextmanager
def listening(gateway: Gateway, *ports: int) -> Iterator[None]:
    """Something of the box that listens on all addresses, and would answer whoever gets through."""
    with ExitStack() as stack:
        for port in ports:
            sock = stack.enter_context(gateway.space.socket(socket.AF_INET6, socket.SOCK_STREAM))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("::", port))
            sock.listen(50)
        yield


def test_guests_on_a_bridge_do_not_hear_each_other(bare: Gateway, join: Join) -> None:
    """Ports that no access point isolates: then the gate does, rogue DHCP and router advertisements with it."""
    one, two = join(bare, isolated=False), join(bare, isolated=False)
    until(lambda: not heard(one, two), within_s=3, what="the gate saw to the new ports")
    assert not heard(two, one)


def heard(one: Phone, two: Phone) -> bool:
    """Whether a broadcast of one gets to two."""
    with two.space.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as ear:
        ear.bind(("eth0", 0x88B5))
        ear.settimeout(0.2)
        one.frame(b"hello" * 20, kind=0x88B5, target="ff:ff:ff:ff:ff:ff")
        try:
            return bool(ear.recv(2000))
        except TimeoutError:
            return False


def test_nobody_sends_in_another_name(bare: Gateway, join: Join) -> None:
    """A member's packets with a source that is not the guest network's, and a captive's with a member's address."""
    member, other = join(bare), join(bare)
    allow(bare, member)
    with bare.network.internet.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind((NET4, 7777))
        ear.settimeout(0.3)
        for source in (SHOP4, "8.8.8.8", NET4):
            member.frame(udp4(source, NET4, 5555, 7777, source.encode()), kind=0x0800)
        other.frame(udp4(member.address4, NET4, 5555, 7777, b"in a member's name"), kind=0x0800)
        member.frame(udp4(member.address4, NET4, 5555, 7777, b"me"), kind=0x0800)
        assert ear.recv(100) == b"me"
        with pytest.raises(TimeoutError):
            ear.recv(100)


def test_the_gate_killed_changes_nothing(bare: Gateway, join: Join) -> None:
    member, other = join(bare), join(bare)
    mark = allow(bare, member)
    bare.kill("gate")
    assert member.reaches(NET4, 443)
    assert member.reaches(NET6, 443)
    assert other.refused_s(NET4, 443) < AT_ONCE_S
    with member.connect(NET4, 80) as running:
        running.sendall(b"GET /download HTTP/1.1\r\nHost: x\r\n\r\n")
        assert running.recv(100)
        bare.start_gate()
        for _ in range(20):
            assert running.recv(1 << 20)
    assert [(one["mac"], one["mark"]) for one in bare.ask("list")["members"]] == [(member.mac, mark)]
    assert other.refused_s(NET6, 443) < AT_ONCE_S


def test_rules_changed_by_hand_are_put_back(bare: Gateway, join: Join) -> None:
    member, other = join(bare), join(bare)
    allow(bare, member)
    before = bare.ask("status")["repairs"]
    bare.space.run("nft", "insert", "rule", "inet", "storegate", "guest_forward", "accept")
    until(lambda: bare.ask("status")["repairs"] > before, within_s=10, what="it noticed")
    assert other.refused_s(NET4, 443) < AT_ONCE_S
    assert member.reaches(NET4, 443)
    bare.space.run("nft", "flush", "ruleset")
    until(lambda: bare.ask("status")["repairs"] > before + 1, within_s=10, what="it noticed again")
    assert other.refused_s(NET6, 443) < AT_ONCE_S
    until(lambda: member.reaches(NET6, 443), within_s=2, what="the member is in again")


def test_the_guest_interface_pulled_and_put_back(bare: Gateway, join: Join) -> None:
    member, other = join(bare), join(bare)
    allow(bare, member)
    bare.network.pull_guest_bridge()
    until(lambda: bare.ask("status")["interface"] == "missing", within_s=10, what="it says so")
    bare.network.guest_bridge()
    until(lambda: bare.ask("status")["interface"] == "up", within_s=10, what="it says so")
    assert bare.ask("status")["rules"] == "in_place"
    until(lambda: member.reaches(NET4, 443), within_s=5, what="the member is in again")
    assert other.refused_s(NET4, 443) < AT_ONCE_S


def test_two_thousand_members_come_in_one_step(bare: Gateway, join: Join) -> None:
    phone, other = join(bare), join(bare)
    crowd = [{"mac": f"0a:00:00:00:{n >> 8:02x}:{n & 255:02x}", "mark": 100_000 + n, "end_s": HOUR_S}
             for n in range(1999)]  # fmt: skip
    began = time.monotonic()
    said = bare.ask("reset", members=[*crowd, {"mac": phone.mac, "mark": 99_999, "end_s": HOUR_S}])
    assert said["ok"], said
    assert time.monotonic() - began < 3
    assert len(bare.ask("count")["members"]) == 2000
    assert phone.reaches(NET4, 443)
    assert other.refused_s(NET4, 443) < AT_ONCE_S
    bare.kill("gate")
    bare.start_gate()
    assert len(bare.ask("list")["members"]) == 2000


def test_the_walled_garden_before_login(bare: Gateway, join: Join) -> None:
    phone = join(bare)
    assert phone.refused_s(GARDEN4, 443) < AT_ONCE_S
    bare.ask("let", addresses=[GARDEN4, GARDEN6], for_s=60)
    for address in (GARDEN4, GARDEN6):
        assert phone.reaches(address, 443)
        assert phone.reaches(address, 80)
        assert not phone.reaches(address, 853)
    assert phone.refused_s(NET4, 443) < AT_ONCE_S
    assert phone.refused_s(NET6, 443) < AT_ONCE_S


def test_one_guest_cannot_use_up_all_connections(bare: Gateway, join: Join) -> None:
    greedy, other = join(bare), join(bare)
    allow(bare, greedy)
    allow(bare, other)
    held = []
    try:
        for _ in range(700):
            try:
                held.append(greedy.connect(NET4, 853, within_s=1))
            except OSError:
                break
        assert 400 <= len(held) <= 512
        assert other.reaches(NET4, 443)
    finally:
        for sock in held:
            sock.close()


def test_orders_are_taken_from_nobody_else(bare: Gateway, join: Join) -> None:
    """The socket is a file: who may not write to it, or is somebody else, is not heard."""
    phone = join(bare)
    script = (
        "import socket,sys,json\ns=socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n"
        "s.sendall(json.dumps({'id':1,'verb':'allow','mac':sys.argv[2],'mark':1,'end_s':60}).encode()+b'\\n')\n"
        "print(s.recv(1000))"
    )
    bare.space.run(
        "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "python3", "-c", script,
        str(bare.socket), phone.mac, check=False,
    )  # fmt: skip
    os.chmod(bare.socket, 0o777)  # noqa: PTH101 - even then
    told = bare.space.run(
        "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "python3", "-c", script,
        str(bare.socket), phone.mac, check=False,
    )  # fmt: skip
    assert '"ok": true' not in told
    assert phone.refused_s(NET4, 443) < AT_ONCE_S
    assert phone.mac not in {one["mac"] for one in bare.ask("list")["members"]}


def test_the_box_goes_on_serving_its_portal(bare: Gateway, join: Join) -> None:
    """80 and 443 of anything are led to the portal's ports, of guests who are not in."""
    phone, member = join(bare), join(bare)
    allow(bare, member)
    with listening(bare, PORTAL_PORT, 8443):
        for address in (NET4, NET6, "192.0.2.1", "2001:db8::53", GUEST4, GUEST6):
            assert phone.reaches(address, 80), address
        for address in (GUEST4, GUEST6):
            assert phone.reaches(address, 443), address
            assert member.reaches(address, 80), address
            assert member.reaches(address, 443), address
        for address in ("192.0.2.1", "2001:db8::53"):  # what their resolvers still have of the captive DNS
            assert member.reaches(address, 80), address
            assert member.refused_s(address, 443) < AT_ONCE_S
