"""The till API over real HTTP and a real journal: retries, crashes, refusals, and its manual."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from edge.config import Listener
from edge.coupon_answers import Why
from edge.errors import JournalRefusedError, Refusal
from edge.shop import Campaign
from edge.web.app import listen
from edge.web.refusals import STATUS
from edge.web.shop import till, till_openapi
from tests.edge.coupons.given_coupons import campaign
from tests.edge.coupons.given_desk import Counter, counter
from tests.given import HandClock

MANUAL = Path(__file__).parents[3] / "docs" / "till.md"


class Caller:
    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http = http
        self.url = url

    async def __call__(self, name: str, *, key: str = "till-one-key", **body: object) -> tuple[int, dict]:
        headers = {"Authorization": f"Bearer {key}"}
        if "idempotency_key" in body:
            headers["Idempotency-Key"] = str(body.pop("idempotency_key"))
        async with self.http.post(f"{self.url}/till/v1/coupons/{name}", json=body, headers=headers) as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def shop(
    folder: Path, *campaigns: Campaign, units: int = 10, hand: HandClock | None = None
) -> AsyncIterator[tuple[Counter, Caller]]:
    async with counter(folder, *campaigns, units=units, hand=hand) as made:
        routes = till.routes(made.desk, made.config.stations)
        async with listen("shop", Listener(), routes) as bound, aiohttp.ClientSession() as http:
            yield made, Caller(http, bound.url)


async def test_a_coupon_goes_over_the_counter(tmp_path: Path) -> None:
    async with shop(tmp_path) as (made, call):
        token = await made.token()
        status, shown = await call("show", code=token)
        assert (status, shown["state"], shown["usable"]) == (200, "outstanding", None)
        status, held = await call("reserve", code=f"http://shop.lan/c/{token}", receipt="7", value_fen=300)
        assert (status, held["terms"]["kind"], held["terms"]["value"]) == (200, "cash", 300)
        status, done = await call("commit", receipt="7", value_fen=300)
        assert (status, done["value_fen"]) == (200, 300)
        status, refused = await call("reserve", code=token, key="till-two-key", receipt="1")
        assert status == 409
        assert refused["error"]["code"] == "used"
        assert refused["error"]["place"] == "till-1"
        assert "till-1" in refused["error"]["message_zh"]


async def test_the_short_code_may_be_typed_and_release_gives_it_back(tmp_path: Path) -> None:
    async with shop(tmp_path) as (made, call):
        _, shown = await call("show", code=await made.token())
        typed = shown["short_code"].lower()
        assert (await call("reserve", code=typed, idempotency_key="a"))[0] == 200
        assert (await call("release", idempotency_key="a"))[0] == 200
        assert (await call("commit", idempotency_key="a"))[1]["error"]["code"] == "released"
        assert (await call("reserve", code=typed, idempotency_key="a"))[1]["error"]["code"] == "released"
        assert (await call("reserve", code=typed, idempotency_key="b"))[0] == 200
        for other in ({"value_fen": 1}, {"member": "m-1"}):
            status, told = await call("reserve", code=typed, idempotency_key="b", **other)
            assert (status, told["error"]["code"]) == (422, "key_reused")
        assert (await call("commit", idempotency_key="b"))[0] == 200
        assert await made.redeemed() == 1


async def test_a_storm_of_retries_is_one_redemption_and_one_answer(tmp_path: Path) -> None:
    async with shop(tmp_path) as (made, call):
        token = await made.token()
        held = await asyncio.gather(*(call("reserve", code=token, receipt="7") for _ in range(50)))
        assert len({json.dumps(each) for each in held}) == 1
        assert held[0][0] == 200
        done = await asyncio.gather(*(call("commit", receipt="7", value_fen=300) for _ in range(50)))
        assert len({json.dumps(each) for each in done}) == 1
        assert done[0][0] == 200
        assert await made.redeemed() == 1


async def test_fifty_tills_want_one_coupon_and_one_gets_it(tmp_path: Path) -> None:
    async with shop(tmp_path) as (made, call):
        token = await made.token()
        held = await asyncio.gather(*(call("reserve", code=token, receipt=str(n)) for n in range(50)))
        assert sorted(status for status, _ in held) == [200] + [409] * 49
        done = await asyncio.gather(*(call("commit", receipt=str(n)) for n in range(50)))
        assert sum(status == 200 for status, _ in done) == 1
        assert await made.redeemed() == 1


async def test_a_crash_between_reserve_and_commit_loses_nothing(tmp_path: Path) -> None:
    hand = HandClock()
    async with shop(tmp_path, hand=hand) as (made, call):
        token = await made.token()
        before = await call("reserve", code=token, receipt="7")
    async with shop(tmp_path, units=0, hand=hand) as (made, call):
        assert await call("reserve", code=token, receipt="7") == before
        assert (await call("reserve", code=token, receipt="8"))[1]["error"]["code"] == "reserved_elsewhere"
        done = await call("commit", receipt="7", value_fen=300)
        assert done[0] == 200
    async with shop(tmp_path, units=0, hand=hand) as (made, call):
        assert await call("commit", receipt="7", value_fen=300) == done
        assert await made.redeemed() == 1


async def test_only_a_till_with_its_key_is_heard_and_only_for_itself(tmp_path: Path) -> None:
    async with shop(tmp_path) as (made, call):
        token = await made.token()
        for key in ("", "wrong", "kiosk-key", "till-one-ke", "till-one-key2"):
            assert (await call("show", key=key, code=token))[0] == 401
        await call("reserve", code=token, receipt="7")
        status, refused = await call("commit", key="till-two-key", receipt="7")
        assert (status, refused["error"]["code"]) == (404, "reservation_unknown")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "wanted a table"),
        (b"[" * 4000, "not JSON"),
        (b'{"recipt": "7"}', "did you mean 'receipt'"),
        (b'{"code": "A"}', "Idempotency-Key"),
        (b'{"code": "A", "receipt": "a/b"}', "receipt"),
        (b'{"code": "A", "receipt": "7\\n"}', "receipt"),
        (b'{"code": "A", "receipt": "7", "line": "1\\n"}', "line"),
        (b'{"code": "A", "receipt": "1", "value_fen": -1}', "value_fen"),
        (b'{"code": "' + b"A" * 600 + b'", "receipt": "1"}', "code"),
    ],
)
async def test_a_wrong_body_is_told_what_is_wrong(tmp_path: Path, body: bytes, words: str) -> None:
    async with shop(tmp_path) as (_, call):
        headers = {"Authorization": "Bearer till-one-key"}
        async with call.http.post(f"{call.url}/till/v1/coupons/reserve", data=body, headers=headers) as answer:
            told = await answer.json()
            assert answer.status == 400
            assert words in told["error"]["message"]


async def test_a_body_is_capped_and_a_wrong_text_is_no_coupon(tmp_path: Path) -> None:
    async with shop(tmp_path) as (made, call):
        status, told = await call("reserve", code="A", receipt="x" * 5000)
        assert (status, told["error"]["code"]) == (413, "too_large")
        token = await made.token()
        forged = token[:60] + ("A" if token[60] != "A" else "B") + token[61:]
        for code, expected in (("6901234567892", "unreadable"), (token[:-1], "unreadable"), (forged, "forged")):
            status, told = await call("reserve", code=code, receipt="1")
            assert (status, told["error"]["code"]) == (422, expected)


async def test_the_other_shops_coupon_is_refused_by_name(tmp_path: Path) -> None:
    async with counter(tmp_path / "other") as other, shop(tmp_path / "here") as (_, call):
        status, told = await call("reserve", code=await other.token(), receipt="1")
        assert (status, told["error"]["code"]) == (403, "wrong_store")


async def test_a_full_disk_is_try_again_and_never_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with shop(tmp_path) as (made, call):
        token = await made.token()

        async def refuse(_: object) -> object:
            raise JournalRefusedError(Refusal.DISK_FULL, "not saved: the disk is full")

        monkeypatch.setattr(made.pump, "submit", refuse)
        status, told = await call("reserve", code=token, receipt="1")
        assert (status, told["error"]["code"]) == (503, "disk_full")
        monkeypatch.undo()
        assert (await call("reserve", code=token, receipt="1"))[0] == 200


async def test_a_reservation_runs_out(tmp_path: Path) -> None:
    async with shop(tmp_path, campaign(per_member=0)) as (made, call):
        token = await made.token()
        await call("reserve", code=token, receipt="1")
        await made.tick(121_000)
        assert (await call("show", code=token))[1]["state"] == "outstanding"
        assert (await call("reserve", code=token, key="till-two-key", receipt="1"))[0] == 200


async def test_the_openapi_document_is_served_and_knows_every_answer(tmp_path: Path) -> None:
    async with shop(tmp_path) as (_, call), call.http.get(f"{call.url}/till/v1/openapi.json") as answer:
        document = await answer.json()
    assert document["openapi"] == "3.1.0"
    assert set(document["paths"]) == {f"/till/v1/coupons/{n}" for n in ("reserve", "commit", "release", "show")}
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert names <= set(document["components"]["schemas"])
    codes = document["components"]["schemas"]["Error"]["properties"]["error"]["properties"]["code"]["enum"]
    assert set(codes) >= {str(why) for why in till_openapi.TILL_CODES}


def test_every_refusal_has_a_status_and_a_line_in_the_manual() -> None:
    assert set(STATUS) == set(Why)
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d{3}) \|", MANUAL.read_text("utf-8"), re.MULTILINE))
    wanted = {str(why): str(STATUS[why]) for why in till_openapi.TILL_CODES}
    wanted |= {code: str(status) for status, codes in till_openapi.OTHER_CODES.items() for code in codes}
    assert rows == wanted
