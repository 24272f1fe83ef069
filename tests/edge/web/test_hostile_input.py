"""Input that no browser and no till sends: refused with a status of its own, and not a line in the log."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import aiohttp
import pytest

from edge.config import Listener
from edge.web.app import BoundListener, listen
from edge.web.shop import till
from tests.edge.coupons.given_desk import counter
from tests.edge.coupons.given_guest import guest_listener
from tests.edge.web.given_admin import admin, config
from tests.edge.web.given_shop import KIOSK, open_shop
from tests.given import HandClock

FORM = "application/x-www-form-urlencoded"
FORMS = [
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "text/plain; charset=nope",
    f"{FORM}; charset=nope",
    f"{FORM}; charset=utf-16",
    f"{FORM}; charset=zlib_codec",
    ";;=",
]


async def ask(bound: BoundListener | str, path: str, *, method: str = "POST", body: bytes = b"", **head: str) -> int:
    """The status of a request written by hand: `head` is bytes that no client library would send."""
    url = bound if isinstance(bound, str) else bound.url
    port = int(url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = {"Host": "localhost", "Connection": "close", "Content-Length": str(len(body))} | {
        name.replace("_", "-"): value for name, value in head.items()
    }
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items() if value != "-"), "", ""]
    writer.write("\r\n".join(lines).encode("latin-1") + body)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    return int(answer.split()[1])


def quiet(caplog: pytest.LogCaptureFixture) -> bool:
    return not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("origin", ["http://[x", "http://[", "://", "\xe9\xff", "http://localhost@evil.example"])
async def test_a_strange_origin_is_another_site(origin: str, caplog: pytest.LogCaptureFixture) -> None:
    async with listen("shop", Listener(), []) as bound:
        assert await ask(bound, "/kiosk", Origin=origin) == 403
    assert quiet(caplog)


async def test_a_wallets_tag_may_be_any_letters(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with guest_listener(tmp_path) as (_, bound), aiohttp.ClientSession() as http:
        async with http.get(f"{bound.url}/wallet") as page:
            cookie = page.cookies["wallet"].value
        for tag in (b"%C3%A9", b"%FF", b"\xe9", b"%ED%A0%80", b"%00"):
            body = b"campaign=milk&got=0&tag=" + tag
            assert await ask(bound, "/wallet/claim", body=body, Content_Type=FORM, Cookie=f"wallet={cookie}") == 403
    assert quiet(caplog)


@pytest.mark.parametrize("key", ["\xe9\xff", "\xc3\xa9", "", "\xed\xa0\x80"])
async def test_a_tills_key_may_be_any_bytes(tmp_path: Path, key: str, caplog: pytest.LogCaptureFixture) -> None:
    async with counter(tmp_path) as made, listen("shop", Listener(), till.routes(made.desk, made.config.stations)) as b:
        assert await ask(b, "/till/v1/coupons/show", body=b"{}", Authorization=f"Bearer {key}") == 401
    assert quiet(caplog)


async def test_an_admins_token_may_be_any_bytes(
    tmp_path: Path, hand_clock: HandClock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.web.admin.access.WRONG_PAUSE_S", 0)
    async with admin(config(tmp_path, host="0.0.0.0", token="密码-é"), hand_clock) as gateway:
        path = "/api/v1/status"
        for wrong in ("\xe9\xff", "\xed\xa0\x80", "", "x" * 4000):
            assert await ask(gateway.url, path, method="GET", Authorization=f"Bearer {wrong}") == 401
            assert await ask(gateway.url, path, method="GET", Cookie=f"admin={wrong}") == 401
        right = "密码-é".encode().decode("latin-1")  # as it goes over the wire
        assert await ask(gateway.url, path, method="GET", Authorization=f"Bearer {right}") == 200
        for kind in FORMS:
            assert await ask(gateway.url, "/login", body=b"token=%FF", Content_Type=kind) in {400, 401}, kind
        assert await ask(gateway.url, "/login", body="token=密码-é".encode(), Content_Type=FORM) == 303
    assert quiet(caplog)


async def test_documents_may_be_nested_as_deep_as_one_likes(
    tmp_path: Path, hand_clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with admin(config(tmp_path), hand_clock) as gateway:
        for deep in (3000, 20_000):
            assert await ask(gateway.url, "/api/v1/documents/zones", method="PUT", body=b"[" * deep) == 400
        for deep in (100, 500, 900, 3000):
            nested = b"[" * deep + b"]" * deep
            for body in (nested, b'[{"id": ' + nested + b"}]", b'{"a":' * deep + b"1" + b"}" * deep):
                assert await ask(gateway.url, "/api/v1/documents/zones", method="PUT", body=body) in {400, 422}
    assert quiet(caplog)


@pytest.mark.parametrize("kind", FORMS)
async def test_a_kiosks_form_may_say_any_type(
    hand_clock: HandClock, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_shop(hand_clock.clock) as shop:
        for path in ("wish", "finish", "search"):
            status = await ask(shop.url, f"/kiosk/{KIOSK}/{path}", body=b"--x\xff&language=en&=&q", Content_Type=kind)
            assert status in {400, 303}
            assert (status == 303) == kind.startswith(FORM)
        assert await ask(shop.url, f"/kiosk/{KIOSK}/wish", Content_Type="multipart/form-data") == 400
    assert quiet(caplog)


@pytest.mark.parametrize("packing", ["gzip", "deflate", "br", "zstd", "nope"])
async def test_a_body_that_says_it_is_packed_is_read_as_it_is(
    hand_clock: HandClock, tmp_path: Path, packing: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_shop(hand_clock.clock) as shop:
        path = f"/kiosk/{KIOSK}/wish"
        assert await ask(shop.url, path, body=b"language=en", Content_Type=FORM, Content_Encoding=packing) in {303, 400}
        assert await ask(shop.url, path, Content_Length="-", Transfer_Encoding="chunked", body=b"zz\r\n") == 400
    async with admin(config(tmp_path), hand_clock) as gateway:
        path = "/api/v1/documents/zones"
        assert await ask(gateway.url, path, method="PUT", body=b"\x1f\x8b[]", Content_Encoding=packing) == 400
        assert await ask(gateway.url, path, method="PUT", body=b"[]", Content_Encoding=packing) in {200, 400}
    assert quiet(caplog)


async def test_what_is_not_http_is_refused_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    async with listen("guest", Listener(), []) as bound:
        for method in ("GARBAGE\x01", "GET /a b", "\xff"):
            assert await ask(bound, "/wallet", method=method) == 400
        assert await ask(bound, "/" + "x" * 20_000, method="GET") in {400, 414}
        assert await ask(bound, "/", method="GET", X="a\x00b") == 400
        assert await ask(bound, "/", method="GET", X="a" * 20_000) in {400, 431}
        assert await ask(bound, "/", method="GET", Content_Length="-1") == 400
        assert await ask(bound, "http://[x/", method="GET") in {400, 404}
    assert quiet(caplog)
