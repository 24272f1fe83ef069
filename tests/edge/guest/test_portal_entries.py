"""What a guest typed and got wrong, what they came for, and a shop where shoppers have no way in."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import msgspec

from edge.access_answers import Way
from edge.ids import Mac
from edge.web.guest.portal import typed
from edge.web.guest.portal.typed import Typed
from tests.edge.guest.given_portal import PORTAL, Seen, cafe, phone

NUMBER = "138 1234 5678"


def tag(seen: Seen, name: str) -> str:
    found = re.search(rf'<input id="{name}"[^>]*>', seen.html)
    return unescape(found[0]) if found else ""


def title(seen: Seen) -> str:
    return unescape(seen.html.partition("<title>")[2].partition("</title>")[0])


def main_button(seen: Seen) -> list[str]:
    """Whose button wears the colour."""
    return re.findall(r'<button class="button " name="way" value="(\w+)"', seen.html)


async def test_a_wrong_voucher_stays_in_its_marked_field(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made) as guest, phone(made, 8) as other:
        seen = await guest.enter("voucher", voucher="abcd-efgh-ijkl")
        assert seen.no == "There is no such voucher. Please check the code."
        assert title(seen) == f"{seen.no} · Fresh Indeed"
        field = tag(seen, "voucher")
        assert 'value="abcd-efgh-ijkl"' in field
        assert 'aria-invalid="true" autofocus' in field
        assert 'aria-describedby="voucher-form no"' in field
        assert "XXXX-XXXX-XXXX" in seen.html
        assert main_button(seen) == ["voucher"]
        assert "abcd" not in seen.path
        assert "abcd" not in (await other.get("/?no=voucher_unknown&way=voucher")).html
        assert "abcd" not in (await guest.get("/?again=1")).html
        assert "aria-invalid" not in (await guest.get("/")).html


async def test_a_wrong_number_stays_and_a_right_one_does_not(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made) as guest:
        seen = await guest.enter("sms", number="12345")
        assert 'value="12345"' in tag(seen, "number")
        assert 'aria-describedby="no" aria-invalid="true" autofocus' in tag(seen, "number")
        made.cloud.answer = None
        seen = await guest.enter("sms", number=NUMBER)
        assert seen.no == "We could not send it. Please take another way, or try again in a moment."
        assert f'value="{NUMBER}"' in tag(seen, "number")
        assert "aria-invalid" not in seen.html  # nothing was wrong with it
        assert "138" not in seen.path
        assert made.board.wifi.refused["unsent"] == 1


async def test_a_wrong_code_marks_its_field(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made) as guest:
        step = await guest.enter("sms", number=NUMBER)
        assert (title(step), "aria-invalid" in step.html) == ("Code by SMS · Fresh Indeed", False)
        seen = await guest.post("/portal/accept", {**step.form(), "code": "000000", "way": "sms"})
        assert title(seen).startswith("That is not the code.")
        assert 'aria-invalid="true" aria-describedby="no"' in tag(seen, "code")


async def test_a_wrong_staff_code_is_not_kept(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made) as guest:
        seen = await guest.enter("staff", staff="guess-guess")
        assert 'aria-invalid="true" autofocus' in tag(seen, "staff")
        assert "guess-guess" not in seen.html
        assert '<details class="staff" open>' in seen.html


async def test_who_brings_a_voucher_came_for_it(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made) as guest:
        assert main_button(await guest.get("/")) == ["click"]
        seen = await guest.get("/?voucher=ABCD-EFGH-IJKL")
        assert main_button(seen) == ["voucher"]
        assert seen.html.index('value="voucher"') < seen.html.index('value="click"')


async def test_the_offers_tick_stands_above_the_buttons_that_send_it(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made) as guest:
        html = (await guest.get("/")).html
        assert html.index('id="marketing"') < html.index('value="click"')


async def test_shoppers_without_a_way_are_told_so(tmp_path: Path) -> None:
    """As with the policy of China and a portal that clicks: only the staff would get in."""
    portal = msgspec.structs.replace(PORTAL, ways=(Way.CLICK, Way.STAFF))
    async with cafe(tmp_path, policy="cn", document=portal) as made, phone(made) as guest, phone(made, 8) as zh:
        seen = await guest.get("/")
        assert (
            "Nobody can get online here right now.</strong> It is not your phone. Please tell the staff." in seen.html
        )
        said = seen.html.index("Nobody can get online")
        assert said < seen.html.index('<details class="staff"') < seen.html.index('id="consent"')
        assert 'value="click"' not in seen.html
        zh.lang = "zh-CN"
        assert "现在顾客无法上网。</strong> 不是您手机的问题，请告诉店员。" in (await zh.get("/")).html
        assert (await guest.enter("staff", staff="open-sesame-2026")).path == "/portal/welcome"


async def test_head_and_title_are_not_the_same_words(tmp_path: Path) -> None:
    async with cafe(tmp_path, document=None) as made, phone(made) as guest:
        seen = await guest.get("/")
        assert ('<p class="shop">Free Wi-Fi</p>' in seen.html, seen.h1) == (True, "Welcome")


def test_little_is_kept_and_not_for_long() -> None:
    kept = Typed()
    macs = [Mac(f"02:00:00:00:{n >> 8:02x}:{n & 255:02x}") for n in range(typed.MAX_KEPT + 5)]
    for mac in macs:
        kept.keep(mac, Way.VOUCHER, {"voucher": "x" * 500}, monotonic_ms=0)
    assert kept.of(macs[0], Way.VOUCHER, monotonic_ms=1) == ""
    assert kept.of(macs[-1], Way.VOUCHER, monotonic_ms=1) == "x" * typed.MAX_CHARS
    assert kept.of(macs[-1], Way.SMS, monotonic_ms=1) == ""
    assert kept.of(macs[-1], Way.VOUCHER, monotonic_ms=typed.GOOD_MS) == ""
    kept.keep(macs[-1], Way.STAFF, {"staff": "secret"}, monotonic_ms=0)
    assert kept.of(macs[-1], Way.STAFF, monotonic_ms=1) == ""
