"""The networks that the box is in itself: found in whatever way they are there, closed to guests, followed at once."""

from __future__ import annotations

import ipaddress
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.access.gate import onlink
from devices.access.gate.onlink import Network, collapsed, elements, spans, spans_of
from tests.devices.access.gate.given_gate import (
    GUEST,
    ROOT,
    ROUTER4,
    ROUTER6,
    WAN4,
    WAN6,
    Box,
    box,
    macs,
    needs_network,
    until,
)

__all__ = ["box"]
FAR = ("198.51.100.80", "2001:db8:ffff::80")
ROUTER = (ROUTER4, ROUTER6)
AT_FIRST = {"192.168.9.0/24", "203.0.113.0/24", "2001:db8:fffe::/64"}


def _networks(version: int) -> st.SearchStrategy[list[Network]]:
    """Near each other, so that they touch, overlap and reach the last address."""
    bits = 32 if version == 4 else 128
    high = st.sampled_from([0, 1 << (bits - 1), (1 << bits) - 256])
    one = st.tuples(high, st.integers(0, 255), st.integers(bits - 9, bits))
    made = ipaddress.IPv4Network if version == 4 else ipaddress.IPv6Network
    return st.lists(one.map(lambda it: made((it[0] | it[1], it[2]), strict=False)), max_size=12)


@pytest.mark.parametrize("version", [4, 6])
@given(st.data())
def test_what_the_kernel_is_told_is_what_is_read_back(version: int, data: st.DataObject) -> None:
    networks = data.draw(_networks(version))
    wanted = spans(networks, version)
    assert wanted == spans(collapsed(networks), version)
    told = [(one.key, one.end) for one in elements(wanted, version)]
    assert spans_of(reversed(told), version) == wanted
    nothing = (bytes(4 if version == 4 else 16), True)  # nft puts one before the first
    assert spans_of([nothing, *told], version) == wanted
    each = [(one.key, one.end) for net in collapsed(networks) for one in elements(spans([net], version), version)]
    assert spans_of(each, version) == wanted
    for first, after in wanted:
        for address in (first, after - 1):
            assert any(ipaddress.ip_address(address) in net for net in networks if version == 4) or version == 6


@given(st.lists(st.tuples(st.binary(min_size=4, max_size=4), st.booleans()), max_size=20))
def test_whatever_a_set_holds_is_read_in_order(found: list[tuple[bytes, bool]]) -> None:
    seen = spans_of(found, 4)
    assert list(seen) == sorted(seen)
    assert all(first < after for first, after in seen)


@given(st.binary(max_size=80), st.integers(0, 255), st.integers(0, 128))
def test_an_odd_route_or_address_is_none(data: bytes, family: int, length: int) -> None:
    head = bytes([family, length, 0, 0, 254, 2, 0, 1]) + bytes(4)
    found = onlink._of_route(head + data, {0, 1, 2})
    assert found is None or found.prefixlen == length
    onlink._of_address(bytes([family, length, 0, 0, 1, 0, 0, 0]) + data, {1})


