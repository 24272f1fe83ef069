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
from tests.peers.proxy import line

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


async def test_the_will_carries_the_session_of_its_birth(tmp_path: Path, broker: Mosquitto) -> None:
    config = {"host": "127.0.0.1", "backoff_max_s": 0.2}
    async with gate(tmp_path) as shop, listening(broker.port) as cloud, line(broker.port) as far:
        async with shop.bridge(MqttSection(port=far.port, **config)):  # type: ignore[arg-type]
            await until(lambda: len(cloud.lane(Lane.STATE)) == 1)
            far.cut()
            await until(lambda: len(cloud.lane(Lane.STATE)) == 3)
        births = [msgspec.json.decode(message.payload, type=Birth) for message in cloud.lane(Lane.STATE)]
    first, second = sorted({birth.session for birth in births})
    assert [birth.online for birth in births if birth.session == first] == [True, False]
    assert next(birth.online for birth in births if birth.session == second)


async def test_without_a_broker_nothing_is_tried(tmp_path: Path) -> None:
    async with gate(tmp_path) as shop, shop.bridge(MqttSection()):
        await shop.found(1)
        assert not shop.board.broker.configured
        assert await shop.waiting() == 1
