"""A shop with a certificate, a cloud (SMS, 微信连Wi-Fi), and two thousand guests from before a restart."""

from __future__ import annotations

import json
import re
import shutil
import socket
import struct
import time
from collections.abc import Callable, Iterator
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.peers.authority import Authority, Pair
from tests.peers.wifi.given_crowd import seed
from tests.peers.wifi.given_gateway import PORTAL, Gateway
from tests.peers.wifi.given_http import forms
from tests.peers.wifi.given_login import PROBE, Splash, is_in, let_in
from tests.peers.wifi.given_namespaces import until
from tests.peers.wifi.given_network import GUEST4, GUEST6, NET4, Network
from tests.peers.wifi.given_phone import Phone

Join = Callable[..., Phone]
NAME = "s042.portal.example.net"
GUESTS = 2000
DNS6, CAPTIVE6 = 23, 103
"""Options of DHCPv6 (RFC 3646, RFC 8910)."""
SECRET = "a-secret-of-wechat-for-tests"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Authority, Pair]:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    return authority, authority.pair("portal", server=True, host=NAME, chain=True)


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory, files: tuple[Authority, Pair]) -> Iterator[Gateway]:
    network = Network(tmp_path_factory.mktemp("big"))
    try:
        gateway = Gateway(network)
        _, pair = files
        gateway.configure(
            portal=f'name = "{NAME}"\ncert_file = "{pair.cert}"\nkey_file = "{pair.key}"\nmost_guests = 3000',
            more='[mqtt]\nhost = "127.0.0.1"\n[portal.sms]\nper_shop_day = 100\n'
            f'[portal.wechat]\napp_id = "wx0"\nshop_id = "77"\nssid = "shop"\nsecret_key = "{SECRET}"\npass_s = 30',
        )
        gateway.put("portals", [{**PORTAL, "ways": ["click", "sms", "wechat"]}])
        gateway.start_cloud()
        seed(gateway.config, GUESTS)
        gateway.start_gate()
        gateway.start_dnsmasq()
        gateway.start_daemon()
        until(gateway.gate_up, within_s=20, what="the daemon has its gate")
        yield gateway
        gateway.stop()
    finally:
        network.close()


def test_two_thousand_sessions_are_back(big: Gateway, join: Join) -> None:
    """All at once; a new guest comes in among them as fast as ever."""
    until(lambda: len(big.members()) >= GUESTS, within_s=10, what="all are in the kernel")
    phone = join(big)
    began = time.monotonic()
    let_in(phone)
    assert time.monotonic() - began < 1
    assert phone.online(4)
    assert phone.online(6)
    assert len(big.members()) == GUESTS + 1


def test_a_lease_tells_of_the_api(big: Gateway, join: Join) -> None:
    """Option 114, and the same in DHCPv6 and over TLS what RFC 8908 says."""
    phone = join(big)
    url = f"https://{NAME}/captive-portal/api"
    assert bytes.fromhex(phone.lease["opt114"]).decode() == url
    told6 = until(lambda: information(phone, CAPTIVE6, DNS6), within_s=5, what="an answer by DHCPv6")
    assert told6[CAPTIVE6].decode() == url
    assert told6[DNS6] == socket.inet_pton(socket.AF_INET6, GUEST6)
    for family, here in ((4, GUEST4), (6, GUEST6)):
        assert phone.resolve(NAME, family) == here
        told = phone.fetch(url, family=family, headers={"Accept": "application/captive+json"})
        assert told.headers["Content-Type"].startswith("application/captive+json")
        said = json.loads(told.text)
        assert said["captive"] is True
        assert said["user-portal-url"].startswith(f"https://{NAME}/")
        assert "seconds-remaining" not in said
    let_in(phone)
    said = json.loads(phone.fetch(url).text)
    assert said["captive"] is False
    assert 3000 < said["seconds-remaining"] <= 3600
    for family, here in ((4, GUEST4), (6, GUEST6)):  # members ask dnsmasq
        assert phone.resolve(NAME, family) == here


def information(phone: Phone, *wanted: int) -> dict[int, bytes]:
    """One exchange of RFC 8415, information-request and reply, by link-local multicast; empty: none in a second."""
    number, identity = b"\x11\x22\x33", b"\0\x03\0\x01" + bytes.fromhex(phone.mac.replace(":", ""))
    asks = struct.pack(f"!HH{len(wanted)}H", 6, 2 * len(wanted), *wanted)
    asks += struct.pack("!HH", 1, len(identity)) + identity + struct.pack("!HHH", 8, 2, 0)
    index = phone.space.inside(lambda: socket.if_nametoindex("eth0"))
    with phone.space.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.settimeout(1)
        sock.bind(("::", 546))
        sock.sendto(b"\x0b" + number + asks, ("ff02::1:2", 547, 0, index))
        try:
            told = sock.recv(2048)
        except TimeoutError:
            return {}
    assert told[:4] == b"\x07" + number
    found, at = dict[int, bytes](), 4
    while at < len(told):
        kind, size = struct.unpack_from("!HH", told, at)
        found[kind] = told[at + 4 : at + 4 + size]
        at += 4 + size
    return found


