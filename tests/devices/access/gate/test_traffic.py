"""What a guest's packets meet, in both families: led to the portal, refused at once, let through, cut off."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.devices.access.gate.given_gate import GUEST, SECOND, WAN4, WAN6, Box, Space, box, made, needs_network, until

__all__ = ["box"]
pytestmark = needs_network
FAR4, FAR6 = "198.51.100.80", "[2001:db8:ffff::80]"
WALLED4, WALLED6 = "198.51.100.81", "[2001:db8:ffff::81]"
OURS4, OURS6 = "10.77.0.1", "[2001:db8:77::1]"


@pytest.fixture(scope="module")
def busy_box() -> Iterator[Box]:
    """The portal, its TLS and the captive DNS answer with their names, and so does the internet."""
    with made() as box:
        yield _busy(box)


@pytest.fixture
def open_box(busy_box: Box) -> Box:
    """As it was at first: nobody is in."""
    busy_box.caller().do("reset", members=[])
    busy_box.caller().do("capture", members=False)
    return busy_box


def _busy(box: Box) -> Box:
    box.configure(masquerade6=True)
    box.serve(box.internet, 80, "internet")
    for port, word in ((8080, "portal"), (8443, "tls"), (22, "admin")):
        box.serve(box.box, port, word)
    for space, port in ((box.box, 8053), (box.box, 53), (box.internet, 53), (box.internet, 443), (box.internet, 9)):
        _echo(box, space, port)
    box.start_gate()
    until(lambda: box.caller().do("status")["forwarding"])
    return box


def test_a_captive_guest_is_led_to_the_portal(open_box: Box) -> None:
    guest = open_box.first
    for far in (FAR4, FAR6):
        assert _web(guest, f"http://{far}/") == "portal"
    assert _web(guest, "http://192.168.9.9/") == "portal"
    for ours in (OURS4, OURS6):
        assert _web(guest, f"http://{ours}/") == "portal"
        assert _web(guest, f"http://{ours}:8080/") == "portal"
        assert _web(guest, f"http://{ours}:443/") == "tls"


def test_everything_else_is_refused_at_once(open_box: Box) -> None:
    guest = open_box.first
    for host in (FAR4, FAR6.strip("[]")):
        start_s = time.monotonic()
        for port in (443, 853, 25):
            assert _tcp(guest, host, port) == "ConnectionRefusedError"
        assert _udp(guest, host, 443) == "ConnectionRefusedError"
        assert _udp(guest, host, 853) == "ConnectionRefusedError"
        assert time.monotonic() - start_s < 4


def test_dns_of_a_captive_guest_is_ours_whomever_it_asks(open_box: Box) -> None:
    guest = open_box.first
    for host in (FAR4, FAR6.strip("[]"), OURS4, OURS6.strip("[]"), "8.8.8.8"):
        assert _udp(guest, host, 53) == f"{open_box.box.name} 8053"


def test_of_this_box_a_guest_sees_four_doors(open_box: Box) -> None:
    guest = open_box.first
    open_box.caller().do("allow", mac=GUEST, mark=7, end_s=600)
    for space in (guest, open_box.second):  # a member is no better than any guest here
        for host in (OURS4, OURS6.strip("[]"), WAN4, WAN6):
            assert _tcp(space, host, 22) == "ConnectionRefusedError"
            assert _tcp(space, host, 853) == "ConnectionRefusedError"
        assert _tcp(space, WAN4, 8080) == "ConnectionRefusedError"


def test_a_member_is_through_and_the_next_guest_is_not(open_box: Box) -> None:
    guest, second = open_box.first, open_box.second
    open_box.caller().do("allow", mac=GUEST, mark=7, end_s=600)
    for far in (FAR4, FAR6):
        assert _web(guest, f"http://{far}/") == "internet"
        assert _web(second, f"http://{far}/") == "portal"
        assert _udp(guest, far.strip("[]"), 53) == f"{open_box.internet.name} 53"
        assert _udp(guest, far.strip("[]"), 443) == f"{open_box.internet.name} 443"
        assert _udp(second, far.strip("[]"), 443) == "ConnectionRefusedError"
    for ours in (OURS4, OURS6):
        assert _udp(guest, ours.strip("[]"), 53) == f"{open_box.box.name} 53"
        assert _web(guest, f"http://{ours}/") == "portal"
    # the shop's networks are nobody's, nor is another guest
    assert _web(guest, "http://192.168.9.9/") == ""


def test_who_is_out_asks_nobody_by_a_connection_of_before(open_box: Box) -> None:
    guest, caller = open_box.first, open_box.caller()
    for ours in (OURS4.strip("[]"), OURS6.strip("[]")):
        caller.do("allow", mac=GUEST, mark=8, end_s=600)
        assert _udp(guest, ours, 53, source=5353) == f"{open_box.box.name} 53"
        assert _udp(guest, ours, 53, source=5353) == f"{open_box.box.name} 53"
        caller.do("revoke", mac=GUEST)
        # the connection is forgotten: the next question is led to the captive DNS like any other
        assert _udp(guest, ours, 53, source=5353) == f"{open_box.box.name} 8053"


def test_blocked_networks_and_other_guests(open_box: Box) -> None:
    guest = open_box.first
    open_box.serve(open_box.second, 8000, "second")
    open_box.caller().do("allow", mac=GUEST, mark=7, end_s=600)
    open_box.caller().do("allow", mac=SECOND, mark=8, end_s=600)
    for host in ("192.168.9.9", "10.1.2.3", "169.254.1.1"):
        assert _tcp(guest, host, 443) == "ConnectionRefusedError"
        assert _web(guest, f"http://{host}/") == ""
    assert _web(guest, "http://10.77.0.12:8000/") == ""
    assert _web(guest, "http://[2001:db8:77::12]:8000/") == ""
    # not by way of the box either
    guest.ip("route add 10.77.0.12/32 via 10.77.0.1")
    assert _tcp(guest, "10.77.0.12", 8000) == "ConnectionRefusedError"
    guest.ip("route del 10.77.0.12/32")


def test_the_walled_garden_is_open_before_and_its_dns_is_not(open_box: Box) -> None:
    guest = open_box.first
    for far in (WALLED4, WALLED6):
        assert _web(guest, f"http://{far}/") == "portal"
    open_box.caller().do("let", addresses=[WALLED4, WALLED6.strip("[]")], for_s=60)
    for far in (WALLED4, WALLED6):
        assert _web(guest, f"http://{far}/") == "internet"
        assert _udp(guest, far.strip("[]"), 443) == f"{open_box.internet.name} 443"
        assert _udp(guest, far.strip("[]"), 53) == f"{open_box.box.name} 8053"
        # the kernel says so only so often to one address
        assert _udp(guest, far.strip("[]"), 9) in {"ConnectionRefusedError", "TimeoutError"}
        assert _tcp(guest, far.strip("[]"), 853) == "ConnectionRefusedError"


def test_members_are_led_to_us_while_the_line_is_cut(open_box: Box) -> None:
    guest, caller = open_box.first, open_box.caller()
    caller.do("allow", mac=GUEST, mark=7, end_s=600)
    caller.do("capture", members=True)
    assert _web(guest, f"http://{FAR4}/") == "portal"
    assert _udp(guest, OURS4, 53) == f"{open_box.box.name} 8053"
    caller.do("capture", members=False)
    assert _web(guest, f"http://{FAR4}/") == "internet"
    assert _udp(guest, OURS4, 53) == f"{open_box.box.name} 53"


@pytest.mark.parametrize("far", [FAR4, FAR6])
def test_logging_out_cuts_a_running_download_and_every_byte_was_counted(open_box: Box, far: str) -> None:
    caller = open_box.caller()
    caller.do("allow", mac=GUEST, mark=7, end_s=600)
    source = """
