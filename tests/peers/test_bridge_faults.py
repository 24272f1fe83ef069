"""Brokers that restart, forget, refuse, hang: nothing is lost, nothing loops for ever."""

from __future__ import annotations

import asyncio
import random
import signal
from pathlib import Path

import msgspec
import pytest

from cloud_bridge.topics import Gateway, Lane
from edge import events as ev
from edge.config import MqttSection
from edge.telemetry import RecordsLost
from tests.peers.bridged import Gate, gate, listening, until
from tests.peers.broker import Mosquitto
from tests.peers.proxy import line

pytestmark = pytest.mark.peer


def config(port: int, **more: object) -> MqttSection:
    return MqttSection(host="127.0.0.1", port=port, backoff_max_s=0.3, **more)  # type: ignore[arg-type]


async def all_arrives(shop: Gate, port: int, count: int) -> None:
    """What was found while nobody listened and what is found now: all of it, each in one lane."""
    async with listening(port) as cloud, shop.bridge(config(port)):
        await until(lambda: cloud.seqs >= set(range(1, count + 1)))
        await shop.drained()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("persistent", [True, False])
async def test_a_broker_restarts(tmp_path: Path, sign: signal.Signals, persistent: bool) -> None:
    broker = Mosquitto(tmp_path / "broker", persistent=persistent).start()
    try:
        async with gate(tmp_path) as shop, shop.bridge(config(broker.port)):
            await until(lambda: shop.board.broker.connected)
            await asyncio.to_thread(broker.stop, sign)
            await until(lambda: not shop.board.broker.connected)
            assert shop.board.broker.problem
            await shop.found(250)
            await asyncio.to_thread(broker.start)
            await until(lambda: shop.board.broker.connected)
            await shop.drained()
            assert shop.board.broker.reconnects >= 1
    finally:
        broker.stop()


async def test_the_backlog_has_its_own_lane_and_both_are_in_order(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path / "broker").start()
    try:
        async with gate(tmp_path) as shop:
            await shop.found(500)
            async with listening(broker.port) as cloud, shop.bridge(config(broker.port)):
                await until(lambda: shop.board.broker.connected)
                await shop.found(500, first=500)
                await until(lambda: cloud.seqs >= set(range(1, 1001)))
            old, new = cloud.lane(Lane.BACKLOG), cloud.lane(Lane.EVENTS)
            assert len(old) == 5
            assert new
            assert all(message.encoding == "deflate" for message in old)
            assert all(message.content_type == "application/cloudevents-batch+json" for message in old + new)
            seqs = [int(event.sequence) for event in cloud.events]
            assert [seq for seq in seqs if seq <= 500] == list(range(1, 501))
            assert [seq for seq in seqs if seq > 500] == list(range(501, 1001))
    finally:
        broker.stop()


async def test_receive_maximum_and_a_small_packet_limit_are_obeyed(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path / "broker", "max_inflight_messages 5", "max_packet_size 3000").start()
    try:
        async with gate(tmp_path) as shop:
            await shop.found(2000)
            highest = 0
            async with line(broker.port, one_way_s=0.002) as far, shop.bridge(config(far.port)):
                async with asyncio.timeout(8):
                    while await shop.waiting():
                        highest = max(highest, shop.board.broker.inflight)
                        await asyncio.sleep(0.001)
            assert 0 < highest <= 5
            assert shop.board.broker.reconnects == 0
    finally:
        broker.stop()


async def test_an_unannounced_limit_is_learned(tmp_path: Path) -> None:
    """`message_size_limit` is not in the CONNACK: the PUBACK says 0x95."""
    broker = Mosquitto(tmp_path / "broker", "message_size_limit 900").start()
    try:
        async with gate(tmp_path) as shop:
            await shop.found(300)
            await all_arrives(shop, broker.port, 300)
    finally:
        broker.stop()


async def test_an_event_that_no_broker_takes_is_recorded_as_lost(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path / "broker", "message_size_limit 700").start()
    try:
        async with gate(tmp_path) as shop:
            noise = random.Random(7).randbytes(2000).hex()
            now = shop.clock.now()
            await shop.journal.submit(ev.ServiceFailed(at=now, service="noise", problem=noise, retry_in_s=1.0))
            await shop.found(5)
            async with listening(broker.port) as cloud, shop.bridge(config(broker.port)):
                await until(lambda: any(event.type == "storegate.records.lost.v1" for event in cloud.events))
                await shop.drained()
            lost = [event for event in cloud.events if event.type == "storegate.records.lost.v1"]
            record = msgspec.json.decode(bytes(lost[0].data), type=RecordsLost)
            assert (record.reason, record.count) == ("too_big", 1)
            assert [(span.first, span.last) for span in record.ranges] == [(1, 1)]
            assert cloud.seqs == set(range(2, 8))
    finally:
        broker.stop()


async def test_a_frozen_broker_is_noticed(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path / "broker").start()
    try:
        async with gate(tmp_path) as shop, shop.bridge(config(broker.port, keepalive_s=1)):
            await until(lambda: shop.board.broker.connected)
            broker.freeze()
            await shop.found(10)
            await until(lambda: not shop.board.broker.connected)
            assert "no acknowledgement" in shop.board.broker.problem or "ping" in shop.board.broker.problem
            broker.thaw()
            await shop.drained()
    finally:
        broker.stop()


async def test_a_line_that_is_dead_without_a_word_is_noticed(tmp_path: Path) -> None:
    """Nothing is sent meanwhile: only the pings can tell."""
    broker = Mosquitto(tmp_path / "broker").start()
    try:
        async with (
            gate(tmp_path) as shop,
            line(broker.port) as far,
            shop.bridge(config(far.port, keepalive_s=1)),
        ):
            await until(lambda: shop.board.broker.connected)
            far.cut_silently()
            await until(lambda: not shop.board.broker.connected)
            assert "pings" in shop.board.broker.problem
    finally:
        broker.stop()


async def test_watermark_mode_keeps_rows_until_the_cloud_has_them(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path / "broker").start()
    gateway = Gateway("acme", "s1", "gw1")
    try:
        async with gate(tmp_path) as shop, listening(broker.port):
            await shop.found(50)
            async with shop.bridge(config(broker.port, durable_ack="watermark")):
                await until(lambda: shop.board.broker.published == 50)
                await asyncio.sleep(0.1)
                assert await shop.waiting() == 50
                await tell(broker.port, gateway.watermark, {"epoch": "another", "through": 50})
                await tell(broker.port, gateway.watermark, {"epoch": shop.journal.epoch, "through": 20})
                await shop.drained(left=30)
                assert await shop.waiting() == 30
                await tell(broker.port, gateway.watermark, {"epoch": shop.journal.epoch, "through": 10**9})
                await shop.drained()
    finally:
        broker.stop()


async def tell(port: int, topic: str, payload: object) -> None:
    process = await asyncio.create_subprocess_exec(
        "mosquitto_pub", "-p", str(port), "-V", "5", "-q", "1", "-t", topic, "-m", msgspec.json.encode(payload).decode()
    )
    assert await process.wait() == 0
