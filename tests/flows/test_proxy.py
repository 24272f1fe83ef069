"""The guest side of the whole daemon behind a proxy, named in gateway.toml or not."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import aiohttp
import msgspec

from tests.flows.given_daemon import daemon, settings

HEADER = "X-Forwarded-For"


async def asked(url: str, count: int, **headers: str) -> Counter[int]:
    codes: Counter[int] = Counter()
    async with aiohttp.ClientSession(url) as http:
        for _ in range(count):
            async with http.get("/shake/v1/start", headers=headers) as answer:
                codes[answer.status] += 1
    return codes


async def test_each_shopper_behind_a_named_proxy_has_limits_of_their_own(tmp_path: Path) -> None:
    config = await settings(tmp_path)
    config = msgspec.structs.replace(config, listen=msgspec.structs.replace(config.listen, proxies=("127.0.0.1",)))
    async with daemon(config) as running:
        codes = await asked(running.guest.url, 130, **{HEADER: "10.0.0.1"})
        assert codes[429] > 0
        assert await asked(running.guest.url, 1, **{HEADER: "10.0.0.1, 10.0.0.2"}) == {200: 1}
        assert await asked(running.guest.url, 1, **{HEADER: "nobody"}) == {400: 1}
        assert not [each for each in running.board.problems if each.where == "guest pages"]


async def test_a_proxy_that_nobody_named_is_limited_and_told_of_once(tmp_path: Path) -> None:
    async with daemon(await settings(tmp_path)) as running:
        assert await asked(running.guest.url, 130) == {200: 130}
        codes = await asked(running.guest.url, 130, **{HEADER: "10.0.0.1"})
        assert codes[429] > 0
        (told,) = (each for each in running.board.problems if each.where == "guest pages")
        assert "listen.proxies" in told.hint
