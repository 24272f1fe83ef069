"""Phones that shake: they range the beacons around them, ask the gateway, and open what they are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import aiohttp
import msgspec

from edge.demo import floor

TIMEOUT = aiohttp.ClientTimeout(total=5)
REPLAYED = 0.03
"""Share of shakes that somebody makes at home, with what was on the air minutes ago."""
OPENED = 0.6
"""Share of the pages that are looked at."""


Hears = Callable[[floor.Place], list[dict[str, object]]]
"""What a phone at a place ranges now."""


class Phone(msgspec.Struct, kw_only=True):
    """One shopper's: the browser's cookie, who it is to the app, and the coupon it shows."""

    cookie: str = ""
    shopper: str = ""
    token: str = ""


class Shakers:
    def __init__(
        self,
        *,
        http: aiohttp.ClientSession,
        guest_url: str,
        hears: Hears,
        random: Random,
        refused: Counter[str],
        done: Counter[str],
    ) -> None:
        self._http = http
        self._url = guest_url
        self._hears = hears
        self._random = random
        self._refused = refused
        self._done = done

    async def shake(self, phone: Phone) -> None:
        """As a mini-program does it. A coupon that comes of it is on the phone then."""
        start = await self._json("GET", "/shake/v1/start")
        phone.shopper = phone.shopper or start["shopper"]
        beacons = self._hears(self._random.choice(floor.STOPS))
        if self._random.random() < REPLAYED:
            beacons = [{**beacon, "minor": self._random.randrange(0x10000)} for beacon in beacons]
        body = {
            "nonce": start["nonce"],
            "salt": f"{self._random.random():.12f}",
            "shopper": phone.shopper,
            "beacons": beacons,
        }
        answer = await self._json("POST", "/shake/v1/shakes", json=body)
        if "error" in answer:
            self._refused[f"shake: {answer['error']['code']}"] += 1
            return
        self._done[f"shake: {answer['outcome']}"] += 1
        if answer["coupon"]:
            phone.token = answer["coupon"]["token"]
        if answer["page"] and self._random.random() < OPENED:
            async with self._http.get(answer["page"]["url"], allow_redirects=False, timeout=TIMEOUT):
                self._done["shake: page opened"] += 1

    async def _json(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        async with self._http.request(method, self._url + path, timeout=TIMEOUT, **more) as answer:
            found: dict[str, Any] = await answer.json()
            return found