@needs_network
def test_every_kind_of_neighbour_and_no_more(box: Box) -> None:
    for line in (
        "link add lan0 type veth peer name lan1",
        "link set lan1 up",
        "link set lan0 up",
        "addr add 198.18.7.1/25 dev lan0",
        "addr add 2001:db8:7::1/64 dev lan0 nodad noprefixroute",  # a neighbour all the same
        "-6 route add 2001:db8:8::/64 dev lan0",  # as a router's advertisement says it
        "route add 198.18.8.0/24 dev lan0 table 77",  # of policy routing
        "route add 198.18.9.0/24 nexthop dev lan0 nexthop via 198.18.7.9 dev lan0",
        # not these
        "route add 198.18.10.0/24 via 198.18.7.9",
        "route add 198.18.11.0/24 via inet6 fe80::9 dev lan0",
        "-6 route add 2001:db8:9::/64 via 2001:db8:7::9 dev lan0 onlink",
        "route add unreachable 198.18.12.0/24",
        "route add default dev lan0 metric 900",
        "addr add 198.18.13.1/24 dev lo",
        "route add 198.18.14.0/24 dev guest0",
        "tuntap add tun0 mode tun",
        "link set tun0 up",
        "addr add 198.18.15.1 peer 198.18.15.2 dev tun0",
        "route add 128.0.0.0/1 dev tun0",  # all the internet, by a tunnel
    ):
        box.box.ip(line)
    code = "from devices.access.gate import onlink; print(*onlink.read('guest0'))"
    said = box.box.run("env", f"PYTHONPATH={ROOT}", sys.executable, "-c", code).split()
    mine = {"198.18.7.0/25", "2001:db8:7::/64", "2001:db8:8::/64", "198.18.8.0/23", "198.18.15.2/32"}
    assert set(said) == AT_FIRST | mine


@needs_network
def test_guests_reach_what_is_behind_the_router_and_not_its_network(box: Box) -> None:
    for port in (443, 80):
        box.serve(box.internet, port, "internet")
    box.configure(masquerade6=True, blocked=[])
    box.start_gate()
    caller = box.caller()
    caller.do("allow", mac=GUEST, mark=7, end_s=600)
    caller.do("let", addresses=list(ROUTER), for_s=600)  # the garden's names are no way in either
    assert set(caller.do("status")["onlink"]) == AT_FIRST
    until(lambda: _reaches(box, FAR[1]))
    for far, router in zip(FAR, ROUTER, strict=True):
        assert _reaches(box, far)
        assert _refused(box, router)
    caller.do("revoke", mac=GUEST)
    for router in ROUTER:
        assert _refused(box, router)


@needs_network
def test_a_network_that_comes_and_goes_is_followed_at_once(box: Box) -> None:
    """The far hosts become neighbours, and strangers again; nobody's session is touched."""
    box.serve(box.internet, 443, "internet")
    box.configure(masquerade6=True)
    box.start_gate()
    caller = box.caller()
    caller.do("reset", members=[*macs(300), {"mac": GUEST, "mark": 7000, "end_s": 600}])
    until(lambda: _reaches(box, FAR[1]))
    for _ in range(3):
        for line, far, net in (
            ("addr {} 198.51.100.1/24 dev wan0", FAR[0], "198.51.100.0/24"),
            ("-6 route {} 2001:db8:ffff::/64 dev wan0", FAR[1], "2001:db8:ffff::/64"),
        ):
            box.box.ip(line.format("add"))
            began = time.monotonic()
            until(lambda net=net: net in caller.do("status")["onlink"])  # type: ignore[misc]
            assert time.monotonic() - began < 1
            assert _refused(box, far)
            box.box.ip(line.format("del"))
            until(lambda net=net: net not in caller.do("status")["onlink"])  # type: ignore[misc]
            assert _reaches(box, far)
    box.box.ip("link set wan0 down")  # its addresses stay, its routes go
    until(lambda: "192.168.9.0/24" not in caller.do("status")["onlink"])
    assert "203.0.113.0/24" in caller.do("status")["onlink"]
    status = caller.do("status")
    assert (status["repairs"], status["rules"]) == (0, "in_place")
    assert len(box.members()) == 301
    assert "somebody else" not in box.log.read_text()
    assert "closed to guests: 192.168.9.0/24, 203.0.113.0/24, 2001:db8:fffe::/64" in box.log.read_text()


@needs_network
@pytest.mark.parametrize(
    "change",
    [
        "flush set inet storegate onlink4",
        "delete element inet storegate onlink6 { 2001:db8:fffe::/64 }",
        "add element inet storegate onlink4 { 198.51.100.0/24 }",
    ],
)
def test_networks_changed_by_hand_are_put_back(box: Box, change: str) -> None:
    box.start_gate()
    caller = box.caller()
    caller.do("allow", mac=GUEST, mark=7, end_s=600)
    before = _closed(box)
    assert before == AT_FIRST
    box.box.run("nft", "-f", "-", text=change)
    until(lambda: caller.do("status")["repairs"] == 1)
    assert _closed(box) == before
    assert box.members() == {GUEST: 7}