@pytest.mark.parametrize("family", [4, 6], ids=["IPv4", "IPv6"])
def test_the_way_in_by_name(big: Gateway, join: Join, family: int) -> None:
    phone = join(big)
    splash = Splash(phone, family=family)
    assert splash.url == f"https://{NAME}/"
    assert "Strict-Transport-Security" not in splash.page.headers  # a certificate may end
    said = splash.send(splash.form(way="click"))
    assert is_in(said)
    assert phone.online(family)


def test_a_code_by_sms(big: Gateway, join: Join) -> None:
    """The page can be left for the message and opened again; a wrong code is no way in."""
    phone = join(big)
    until(lambda: "sms" in Splash(phone).page.text, within_s=10, what="the cloud is there")
    splash = Splash(phone)
    said = splash.send(splash.form(way="sms", number="138 1234 5678"))
    assert (said.status, urlsplit(said.location).path) == (303, "/portal/sms"), said.location
    number, code = until(lambda: sms_of(big), within_s=5, what="the message came")
    assert number == "+8613812345678"
    back = phone.fetch(f"https://{NAME}/")  # the mini-browser closed: it is taken back to the code
    assert (back.status, urlsplit(back.location).path) == (302, "/portal/sms")
    assert 'autocomplete="one-time-code"' in phone.fetch(f"https://{NAME}/portal/sms").text
    wrong = splash.send(fields_of(phone, code=f"{(int(code) + 1) % 10 ** len(code):0{len(code)}}"))
    assert not is_in(wrong)
    assert phone.captive()
    assert is_in(splash.send(fields_of(phone, code=code)))
    assert phone.online()
    assert number not in big.logs()
    assert code not in big.logs()


def sms_of(big: Gateway) -> list[str]:
    lines = (big.folder / "cloud.log").read_text("utf-8").splitlines()
    return next((line.split() for line in reversed(lines) if line.startswith("+")), [])


def fields_of(phone: Phone, **more: str) -> dict[str, str]:
    """Of the page that asks for the code."""
    page = phone.fetch(f"https://{NAME}/portal/sms")
    form = next(form for form in forms(page.text) if "code" in form.fields)
    return {**form.fields, **more}


def extend_of(phone: Phone) -> str:
    """By the button of WeChat, to the page that opens it."""
    splash = Splash(phone)
    said = splash.send(splash.form(way="wechat"))
    assert (said.status, urlsplit(said.location).path) == (303, "/portal/wechat"), (said.status, said.location)
    page = phone.fetch(f"https://{NAME}{said.location}")
    assert SECRET not in page.text
    found = re.search(r"https://wifi\.weixin\.qq\.com/operator/callWechat\.xhtml\?[^\"'<> ]+", unescape(page.text))
    assert found, page.text
    return dict(parse_qsl(urlsplit(found[0]).query))["extend"]


def called(phone: Phone, extend: str, open_id: str = "o6_bmjrPTlm6_2sgVt7hMZOPfL2M") -> int:
    return phone.fetch(f"http://{GUEST4}/portal/app/wechat?extend={extend}&openId={open_id}&tid=x").status


def test_a_call_in_wechats_name(big: Gateway, join: Join) -> None:
    """Nothing in it is signed by WeChat: forged, somebody else's and replayed ones let nobody in."""
    phone, thief = join(big), join(big)
    for extend in ("", "x", "A" * 72, "A" * 5000, "%00"):
        assert called(thief, extend) != 200
    extend = extend_of(phone)
    assert phone.reaches(NET4, 443)  # the temporary pass, to reach WeChat
    assert called(thief, extend) != 200
    assert thief.captive()
    assert called(phone, extend[:-1] + ("A" if extend[-1] != "A" else "B")) != 200
    assert called(phone, extend, open_id="<script>") != 200
    assert called(phone, extend) == 200
    assert phone.online()
    assert called(thief, extend) != 200
    assert thief.captive()
    assert SECRET not in big.logs()
    assert called(thief, extend_of(thief), open_id="nobody-knows-me") != 200  # the cloud does not


def test_an_expired_certificate(big: Gateway, join: Join, files: tuple[Authority, Pair]) -> None:
    """A good one that is in use stays when an expired one is put over it; a daemon that starts with the expired one
    falls back to the box's address, no lease tells of the API any more; a good one is found without a restart.
    """
    authority, pair = files
    over = authority.pair("over", days=-1, server=True, host=NAME, chain=True)
    good = pair.cert.read_bytes(), pair.key.read_bytes()
    shutil.copy(over.cert, pair.cert)
    shutil.copy(over.key, pair.key)
    until(lambda: "ended on" in (big.status()["tls_problem"] or ""), within_s=15, what="it is said")
    phone = join(big)
    assert phone.fetch(PROBE).location == f"https://{NAME}/"
    assert Splash(phone).page.status == 200
    big.kill("daemon")
    big.start_daemon()
    until(big.gate_up, within_s=20, what="the daemon has its gate")
    assert phone.fetch(PROBE).location == f"http://{GUEST4}/"
    assert "114" not in big.storegate("render", "dnsmasq")
    let_in(phone)
    for file, text in zip((pair.cert, pair.key), good, strict=True):
        file.write_bytes(text)
    other = join(big)
    until(lambda: other.fetch(PROBE, at=NET4).location == f"https://{NAME}/", within_s=15, what="the new one is in use")
    assert f"114,https://{NAME}" in big.storegate("render", "dnsmasq")
