"""The guest Wi-Fi on the air: the kernel's simulated radios, hostapd, dnsmasq, gate and daemon as systemd runs them.

One radio is the box's, the others are phones: each in a namespace of its own, with wpa_supplicant and a DHCP client.
"""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.grants import Grant, sign
from tests.peers.wifi.given_http import forms
from tests.peers.wifi.given_login import leave, let_in
from tests.peers.wifi.given_namespaces import Namespace
from tests.peers.wifi.given_network import (
    GUEST4,
    GUEST4_LONG,
    GUEST6_LONG,
    INTERNET,
    NET4,
    NET6,
    ROUTER4,
    ROUTER6,
    WAN4,
    WAN6,
)
from tests.peers.wifi.given_phone import Phone
from tests.vm.air import until
from tests.vm.installing import CONFIG, install, run, said, show

pytestmark = pytest.mark.vm
SSID = "好邻居 Free"
PASSWORD = "letmein-please"
PASSWORD_FILE = Path("/etc/storegate/wifi-password")
DNSMASQ = Path("/etc/dnsmasq.d/storegate.conf")
HOSTAPD = Path("/etc/hostapd/hostapd.conf")
ADMIN = "http://127.0.0.1:8082"
CLOUD = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
UNITS = ("storegate-gate", "storegate", "dnsmasq", "hostapd")
PHONE_KEYS = {
    "open": "key_mgmt=NONE",
    "wpa2": f'key_mgmt=WPA-PSK\npsk="{PASSWORD}"',
    "owe": "key_mgmt=OWE\nieee80211w=2",
}
PORTAL = {"id": "shop", "name_zh": "好邻居", "name_en": "Good Neighbour", "ways": ["click"], "limit": {"devices": 9}}
CAMPAIGN = {
    "id": "tea",
    "name_zh": "茶叶蛋",
    "name_en": "Tea egg",
    "kind": "gift",
    "starts_ms": 1_700_000_000_000,
    "ends_ms": 4_000_000_000_000,
    "stock": 100,
}
_names = itertools.count()


def gateway_toml(security: str) -> str:
    public = base64.b64encode(CLOUD.public_key().public_bytes_raw()).decode()
    return f"""
[gateway]
tenant = "acme"
store = "sh-042"
id = "gw-1"
[coupons.issuer_keys]
cloud = "{public}"
[gate]
interface = "br-guest"
uplink = "wan0"
address4 = "{GUEST4_LONG}"
address6 = "{GUEST6_LONG}"
[portal]
dns_upstream = ["{NET4}"]
[access_point]
interface = "wlan0"
ssid = "{SSID}"
country = "CN"
security = "{security}"
passphrase_file = "{PASSWORD_FILE}"
"""


class OnTheAir(Phone):
    """A phone with a radio in place of a cable; the rest of it is as in the tests of namespaces."""

    def __init__(self, radio: str, folder: Path) -> None:
        self.radio, self.folder = radio, folder
        self.hostname = self.address4 = self.address6 = ""
        self.lease: dict[str, str] = {}
        self.cookies: dict[str, str] = {}
        number = next(_names)
        self.space = Namespace(f"{radio}n{number}", resolver=GUEST4)
        self._lease_file = folder / f"lease-{self.space.name}"
        self._phy = Path(f"/sys/class/net/{radio}/phy80211").resolve().name
        run("iw", "phy", self._phy, "set", "netns", "name", self.space.name)
        self.mac = f"02:00:00:00:99:{number:02x}"  # a new phone each time, whatever sessions there were
        self.space.ip(f"link set {radio} name eth0", f"link set eth0 address {self.mac}")
        self.space.sysctl(net__ipv6__conf__eth0__router_solicitation_delay=0, net__ipv6__conf__eth0__use_tempaddr=0)
        self._supplicant: subprocess.Popen[bytes] | None = None

    def associate(self, security: str) -> None:
        file = self.folder / f"{self.space.name}.conf"
        file.write_text(
            f"network={{\nssid={SSID.encode().hex()}\nscan_ssid=1\n{PHONE_KEYS[security]}\n}}\n", encoding="utf-8"
        )
        log = self.folder / f"{self.space.name}.log"
        self._supplicant = self.space.start("wpa_supplicant", "-i", "eth0", "-c", str(file), log=log)
        until(lambda: "CTRL-EVENT-CONNECTED" in log.read_text("utf-8", "replace"), f"association ({security})")
        self.join()

    def close(self) -> None:
        """Off the network; its radio can be another phone's."""
        if self._supplicant is not None:
            self._supplicant.terminate()
            self._supplicant.wait(20)
        self.space.ip(f"link set eth0 down name {self.radio}", check=False)
        self.space.run("iw", "phy", self._phy, "set", "netns", "1", check=False)
        until(lambda: Path(f"/sys/class/net/{self.radio}").exists(), "the radio is back")
        self.space.close()


