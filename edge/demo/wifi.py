"""Guests of the shop's Wi-Fi: they join from addresses of their own, press the button, go, and some come back.

The gate is a fake (`gate.driver = "fake"`: each address of loopback is a phone); the pages and the rules are the true
ones. What a phone does first is what phones do: it asks its vendor whether there is a portal.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from random import Random
from urllib.parse import urlsplit

import aiohttp
import msgspec

TIMEOUT = aiohttp.ClientTimeout(total=5)
PROBES = ("connectivitycheck.gstatic.com", "connect.rom.miui.com", "captive.apple.com")
"""Whom the phones ask."""
RETURNS = 0.35
"""Share of those who join that were here before."""
NEW_MAC = 0.5
"""Share of those whose phone made up another address since: their cookie tells who they are."""
MARKETING = 0.25
MAX_GONE = 200


class Surfer(msgspec.Struct, kw_only=True):
    address: str
    cookie: str = ""


class Surfers:
    def __init__(self, *, guest_url: str, random: Random, refused: Counter[str], done: Counter[str]) -> None:
        self._url = guest_url
        self._random = random
        self._refused = refused
        self._done = done
        self._on: dict[int, Surfer] = {}
        self._gone: list[Surfer] = []
        self._phones = 0

    async def join(self, shopper: int) -> None:
        """Probe, splash page, button; the welcome page is what a person would see then."""
        phone, is_back = self._who()
        async with self._browser(phone) as browser:
            led = await self._probed(browser)
            page = await self._page(browser, phone, led)
            fields = {"way": "click", **{name: _value(page, name) for name in ("token", "consent")}}
            if not fields["token"]:  # the gate is not there yet
                self._refused["wifi: no way in just now"] += 1
                return
            if self._random.random() < MARKETING:
                fields["marketing"] = "yes"
            url = f"{self._url}/portal/accept"
            async with browser.post(url, data=fields, headers=_cookie(phone), allow_redirects=False) as answer:
                phone.cookie = _kept(answer) or phone.cookie
                to = answer.headers.get("Location", "")
            if urlsplit(to).path != "/portal/welcome":
                why = re.search(r"[?&]no=(\w+)", to)
                self._refused[f"wifi: {why.group(1) if why else answer.status}"] += 1
                return
            await self._page(browser, phone, self._url + to)
        self._on[shopper] = phone
        self._done["wifi: came back"] += is_back

    async def leave(self, shopper: int) -> None:
        """By the button on the welcome page; who just walks off is ended by time."""
        phone = self._on.pop(shopper, None)
        if phone is None:
            return
        async with self._browser(phone) as browser:
            page = await self._page(browser, phone, f"{self._url}/portal/welcome")
            fields = {"token": _value(page, "token"), "leave": "1"}
            url = f"{self._url}/portal/leave"
            async with browser.post(url, data=fields, headers=_cookie(phone), allow_redirects=False):
                pass
        self._gone = [*self._gone, phone][-MAX_GONE:]

    def _who(self) -> tuple[Surfer, bool]:
        if self._gone and self._random.random() < RETURNS:
            phone = self._gone.pop(self._random.randrange(len(self._gone)))
            if self._random.random() < NEW_MAC:
                phone.address = self._fresh()
            return phone, True
        return Surfer(address=self._fresh()), False

    def _fresh(self) -> str:
        """127.0.1.0 and on: 127.0.0.1 stays the person's who looks on."""
        self._phones = self._phones % 0xFE00 + 1
        number = 0x0100 + self._phones
        return f"127.0.{number >> 8}.{number & 0xFF}"

    @asynccontextmanager
    async def _browser(self, phone: Surfer) -> AsyncIterator[aiohttp.ClientSession]:
        line = aiohttp.TCPConnector(local_addr=(phone.address, 0))
        jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(connector=line, cookie_jar=jar, timeout=TIMEOUT) as browser:
            yield browser

    async def _probed(self, browser: aiohttp.ClientSession) -> str:
        """Where the phone is led to instead of its vendor's answer."""
        headers = {"Host": self._random.choice(PROBES)}
        async with browser.get(f"{self._url}/generate_204", headers=headers, allow_redirects=False) as answer:
            led = answer.headers.get("Location", "")
        return f"{self._url}{urlsplit(led).path or '/'}"

    async def _page(self, browser: aiohttp.ClientSession, phone: Surfer, url: str) -> str:
        async with browser.get(url, headers=_cookie(phone)) as answer:
            answer.raise_for_status()
            phone.cookie = _kept(answer) or phone.cookie
            return await answer.text()


def _cookie(phone: Surfer) -> dict[str, str]:
    return {"Cookie": phone.cookie} if phone.cookie else {}


def _kept(answer: aiohttp.ClientResponse) -> str:
    return "; ".join(f"{name}={morsel.value}" for name, morsel in answer.cookies.items())


def _value(page: str, name: str) -> str:
    """Of a field of the form."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    return unescape(found.group(1)) if found else ""
