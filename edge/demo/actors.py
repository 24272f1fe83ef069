"""The people and their hands: they type, scan and tap over the same lines that real ones would use."""

from __future__ import annotations

import asyncio
import os
import re
import tty
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import aiohttp

from edge.demo.day import Act, Kind
from edge.demo.phones import Hears, Phone, Shakers
from edge.demo.wifi import Surfers

CALL_S = 5.0
"""Nobody at a till waits longer."""
MAX_AT_ONCE = 24
MAX_PHONES = 2_000
MAX_HELD_UP = 4096
"""Bytes at once."""


class SerialLine:
    """A scanner's end of a serial line: a pseudo-terminal whose other end the daemon opens as its device."""

    def __init__(self) -> None:
        self._master, slave = os.openpty()
        tty.setraw(self._master)
        self.device = Path(os.ttyname(slave))
        self._pipe: int | None = None
        self._slave = slave  # held open: else the line hangs up whenever the daemon is not there

    def scan(self, code: str) -> None:
        """What a scanner with a CR suffix sends. A full line (nobody reads) loses it, as it would in a shop."""
        os.set_blocking(self._master, False)
        with suppress(BlockingIOError):
            os.write(self._master, code.encode("ascii") + b"\r")

    async def hold_up(self, pipe: Path) -> None:
        """Whoever looks on has no scanner: a line written into this named pipe counts as scanned, until `close`."""
        self._pipe = await asyncio.to_thread(_opened, pipe)
        asyncio.get_running_loop().add_reader(self._pipe, self._held_up)

    def _held_up(self) -> None:
        assert self._pipe is not None
        for line in os.read(self._pipe, MAX_HELD_UP).split():
            if line.isascii():
                self.scan(line.decode("ascii"))

    def close(self) -> None:
        if self._pipe is not None:
            asyncio.get_running_loop().remove_reader(self._pipe)
            os.close(self._pipe)
        os.close(self._master)
        os.close(self._slave)


def _opened(pipe: Path) -> int:
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe, 0o600)
    return os.open(pipe, os.O_RDWR | os.O_NONBLOCK)  # for writing too: else it ends with its first writer


class Actors:
    """Does acts against a running gateway. Counts what was done and what was refused, by words."""

    def __init__(
        self,
        *,
        http: aiohttp.ClientSession,
        guest_url: str,
        shop_url: str,
        till_key: str,
        kiosk_line: SerialLine,
        till_line: SerialLine,
        hears: Hears,
        seed: int,
    ) -> None:
        self._http = http
        self._guest_url = guest_url
        self._shop_url = shop_url
        self._till_key = till_key
        self._kiosk_line = kiosk_line
        self._till_line = till_line
        self._random = Random(seed)  # noqa: S311 - a play, not a secret
        self._phones: dict[int, Phone] = {}
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._shakers = Shakers(
            http=http, guest_url=guest_url, hears=hears, random=self._random, refused=self.refused, done=self.done
        )
        self._surfers = Surfers(guest_url=guest_url, random=self._random, refused=self.refused, done=self.done)
        self._at_once = asyncio.Semaphore(MAX_AT_ONCE)
        self._deeds: dict[Kind, Callable[[Act], Awaitable[None]]] = {
            Kind.SCAN_AT_KIOSK: self._scan_at_kiosk,
            Kind.PAY_CODE: self._scan_at_kiosk,
            Kind.SCAN_AT_TILL: self._scan_at_till,
            Kind.SEARCH: self._search,
            Kind.CLAIM: self._claim,
            Kind.REDEEM: self._redeem,
            Kind.SHAKE: self._shake,
            Kind.JOIN: lambda act: self._surfers.join(act.shopper),
            Kind.LEAVE: lambda act: self._surfers.leave(act.shopper),
        }

    async def do(self, act: Act) -> None:
        async with self._at_once:
            try:
                await self._deeds[act.kind](act)
                self.done[act.kind] += 1
            except (aiohttp.ClientError, TimeoutError) as error:
                self.refused[f"{act.kind}: {str(error) or type(error).__name__}"[:80]] += 1

    async def _scan_at_kiosk(self, act: Act) -> None:
        self._kiosk_line.scan(act.code)

    async def _scan_at_till(self, act: Act) -> None:
        self._till_line.scan(act.code)

    async def _search(self, act: Act) -> None:
        """Types the word letter by letter, as the page's own script asks for it; then opens the first hit."""
        at = f"{self._shop_url}/kiosk/kiosk-1"
        text = ""
        for length in range(1, len(act.code) + 1):
            text = await self._text("GET", f"{at}/search", params={"q": act.code[:length]}, headers={"X-Part": "1"})
        hit = re.search(r"/product/(\d{8,14})", text)
        if hit:
            await self._text("GET", f"{at}/product/{hit.group(1)}", headers={"X-Part": "1"})

    async def _claim(self, act: Act) -> None:
        """Opens the wallet in a new browser, takes the first coupon that is offered, keeps the token."""
        wallet = self._phone(act.shopper)
        async with self._call("GET", f"{self._guest_url}/wallet", headers={}) as answer:
            page = await answer.text()
            wallet.cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in answer.cookies.items())
        forms = [form for form in re.findall(r"<form.*?</form>", page, re.DOTALL) if "<button" in form]
        if not forms:
            return
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', self._random.choice(forms)))
        headers = {"Cookie": wallet.cookie}
        url = f"{self._guest_url}/wallet/claim"
        async with self._call("POST", url, data=fields, headers=headers, allow_redirects=False) as answer:
            token = re.search(r"/c/([A-Z2-7]+)$", answer.headers.get("Location", ""))
        if token:
            wallet.token = token.group(1)

    async def _shake(self, act: Act) -> None:
        await self._shakers.shake(self._phone(act.shopper))

    def _phone(self, shopper: int) -> Phone:
        phone = self._phones.setdefault(shopper, Phone())
        if len(self._phones) > MAX_PHONES:
            self._phones.pop(next(iter(self._phones)))
        return phone

    async def _redeem(self, act: Act) -> None:
        """The till reserves, then commits; one in ten answers gets lost on the way and is asked for again."""
        wallet = self._phones.pop(act.shopper, None)
        if wallet is None or not wallet.token:
            return
        receipt = f"R{act.shopper:05}-{wallet.token[-6:]}"
        self._till_line.scan(wallet.token)
        reserved = await self._till("reserve", {"code": wallet.token, "receipt": receipt})
        if not reserved:
            return
        paid = {"receipt": receipt, "value_fen": 300}
        await self._till("commit", paid)
        if self._random.random() < 0.1:
            await self._till("commit", paid)

    async def _till(self, verb: str, body: dict[str, object]) -> bool:
        headers = {"Authorization": f"Bearer {self._till_key}"}
        url = f"{self._shop_url}/till/v1/coupons/{verb}"
        async with self._call("POST", url, json=body, headers=headers) as answer:
            if answer.status < 400:
                return True
            error = (await answer.json()).get("error", {})
            self.refused[f"till {verb}: {error.get('code', answer.status)}"] += 1
            return False

    async def _text(self, method: str, url: str, **more: object) -> str:
        async with self._call(method, url, **more) as answer:
            answer.raise_for_status()
            return await answer.text()

    def _call(self, method: str, url: str, **more: object) -> aiohttp.client._RequestContextManager:
        return self._http.request(method, url, timeout=aiohttp.ClientTimeout(total=CALL_S), **more)  # type: ignore[arg-type]