@needs_network
def test_a_change_while_the_rules_are_gone(box: Box) -> None:
    """Both at once, and while the gate is away: in the end all is as it should be."""
    box.start_gate()
    caller = box.caller()
    caller.do("allow", mac=GUEST, mark=7, end_s=600)
    for last in (2, 4, 6):  # not side by side
        box.box.run("nft", "flush", "ruleset")
        box.box.ip(f"addr add 198.18.{last}.1/24 dev wan0")
        until(lambda last=last: f"198.18.{last}.0/24" in caller.do("status")["onlink"])  # type: ignore[misc]
        until(lambda: _closed(box) == set(caller.do("status")["onlink"]))
        assert box.members() == {GUEST: 7}
    box.stop_gate()
    box.box.ip("addr add 198.18.9.1/24 dev wan0")
    box.start_gate()
    assert "198.18.9.0/24" in _closed(box)
    assert box.members() == {GUEST: 7}


@needs_network
def test_the_table_of_an_older_gate_keeps_its_members(box: Box) -> None:
    box.start_gate()
    box.caller().do("allow", mac=GUEST, mark=7, end_s=600)
    box.stop_gate()
    listed = box.box.run("nft", "list", "table", "inet", "storegate").splitlines()
    kept = "\n".join(line for line in listed if "onlink" not in line or line.strip().startswith("set"))
    kept = kept.replace("set onlink", "set others")
    box.box.run("nft", "-f", "-", text=f"delete table inet storegate\n{kept}")
    box.start_gate()
    assert box.members() == {GUEST: 7}
    assert _closed(box) == AT_FIRST


@needs_network
def test_what_is_reachable_in_spite_of_it(box: Box) -> None:
    """By members only, and nothing beside it."""
    box.serve(box.internet, 443, "internet")
    box.configure(masquerade6=True, reachable=["192.168.9.9", ROUTER6])
    box.start_gate()
    caller = box.caller()
    for address in ("192.168.9.9", ROUTER6):
        assert not _reaches(box, address)
    caller.do("allow", mac=GUEST, mark=7, end_s=600)
    until(lambda: _reaches(box, FAR[1]))
    for address in ("192.168.9.9", ROUTER6, *FAR):
        assert _reaches(box, address), address
    assert not _reaches(box, ROUTER4)
    for address in (WAN4, WAN6):
        assert not _reaches(box, address)


@needs_network
def test_check_shows_them(box: Box) -> None:
    command = [sys.executable, "-m", "devices.access.gate", "--config", str(box.config), "--check"]
    told = box.box.start("env", f"PYTHONPATH={ROOT}", *command).communicate(timeout=10)[0]
    for net in AT_FIRST:
        assert net in told
    assert "ip daddr @onlink4 goto refused" in told
    assert "ip6 daddr @onlink6 goto refused" in told


def _closed(box: Box) -> set[str]:
    return {
        f"{one['prefix']['addr']}/{one['prefix']['len']}" for name in ("onlink4", "onlink6") for one in box.listed(name)
    }


def _reaches(box: Box, host: str) -> bool:
    return _visit(box, host).startswith("internet")


def _refused(box: Box, host: str) -> bool:
    """By the gate, and at once: not just silence."""
    return _visit(box, host) == "7"


def _visit(box: Box, host: str) -> str:
    """What was said, and curl's exit code."""
    url = f"http://[{host}]:443/" if ":" in host else f"http://{host}:443/"
    return box.first.run("sh", "-c", f"curl -g -s -m 1 '{url}'; echo -n $?")
