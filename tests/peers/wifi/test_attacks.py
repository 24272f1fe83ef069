"""Guests are hostile: what one phone on the guest network can do to the portal, to the shop and to other guests."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Callable

import pytest

from tests.peers.wifi.given_gateway import ADMIN_PORT, PORTAL_PORT, SHOP_PORT, STAFF, TOKEN, Gateway
from tests.peers.wifi.given_http import fetch
from tests.peers.wifi.given_login import Splash, is_in, let_in
from tests.peers.wifi.given_namespaces import Namespace, until
from tests.peers.wifi.given_network import BOX_SHOP4, GUEST4, GUEST6, NET4, WAN4
from tests.peers.wifi.given_phone import Phone, udp4

Join = Callable[..., Phone]
POST = b"POST /portal/accept HTTP/1.1\r\nHost: 10.64.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
XSS = '<script>alert("boo")</script>'
PAGES = ("/", "/portal/welcome", "/wallet", "/shake", "/search?q=" + "%3Cscript%3Ealert(1)%3C/script%3E",
         "/captive-portal/api", "/portal/nothing?x=%3Cscript%3Ealert(1)%3C/script%3E")  # fmt: skip


# --- tokens and forms


def test_tokens_that_are_not_this_phones(wifi: Gateway, join: Join) -> None:
    phone, thief = join(wifi), join(wifi)
    mine = Splash(phone).form(way="click")
    theirs = Splash(thief)
    for token in ("", "x", "A" * 100, "A" * 4000, mine["token"], mine["token"][:-2] + "AA", "\u0661" * 40):
        said = theirs.send(theirs.form(way="click", token=token))
        assert not is_in(said), token
    nothing = {name: value for name, value in theirs.form(way="click").items() if name != "token"}
    assert not is_in(theirs.send(nothing))
    assert thief.captive()
    assert phone.captive()


def test_a_form_sent_again_is_one_session(wifi: Gateway, join: Join) -> None:
    phone = join(wifi)
    splash = Splash(phone)
    form = splash.form(way="click")
    assert is_in(splash.send(form))
    again = splash.send(form)  # a double tap, a reload
    assert again.status in {200, 303}
    assert phone.online()
    marks = [one["mark"] for one in wifi.ask("list")["members"] if one["mac"] == phone.mac]
    assert len(marks) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": f"http://{GUEST4}:81"},
    ],
)
def test_a_login_from_another_page(wifi: Gateway, join: Join, headers: dict[str, str]) -> None:
    phone = join(wifi)
    splash = Splash(phone)
    form = splash.form(way="click")
    said = splash.send(form, headers=headers)
    assert not is_in(said), headers
    assert phone.captive()


def test_a_browser_that_hides_where_it_was(wifi: Gateway, join: Join) -> None:
    """Privacy modes send no origin of our own page either; the browser itself says that it was ours."""
    phone = join(wifi)
    splash = Splash(phone)
    assert is_in(splash.send(splash.form(way="click"), headers={"Origin": "null", "Sec-Fetch-Site": "same-origin"}))
    assert phone.online()


def test_a_login_by_a_link(wifi: Gateway, join: Join) -> None:
    phone = join(wifi)
    form = Splash(phone).form(way="click")
    asked = "&".join(f"{name}={value}" for name, value in form.items())
    assert not is_in(phone.fetch(f"http://{GUEST4}/portal/accept?{asked}"))
    assert phone.captive()


def test_without_consent(wifi: Gateway, join: Join) -> None:
    phone = join(wifi)
    splash = Splash(phone)
    for consent in ("", "none/0", "cn/999", "x" * 1000):
        assert not is_in(splash.send(splash.form(way="click", consent=consent))), consent
    assert phone.captive()


def test_guessing(wifi: Gateway, join: Join) -> None:
    """Vouchers and staff codes: soon even the right one is not heard from this phone; others are not held up."""
    phone, other = join(wifi), join(wifi)
    splash = Splash(phone)
    for number in range(40):
        assert not is_in(splash.send(splash.form(way="voucher", voucher=f"GUESS{number:011d}")))
    splash = Splash(phone) if phone.captive() else splash
    assert not is_in(splash.send(splash.form(way="staff", staff=STAFF)))
    let_in(other, "staff", staff=STAFF)


# --- pages


def test_nothing_of_a_guest_is_markup(wifi: Gateway, join: Join) -> None:
    """Hostname, User-Agent, language, Host, path and form fields, on every page and on the shop's own status page."""
    phone, member = join(wifi, hostname=XSS), join(wifi, hostname=XSS)
    hostile = {"User-Agent": XSS, "Accept-Language": XSS, "Referer": f"http://x/{XSS}", "X-Forwarded-For": XSS}
    seen = [phone.fetch(f"http://{GUEST4}{path}", headers=hostile) for path in PAGES]
    seen.append(phone.fetch(f"http://x.example/{'%3Cscript%3E'}alert(1)", at=GUEST4, headers=hostile))
    splash = Splash(phone)
    fields = ("voucher", "staff", "number", "way", "shopper", "lang")
    seen += [splash.send(splash.form(**{"way": "voucher", field: XSS}), headers=hostile) for field in fields]
    let_in(member)
    seen += [member.fetch(f"http://{GUEST4}{path}", headers=hostile) for path in PAGES]
    seen += [wifi.admin(path) for path in ("/", "/?lang=en", "/metrics", "/api/v1/status")]
    for answer in seen:
        assert "<script>alert" not in answer.text, answer.text
        if "html" in answer.headers.get("Content-Type", ""):
            assert "Content-Security-Policy" in answer.headers


