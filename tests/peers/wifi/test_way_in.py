"""A phone's way from its lease to the internet, over both families, with the real daemon, gate and dnsmasq."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import async_playwright, expect

from edge.web.guest.portal.probes import PROBES
from tests.peers.chromium import CHROMIUM, FLAGS, PHONE, needs_chromium
from tests.peers.wifi.given_gateway import PORTAL, STAFF, Gateway
from tests.peers.wifi.given_http import forms
from tests.peers.wifi.given_login import ACCEPT, PROBE, is_in, leave, let_in, log_in
from tests.peers.wifi.given_network import GARDEN, GARDEN4, GARDEN6, GUEST4, NET4, NET6
from tests.peers.wifi.given_phone import Phone

Join = Callable[..., Phone]
FAMILIES = pytest.mark.parametrize("family", [4, 6], ids=["IPv4", "IPv6"])
AT_ONCE_S = 0.2
SYNTHETIC = {4: "192.0.2.1", 6: "2001:db8::53"}
NO_API = "opt114"


def test_without_a_certificate_no_lease_tells_of_the_api(wifi: Gateway, join: Join) -> None:
    assert NO_API not in join(wifi).lease


@FAMILIES
def test_every_vendors_probe(wifi: Gateway, join: Join, family: int) -> None:
    """Captive: led to the portal, whatever it asks. Let in: what its vendor answers. The next phone: still captive."""
    phone, other = join(wifi), join(wifi)
    for probe in PROBES:
        led = phone.fetch(probe.url, family=family, headers={"User-Agent": probe.agent} if probe.agent else None)
        assert (led.status, led.location) == (302, f"http://{GUEST4}/"), probe
        assert "no-store" in led.headers["Cache-Control"]
        assert led.headers["Connection"] == "close"
    let_in(phone, family=family)
    for probe in PROBES:
        told = phone.fetch(probe.url, family=family)
        assert (told.status, told.text) == (probe.status, probe.body), probe
    assert phone.online(4)
    assert phone.online(6)
    assert other.captive(4)
    assert other.captive(6)
    for address in (NET4, NET6):
        assert other.refused_s(address, 443) < AT_ONCE_S
        assert other.datagram(address, 443) not in {b"storegate", "TimeoutError"}


@FAMILIES
def test_the_second_look_succeeds_with_the_old_address(wifi: Gateway, join: Join, family: int) -> None:
    """A phone asks again within milliseconds, and its resolver still has what the captive DNS said."""
    phone = join(wifi)
    old = phone.resolve("captive.apple.com", family)
    assert old == SYNTHETIC[family]
    let_in(phone, family=family)
    told = phone.fetch(PROBE, at=old)
    assert told.status == 200
    assert "Success" in told.text
    assert phone.fetch("http://connectivitycheck.gstatic.com/generate_204", at=old).status == 204
    assert phone.refused_s(old, 443) < AT_ONCE_S


@needs_chromium
@pytest.mark.parametrize(
    ("language", "script", "title"),
    [("zh-CN", True, "测试小店"), ("en-US", True, "The Test Shop"), ("en-US", False, "The Test Shop")],
    ids=["zh", "en", "no script"],
)
async def test_a_browser_logs_in_by_the_form(
    wifi: Gateway, join: Join, tmp_path: Path, language: str, script: bool, title: str
) -> None:
    phone, other = join(wifi), join(wifi)
    wrapper = tmp_path / "chromium"
    wrapper.write_text(f'#!/bin/sh\nexec {" ".join(phone.space.prefix())} {CHROMIUM} "$@"\n', "utf-8")
    wrapper.chmod(0o755)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(wrapper), args=FLAGS)
        context = await browser.new_context(
            viewport={"width": PHONE[0], "height": PHONE[1]}, locale=language, java_script_enabled=script
        )
        page = await context.new_page()
        await page.goto(PROBE)
        assert page.url == f"http://{GUEST4}/"
        await expect(page.locator("body")).to_contain_text(title)
        form = page.locator("form[action*='/portal/accept']").first
        box = form.locator("input[type=checkbox][required]")
        if await box.count():
            await box.first.check()
        await form.locator("button[value=click]").click()
        await page.wait_for_url("**/portal/welcome**")
        assert phone.online(4)
        assert phone.online(6)
        await page.goto(PROBE)
        await expect(page).to_have_title("Success")
        await page.goto("http://www.example.net/")
        await expect(page.locator("body")).to_contain_text("the internet, you are")
        await browser.close()
    assert other.captive(4)
    assert other.captive(6)


def test_every_request_of_a_stranger_is_led_to_the_portal(wifi: Gateway, join: Join) -> None:
    phone = join(wifi)
    for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"):
        led = phone.fetch(
            "http://shop.example.org/a/b?c=d", method=method, data={"a": "b"} if method == "POST" else None
        )
        assert (led.status, led.location) == (302, f"http://{GUEST4}/"), method
    assert phone.fetch("http://1.1.1.1/").location == f"http://{GUEST4}/"


def test_the_captive_dns_is_no_tunnel(wifi: Gateway, join: Join) -> None:
    """No other types, no long names, no other resolver: over UDP, TCP, TLS, HTTPS; on both families."""
    phone = join(wifi)
    told = phone.ask("www.example.net")
    assert told is not None
    assert [str(record) for answer in told.answer for record in answer] == [SYNTHETIC[4]]
    assert told.answer[0].ttl <= 5
    for kind in ("TXT", "NULL", "MX", "CNAME", "SRV", "ANY"):
        said = phone.ask("dGhpcyBpcyBhIHR1bm5lbA.tunnel.example", kind)
        assert said is None or not said.answer, kind
    long = ".".join(["abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"] * 4)
    said = phone.ask(long)
    assert said is None or not said.answer
    for resolver in (NET4, NET6, "8.8.8.8", "2001:4860:4860::8888"):
        said = phone.ask("real.example.net", server=resolver)
        if said is not None:  # ours, in their name
            assert {str(record) for answer in said.answer for record in answer} <= {SYNTHETIC[4]}
        said = phone.ask("real.example.net", server=resolver, tcp=True)
        assert said is None or {str(record) for answer in said.answer for record in answer} <= {SYNTHETIC[4]}
        assert phone.refused_s(resolver, 853) < AT_ONCE_S
        assert phone.refused_s(resolver, 443) < AT_ONCE_S


def test_a_flood_of_names_is_bounded_and_hurts_nobody(wifi: Gateway, join: Join) -> None:
    phone, other = join(wifi), join(wifi)
    answered = 0
    began = time.monotonic()
    for number in range(300):
        said = phone.ask(f"x{number}.tunnel.example", within_s=0.002)
        answered += said is not None and bool(said.answer)
    assert answered <= 65 + 25 * (time.monotonic() - began)
    assert other.captive()


@FAMILIES
def test_the_walled_garden_opens_with_its_name(wifi: Gateway, join: Join, family: int) -> None:
    phone = join(wifi)
    address = phone.resolve(GARDEN, family)
    assert address == {4: GARDEN4, 6: GARDEN6}[family]
    assert phone.reaches(address, 443)  # let through before the answer went out
    assert not phone.reaches({4: NET4, 6: NET6}[family], 443)


def test_a_voucher_of_the_command_line(wifi: Gateway, join: Join) -> None:
    phone, other = join(wifi), join(wifi)
    (code,) = vouchers(wifi, "--minutes", "30")
    assert not is_in(log_in(phone, "voucher", voucher="AAAA-AAAA-AAAA-AAAA"))
    assert phone.captive()
    let_in(phone, "voucher", voucher=code.lower())
    assert phone.online(4)
    assert phone.online(6)
    assert not is_in(log_in(other, "voucher", voucher=code))  # for one device
    assert other.captive()


def test_bytes_run_out(wifi: Gateway, join: Join) -> None:
    """In the middle of a download, by what the kernel counted; the voucher is worth nothing more."""
    phone, other = join(wifi), join(wifi)
    (code,) = vouchers(wifi, "--megabytes", "2", "--devices", "2")
    let_in(phone, "voucher", voucher=code)
    with phone.download() as running:
        ends = time.monotonic() + 20
        with suppress(OSError):
            running.settimeout(1)
            while running.recv(1 << 16):
                assert time.monotonic() < ends
                time.sleep(0.001)
    assert phone.captive()
    refused = log_in(other, "voucher", voucher=code)
    assert "voucher_over" in refused.location


def test_coming_and_going_does_not_stretch_a_voucher(wifi: Gateway, join: Join) -> None:
    """In, a download, out before anybody counted, and again; also by a click in between, and by another phone."""
    phone, other = join(wifi), join(wifi)
    (code,) = vouchers(wifi, "--megabytes", "2", "--devices", "2")
    let_in(phone, "voucher", voucher=code)
    took(phone, 1_000_000)
    leave(phone)
    let_in(other, "voucher", voucher=code)
    took(other, 1_500_000)
    assert "/portal/welcome" in log_in_again(other, "click")  # what was used by the voucher stays the voucher's
    assert other.online()
    for each in (phone, other):
        assert "voucher_over" in log_in_again(each, "voucher", voucher=code)


def took(phone: Phone, least: int) -> None:
    total = 0
    with phone.download() as running:
        running.settimeout(2)
        while total < least:
            total += len(running.recv(1 << 16))


def log_in_again(phone: Phone, way: str, **fields: str) -> str:
    """By the splash page, on or not; where its answer leads to."""
    page = phone.fetch(f"http://{GUEST4}/?again=1")
    form = next(form for form in forms(page.text) if urlsplit(form.action).path == ACCEPT)
    given = {name: value for name, value in form.fields.items() if name != "marketing"} | {"way": way, **fields}
    return phone.fetch(f"http://{GUEST4}{ACCEPT}", data=given, headers={"Origin": f"http://{GUEST4}"}).location


def vouchers(wifi: Gateway, *options: str, count: int = 1) -> list[str]:
    told = wifi.storegate("voucher", "make", "--count", str(count), *options)
    return [line.strip() for line in told.splitlines() if line.strip()]


def test_staff_come_in_by_their_code(wifi: Gateway, join: Join) -> None:
    phone = join(wifi)
    assert not is_in(log_in(phone, "staff", staff=STAFF + "x"))
    let_in(phone, "staff", staff=STAFF)
    assert phone.online()


@FAMILIES
def test_logout_cuts_a_running_download(wifi: Gateway, join: Join, family: int) -> None:
    phone = join(wifi)
    let_in(phone)
    with phone.download(family=family) as running:
        began = time.monotonic()
        assert leave(phone).status == 303
        while time.monotonic() - began < 5:
            running.settimeout(0.3)
            try:
                if not running.recv(1 << 20):
                    break
            except OSError:
                break
        assert time.monotonic() - began < 1.3  # the last wait for a byte is in it
    assert phone.captive(family)


def test_the_api_of_phones(wifi: Gateway, join: Join) -> None:
    phone = join(wifi)
    url = f"http://{GUEST4}/captive-portal/api"
    assert '"captive":true' in phone.fetch(url).text.replace(" ", "")
    let_in(phone)
    told = phone.fetch(url)
    assert '"captive":false' in told.text.replace(" ", "")
    assert told.headers["Content-Type"].startswith("application/captive+json")
    assert "private" in told.headers["Cache-Control"]


def test_a_new_mac_finds_its_session_by_the_wallet(wifi: Gateway, join: Join) -> None:
    """Phones change their MAC: the cookie says who it is. Of one device too many the oldest is out, and the cookie
    decides whose device it is.
    """
    portal = {**PORTAL, "limits": {"click": {"minutes": 60, "day_minutes": 90, "devices": 1}}}
    wifi.put("portals", [portal])
    try:
        phone, again, stranger = join(wifi), join(wifi), join(wifi)
        let_in(phone)
        again.cookies.update(phone.cookies)
        let_in(again)
        assert again.online()
        assert phone.captive()
        assert phone.mac not in wifi.members()
        let_in(stranger)  # without the cookie it is somebody else
        assert again.online()
        assert stranger.online()
    finally:
        wifi.put("portals", [PORTAL])
