"""Gateway → mosquitto → storegate-consumer → SQLite: the account is exact."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.config import MqttSection
from tests.peers.bridged import gate, until
from tests.peers.broker import Mosquitto

pytestmark = pytest.mark.peer


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    peer = Mosquitto(tmp_path / "broker").start()
    yield peer
    peer.stop()


async def consume(broker: Mosquitto, folder: Path, *more: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cloud_bridge.consumer", "--broker", f"mqtt://127.0.0.1:{broker.port}",
        "--database", f"sqlite:///{folder}/cloud.sqlite", "--json", *more,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_every_event_is_in_the_database_once(tmp_path: Path, broker: Mosquitto) -> None:
    async with gate(tmp_path) as shop:
        await shop.found(1000)
        reader = await consume(broker, tmp_path, "--once", "--watermark")
        config = MqttSection(host="127.0.0.1", port=broker.port, durable_ack="watermark")
        async with shop.bridge(config):
            await shop.found(1000, first=1000)
            await until(lambda: shop.board.broker.published == 2000)
            await shop.drained()
        out, errors = await reader.communicate()
        assert reader.returncode == 0, errors.decode()
        found = json.loads(out)
        assert (found["produced"], found["received"], found["missing"], found["dead"]) == (2000, 2000, 0, 0)
        assert found["streams"][0]["through"] == 2000