def test_redirects_lead_home_only(wifi: Gateway, join: Join) -> None:
    phone = join(wifi)
    for host in ("evil.example", "evil.example:8080", "10.64.0.1.evil.example", "10.64.0.1@evil.example"):
        led = phone.fetch("http://x.example//evil.example/%0d%0aSet-Cookie:x=y?next=http://evil.example", at=NET4,
                          headers={"Host": host})  # fmt: skip
        assert led.location == f"http://{GUEST4}/"
        assert "Set-Cookie" not in led.headers


# --- the listener


@pytest.mark.parametrize("to", [GUEST4, GUEST6], ids=["IPv4", "IPv6"])
def test_two_hundred_slow_sockets_hold_up_nobody(wifi: Gateway, join: Join, to: str) -> None:
    slow, other = join(wifi), join(wifi)
    held: list[socket.socket] = []
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                held.append(slow.connect(to, 80, within_s=1))
                held[-1].sendall(b"GET / HTTP/1.1\r\nHost: ")
        assert len(held) <= 16
        began = time.monotonic()
        let_in(other)
        assert time.monotonic() - began < 1
        assert other.online()
    finally:
        for sock in held:
            sock.close()


@pytest.mark.parametrize(
    "begun",
    [b"GET / HTTP/1.1\r\nHost: 10.64.0.1\r\n", POST + b"Content-Length: 100\r\n\r\nway=", b""],
    ids=["head", "body", "nothing"],
)
@pytest.mark.parametrize("to", [GUEST4, GUEST6], ids=["IPv4", "IPv6"])
def test_what_never_ends_is_cut(wifi: Gateway, join: Join, begun: bytes, to: str) -> None:
    phone = join(wifi)
    with phone.connect(to, 80, within_s=20) as sock:
        began = time.monotonic()
        sock.sendall(begun)
        with contextlib.suppress(ConnectionError):
            while sock.recv(4096):
                pass
        assert time.monotonic() - began < 12


# --- the shop


