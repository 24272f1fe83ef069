"""The cloud sends a new catalogue, end to end: broker, daemon, web server, importer, kiosk."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from cloud_bridge.topics import Gateway, Lane
from edge.catalogue import import_file
from edge.daemon import Running
from tests.flows.given_daemon import daemon, settings
from tests.peers.bridged import Ear, listening, until
from tests.peers.broker import Mosquitto

pytestmark = pytest.mark.peer
GATEWAY = Gateway("t", "s", "g")
HEADER = "gtin,name_zh,name_en,price_fen,unit,stock"
OLD = f"{HEADER}\n6901939621608,老坛酸菜面,Pickled cabbage noodles,450,包,5\n"
NEW = f"{HEADER}\n6920152400777,龙井绿茶,Longjing green tea,1280,罐,12\n6901939621608,老坛酸菜面,Noodles,480,包,9\n"
WRONG = f"{HEADER}\n6920152400778,龙井绿茶,Tea,1280,罐,12\n,,,,,\n6901939621608,面,Noodles,free,包,9\n"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    peer = Mosquitto(tmp_path / "broker").start()
    yield peer
    peer.stop()


@asynccontextmanager
async def shelf(files: dict[str, str]) -> AsyncIterator[str]:
    """A web server with some files; its URL."""

    async def send(request: web.Request) -> web.Response:
        text = files.get(request.match_info["name"])
        return web.Response(status=404) if text is None else web.Response(body=text.encode())

    app = web.Application()
    app.add_routes([web.get("/{name}", send)])
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Cloud:
    """Asks a gateway, and waits for the answer."""

    def __init__(self, port: int, ear: Ear) -> None:
        self._port = port
        self._ear = ear

    async def refresh(self, command_id: str, url: str, text: str) -> dict[str, Any]:
        wish = {"id": command_id, "url": url, "sha256": hashlib.sha256(text.encode()).hexdigest()}
        command = ("mosquitto_pub", "-p", str(self._port), "-V", "5", "-q", "1")
        topic = GATEWAY.topic(Lane.COMMANDS, "catalogue.refresh")
        process = await asyncio.create_subprocess_exec(*command, "-t", topic, "-m", json.dumps(wish))
        assert await process.wait() == 0
        await until(lambda: command_id in self.answers, within_s=30)
        return self.answers[command_id]

    @property
    def answers(self) -> dict[str, Any]:
        said = [json.loads(message.payload) for message in self._ear.lane(Lane.ANSWERS)]
        return {answer["id"]: answer for answer in said}


@asynccontextmanager
async def shop(tmp_path: Path, broker: Mosquitto) -> AsyncIterator[tuple[Running, Cloud, Ear]]:
    """A daemon with the old catalogue, and its cloud."""
    state = tmp_path / "state"
    await asyncio.to_thread(_old_catalogue, tmp_path, state)
    line = f'[mqtt]\nhost = "127.0.0.1"\nport = {broker.port}\n'
    async with listening(broker.port) as ear, daemon(await settings(state, mqtt=line)) as running:
        await until(lambda: running.board.broker.connected)
        yield running, Cloud(broker.port, ear), ear


def _old_catalogue(folder: Path, state: Path) -> None:
    state.mkdir()
    source = folder / "old.csv"
    source.write_text(OLD, "utf-8")
    import_file(source, state / "catalogue.sqlite", progress=lambda *_: None)


async def search(running: Running, words: str) -> str:
    url = f"{running.shop.url}/kiosk/kiosk-1/search"
    async with aiohttp.ClientSession() as http, http.get(url, params={"q": words}, headers={"X-Part": "1"}) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_a_new_catalogue_reaches_the_kiosk(tmp_path: Path, broker: Mosquitto) -> None:
    async with shop(tmp_path, broker) as (running, cloud, ear), shelf({"new.csv": NEW}) as host:
        assert "龙井" not in await search(running, "longjing")
        assert ".50</span>" in await search(running, "lao tan")
        answer = await cloud.refresh("c-1", f"{host}/new.csv", NEW)
        assert (answer["ok"], answer["facts"]["products"]) == (True, 2)
        assert "Longjing green tea" in await search(running, "longjing")
        assert ".80</span>" in await search(running, "lao tan")
        assert await cloud.refresh("c-1", f"{host}/gone.csv", NEW) == answer  # a repeat is answered, not done
        await until(lambda: any(event.type == "storegate.catalogue.changed.v1" for event in ear.events))


async def test_a_wrong_catalogue_changes_nothing(tmp_path: Path, broker: Mosquitto) -> None:
    async with shop(tmp_path, broker) as (running, cloud, ear), shelf({"wrong.csv": WRONG, "new.csv": NEW}) as host:
        answer = await cloud.refresh("c-1", f"{host}/wrong.csv", WRONG)
        assert (answer["ok"], answer["code"]) == (False, "rejected")
        assert [mistake.partition(",")[0] for mistake in answer["mistakes"]][:1] == ["line 2"]
        assert any("line 4" in mistake for mistake in answer["mistakes"])
        assert (await cloud.refresh("c-2", f"{host}/new.csv", OLD))["code"] == "download"
        assert (await cloud.refresh("c-3", f"{host}/none.csv", NEW))["code"] == "download"
        assert "Pickled cabbage noodles" in await search(running, "laotan")
        assert not any(event.type == "storegate.catalogue.changed.v1" for event in ear.events)
    left = await asyncio.to_thread(lambda: [path.name for path in (tmp_path / "state").glob("catalogue-fetch-*")])
    assert left == []