import socket
listening = socket.create_server(("::", 7000), family=socket.AF_INET6, dualstack_ipv6=True)
while True:
    to, _ = listening.accept()
    try:
        while True: to.send(bytes(65536))
    except OSError: pass
"""
    open_box.start(open_box.internet, sys.executable, "-c", source)
    until(lambda: open_box.internet.run("ss", "-Hltn", "sport = :7000"))
    sink = f"""
import socket, sys, time
come = socket.create_connection(({far.strip("[]")!r}, 7000), timeout=1)
total = 0
try:
    while data := come.recv(65536):
        total += len(data)
        if total > 1 << 20 and "said" not in globals(): said = print("runs", flush=True)
except OSError: pass
print(total)
"""
    download = open_box.start(open_box.first, sys.executable, "-c", sink)
    assert download.stdout is not None
    assert download.stdout.readline() == "runs\n"
    (row,) = caller.do("count")["members"]
    start_s = time.monotonic()
    last = caller.do("revoke", mac=GUEST)["counted"]
    total = int(download.communicate(timeout=10)[0])
    assert time.monotonic() - start_s < 2.5  # one second of it is the download's own patience
    assert total < last["down_bytes"] < total * 1.2
    assert (last["mark"], last["down_bytes"] >= row["down_bytes"]) == (7, True)
    assert row["down_bytes"] > 1 << 20
    assert row["down_bytes"] < total * 1.2
    assert row["up_bytes"] > 1000
    assert _web(open_box.first, f"http://{far}/") == "portal"


def test_a_reset_keeps_running_downloads_and_counters(open_box: Box) -> None:
    caller = open_box.caller()
    caller.do("allow", mac=GUEST, mark=7, end_s=600)
    code = """