def test_the_admin_side_by_another_name(wifi: Gateway, join: Join) -> None:
    """DNS rebinding: a page of the guest's browser calls the box by a name of its own, on every port."""
    phone = join(wifi)
    for host in ("evil.example", "localhost", "127.0.0.1", "gateway.shop", f"{BOX_SHOP4}:{ADMIN_PORT}"):
        for path in ("/api/v1/status", "/metrics", "/healthz", "/kiosk/kiosk-1"):
            led = phone.fetch(f"http://{GUEST4}{path}", headers={"Host": host, "Authorization": f"Bearer {TOKEN}"})
            assert led.status == 302, (host, path)
    let_in(phone)
    for path in ("/api/v1/status", "/metrics", "/healthz", "/readyz", "/kiosk/kiosk-1", "/till/v1/openapi.json"):
        assert phone.fetch(f"http://{GUEST4}{path}", headers={"Authorization": f"Bearer {TOKEN}"}).status == 404, path
    rebound = fetch(wifi.space, f"http://127.0.0.1:{ADMIN_PORT}/api/v1/status",
                    headers={"Host": "evil.example", "Authorization": f"Bearer {TOKEN}"})  # fmt: skip
    assert rebound.status in {400, 403, 421}


@pytest.mark.parametrize("member", [False, True], ids=["captive", "member"])
def test_the_shops_ports(wifi: Gateway, join: Join, member: bool) -> None:
    phone = join(wifi)
    if member:
        let_in(phone)
    told = wifi.space.run("ip", "-6", "-o", "addr", "show", "dev", "guest0", "scope", "link").split()[3]
    for address in (GUEST4, GUEST6, WAN4, BOX_SHOP4, f"{told.split('/')[0]}%eth0"):
        for port in (ADMIN_PORT, SHOP_PORT):
            assert not phone.reaches(address, port, within_s=0.3), (address, port)
    assert phone.reaches(GUEST4, PORTAL_PORT)


def test_somebody_elses_address(wifi: Gateway, join: Join) -> None:
    """A captive phone takes a member's address: sessions are the MAC's, and the address alone opens nothing."""
    member, thief = join(wifi), join(wifi)
    let_in(member)
    thief.space.ip(f"addr add {member.address4}/20 dev eth0")
    thief.space.ip(f"route replace default via {GUEST4} dev eth0 src {member.address4}")
    assert thief.refused_s(NET4, 443, within_s=2) < 2
    assert not thief.online()


@pytest.mark.parametrize("by", ["ipv4, no lease", "ipv4", "ipv6", "ipv6, link-local"])
def test_somebody_elses_mac_announced_as_ones_own(wifi: Gateway, join: Join, by: str) -> None:
    """A phone tells the box that a member's MAC is at its own address: it is not that member, and nobody."""
    member, thief = join(wifi), join(wifi)
    let_in(member)
    ours, address = (GUEST4, "10.64.9.9") if "no lease" in by else (GUEST4, thief.address4)
    if "ipv6" in by:
        ours, address = GUEST6, thief.address6
    if "link-local" in by:
        link_locals = [_link_local(space, dev) for space, dev in ((wifi.space, "guest0"), (thief.space, "eth0"))]
        ours, address = (f"{one}%eth0" for one in link_locals)
    if "no lease" in by:
        thief.space.ip(f"addr add {address}/20 dev eth0")
    _as_another(thief, address.partition("%")[0], thief.mac)
    mine = _says(thief, address, ours, None)
    assert "/portal/accept" in mine, mine
    stolen = _says(thief, address, ours, member.mac)
    assert "HTTP/1.1 200" in stolen, "it is told who it is not"
    assert "/portal/leave" not in stolen
    assert member.online()
    assert member.mac in wifi.members()
    _as_another(thief, address.partition("%")[0], thief.mac)
    assert "/portal/accept" in _says(thief, address, ours, None)


