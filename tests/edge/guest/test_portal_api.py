"""RFC 8908, by the letter."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from edge.shop import Limit
from tests.edge.guest.given_portal import PORTAL, cafe, phone

ACCEPT = "application/captive+json"


async def test_captive_then_not(tmp_path: Path) -> None:
    portal = msgspec.structs.replace(PORTAL, limit=Limit(minutes=30, megabytes=100))
    async with (
        cafe(tmp_path, document=portal, portal={"name": "s1.portal.example.net"}) as made,
        phone(made, cookies=False) as guest,
    ):
        made.board.wifi.tls_days_left = 40.0
        before = await guest.get("/captive-portal/api", Accept=ACCEPT)
        assert before.status == 200
        assert before.headers["Content-Type"] == ACCEPT
        assert "private" in before.headers["Cache-Control"]
        assert json.loads(before.html) == {
            "captive": True,
            "user-portal-url": "https://s1.portal.example.net/",
            "venue-info-url": "https://s1.portal.example.net/wallet",
        }
        await guest.enter()
        made.hand.forward(60_000)
        after = json.loads((await guest.get("/captive-portal/api", Accept=ACCEPT)).html)
        assert after["captive"] is False
        assert after["can-extend-session"] is True
        assert after["seconds-remaining"] == 29 * 60
        assert after["bytes-remaining"] in {100_000_000, 100 * 1024 * 1024}


async def test_without_a_limit_no_bytes_are_told(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made, phone(made) as guest:
        await guest.enter()
        assert "bytes-remaining" not in json.loads((await guest.get("/captive-portal/api")).html)


async def test_who_is_not_on_the_network_is_captive_and_who_asks_too_often_waits(tmp_path: Path) -> None:
    async with cafe(tmp_path, proxy=True) as made, phone(made, 1) as guest:
        guest.headers = {"X-Forwarded-For": "10.64.0.9"}
        assert json.loads((await guest.get("/captive-portal/api")).html)["captive"] is True
        seen = [await guest.get("/captive-portal/api") for _ in range(121)]
        assert seen[-1].status == 429
        assert json.loads(seen[-1].html)["error"]["code"] == "too_many"
