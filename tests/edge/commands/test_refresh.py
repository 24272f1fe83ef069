"""A catalogue is fetched from a real HTTP server: whole and right, or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from edge.catalogue import CatalogueInfo
from edge.commands.refresh import fetch
from edge.errors import CommandError

TEXT = "gtin,name_zh,price_fen\n6901939621608,可口可乐,300\n".encode()
SUM = hashlib.sha256(TEXT).hexdigest()
INFO = CatalogueInfo(products=1, priced_at_ms=1, sha256=SUM)


@pytest.fixture
async def server() -> AsyncIterator[str]:
    async def catalogue(_: web.Request) -> web.Response:
        return web.Response(body=TEXT)

    app = web.Application()
    app.add_routes([web.get("/c.csv", catalogue), web.get("/c.exe", catalogue)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def imported(seen: list[bytes]) -> object:
    def import_(source: Path, target: Path, /) -> CatalogueInfo:
        assert source.suffix == ".csv"
        seen.append(source.read_bytes())
        return INFO

    return import_


async def test_it_arrives_whole(tmp_path: Path, server: str) -> None:
    seen: list[bytes] = []
    info = await fetch(url=f"{server}/c.csv", sha256=SUM, target=tmp_path / "c.sqlite", import_=imported(seen))  # type: ignore[arg-type]
    assert info == INFO
    assert seen == [TEXT]
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240


@pytest.mark.parametrize(
    ("path", "sha256", "max_bytes", "code", "words"),
    [
        ("/c.csv", "0" * 64, 1000, "download", "sha256"),
        ("/c.csv", SUM, 10, "download", "larger than 10"),
        ("/none.csv", SUM, 1000, "download", "404"),
        ("/c.exe", SUM, 1000, "rejected", ".csv or .jsonl"),
    ],
)
async def test_nothing_is_imported_otherwise(
    tmp_path: Path, server: str, path: str, sha256: str, max_bytes: int, code: str, words: str
) -> None:
    seen: list[bytes] = []
    with pytest.raises(CommandError, match=words) as caught:
        await fetch(
            url=server + path,
            sha256=sha256,
            target=tmp_path / "c",
            import_=imported(seen),
            max_bytes=max_bytes,  # type: ignore[arg-type]
        )
    assert caught.value.code == code
    assert seen == []
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240


async def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="failed"):
        await fetch(url="http://127.0.0.1:1/c.csv", sha256=SUM, target=tmp_path / "c")


async def test_what_is_no_url_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no URL") as caught:
        await fetch(url="http://[::1/x.csv", sha256=SUM, target=tmp_path / "c")
    assert caught.value.code == "rejected"