def _says(phone: Phone, address: str, ours: str, announced: str | None) -> str:
    """The answer to a request for the welcome page; while it is asked for, the box takes us for another."""
    path = "/portal/welcome" if announced else "/"
    family = socket.AF_INET6 if ":" in ours else socket.AF_INET
    plain, told = address.partition("%")[0], b""
    with phone.space.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(5)
        for each, port, do in ((address, 0, sock.bind), (ours, PORTAL_PORT, sock.connect)):
            do(phone.space.inside(lambda at=each, of=port: socket.getaddrinfo(at, of, family)[0][4]))  # type: ignore[misc]
        if announced:
            _as_another(phone, plain, announced)
            until(lambda: _neighbour(phone, plain) == announced, within_s=3, what="the box believes it")
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {GUEST4}\r\nConnection: close\r\n\r\n".encode())
        if announced:
            time.sleep(0.3)  # the answer goes astray once; meanwhile the page was made
            _as_another(phone, plain, phone.mac)
        with contextlib.suppress(OSError):
            while more := sock.recv(65_536):
                told += more
    return told.decode()


def _neighbour(phone: Phone, address: str) -> str:
    told = phone.network.gateway.run("ip", "neigh", "show", address, "dev", "guest0").split()
    return told[told.index("lladdr") + 1] if "lladdr" in told else ""


def _link_local(space: Namespace, dev: str) -> str:
    return space.run("ip", "-6", "-o", "addr", "show", "dev", dev, "scope", "link").split()[3].split("/")[0]


def _as_another(phone: Phone, address: str, mac: str) -> None:
    """An announcement that this MAC is at the address."""
    raw = bytes.fromhex(mac.replace(":", ""))
    if ":" not in address:
        for kind in (b"\0\2", b"\0\1"):  # a reply, and a question that tells the same
            arp = b"\0\1\x08\0\6\4" + kind + raw + socket.inet_aton(address) + bytes(6) + socket.inet_aton(GUEST4)
            phone.frame(arp, kind=0x0806)
        return
    source, target = (socket.inet_pton(socket.AF_INET6, at) for at in (address, GUEST6))
    body = b"\x88\0\0\0\x60\0\0\0" + source + b"\2\1" + raw
    total = sum(struct.unpack(f"!{(40 + len(body)) // 2}H", source + target + struct.pack("!II", len(body), 58) + body))
    total = (total & 0xFFFF) + (total >> 16)
    checked = body[:2] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + body[4:]
    phone.frame(b"\x60\0\0\0" + struct.pack("!HBB", len(body), 58, 255) + source + target + checked, kind=0x86DD)


def test_an_address_with_a_new_tenant(wifi: Gateway, join: Join) -> None:
    """The lease goes from one phone to the next: who has it now is known at once, and is not the one before."""
    first = join(wifi)
    let_in(first)
    address = first.address4
    second = join(wifi, joined=False)
    wifi.kill("dnsmasq")
    leases = wifi.folder / "leases"
    leases.write_text(leases.read_text("utf-8").replace(first.mac, second.mac), "utf-8")
    first.space.ip("addr flush dev eth0", check=False)
    wifi.start_dnsmasq()
    second.join()
    assert second.address4 == address
    assert second.captive()
    let_in(second)
    assert second.online()


def test_a_crowd_of_made_up_phones_takes_all_leases_of_nobody(wifi: Gateway, join: Join) -> None:
    phone = join(wifi, joined=False)
    for number in range(300):
        mac = f"0e:00:00:00:{number >> 8:02x}:{number & 255:02x}"
        phone.frame(discover(mac), kind=0x0800, source=mac, target="ff:ff:ff:ff:ff:ff")
    began = time.monotonic()
    other = join(wifi)
    assert other.address4
    assert time.monotonic() - began < 5
    assert other.captive()


def discover(mac: str) -> bytes:
    """DHCPDISCOVER, with its IP and UDP heads."""
    raw = bytes.fromhex(mac.replace(":", ""))
    bootp = b"\x01\x01\x06\x00" + raw[2:6] + b"\0" * 20 + raw + b"\0" * 202 + b"\x63\x82\x53\x63" + b"\x35\x01\x01\xff"
    return udp4("0.0.0.0", "255.255.255.255", 68, 67, bootp)
