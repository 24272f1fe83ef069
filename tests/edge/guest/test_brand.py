"""Portal and wallet are one shop: its name and colour on both, and a way back."""

from __future__ import annotations

import re
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.web.guest.brand import brand_of, unbranded
from edge.web.guest.portal import look
from tests.edge.guest.given_portal import cafe, phone
from tests.edge.guest.given_shaking import stall

BACK = '<a class="guest-home" href="/">'


async def test_the_wallet_leads_back_to_the_wifi_page(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made) as guest:
        seen = await guest.get("/wallet")
        assert BACK in seen.html
        assert "Fresh Indeed" in seen.html
        assert "Back to the Wi-Fi page" in seen.html
        assert "tint.css" not in seen.html  # the shop chose no colour
        assert BACK in (await guest.get("/c/nonsense")).html
        made.set(colour="#0B6E4F")
        seen = await guest.get("/wallet")
        (url,) = re.findall(r'href="(/portal/tint.css[^"]*)"', seen.html)
        sheet = await guest.get(url.replace("&amp;", "&"))
        assert (sheet.status, "#0b6e4f" in sheet.html) == (200, True)
        assert "immutable" in sheet.headers["Cache-Control"]
        assert sheet.headers["Content-Type"].startswith("text/css")


@pytest.mark.parametrize("path", ["/wallet", "/shake"])
async def test_without_a_portal_there_is_no_way_back(tmp_path: Path, path: str) -> None:
    async with stall(tmp_path) as made, aiohttp.ClientSession(made.url) as http, http.get(path) as answer:
        html = await answer.text()
        assert '<a class="guest-home" href="/wallet">' in html
        assert "tint.css" not in html


def contrast(one: str, other: str) -> float:
    lights = sorted((look.light(one), look.light(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


@given(st.integers(0, 0xFFFFFF).map(lambda number: f"{number:06x}"))
def test_text_on_the_colour_and_in_it_can_be_read(colour: str) -> None:
    made = look.sheet(colour, look.TINT)
    button = re.search(r"background: #(\w+); color: #(\w+); }", made)
    link = re.search(r"a, \.kicker { color: #(\w+); }", made)
    assert button
    assert link
    assert button[1] == colour
    assert contrast(colour, button[2] * 2) >= 4.5
    assert contrast(link[1], "fbf5ea") >= 4.5
    assert "0c0c0" not in made.replace(colour, "").partition("*/")[2]


def test_a_shop_without_a_document() -> None:
    assert (brand_of(None).name_en, brand_of(None).sheet) == ("Free Wi-Fi", "")
    assert unbranded() is None
