"""`storegate shake codes`, and the code on a kiosk's screen."""

from __future__ import annotations

import json
import re
from pathlib import Path

import aiohttp
import pytest
from typer.testing import CliRunner, Result

from edge import places
from edge.cli import documents, shake
from edge.keys import GatewayKeys
from edge.shake_desk import PlaceCode
from edge.shop import Shop
from tests.edge.guest.given_shaking import shop_of
from tests.edge.web.given_shop import KIOSK, SLIDES, open_shop, text_of
from tests.given import HandClock

ZONES = [
    {"id": "dairy", "name_zh": "乳品区", "name_en": "Milk & <cheese>"},
    {"id": "door", "name_zh": "入口", "name_en": "Door"},
]


@pytest.fixture
def gateway(tmp_path: Path) -> Path:
    path, zones = tmp_path / "gateway.toml", tmp_path / "zones.json"
    path.write_text(
        f'[gateway]\ntenant = "t"\nstore = "s"\nid = "g"\nstate_dir = "{tmp_path}/state"\n[listen.admin]\nport = 0\n'
    )
    zones.write_text(json.dumps(ZONES))
    assert CliRunner().invoke(documents.app, ["put", "zones", str(zones), "--config", str(path)]).exit_code == 0
    return path


def ran(gateway: Path, *words: str) -> Result:
    return CliRunner().invoke(shake.app, ["codes", "--config", str(gateway), *words])


def test_a_code_for_every_zone(gateway: Path, tmp_path: Path) -> None:
    done = ran(gateway, "--url", "http://192.168.8.1:8080/", "--json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    key = GatewayKeys.open(tmp_path / "state").beacon_key("place")
    assert [places.zone_of(key, each["code"]) for each in told] == ["dairy", "door"]
    assert told[0]["url"] == f"http://192.168.8.1:8080/shake?z={told[0]['code']}"
    lines = ran(gateway, "--url", "http://192.168.8.1:8080").stdout.splitlines()
    assert [line.split()[1] for line in lines] == [each["url"] for each in told]


def test_the_sheet_is_one_file_with_everything_in_it(gateway: Path, tmp_path: Path) -> None:
    done = ran(gateway, "--url", "https://s1.example", "--out", str(tmp_path / "codes.html"))
    assert done.exit_code == 0
    assert "print it" in done.stderr
    sheet = (tmp_path / "codes.html").read_text("utf-8")
    assert sheet.count("<svg") == 2
    assert "Milk &amp; &lt;cheese&gt;" in sheet
    assert not re.search(r'(src|href)="', sheet)  # it prints without a network
    assert ran(gateway, "--url", "https://s1.example", "--out", "-").stdout == sheet


@pytest.mark.parametrize("url", ["", "s1.example", "ftp://s1", "http://a b"])
def test_phones_must_know_where_to_go(gateway: Path, url: str) -> None:
    done = ran(gateway, "--url", url)
    assert done.exit_code == 2
    assert done.stdout == ""


def test_what_is_missing_is_said(gateway: Path, tmp_path: Path) -> None:
    gateway.write_text(
        gateway.read_text() + '[listen]\npublic_url = "https://s1.example"\n[shake]\nzone_codes = false\n'
    )
    done = ran(gateway)
    assert (done.exit_code, "zone_codes is off" in done.stderr) == (0, True)
    assert ran(gateway, "--out", str(tmp_path / "no" / "codes.html")).exit_code == 2
    (tmp_path / "none.json").write_text("[]")
    emptied = ["put", "zones", str(tmp_path / "none.json"), "--config", str(gateway)]
    assert CliRunner().invoke(documents.app, emptied).exit_code == 0
    done = ran(gateway)
    assert (done.exit_code, "no zones" in done.stderr) == (1, True)


class Codes:
    def __init__(self, clock: HandClock) -> None:
        self._hand = clock

    def __call__(self, station: str) -> PlaceCode:
        assert station == KIOSK
        return PlaceCode(code="K7WP3M", to_ms=self._hand.wall_ms + 41_000)


async def test_a_kiosk_shows_its_code_while_nobody_is_there(hand_clock: HandClock) -> None:
    async with (
        open_shop(hand_clock.clock, shake_code=Codes(hand_clock), guest_url="http://g/", documents=shop_of()) as shop,
        aiohttp.ClientSession(shop.url) as http,
    ):
        attract = await text_of(http, "")
        assert 'data-left-ms="41000"' in attract
        assert "K7W<span> </span>P3M" in attract
        assert "<svg" in attract
        part = await text_of(http, "/shake-code")
        assert part.strip().startswith("<aside")
        await text_of(http, "/start")
        assert "K7W" not in await text_of(http, "")  # a visit is going on


@pytest.mark.parametrize(
    ("documents", "with_codes"), [(Shop(slides=SLIDES), True), (shop_of(pages={}), True), (shop_of(), False)]
)
async def test_no_code_where_there_is_nothing_to_shake_for(
    hand_clock: HandClock, documents: Shop, *, with_codes: bool
) -> None:
    codes = Codes(hand_clock) if with_codes else None
    async with (
        open_shop(hand_clock.clock, shake_code=codes, documents=documents) as shop,
        aiohttp.ClientSession(shop.url) as http,
    ):
        assert 'class="shaker"' not in await text_of(http, "")
        part = await text_of(http, "/shake-code")
        assert part.strip() == '<div hidden data-left-ms="60000"></div>'  # asked again: documents change


async def test_without_an_address_for_phones_there_is_no_qr(hand_clock: HandClock) -> None:
    async with (
        open_shop(hand_clock.clock, shake_code=Codes(hand_clock), documents=shop_of()) as shop,
        aiohttp.ClientSession(shop.url) as http,
    ):
        part = await text_of(http, "/shake-code")
        assert "<svg" not in part
        assert "Wi-Fi" in part