import socket, time
s = socket.create_connection(("198.51.100.80", 80), timeout=3)
print("in", flush=True); input()
s.send(b"GET / HTTP/1.0\\r\\n\\r\\n")
data = b""
while part := s.recv(1000): data += part
print(data[-8:].decode())
"""
    visit = subprocess.Popen(
        open_box.first.argv(sys.executable, "-c", code), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert visit.stdout is not None
    assert visit.stdout.readline() == "in\n"
    before = caller.do("count")["members"][0]
    caller.do("reset", members=[{"mac": GUEST, "mark": 7, "end_s": 900}, {"mac": SECOND, "mark": 9, "end_s": 9}])
    repairs = caller.do("status")["repairs"]
    open_box.box.run("nft", "flush", "ruleset")
    until(lambda: caller.do("status")["repairs"] > repairs)
    assert visit.communicate("\n", timeout=10)[0] == "internet\n"
    after = next(one for one in caller.do("count")["members"] if one["mac"] == GUEST)
    assert after["down_bytes"] > before["down_bytes"] > 0


def test_who_sends_nothing_is_out_and_who_sends_is_not(open_box: Box) -> None:
    caller = open_box.caller()
    caller.do("allow", mac=GUEST, mark=7, end_s=600)
    repairs = caller.do("status")["repairs"]
    short = (
        f"delete element inet storegate idle {{ {GUEST} }}\nadd element inet storegate idle {{ {GUEST} timeout 2s }}"
    )
    open_box.box.run("nft", "-f", "-", text=short)
    assert _web(open_box.first, f"http://{FAR4}/") == "internet"  # this packet gives it the whole time again
    assert caller.do("count")["members"][0]["idle_left_s"] > 1000
    open_box.box.run("nft", "-f", "-", text=short)
    caller.do("count")  # it has seen the short time before that is over
    until(lambda: caller.do("count")["members"][0]["idle_left_s"] == 0)
    assert _web(open_box.first, f"http://{FAR4}/") == "portal"
    assert caller.do("status")["repairs"] == repairs
    caller.do("allow", mac=GUEST, mark=7, end_s=600)
    assert _web(open_box.first, f"http://{FAR4}/") == "internet"


def test_a_guest_opens_so_many_connections_to_the_portal_and_no_more(open_box: Box) -> None:
    hold = f"""
import socket
held = []
for _ in range(200):
    try: held.append(socket.create_connection(({OURS4!r}, 80), timeout=2))
    except ConnectionRefusedError: pass
print(len(held), flush=True); input()
"""
    flood = subprocess.Popen(
        open_box.first.argv(sys.executable, "-c", hold), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert flood.stdout is not None
    assert int(flood.stdout.readline()) == 16
    assert _web(open_box.first, f"http://{OURS4}/") == ""
    assert _web(open_box.second, f"http://{FAR4}/") == "portal"
    flood.communicate("\n", timeout=5)
    until(lambda: _web(open_box.first, f"http://{OURS4}/") == "portal")


def test_a_member_opens_so_many_connections_to_the_internet(box: Box) -> None:
    box.configure(guest_connections=32)
    box.serve(box.internet, 80, "internet")
    box.start_gate()
    box.caller().do("allow", mac=GUEST, mark=7, end_s=600)
    until(lambda: _web(box.first, f"http://{FAR4}/") == "internet")
    code = f"""
import socket
held = []
for _ in range(60):
    try: held.append(socket.create_connection(({FAR4!r}, 80), timeout=2))
    except ConnectionRefusedError: pass
