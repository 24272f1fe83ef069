"""The admin API of the guest Wi-Fi: who is on, vouchers, records; no MAC but in records."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from edge.access_answers import Way
from edge.config import Listener
from edge.policies import Logs, Policy, load
from edge.portal.asks import Proven
from edge.web.admin import wifi as api
from edge.web.app import listen
from tests.edge.portal.given_portal_desk import Wifi, wifi

KEEPS = msgspec.structs.replace(load("none"), logs=Logs(keep_days=60, fields=("mac", "address", "account")))


class Asking:
    def __init__(self, shop: Wifi, session: aiohttp.ClientSession, url: str) -> None:
        self.shop, self._session, self._url = shop, session, url

    async def get(self, path: str) -> tuple[int, str]:
        async with self._session.get(f"{self._url}/api/v1/wifi/{path}") as response:
            assert response.headers["Cache-Control"] == "no-store" or response.status >= 400
            return response.status, await response.text()

    async def post(self, path: str, body: Any) -> tuple[int, Any]:
        async with self._session.post(f"{self._url}/api/v1/wifi/{path}", json=body) as response:
            return response.status, await response.json()


@asynccontextmanager
async def admin(folder: Path, policy: Policy | None = None) -> AsyncIterator[Asking]:
    async with (
        wifi(folder, policy=policy) as shop,
        listen("admin", Listener(port=0), api.routes(shop.office), language="en") as bound,
        aiohttp.ClientSession() as session,
    ):
        yield Asking(shop, session, bound.url)


async def test_guests_are_listed_without_a_mac_and_ended(tmp_path: Path) -> None:
    async with admin(tmp_path) as ask:
        for number in (1, 2, 3):
            await ask.shop.let_in(number)
            ask.shop.hand.forward(1000)
        status, text = await ask.get("guests")
        assert status == 200
        assert "02:00:00" not in text
        found = json.loads(text)
        assert [each["left_s"] for each in found] == [7199, 7198, 7197]
        assert set(found[0]) == {"session", "way", "since_ms", "left_s", "up_bytes", "down_bytes", "max_bytes"}
        assert await ask.post("guests/end", {"session": found[0]["session"]}) == (200, {"ended": 1, "gate": True})
        assert len(ask.shop.gate) == 2
        status, body = await ask.post("guests/end", {"session": found[0]["session"]})
        assert (status, body["error"]["code"]) == (404, "not_on")
        assert await ask.post("guests/end", {"all": True}) == (200, {"ended": 2, "gate": True})
        assert await ask.post("guests/end", {"all": True}) == (200, {"ended": 0, "gate": True})


async def test_while_the_gate_is_away_they_are_out_once_it_is_back(tmp_path: Path) -> None:
    async with (
        wifi(tmp_path) as shop,
        listen("admin", Listener(port=0), api.routes(shop.office, gate=lambda: False), language="en") as bound,
        aiohttp.ClientSession() as session,
    ):
        ask = Asking(shop, session, bound.url)
        assert await ask.post("guests/end", {"all": True}) == (200, {"ended": 0, "gate": False})
        _, made = await ask.post("vouchers/make", {"count": 1, "minutes": 60})
        _, body = await ask.post("vouchers/void", {"batch": made["batch"]["batch"]})
        assert (body["voided"], body["gate"]) == (True, False)


@pytest.mark.parametrize("body", [{}, {"session": "x", "all": True}, {"session": "x" * 65}, {"al": True}, [], None])
async def test_ending_nobody_in_particular_is_refused(tmp_path: Path, body: object) -> None:
    async with admin(tmp_path) as ask:
        await ask.shop.let_in()
        status, _ = await ask.post("guests/end", body)
        assert status == 400
        assert ask.shop.gate


async def test_vouchers_are_made_once_listed_and_voided(tmp_path: Path) -> None:
    async with admin(tmp_path) as ask:
        status, made = await ask.post("vouchers/make", {"count": 3, "minutes": 60, "megabytes": 5, "devices": 2})
        assert status == 200
        assert len(set(made["codes"])) == 3
        await ask.shop.let_in(1, Way.VOUCHER, voucher=made["codes"][0])
        status, text = await ask.get("vouchers")
        (batch,) = json.loads(text)
        assert (batch["batch"], batch["count"], batch["used"], batch["voided"]) == (made["batch"]["batch"], 3, 1, False)
        assert not any(code in text for code in made["codes"])
        status, body = await ask.post("vouchers/void", {"batch": batch["batch"]})
        assert (status, body["voided"]) == (200, True)
        assert not ask.shop.gate
        status, body = await ask.post("vouchers/void", {"batch": "nothing"})
        assert (status, body["error"]["code"]) == (404, "voucher_unknown")


@pytest.mark.parametrize(
    "body",
    [
        {"count": 0, "minutes": 60},
        {"count": 5001, "minutes": 60},
        {"count": 1, "minutes": 0},
        {"count": 1},
        {"count": 1, "minutes": 60, "megabytes": -1},
        {"count": 1, "minutes": 60, "devices": 0},
        {"count": 1, "minutes": 60, "code": "AAAA"},
    ],
)
async def test_vouchers_of_other_terms_are_not_made(tmp_path: Path, body: dict[str, object]) -> None:
    async with admin(tmp_path) as ask:
        assert (await ask.post("vouchers/make", body))[0] == 400
        assert await ask.shop.office.batches() == ()


async def test_records_as_lines_and_as_a_table(tmp_path: Path) -> None:
    async with admin(tmp_path, KEEPS) as ask:
        assert await ask.get("records") == (200, "")
        for number, account in enumerate(("13800000000", "=cmd|' /C calc'!A0", '"a",b\nc'), 1):
            ask.shop.sms.says = Proven(holder=f"phone-{number:032x}", account=account)
            await ask.shop.let_in(number, Way.SMS)
        _, text = await ask.get("records?format=jsonl")
        lines = [json.loads(line) for line in text.splitlines()]
        assert [line["mac"][-2:] for line in lines] == ["01", "02", "03"]
        assert lines[1]["account"] == "=cmd|' /C calc'!A0"
        assert lines[0]["address"] == "10.64.0.1"
        _, text = await ask.get("records?format=csv")
        head, *rows = csv.reader(io.StringIO(text))
        assert head == ["session", "since", "until", "way", "mac", "address", "account", "readable"]
        assert [row[6] for row in rows] == ["13800000000", "'=cmd|' /C calc'!A0", '"a",b\nc']
        before = ask.shop.hand.wall_ms - 1
        assert await ask.get(f"records?to_ms={before}") == (200, "")
        assert (await ask.get(f"records?from_ms={before + 2}"))[1].count("\n") == 3


async def test_many_records_are_read_page_by_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.portal.office.PAGE", 3)
    async with admin(tmp_path, KEEPS) as ask:
        for number in range(1, 8):
            await ask.shop.let_in(number)
            lines = (await ask.get("records"))[1].splitlines()
            assert [json.loads(line)["mac"][-2:] for line in lines] == [f"{each:02x}" for each in range(1, number + 1)]


@pytest.mark.parametrize(
    "query", ["format=xml", "from_ms=-1", "from_ms=1e3", "to_ms=x", f"to_ms={'9' * 400}", "to_ms=٣"]
)
async def test_a_span_or_form_that_is_none(tmp_path: Path, query: str) -> None:
    async with admin(tmp_path) as ask:
        assert (await ask.get(f"records?{query}"))[0] == 400