def ask(path: str, *, body: bytes | None = None, method: str = "GET") -> Any:
    wanted = urllib.request.Request(
        f"{ADMIN}{path}", data=body, method=method, headers={"content-type": "application/json"}
    )
    with urllib.request.urlopen(wanted, timeout=60) as answer:
        return json.loads(answer.read() or b"null")


def gate_is_up() -> bool:
    with contextlib.suppress(OSError):
        return bool(ask("/api/v1/status")["wifi"]["gate"] == "up")
    return False


@pytest.fixture(scope="module")
def internet() -> Iterator[Namespace]:
    """Behind the router of the box's uplink, as the gate lets nobody into the uplink's own network."""
    made = Namespace("internet")
    run("ip", "link", "add", "wan0", "type", "veth", "peer", "name", "eth0", "netns", made.name)
    for line in (f"addr add {WAN4}/24 dev wan0", f"addr add {WAN6}/64 dev wan0 nodad", "link set wan0 up"):
        run("ip", *line.split())
    made.ip(f"addr add {NET4} dev lo", f"addr add {NET6} dev lo nodad")
    made.ip(f"addr add {ROUTER4}/24 dev eth0", f"addr add {ROUTER6}/64 dev eth0 nodad", "link set eth0 up")
    made.ip(f"route add 2001:db8:77::/64 via {WAN6}")
    run("ip", "route", "add", "default", "via", ROUTER4)
    run("ip", "route", "add", "default", "via", ROUTER6)
    log = Path("/run/internet.log")
    made.start(sys.executable, str(INTERNET), "internet", "80", "443", log=log)
    made.start(
        *("dnsmasq", "--keep-in-foreground", "--user=root", "--conf-file=/dev/null", "--no-resolv", "--no-hosts"),
        *("--pid-file=", f"--listen-address={NET4},{NET6}", "--bind-interfaces"),
        *(f"--address=/#/{NET4}", f"--address=/#/{NET6}"),
        log=log,
    )
    until(lambda: made.listens(53) and made.listens(443), "the internet")
    yield made
    made.close()


@pytest.fixture(scope="module")
def box(internet: Namespace) -> Iterator[None]:
    """As docs/wifi.md says it, with the box's own radio."""
    install()
    run("modprobe", "mac80211_hwsim", "radios=3")
    until(lambda: Path("/sys/class/net/wlan2").exists(), "three radios")
    run("ip", "link", "add", "br-guest", "type", "bridge")
    run("ip", "addr", "add", GUEST4_LONG, "dev", "br-guest")
    run("ip", "addr", "add", GUEST6_LONG, "dev", "br-guest", "nodad")
    run("ip", "link", "set", "br-guest", "up")
    before = CONFIG.read_text("utf-8")
    PASSWORD_FILE.write_text(f"{PASSWORD}\n", "utf-8")
    CONFIG.write_text(gateway_toml("open"), "utf-8")
    run("storegate", "config", "check")
    run("storegate", "render", "dnsmasq", "--out", str(DNSMASQ))
    run("storegate", "render", "hostapd", "--out", str(HOSTAPD))
    run("dnsmasq", "--test")
    run("systemctl", "unmask", "hostapd")
    try:
        for unit in UNITS:
            started = subprocess.run(["systemctl", "start", unit], capture_output=True, text=True)
            assert started.returncode == 0, started.stderr + said(unit)
        until(gate_is_up, "the gate")
        ask("/api/v1/documents/portals", body=json.dumps([PORTAL]).encode(), method="PUT")
        ask("/api/v1/documents/campaigns", body=json.dumps([CAMPAIGN]).encode(), method="PUT")
        grant = Grant(
            grant_id="g1",
            campaign="tea",
            gateway="/storegate/acme/sh-042/gw-1",
            units=50,
            not_after_ms=int((time.time() + 36_000) * 1000),
            seq=1,
        )
        signed = msgspec.json.encode(sign(grant, key_id="cloud", key=CLOUD))
        ask("/api/v1/coupons/grant", body=signed, method="POST")
        yield
    finally:
        for unit in reversed(UNITS):
            run("systemctl", "stop", unit, check=False)
        CONFIG.write_text(before, "utf-8")


@pytest.fixture
def phones(box: None, tmp_path: Path) -> Iterator[list[OnTheAir]]:
    made = [OnTheAir("wlan1", tmp_path), OnTheAir("wlan2", tmp_path)]
    yield made
    for phone in made:
        phone.close()


def secure(security: str) -> None:
    CONFIG.write_text(gateway_toml(security), "utf-8")
    run("storegate", "render", "hostapd", "--out", str(HOSTAPD))
    run("systemctl", "restart", "hostapd")


