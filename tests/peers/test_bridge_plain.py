"""The bridge against a real mosquitto: events go out once, in order, and are forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cloud_bridge.payloads import Birth
from cloud_bridge.topics import Lane
from edge.config import MqttSection
from tests.peers.bridged import SOURCE, gate, listening, until
from tests.peers.broker import Mosquitto

pytestmark = pytest.mark.peer


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    peer = Mosquitto(tmp_path / "broker").start()
    yield peer
    peer.stop()


async def test_an_event_reaches_the_cloud_and_is_forgotten(tmp_path: Path, broker: Mosquitto) -> None:
    async with gate(tmp_path) as shop, listening(broker.port) as cloud:
        async with shop.bridge(MqttSection(host="127.0.0.1", port=broker.port)):
            await until(lambda: shop.board.broker.connected)
            await shop.found(1)
            await until(lambda: bool(cloud.events))
            event = cloud.events[0]
            assert event.id == f"{shop.journal.epoch}-{int(event.sequence)}"
            assert event.source == SOURCE
            assert event.type == "storegate.device.found.v1"
            assert msgspec.json.decode(event.data) == {"device": "d0", "kind": "scanner"}
            await shop.drained()
        await until(lambda: len(cloud.lane(Lane.STATE)) == 2)
    births = [msgspec.json.decode(message.payload, type=Birth) for message in cloud.lane(Lane.STATE)]
    assert [birth.online for birth in births] == [True, False]
    assert births[0].session == births[1].session
    assert births[0].epoch == shop.journal.epoch
