"""The desk over a true journal: what phones say becomes a shake, or a typed no; and nothing is told of who shook."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from edge import telemetry as tm
from edge.coupon_answers import Shown
from edge.errors import JournalRefusedError, Refusal
from edge.ids import StationId, ZoneId
from edge.shake_answers import Exchanged, Outcome, Shaken, ShakeWhy, TicketWrong
from edge.shake_desk import MAX_SALT
from edge.shake_nonce import GOOD_MS
from edge.shop import Prize, links
from tests.edge.shake import auditor
from tests.edge.shake.given_shake import BEACONS, beacon, draw, shop
from tests.edge.shake.given_shake_desk import WIFI, Hall, hall
from tests.given import HandClock

TURNING = shop(*BEACONS, beacon("turn", 50, "welcome", zone="roof", rotating=True))
ABROAD = "203.0.113.9"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Hall]:
    async with hall(tmp_path, TURNING, shake=WIFI) as made:
        yield made


async def test_a_phone_hears_shakes_looks_and_its_page_asks_back(here: Hall) -> None:
    fresh = here.desk.fresh()
    assert fresh.uuids == ("FDA50693-A4E2-4FB1-AFCF-C6EB07647825",)
    assert fresh.to_ms == here.hand.wall_ms + GOOD_MS
    ask = here.ask(here.raw(1, rssi_dbm=-70), here.raw(2, accuracy_m=0.8), fresh=fresh, salt="pepper")
    made = await here.desk.shake(ask)
    assert isinstance(made, Shaken)
    assert (made.beacon, made.zone) == ("shelf", "dairy")
    assert await here.desk.shake(ask) == made

    looked = await here.desk.look(made.shake, "anna")
    assert looked is not None
    assert (looked.shaken, looked.opened, looked.coupon) == (made, False, None)
    assert looked.page is not None
    assert looked.page.id == made.page
    assert await here.desk.look(made.shake, "bert") is None
    assert await here.desk.opened(made.shake, "bert") is None
    assert await here.desk.look("0" * 32, "anna") is await here.desk.opened("'; --", "anna") is None

    url = await here.desk.opened(made.shake, "anna")
    assert url is not None
    ticket = parse_qs(urlsplit(url).query)["ticket"][0]
    assert url == f"https://shop.example/{made.page}?a=1&ticket={ticket}#top"
    assert ticket == here.desk.ticket(made.shake)
    assert (await here.desk.look(made.shake, "anna")).opened  # type: ignore[union-attr]
    assert await here.desk.opened(made.shake, "anna") == url

    told = await here.desk.exchange(ticket)
    assert isinstance(told, Exchanged)
    assert (told.beacon, told.zone, told.distance_m, told.shopper) == ("shelf", "dairy", 0.8, "anna")
    here.hand.forward(61_000)
    assert await here.desk.exchange(ticket) == TicketWrong()
    for wrong in ("", "x", "0" * 32, "é" * 32, ticket.upper(), ticket * 1000):
        assert await here.desk.exchange(wrong) == TicketWrong()
    (stat,) = await here.desk.device_stats("shelf", here.desk.today(), here.desk.today())
    assert (stat.shake_pv, stat.shake_uv, stat.click_pv, stat.click_uv) == (1, 1, 1, 1)
    assert (await here.desk.devices_stats(here.desk.today())).total_count == 1
    assert (await here.desk.pages_stats(here.desk.today())).rows[0].name == made.page
    assert await here.desk.page_stats("gift", here.desk.today(), here.desk.today()) == ()


async def test_a_coupon_is_seen_with_its_token_and_lies_in_the_wallet(here: Hall) -> None:
    made = await here.shaken(here.raw(6), shopper="wallet-1")
    assert made.outcome is Outcome.COUPON
    looked = await here.desk.look(made.shake, "wallet-1")
    assert looked is not None
    assert looked.coupon is not None
    assert looked.coupon.token
    (mine,) = await here.coupons.wallet("wallet-1")
    assert isinstance(mine, Shown)
    assert made.coupon is not None
    assert mine.serial == made.coupon.serial


async def test_every_no_of_the_desk(here: Hall) -> None:
    why = here.why
    assert await why(address=ABROAD) is ShakeWhy.NOT_HERE
    assert await why(here.turning(51), address=ABROAD) is ShakeWhy.FORGED
    assert await why(here.turning(50, epochs=-3), address=ABROAD) is ShakeWhy.OLD
    assert await why(place="WRONG2", address=ABROAD) is ShakeWhy.NOT_HERE
    assert await why(place="dairy.aaaaaaaaaaaaaaaa", address=ABROAD) is ShakeWhy.NOT_HERE
    assert await why(here.raw(1), nonce="made-up") is ShakeWhy.NONCE_UNKNOWN
    assert await why(here.raw(4)) is ShakeWhy.NOTHING_HERE
    refused = [each.why for each in await here.news() if isinstance(each, tm.ShakeRefused)]
    assert refused == ["not_here", "forged", "old", "not_here", "not_here", "nonce_unknown", "nothing_here"]


async def test_strangers_beacons_are_no_place(tmp_path: Path) -> None:
    async with hall(tmp_path) as here:
        assert await here.why() is ShakeWhy.NO_BEACON
        assert await here.why(here.raw(999), address=ABROAD) is ShakeWhy.NO_BEACON
        assert await here.why(place="x") is ShakeWhy.NOT_HERE


async def test_rotating_ids_are_known_in_their_epochs(here: Hall) -> None:
    for epochs in (-1, 0, 1):
        assert (await here.shaken(here.turning(50, epochs=epochs))).beacon == "turn"


async def test_while_the_clock_is_unset_only_fixed_ids_count(tmp_path: Path) -> None:
    hand = HandClock()
    async with hall(tmp_path, TURNING, hand=hand) as here:
        turning = here.turning(50)
        hand.wall_ms = 0
        assert await here.why(turning) is ShakeWhy.CLOCK_UNSURE
        assert (await here.shaken(here.raw(1))).beacon == "door"


async def test_a_kiosks_code_a_printed_code_and_the_wifi_prove_a_place(here: Hall) -> None:
    code = here.desk.kiosk_code(StationId("kiosk-1"))
    assert code.to_ms - here.hand.wall_ms <= 60_000
    assert (await here.shaken(place=code.code.lower(), address=ABROAD)).zone == "dairy"
    assert (await here.shaken(place=here.desk.kiosk_code(StationId("kiosk-2")).code)).zone is None
    assert (await here.shaken(place=here.desk.zone_code(ZoneId("till")))).zone == "till"
    assert (await here.shaken(address="10.64.1.1")).zone == "entrance"
    assert (await here.shaken(here.turning(51), address="10.64.1.1")).zone == "entrance", "a bad id beside a good proof"
    here.hand.forward(120_000)
    assert await here.why(place=code.code, address=ABROAD) is ShakeWhy.NOT_HERE
    assert await here.why(place=here.desk.kiosk_code(StationId("till-1")).code, address=ABROAD) is ShakeWhy.NOT_HERE
    told = [each.via for each in await here.news() if isinstance(each, tm.ShakeMade)]
    assert told == ["kiosk", "kiosk", "zone_code", "wifi", "wifi"]


async def test_printed_codes_can_be_switched_off(tmp_path: Path) -> None:
    async with hall(tmp_path, shake="zone_codes = false") as here:
        assert await here.why(place=here.desk.zone_code(ZoneId("dairy"))) is ShakeWhy.NOT_HERE


async def test_a_lost_answer_is_given_again_wherever_the_phone_is_now(here: Hall) -> None:
    fresh = here.desk.fresh()
    made = await here.desk.shake(here.ask(here.raw(1), fresh=fresh))
    assert await here.desk.shake(here.ask(fresh=fresh, address=ABROAD)) == made
    here.hand.forward(GOOD_MS + 1)
    assert await here.desk.shake(here.ask(here.raw(1), fresh=fresh)) == made
    assert await here.why(here.raw(1), fresh=fresh, shopper="bert") is ShakeWhy.REPLAYED
    assert await here.why(here.raw(1), fresh=fresh, shopper="bert", address=ABROAD) is ShakeWhy.REPLAYED
    stale = here.desk.fresh()
    here.hand.forward(GOOD_MS + 1)
    assert await here.why(here.raw(1), fresh=stale) is ShakeWhy.NONCE_UNKNOWN


async def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    hand = HandClock()
    async with hall(tmp_path, hand=hand) as here:
        fresh, waiting = here.desk.fresh(), here.desk.fresh()
        made = await here.desk.shake(here.ask(here.raw(6), fresh=fresh))
        assert isinstance(made, Shaken)
        ticket = here.desk.ticket(made.shake)
    async with hall(tmp_path, units=0, hand=hand) as here:
        assert await here.desk.shake(here.ask(here.raw(6), fresh=fresh)) == made
        assert await here.why(here.raw(6), fresh=waiting) is ShakeWhy.TOO_SOON
        assert isinstance(await here.desk.exchange(ticket), Exchanged)
        hand.forward(5_000)
        assert isinstance(await here.desk.shake(here.ask(here.raw(6), fresh=waiting)), Shaken)


async def test_a_hundred_shake_at_once(tmp_path: Path) -> None:
    prizes = (Prize(campaign="milk", chance_ppm=500_000), Prize(campaign="bread", chance_ppm=500_000))
    of = shop(*BEACONS, beacon("turn", 50, "wheel", rotating=True), draws=(draw(prizes=prizes),))
    async with hall(tmp_path, of, units=20) as here:
        asks = []
        for number in range(100):
            fresh = here.desk.fresh()
            asks.append(here.ask(here.turning(50), fresh=fresh, shopper=f"s{number}", salt=f"{number}"))
            here.commits[fresh.nonce] = fresh.commit
        twice = await asyncio.gather(*(here.desk.shake(ask) for ask in asks for _ in range(2)))
        made = [each for each in twice[::2] if isinstance(each, Shaken)]
        assert twice[::2] == twice[1::2]
        assert len({each.shake for each in made}) == 100
        out = {
            name: sum(1 for each in made if each.coupon and each.coupon.campaign == name) for name in ("milk", "bread")
        }
        assert out == {"milk": 20, "bread": 20}
        assert {name: await here.outstanding(name) for name in out} == out
        assert sum(each.outcome is Outcome.EMPTY for each in made) == 60
        (stat,) = await here.desk.device_stats("turn", here.desk.today(), here.desk.today())
        assert (stat.shake_pv, stat.shake_uv) == (100, 100)
        promised = {each.shake: here.commits[ask.nonce] for each, ask in zip(made, asks, strict=True)}
        news = await here.news()
        assert auditor.faults(news, here.shop, promised) == []
        assert sum(isinstance(each, tm.DrawWon) for each in news) == 40


async def test_a_salt_is_short_and_no_free_text(here: Hall) -> None:
    assert isinstance(await here.desk.shake(here.ask(here.raw(1), salt="aZ9_.-" + "s" * (MAX_SALT - 6))), Shaken)
    for salt in ("s" * (MAX_SALT + 1), "盐", "a b", "a\n", "\ud800"):
        with pytest.raises(ValueError, match="salt"):
            await here.desk.shake(here.ask(here.raw(1), salt=salt))
    with pytest.raises(ValueError, match="somebody"):
        await here.desk.shake(here.ask(here.raw(1), shopper=""))


async def test_a_full_disk_is_told_to_who_would_win_but_a_no_stays_a_no(
    here: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: object) -> object:
        raise JournalRefusedError(Refusal.OUTBOX_FULL, "full")

    monkeypatch.setattr(here.pump, "submit", full)
    assert await here.why(address=ABROAD) is ShakeWhy.NOT_HERE
    with pytest.raises(JournalRefusedError):
        await here.desk.shake(here.ask(here.raw(1)))


async def test_nothing_of_a_shopper_is_logged_or_told(here: Hall, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shopper = "wallet-5ec2e7"
    made = await here.shaken(here.raw(6), shopper=shopper, address="10.64.77.7")
    await here.desk.opened(made.shake, shopper)
    await here.desk.exchange(here.desk.ticket(made.shake))
    await here.why(place="WRONG2", shopper=shopper, address=ABROAD)
    news = repr(await here.news())
    for secret in (shopper, here.desk.ticket(made.shake), "10.64.77.7", ABROAD):
        assert secret not in news
        assert secret not in caplog.text


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://a.example/p", "https://a.example/p?ticket=T"),
        ("https://a.example", "https://a.example?ticket=T"),
        ("http://a.example/p?x=1&y=%20", "http://a.example/p?x=1&y=%20&ticket=T"),
        ("https://a.example/p#part", "https://a.example/p?ticket=T#part"),
        ("https://a.example/p?#part", "https://a.example/p?ticket=T#part"),
        ("/wallet", "/wallet?ticket=T"),
        ("", ""),
    ],
)
def test_where_a_ticket_goes_in_an_address(url: str, wanted: str) -> None:
    assert links.with_ticket(url, "T") == wanted