print(len(held))
"""
    assert 30 <= int(box.first.python(code)) <= 32


def test_without_an_address_there_is_no_ipv6(box: Box) -> None:
    box.configure(address6="")
    box.serve(box.box, 8080, "portal")
    box.start_gate()
    box.caller().do("allow", mac=GUEST, mark=7, end_s=600)
    box.box.run("sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
    assert _web(box.first, f"http://{OURS6}:8080/") == ""
    assert _web(box.first, f"http://{FAR6}/") == ""
    assert _web(box.first, f"http://{OURS4}/") == "portal"


def test_who_sends_with_an_address_of_nobodys_network_is_not_heard(open_box: Box) -> None:
    open_box.first.ip("addr add 172.30.0.9/32 dev eth0")
    open_box.box.ip("route add 172.30.0.9/32 dev guest0")
    assert _web(open_box.first, f"http://{OURS4}/") == "portal"
    assert (
        open_box.first.run("curl", "-s", "-m", "1", "--interface", "172.30.0.9", f"http://{OURS4}/", check=False) == ""
    )


def test_the_box_itself_and_its_other_networks_are_untouched(open_box: Box) -> None:
    assert _web(open_box.internet, f"http://{WAN4}:22/") == "admin"
    assert _web(open_box.box, f"http://{FAR4}/") == "internet"
    assert _web(open_box.box, "http://127.0.0.1:22/") == "admin"


def test_nobody_comes_in_to_a_guest_from_outside(open_box: Box) -> None:
    open_box.serve(open_box.first, 8000, "guest")
    open_box.internet.ip(f"route add 10.77.0.0/24 via {WAN4}")
    open_box.caller().do("allow", mac=GUEST, mark=7, end_s=600)
    assert _web(open_box.internet, "http://10.77.0.11:8000/") == ""
    assert _web(open_box.internet, "http://[2001:db8:77::11]:8000/") == ""


def test_members_leave_with_the_boxs_address(open_box: Box) -> None:
    open_box.caller().do("allow", mac=GUEST, mark=7, end_s=600)
    code = "import socket; s = socket.create_server(('::', 7001), family=socket.AF_INET6, dualstack_ipv6=True);\n"
    code += "for _ in range(2): print(s.accept()[1][0], flush=True)"
    seen = open_box.start(open_box.internet, sys.executable, "-c", code)
    until(lambda: open_box.internet.run("ss", "-Hltn", "sport = :7001"))
    for host in (FAR4, FAR6.strip("[]")):
        assert _tcp(open_box.first, host, 7001) == "ok"
    assert seen.communicate(timeout=5)[0].split() == [f"::ffff:{WAN4}", WAN6]


def _web(space: Space, url: str) -> str:
    return space.run("curl", "-s", "-m", "1", url, check=False)


def _tcp(space: Space, host: str, port: int) -> str:
    return space.python(f"""
import socket
try: socket.create_connection(({host!r}, {port}), timeout=1).close(); print("ok")
except OSError as error: print(type(error).__name__)""")


def _udp(space: Space, host: str, port: int, *, source: int = 0) -> str:
    return space.python(f"""
import socket
s = socket.socket(socket.AF_INET6 if ":" in {host!r} else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(1.5)
s.bind(("", {source}))
s.connect(({host!r}, {port}))
try: s.send(b"?"); print(s.recv(100).decode())
except OSError as error: print(type(error).__name__)""")


def _echo(box: Box, space: Space, port: int) -> None:
    """UDP that answers with who it is, from the address that was asked."""
    word = json.dumps(f"{space.name} {port}")
    code = f"""
import selectors, socket
chosen = selectors.DefaultSelector()
for family, level, ask, info in (
    (socket.AF_INET, socket.IPPROTO_IP, 8, 8), (socket.AF_INET6, socket.IPPROTO_IPV6, 49, 50)
):
    s = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.setsockopt(level, ask, 1)
    s.bind(("", {port}))
    chosen.register(s, selectors.EVENT_READ, (level, info))
while True:
    for key, _ in chosen.select():
        data, ancillary, _, who = key.fileobj.recvmsg(100, 100)
        level, info = key.data
        local = next(value for at, kind, value in ancillary if (at, kind) == (level, info))
        if level == socket.IPPROTO_IP: local = bytes(4) + local[4:8] + bytes(4)
        key.fileobj.sendmsg([{word}.encode()], [(level, info, local)], 0, who)
"""
    box.start(space, sys.executable, "-c", code)
    until(lambda: space.run("ss", "-Hlun", f"sport = :{port}"))
