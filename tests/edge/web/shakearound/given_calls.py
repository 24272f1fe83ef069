"""A merchant's program that calls `/shakearound/*`."""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from edge.config import Config
from tests.edge.web.given_admin import Admin, admin, config
from tests.given import HandClock

UUID = "FDA50693-A4E2-4FB1-AFCF-C6EB07647825"


class Caller:
    def __init__(self, gateway: Admin, session: aiohttp.ClientSession, token: str = "") -> None:
        self.gateway = gateway
        self.session = session
        self.token = token

    async def ask(self, path: str, method: str = "POST", /, **body: object) -> dict[str, object]:
        """The answer whole; fields go where the method has them."""
        query: dict[str, str] = {"access_token": self.token} if self.token else {}
        if method == "GET":
            query |= {key: str(value) for key, value in body.items()}
            body = {}
        url = f"{self.gateway.url}/shakearound/{path}"
        async with self.session.request(method, url, params=query, json=body or None) as answer:
            assert answer.status == 200
            assert answer.content_type == "application/json"
            told: dict[str, object] = await answer.json()
            return told

    async def data(self, path: str, /, **body: object) -> dict[str, object]:
        """The answer's `data`, where all went well."""
        told = await self.ask(path, **body)
        assert (told["errcode"], told["errmsg"]) == (0, "success."), told
        data = told["data"]
        assert isinstance(data, dict)
        return data

    async def code(self, path: str, /, **body: object) -> int:
        """The error code; with one there are words and no data."""
        told = await self.ask(path, **body)
        code = told["errcode"]
        assert isinstance(code, int)
        assert not code or (told["errmsg"] and told["data"] == {}), told
        return code

    async def devices(self, quantity: int = 1) -> list[dict[str, object]]:
        applied = await self.data("device/applyid", quantity=quantity, apply_reason="a test")
        named = applied["device_identifiers"]
        assert isinstance(named, list)
        return named

    async def page(self, title: str = "今日特价", **more: object) -> int:
        fields = {"title": title, "description": "鲜果八折", "icon_url": "", "page_url": "https://shop.example/a"}
        number = (await self.data("page/add", **(fields | more)))["page_id"]
        assert isinstance(number, int)
        return number


@asynccontextmanager
async def calling(
    folder: Path, hand: HandClock, settings: Config | None = None, token: str = ""
) -> AsyncIterator[Caller]:
    async with admin(settings or config(folder), hand) as gateway, aiohttp.ClientSession() as session:
        yield Caller(gateway, session, token)


def png(width: int = 120, height: int = 120) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + b"\x80\x40\x20" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
