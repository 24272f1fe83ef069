"""Damage is told to the shop: on the status page, in the log and by the doctor."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import aiohttp
import pytest

from edge.cli import checks
from edge.daemon import Running
from tests.flows.given_daemon import daemon, settings
from tests.flows.test_shop import CLOUD_PUBLIC, _campaign_with_grant

ZONES = [{"id": "door", "name_zh": "门口", "name_en": "Door"}]


async def findings(running: Running) -> dict[str, str]:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{running.admin.url}/api/v1/status?lang=en") as answer,
    ):
        assert answer.status == 200
        return {finding["code"]: finding["text"] for finding in (await answer.json())["findings"]}


async def test_a_damaged_journal_is_told_while_its_file_lies_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = await settings(tmp_path)
    async with daemon(config) as running:
        assert not [code for code in await findings(running) if code.startswith(("damage", "broken"))]
    (tmp_path / "journal.sqlite").write_bytes(b"not a database, not even nearly" * 400)
    async with daemon(config) as running:
        told = await findings(running)
        assert "a new, empty one began" in told["damage_journal"]
        assert "journal.sqlite.broken-" in told["broken_kept"]
        assert "the journal was damaged" in caplog.text
    async with daemon(config) as running:
        told = await findings(running)
        assert ("damage_journal" in told, "broken_kept" in told) == (False, True)
    [line] = await asyncio.to_thread(lambda: list(checks.broken(config)))
    assert (line.verdict, "journal.sqlite.broken-" in line.text) == (checks.Verdict.NOTE, True)


@pytest.mark.parametrize("good_too", [False, True])
async def test_damaged_documents_are_told_at_every_start(tmp_path: Path, good_too: bool) -> None:
    config = await settings(tmp_path)
    async with (
        daemon(config) as running,
        aiohttp.ClientSession() as http,
        http.put(f"{running.admin.url}/api/v1/documents/zones", json=ZONES) as answer,
    ):
        assert answer.status == 200
    (tmp_path / "documents.json").write_bytes(b"{")
    if good_too:
        (tmp_path / "documents.good.json").write_bytes(b"{")
    for _ in range(2):
        async with daemon(config) as running:
            told = await findings(running)
            wanted = "no documents until they are put again" if good_too else "the last good copy is in use"
            assert wanted in told["damage_documents"]
            assert "documents.json.broken" in told["broken_kept"]


async def test_a_lost_key_is_told_when_coupons_are_out(tmp_path: Path) -> None:
    config = await settings(tmp_path, issuer_key=CLOUD_PUBLIC)
    key = tmp_path / "keys" / "coupon.key"
    async with daemon(config):
        pass
    key.unlink()
    async with daemon(config) as running, aiohttp.ClientSession() as http:
        assert "damage_keys" not in await findings(running)  # no coupon is out
        await _campaign_with_grant(http, running, config.source)
        issue = {"campaign": "tea", "request_key": "r1"}
        async with http.post(f"{running.admin.url}/api/v1/coupons/issue", json=issue) as answer:
            assert answer.status == 200, await answer.text()
    key.unlink()
    [line] = await asyncio.to_thread(lambda: list(checks.keys(config)))
    assert "keys/coupon.key is gone" in line.text
    async with daemon(config) as running:
        assert "can't be read any more (1 are out)" in (await findings(running))["damage_keys"]
        assert [problem.where for problem in running.board.problems] == ["keys"]
    assert await asyncio.to_thread(lambda: list(checks.keys(config))) == []


async def test_a_journal_that_is_taken_away_makes_the_gateway_unready(tmp_path: Path) -> None:
    async with daemon(await settings(tmp_path)) as running, aiohttp.ClientSession() as http:
        for name in await asyncio.to_thread(os.listdir, tmp_path):
            if name.startswith("journal.sqlite"):
                (tmp_path / name).unlink()
        async with asyncio.timeout(10):
            while not running.journal.gone:  # the ticker finds it
                await asyncio.sleep(0.05)
        for path in ("/healthz", "/readyz"):
            async with http.get(running.admin.url + path) as answer:
                assert answer.status == 503
                assert "removed or replaced" in await answer.text()
        assert "removed or replaced" in (await findings(running))["journal_gone"]
