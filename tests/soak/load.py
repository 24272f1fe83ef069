"""People at work against a daemon that dies: they ask until they hear an answer, with the same key each time.

What was heard is kept: it is what the cloud must have at the end. A contradiction between two answers to one key is
kept too.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import aiohttp

from tests.soak.shop import CAMPAIGN, TILLS, Shop

SHOPPERS = 8
CALL_S = 20.0
GTINS = ("6901234567892", "6920152400777", "4006381333931", "5901234123457")
SCAN_S = 0.04


class Load:
    def __init__(self, shop: Shop, random: Random) -> None:
        self._shop = shop
        self._random = random
        self._closing = asyncio.Event()
        self._answered = asyncio.Condition()
        self.issued: dict[str, str] = {}
        """Request key → serial, as heard."""
        self.redeemed: dict[str, str] = {}
        """Till's key → serial."""
        self.scans = 0
        self.calls = 0
        self.unanswered = 0
        self.refused = 0
        """Answers that say "not saved, try again"."""
        self.wrong: list[str] = []

    @property
    def acknowledged(self) -> int:
        return len(self.issued) + len(self.redeemed)

    async def run(self) -> None:
        """Until `close`, and then until every question is answered."""
        async with asyncio.TaskGroup() as group:
            scanner = group.create_task(self._scan())
            shoppers = [group.create_task(self._shopper(number)) for number in range(SHOPPERS)]
            await asyncio.wait(shoppers)
            scanner.cancel()

    def close(self) -> None:
        self._closing.set()

    async def next_answer(self) -> None:
        """Returns when somebody has just heard one."""
        async with self._answered:
            await self._answered.wait()

    async def _scan(self) -> None:
        while not self._closing.is_set():
            self._shop.line.scan(self._random.choice(GTINS))
            self.scans += 1
            await asyncio.sleep(SCAN_S)

    async def _shopper(self, number: int) -> None:
        visit = 0
        while not self._closing.is_set():
            visit += 1
            await self._visit(f"{number}-{visit}")
            await asyncio.sleep(self._random.uniform(0, 0.05))

    async def _visit(self, name: str) -> None:
        coupon = await self._issue(name)
        if self._random.random() < 0.15:
            await self._issue(name)
        if self._random.random() < 0.3:
            return
        till, rival = self._random.sample(TILLS, 2)
        rivals = self._random.random() < 0.2
        if rivals:  # the same coupon at two tills at once: one of them gets it
            async with asyncio.TaskGroup() as group:
                both = [group.create_task(self._redeem(at, name, coupon)) for at in (till, rival)]
            if not any(task.result() for task in both):
                self.wrong.append(f"neither till got coupon {name}")
        elif not await self._redeem(till, name, coupon):
            self.wrong.append(f"the coupon {name} was refused at its only till")

    async def _issue(self, name: str) -> dict[str, Any]:
        body = {"campaign": CAMPAIGN, "request_key": name}
        status, said = await self._ask(f"{self._shop.admin_url}/api/v1/coupons/issue", body, {})
        if status != 200 or said.get("answer") != "shown":
            self.wrong.append(f"issue {name}: {status} {said}")
            return {"serial": "", "token": ""}
        self._note(self.issued, name, said["serial"])
        return said

    async def _redeem(self, till: str, name: str, coupon: dict[str, Any]) -> bool:
        """Whether this till got it."""
        receipt = {"receipt": f"R{name}"}
        status, said = await self._till(till, "reserve", receipt | {"code": coupon["token"], "value_fen": 300})
        if status != 200:
            code = said.get("error", {}).get("code")
            if code not in {"reserved_elsewhere", "used"}:
                self.wrong.append(f"reserve {name} at {till}: {status} {said}")
            return False
        for _ in range(2 if self._random.random() < 0.2 else 1):
            status, said = await self._till(till, "commit", receipt | {"value_fen": 300})
            if status != 200:
                self.wrong.append(f"commit {name} at {till}: {status} {said}")
                return False
            self._note(self.redeemed, f"{till}/{name}", said["serial"])
            if said["serial"] != coupon["serial"]:
                self.wrong.append(f"commit {name} at {till} redeemed another coupon")
        return True

    async def _till(self, till: str, verb: str, body: dict[str, object]) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self._shop.keys[till]}"}
        return await self._ask(f"{self._shop.shop_url}/till/v1/coupons/{verb}", body, headers)

    async def _ask(self, url: str, body: dict[str, object], headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """The first answer that is one: a dead line and "try again" are asked again, the same."""
        timeout = aiohttp.ClientTimeout(total=CALL_S)
        while True:
            self.calls += 1
            try:
                async with self._shop.http.post(url, json=body, headers=headers, timeout=timeout) as answer:
                    said = await answer.json()
                    if answer.status < 500:
                        await self._tell()
                        return answer.status, said
                    self.refused += 1
            except (aiohttp.ClientError, TimeoutError):
                self.unanswered += 1
            await asyncio.sleep(self._random.uniform(0.02, 0.2))

    async def _tell(self) -> None:
        async with self._answered:
            self._answered.notify_all()

    def _note(self, known: dict[str, str], key: str, serial: str) -> None:
        before = known.setdefault(key, serial)
        if before != serial:
            self.wrong.append(f"{key} was answered with {before}, then with {serial}")
