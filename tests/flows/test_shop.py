"""A shop without a cloud: a scan on a serial line reaches the screen; a coupon is issued, reserved and used once."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import time
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.catalogue import import_file
from edge.daemon import Running
from edge.errors import StoregateError, UsageError
from edge.grants import Grant, sign
from tests.flows.given_daemon import TILL_KEY, daemon, serial_line, settings

COLA = "6902000002678"
PAYMENT_CODE = "134567890123456789"
PRODUCTS = Path(__file__).parents[2] / "edge" / "demo" / "products.csv"
CLOUD = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
CLOUD_PUBLIC = base64.b64encode(CLOUD.public_key().public_bytes_raw()).decode()
CAMPAIGN = {
    "id": "tea",
    "name_zh": "茶叶蛋",
    "name_en": "Tea egg",
    "kind": "gift",
    "starts_ms": 1_700_000_000_000,
    "ends_ms": 4_000_000_000_000,
    "stock": 100,
}


async def test_a_scan_reaches_the_screen_and_waits_for_the_cloud(tmp_path: Path) -> None:
    await asyncio.to_thread(import_file, PRODUCTS, tmp_path / "catalogue.sqlite", progress=lambda *_: None)
    with serial_line() as (line, device):
        async with daemon(await settings(tmp_path, scanner=device)) as running, aiohttp.ClientSession() as http:
            async with http.ws_connect(f"{running.shop.url}/kiosk/kiosk-1/live") as screen:
                await screen.receive_json()
                await _device_up(running, "dock")
                os.write(line, f"]E0{COLA}\r".encode())
                shown = await _view(screen)
                assert "Coca-Cola Cola can 330 ml" in shown
                assert "2.80" in shown
                os.write(line, PAYMENT_CODE.encode() + b"\r")
                assert PAYMENT_CODE not in await _view(screen)
            told = await _told(running)
            scans = [data for kind, data in told if kind == "code.scanned.v1"]
            assert [scan["kind"] for scan in scans] == ["gtin", "payment"]
            assert scans[0]["gtin"] == f"0{COLA}"
            assert PAYMENT_CODE not in json.dumps(told)
    assert PAYMENT_CODE.encode() not in await asyncio.to_thread(_all_bytes, tmp_path)


async def test_a_coupon_is_taken_shown_and_used_once(tmp_path: Path) -> None:
    config = await settings(tmp_path, issuer_key=CLOUD_PUBLIC)
    async with daemon(config) as running, aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        await _campaign_with_grant(http, running, config.source)
        page = await _get(http, f"{running.guest.url}/wallet")
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
        async with http.post(f"{running.guest.url}/wallet/claim", data=fields) as answer:
            assert answer.status == 200, await answer.text()
            token = re.search(r"/c/([A-Z2-7]{152})$", str(answer.url))
            assert token, answer.url
        wanted = {"code": token[1], "receipt": "r1", "line": "1"}
        first = await _till(http, running, "reserve", wanted)
        again = await _till(http, running, "reserve", wanted)
        assert first == again
        assert first[0] == 200
        paid = {"receipt": "r1", "line": "1", "value_fen": 150}
        commits = await asyncio.gather(*(_till(http, running, "commit", paid) for _ in range(20)))
        assert {status for status, _ in commits} == {200}
        status, body = await _till(http, running, "reserve", {"code": token[1], "receipt": "r2", "line": "1"})
        assert (status, body["error"]["code"]) == (409, "used")
        told = [kind for kind, _ in await _told(running)]
        assert told.count("coupon.redeemed.v1") == 1

    async with daemon(config) as running, aiohttp.ClientSession() as http:  # a new start remembers
        status, body = await _till(http, running, "reserve", {"code": token[1], "receipt": "r3", "line": "1"})
        assert body["error"]["code"] == "used"
        assert (await _till(http, running, "commit", paid))[0] == 200


async def test_the_planes_are_apart(tmp_path: Path) -> None:
    async with daemon(await settings(tmp_path)) as running, aiohttp.ClientSession() as http:
        for path in ("/api/v1/status", "/metrics", "/kiosk/kiosk-1", "/till/v1/openapi.json"):
            async with http.get(running.guest.url + path) as answer:
                assert answer.status == 404, path
        async with http.get(running.shop.url + "/api/v1/status") as answer:
            assert answer.status == 404


async def test_two_daemons_never_share_a_journal(tmp_path: Path) -> None:
    async with daemon(await settings(tmp_path)):
        with pytest.raises(StoregateError, match="another|taken|already"):
            async with daemon(await settings(tmp_path)):
                pass


async def test_a_port_in_use_is_said_in_words(tmp_path: Path) -> None:
    async with daemon(await settings(tmp_path / "one")) as running:
        config = await settings(tmp_path / "two")
        taken = msgspec.structs.replace(config.listen.shop, port=running.shop.port)
        config = msgspec.structs.replace(config, listen=msgspec.structs.replace(config.listen, shop=taken))
        with pytest.raises(UsageError, match="can't listen on"):
            async with daemon(config):
                pass


def _all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def _campaign_with_grant(http: aiohttp.ClientSession, running: Running, source: str) -> None:
    async with http.put(f"{running.admin.url}/api/v1/documents/campaigns", json=[CAMPAIGN]) as answer:
        assert answer.status == 200, await answer.text()
    not_after_ms = int((time.time() + 3600) * 1000)
    grant = Grant(grant_id="g1", campaign="tea", gateway=source, units=5, not_after_ms=not_after_ms, seq=1)
    signed = msgspec.json.encode(sign(grant, key_id="cloud", key=CLOUD))
    async with http.post(f"{running.admin.url}/api/v1/coupons/grant", data=signed) as answer:
        assert answer.status == 200, await answer.text()


async def _till(
    http: aiohttp.ClientSession, running: Running, verb: str, body: dict[str, Any]
) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {TILL_KEY}"}
    async with http.post(f"{running.shop.url}/till/v1/coupons/{verb}", json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def _get(http: aiohttp.ClientSession, url: str) -> str:
    async with http.get(url) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.text()


async def _view(screen: aiohttp.ClientWebSocketResponse) -> str:
    async with asyncio.timeout(10):
        while True:
            message = await screen.receive_json()
            if "view" in message:
                return str(message["view"])


async def _told(running: Running) -> list[tuple[str, dict[str, Any]]]:
    rows = await running.journal.pending(after_seq=0, limit=1000)
    return [(row.type, json.loads(row.body)) for row in rows]


async def _device_up(running: Running, device: str) -> None:
    async with asyncio.timeout(10):
        while device not in running.board.devices or running.board.devices[device].seen is None:
            await asyncio.sleep(0.02)
