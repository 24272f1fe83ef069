"""Whose connection it is: the MAC of its first packet, whatever the box's neighbours are told."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import pytest

from tests.devices.access.gate.given_gate import GUEST, SECOND, Box, Space, made, needs_network

pytestmark = needs_network
FIRST = {4: "10.77.0.11", 6: "2001:db8:77::11"}
SECOND_AT = {4: "10.77.0.12", 6: "2001:db8:77::12"}
OURS = {4: "10.77.0.1", 6: "2001:db8:77::1"}
FAR = {4: "198.51.100.80", 6: "2001:db8:ffff::80"}


@pytest.fixture(scope="module")
def gate() -> Iterator[Box]:
    with made() as box:
        for port, word in ((8080, "portal"), (8443, "tls")):
            box.serve(box.box, port, word)
        box.start_gate()
        yield box


def _opened(space: Space, host: str, port: int) -> int:
    """The port that it came from."""
    family = "socket.AF_INET6" if ":" in host else "socket.AF_INET"
    code = f"import socket; s = socket.socket({family}); s.settimeout(3); s.connect(({host!r}, {port}))"
    return int(space.python(f"{code}; print(s.getsockname()[1]); s.close()"))


def _sent(gate: Box, address: str, port: int, mac: str) -> bool:
    return bool(gate.caller().do("sent", address=address, port=port, mac=mac)["sent"])


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("port", [80, 443, 8080])
def test_who_opened_it_did_and_nobody_else(gate: Box, family: int, port: int) -> None:
    came_from = _opened(gate.first, OURS[family], port)
    assert _sent(gate, FIRST[family], came_from, GUEST)
    assert not _sent(gate, FIRST[family], came_from, SECOND)
    assert not _sent(gate, SECOND_AT[family], came_from, GUEST)
    assert not _sent(gate, FIRST[family], came_from ^ 1, GUEST)


@pytest.mark.parametrize("family", [4, 6])
def test_so_does_who_is_led_to_the_portal(gate: Box, family: int) -> None:
    came_from = _opened(gate.first, FAR[family], 80)
    assert _sent(gate, FIRST[family], came_from, GUEST)
    assert not _sent(gate, FIRST[family], came_from, SECOND)


def test_another_tenant_of_the_address_is_known_at_once(gate: Box) -> None:
    """Were it by the same port."""
    for space, mac in ((gate.first, GUEST), (gate.second, SECOND)):
        space.ip("addr add 10.77.0.99/24 dev eth0")
        try:
            assert not _sent(gate, "10.77.0.99", 45_000, mac)
            _bound(space)
            assert _sent(gate, "10.77.0.99", 45_000, mac)
        finally:
            space.ip("addr del 10.77.0.99/24 dev eth0")
            gate.box.ip("neigh flush dev guest0")


def _bound(space: Space) -> None:
    code = (
        "import socket; s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1);"
        "s.bind(('10.77.0.99', 45000)); s.settimeout(3); s.connect(('10.77.0.1', 8080));"
        "s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\\1\\0\\0\\0\\0\\0\\0\\0'); s.close()"
    )
    space.python(code)


def test_what_goes_to_other_doors_is_not_the_portals(gate: Box) -> None:
    code = "import socket; s = socket.socket(); s.settimeout(1); s.bind(('', 45001)); s.connect_ex(('10.77.0.1', 53))"
    gate.first.python(code)
    assert not _sent(gate, FIRST[4], 45_001, GUEST)


def test_one_phone_with_thousands_of_connections_leaves_room(gate: Box) -> None:
    """Bounded by phone, and in all; who is over it is shown the page and is nobody."""
    code = """
import socket
for _ in range(1500):
    s = socket.socket(); s.settimeout(1)
    s.connect_ex(("10.77.0.1", 8080))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\\1\\0\\0\\0\\0\\0\\0\\0")
    s.close()
"""
    before = len(gate.listed("sent4"))
    start_s = time.monotonic()
    gate.second.run(sys.executable, "-c", code)
    took_s = time.monotonic() - start_s
    assert len(gate.listed("sent4")) - before < 150 + 25 * took_s
    assert _sent(gate, FIRST[4], _opened(gate.first, OURS[4], 8080), GUEST)


def test_it_lasts_as_long_as_the_connection_speaks(gate: Box) -> None:
    """Its time begins anew with each packet, and ends by itself."""
    code = """
import socket, time
s = socket.socket(); s.settimeout(3); s.bind(("", 45002)); s.connect(("10.77.0.1", 8080))
time.sleep(0.3); s.sendall(b"GET / HTTP/1.1\\r\\n\\r\\n"); print(s.recv(9)[:4].decode())
"""
    assert gate.first.python(code) == "HTTP"
    code = (
        "import sys; sys.path.insert(0, '.'); from devices.access.gate.netlink import Netlink;"
        "print([one.left_ms for one in Netlink().dump('storegate', 'sent4') if one.key[4:6] == b'\\xaf\\xca'][0])"
    )
    assert 119_750 < int(gate.box.python(code)) <= 120_000


def test_it_is_cheap(gate: Box) -> None:
    came_from = _opened(gate.first, OURS[4], 8080)
    assert _sent(gate, FIRST[4], came_from, GUEST)
    start_s = time.monotonic()
    for _ in range(500):
        _sent(gate, FIRST[4], came_from, GUEST)
    assert (time.monotonic() - start_s) / 500 < 0.002


def test_a_forged_neighbour_changes_nothing_of_it(gate: Box) -> None:
    """The second guest announces the first one's MAC for its own address, in both families."""
    for family in (4, 6):
        came_from = _opened(gate.second, OURS[family], 8080)
        gate.box.ip(f"neigh replace {SECOND_AT[family]} lladdr {GUEST} dev guest0 nud reachable")
        try:
            assert not _sent(gate, SECOND_AT[family], came_from, GUEST)
            assert _sent(gate, SECOND_AT[family], came_from, SECOND)
        finally:
            gate.box.ip(f"neigh del {SECOND_AT[family]} dev guest0")
