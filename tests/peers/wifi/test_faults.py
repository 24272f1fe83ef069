"""What breaks in a shop: programs that die, a box that starts again, cables, a cut line, a hand in the rules."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tests.peers.wifi.given_gateway import Gateway
from tests.peers.wifi.given_login import PROBE, Splash, is_in, leave, let_in
from tests.peers.wifi.given_namespaces import until
from tests.peers.wifi.given_network import GUEST4, NET4, NET6
from tests.peers.wifi.given_phone import Phone

Join = Callable[..., Phone]
AT_ONCE_S = 0.2


@pytest.fixture(autouse=True)
def all_is_well_again(wifi: Gateway) -> Iterator[None]:
    """Whatever a test broke, the next finds it whole."""
    yield
    wifi.network.mend_uplink()
    if wifi.gate is None:
        wifi.start_gate()
    if wifi.dnsmasq is None:
        wifi.start_dnsmasq()
    if wifi.daemon is None:
        wifi.start_daemon()
    until(wifi.gate_up, within_s=15, what="the daemon has its gate")


def running(phone: Phone, *, for_s: float = 0.3) -> bool:
    with phone.download() as download:
        ends = time.monotonic() + for_s
        with suppress(OSError):
            while time.monotonic() < ends:
                if not download.recv(1 << 20):
                    return False
            return True
    return False


def test_the_daemon_killed(wifi: Gateway, join: Join) -> None:
    """Members go on; nobody new gets in; when it is back, it is as before."""
    member, other = join(wifi), join(wifi)
    let_in(member)
    wifi.kill("daemon")
    assert member.online(4)
    assert member.online(6)
    assert running(member)
    for address in (NET4, NET6):
        assert other.refused_s(address, 443) < AT_ONCE_S
        assert other.refused_s(address, 80) < AT_ONCE_S  # where its probe is led nobody listens
    wifi.start_daemon()
    until(wifi.gate_up, within_s=10, what="the daemon has its gate")
    assert member.online(4)
    assert other.captive()
    let_in(other)
    assert other.online(4)
    assert leave(member).status == 303
    assert member.captive()


def test_the_gate_killed(wifi: Gateway, join: Join) -> None:
    """Members go on, nobody is let out, who wants in is told why not; after its restart all is as before."""
    member, other = join(wifi), join(wifi)
    let_in(member)
    waiting = Splash(other)
    form = waiting.form(way="click")
    wifi.kill("gate")
    assert member.online(4)
    assert member.online(6)
    until(lambda: not wifi.gate_up(), within_s=5, what="the daemon noticed")
    refused = waiting.send(form)
    assert not is_in(refused)
    assert "gate_down" in refused.location
    assert Splash(other).forms == []  # and the page says so before anybody tries
    assert other.refused_s(NET4, 443) < AT_ONCE_S
    assert member.mac in wifi.members()
    wifi.start_gate()
    until(wifi.gate_up, within_s=15, what="the daemon has its gate again")
    assert member.online(4)
    assert other.captive()
    let_in(other)
    assert other.online(6)


def test_logout_while_the_gate_is_dead_waits_for_it(wifi: Gateway, join: Join) -> None:
    """Only the gate knows whose request it is: without it nobody is put out, and the page says why."""
    member = join(wifi)
    let_in(member)
    wifi.kill("gate")
    refused = leave(member)
    assert "gate_down" in refused.location
    assert member.fetch(f"http://{GUEST4}{refused.location}").status == 200
    wifi.start_gate()
    until(wifi.gate_up, within_s=15, what="the daemon has its gate again")
    assert member.online(4)
    assert "gate_down" not in leave(member).location
    until(lambda: member.mac not in wifi.members(), within_s=5, what="who left is out")
    assert member.captive()


def test_the_box_starts_again(wifi: Gateway, join: Join) -> None:
    """No table, no forwarding, no process: all sessions are back, and nobody else is."""
    members, other = [join(wifi) for _ in range(3)], join(wifi)
    for member in members:
        let_in(member)
    wifi.stop()
    wifi.lose_rules()
    assert not other.reaches(NET4, 443, within_s=0.3)
    wifi.start_gate()
    assert other.refused_s(NET4, 443) < AT_ONCE_S
    wifi.start_dnsmasq()
    wifi.start_daemon()
    until(wifi.gate_up, within_s=15, what="the daemon has its gate")
    until(lambda: {member.mac for member in members} <= wifi.members(), within_s=5, what="sessions are back")
    for member in members:
        assert member.online(4)
        assert member.online(6)
    assert other.captive()
    assert other.mac not in wifi.members()


def test_rules_changed_by_hand(wifi: Gateway, join: Join) -> None:
    """The whole table taken away: put back with everybody who was in, and told on the status page."""
    member, other = join(wifi), join(wifi)
    let_in(member)
    before = wifi.ask("status")["repairs"]
    wifi.space.run("nft", "delete", "table", "inet", "storegate")
    until(lambda: wifi.ask("status")["repairs"] > before, within_s=10, what="the gate noticed")
    until(lambda: member.online(4), within_s=5, what="the member is in again")
    assert other.captive()
    assert other.refused_s(NET6, 443) < AT_ONCE_S
    until(lambda: wifi.status().get("repairs", 0) > 0, within_s=15, what="the status page tells it")


def test_the_line_is_cut(wifi: Gateway, join: Join) -> None:
    """The portal still pops up and says so; coupons, the shake and the search are served, to members too."""
    member = join(wifi)
    let_in(member)
    wifi.network.cut_uplink()
    until(lambda: wifi.status().get("uplink") is False, within_s=60, what="the daemon noticed")
    began = time.monotonic()
    new = join(wifi)
    led = new.fetch(PROBE)
    assert led.status == 302
    page = new.fetch(f"http://{GUEST4}/")
    assert time.monotonic() - began < 2
    assert page.status == 200
    assert "internet" in page.text.lower()
    for phone in (new, member):
        for path in ("/wallet", "/shake", "/search?q=kele"):
            assert phone.fetch(f"http://{GUEST4}{path}").status == 200, path
    until(lambda: member.fetch(PROBE).status == 302, within_s=5, what="a member's browser comes to us as well")
    wifi.network.mend_uplink()
    until(lambda: wifi.status().get("uplink") is True, within_s=60, what="the daemon noticed")
    until(lambda: member.online(4), within_s=10, what="the member is back on the internet")
    assert new.captive()


def test_the_access_points_cable(wifi: Gateway, join: Join) -> None:
    """The guest interface is pulled and put back: sessions, portal, DHCP and both DNS are as before."""
    member = join(wifi)
    let_in(member)
    wifi.network.pull_guest_bridge()
    until(lambda: not wifi.gate_up() or wifi.ask("status")["interface"] == "missing", within_s=10, what="noticed")
    wifi.network.guest_bridge()
    until(lambda: wifi.ask("status")["interface"] == "up", within_s=10, what="it is back")
    until(lambda: member.online(4), within_s=10, what="the member is on again")
    new = join(wifi)
    assert new.captive(4)
    assert new.captive(6)
    let_in(new)
    assert new.online(6)


def test_dnsmasq_killed(wifi: Gateway, join: Join) -> None:
    """Who is not in meets the portal as ever: their DNS is ours."""
    phone = join(wifi)
    wifi.kill("dnsmasq")
    assert phone.captive(4)
    let_in(phone)
    wifi.start_dnsmasq()
    until(lambda: phone.online(4), within_s=5, what="names are found again")


def test_nothing_that_names_a_guest_is_in_a_log(wifi: Gateway, join: Join) -> None:
    phone = join(wifi, hostname="annas-phone")
    let_in(phone)
    leave(phone)
    logs = wifi.logs().lower()
    assert phone.mac not in logs
    assert "annas-phone" not in logs
    assert phone.mac not in json.dumps(wifi.status())
