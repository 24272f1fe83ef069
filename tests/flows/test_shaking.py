"""The whole daemon: the shop puts its documents, a kiosk shows a code, phones shake by code and by beacon, all of it
is still there after a new start.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import aiohttp

from edge.daemon import Running
from tests.flows.given_daemon import daemon, settings

UUID = "FDA50693-A4E2-4FB1-AFCF-C6EB07647825"
DOCUMENTS: dict[str, list[dict[str, Any]]] = {
    "zones": [{"id": "door", "name_zh": "入口", "name_en": "Door"}],
    "pages": [{"id": "hello", "title_zh": "欢迎", "title_en": "Hello", "page_url": "https://shop.example/hello"}],
    "beacons": [{"id": "b-door", "uuid": UUID, "major": 1, "minor": 7, "zone": "door", "pages": [{"page": "hello"}]}],
}


async def put(http: aiohttp.ClientSession, running: Running, kind: str) -> None:
    url = f"{running.admin.url}/api/v1/documents/{kind}"
    async with http.put(url, json=DOCUMENTS[kind]) as answer:
        assert answer.status == 200, await answer.text()


async def test_a_shop_where_shaking_pays(tmp_path: Path) -> None:
    config = await settings(tmp_path)
    async with daemon(config) as running, aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        kiosk = f"{running.shop.url}/kiosk/kiosk-1"
        async with http.get(kiosk) as page:
            assert 'class="shaker"' not in await page.text()  # nothing to shake for
        for kind in DOCUMENTS:
            await put(http, running, kind)
        async with http.get(kiosk) as page:
            shown = re.search(r"number\" translate=\"no\">(\w{3})<span> </span>(\w{3})<", await page.text())
        assert shown
        async with http.get(f"{running.guest.url}/shake?k={shown[1]}{shown[2]}") as page:
            form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', await page.text()))
        async with http.post(f"{running.guest.url}/shake?lang=en", data=form) as result:
            where = result.url.path
            assert (result.status, "Hello" in await result.text()) == (200, True)
        async with http.get(f"{running.guest.url}/wallet") as wallet:
            assert 'href="/shake"' in await wallet.text()

        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as app:
            async with app.get(f"{running.guest.url}/shake/v1/start") as answer:
                start = await answer.json()
            heard = {"uuid": UUID.lower(), "major": "1", "minor": "7", "accuracy": 1.5, "rssi": -60}
            body = {"nonce": start["nonce"], "shopper": start["shopper"], "beacons": [heard]}
            async with app.post(f"{running.guest.url}/shake/v1/shakes", json=body) as answer:
                said = await answer.json()
        assert (said["outcome"], said["beacon"], said["page"]["title"]) == ("page", "b-door", "Hello")

    async with daemon(config) as running, aiohttp.ClientSession() as http:
        async with http.post(f"{running.guest.url}/shake/v1/shakes", json=body) as answer:
            again = await answer.json()
        assert again["shake"] == said["shake"]  # a new start remembers what it answered
        by = said["page"]["url"].partition("?")[2]
        async with http.get(f"{running.guest.url}/shake/go/{said['shake']}?{by}", allow_redirects=False) as gone:
            assert gone.headers["Location"].startswith("https://shop.example/hello?ticket=")
        async with http.get(f"{running.guest.url}{where}") as other:  # another shopper's
            assert other.status == 404