def takes_a_coupon(phone: Phone) -> None:
    page = phone.fetch(f"http://{GUEST4}/portal/welcome", within_s=20)
    assert "Tea egg" in page.text
    claim = next(form for form in forms(page.text) if urlsplit(form.action).path == "/wallet/claim")
    origin = {"Origin": f"http://{GUEST4}"}
    taken = phone.fetch(f"http://{GUEST4}/wallet/claim", data=claim.fields, headers=origin, within_s=20)
    assert (taken.status, urlsplit(taken.location).path[:3]) == (303, "/c/"), taken.text
    assert "Tea egg" in phone.fetch(f"http://{GUEST4}{urlsplit(taken.location).path}", within_s=20).text


@pytest.mark.parametrize("security", ["open", "wpa2", "owe"])
def test_from_association_to_coupon(phones: list[OnTheAir], security: str) -> None:
    phone, other = phones
    secure(security)
    phone.associate(security)
    other.associate(security)
    assert phone.captive(4)
    assert phone.captive(6)
    assert phone.refused_s(NET4, 443) < 2
    let_in(phone)
    assert phone.online(4)
    assert phone.online(6)
    takes_a_coupon(phone)
    assert other.captive(4), "the second phone is none the wiser"
    assert other.captive(6)
    for address in (NET4, NET6):
        assert other.refused_s(address, 443) < 2
    assert leave(phone).status == 303
    assert phone.captive(4)
    assert phone.captive(6)


@pytest.mark.parametrize("isolated", [True, False], ids=["as rendered", "without ap_isolate"])
def test_guests_do_not_hear_one_another(phones: list[OnTheAir], isolated: bool) -> None:
    """And would if the access point did not keep them apart: the box's own rules never see what it passes on."""
    secure("open")
    if not isolated:
        rendered = HOSTAPD.read_text("utf-8")
        assert "ap_isolate=1\n" in rendered
        HOSTAPD.write_text(rendered.replace("ap_isolate=1\n", "ap_isolate=0\n"), "utf-8")
        run("systemctl", "restart", "hostapd")
    try:
        for phone in phones:
            phone.associate("open")
            let_in(phone)
        first, second = phones
        with first.space.socket(socket.AF_INET, socket.SOCK_STREAM) as door:
            door.bind((first.address4, 9999))
            door.listen()
            assert second.reaches(first.address4, 9999, within_s=5) is not isolated
    finally:
        secure("open")


@pytest.mark.parametrize("unit", ["storegate-gate", "storegate"])
def test_one_that_is_killed_comes_back_and_guests_stay_on(phones: list[OnTheAir], unit: str) -> None:
    first, second = phones
    secure("open")
    first.associate("open")
    let_in(first)
    second.associate("open")
    before = show(unit, "MainPID", "NRestarts")
    os.kill(int(before["MainPID"]), signal.SIGKILL)
    assert first.online(4)
    assert first.online(6)
    assert not second.reaches(NET4, 443)
    until(lambda: show(unit, "NRestarts") != {"NRestarts": before["NRestarts"]}, "systemd starts it again")
    until(lambda: show(unit, "ActiveState")["ActiveState"] == "active", "it is ready", within_s=120)
    until(gate_is_up, "the gate", within_s=60)
    assert first.online(4)
    let_in(second)
    assert second.online(4)
    assert second.online(6)


@pytest.mark.usefixtures("box")
def test_doctor_finds_nothing_to_mend() -> None:
    told = subprocess.run(["storegate", "doctor", "--json"], capture_output=True, text=True, timeout=120)
    assert [line for line in json.loads(told.stdout)["lines"] if line["verdict"] == "wrong"] == []


@pytest.mark.usefixtures("box")
def test_what_phones_are_told_is_kept_current() -> None:
    """dnsmasq starts again where its file is another, and only then; what fails is a unit that failed."""

    def runs() -> str:
        run("systemctl", "start", "storegate-dhcp")
        return show("dnsmasq", "MainPID")["MainPID"]

    run("systemctl", "enable", "--now", "storegate-dhcp.timer")
    before = runs()
    assert runs() == before
    good = CONFIG.read_text("utf-8")
    try:
        CONFIG.write_text(good.replace("[portal]\n", "[portal]\nlease_s = 7200\n"), "utf-8")
        after = runs()
        assert after not in {before, "0"}
        assert ",7200" in DNSMASQ.read_text("utf-8")
        assert runs() == after
        CONFIG.write_text("nonsense", "utf-8")
        with pytest.raises(AssertionError):
            runs()
        assert show("storegate-dhcp", "Result") == {"Result": "exit-code"}
        assert show("dnsmasq", "MainPID") == {"MainPID": after}
    finally:
        CONFIG.write_text(good, "utf-8")
        run("systemctl", "reset-failed", "storegate-dhcp", check=False)
    assert runs() not in {after, "0"}


def test_nobodys_phone_is_in_the_log(phones: list[OnTheAir]) -> None:
    secure("open")
    phones[0].associate("open")
    let_in(phones[0])
    for unit in UNITS:
        assert phones[0].mac not in said(unit), unit
