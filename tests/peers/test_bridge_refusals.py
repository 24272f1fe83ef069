"""What brokers may say and seldom do: quotas, limits, refusals. Each is obeyed, told in words, and survived."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cloud_bridge import bridge
from edge.config import MqttSection
from tests.peers.bridged import gate, until
from tests.peers.scripted import scripted

pytestmark = pytest.mark.peer


def config(port: int, **more: object) -> MqttSection:
    return MqttSection(host="127.0.0.1", port=port, backoff_max_s=0.3, **more)  # type: ignore[arg-type]


async def test_the_receive_maximum_is_never_exceeded(tmp_path: Path) -> None:
    receive_maximum = b"\x21\x00\x05"
    async with (
        gate(tmp_path) as shop,
        scripted(properties=receive_maximum, receive_maximum=5, delay_s=0.01) as broker,
    ):
        await shop.found(400)
        async with shop.bridge(config(broker.port, batch_events=10, window=100)):
            await shop.drained()
        assert broker.most_in_flight == 5
        assert broker.connections == 1


async def test_a_quota_is_waited_out(tmp_path: Path) -> None:
    async with gate(tmp_path) as shop, scripted(puback=lambda number: 0x97 if number <= 2 else 0) as broker:
        await shop.found(150)
        async with shop.bridge(config(broker.port)):
            await until(lambda: "quota" in shop.board.broker.problem)
            assert await shop.waiting() == 150
            await shop.drained()
            assert shop.board.broker.problem == ""
        assert broker.connections == 1


async def test_not_authorised_is_told_and_nothing_is_forgotten(tmp_path: Path) -> None:
    async with gate(tmp_path) as shop, scripted(puback=lambda _: 0x87) as broker:
        await shop.found(5)
        async with shop.bridge(config(broker.port)):
            await until(lambda: broker.connections > 2)
            assert "not authorised" in shop.board.broker.problem
            assert "access list" in shop.board.broker.problem
        assert await shop.waiting() == 5


async def test_a_broker_that_hangs_up_over_a_size_gets_smaller_packets(tmp_path: Path) -> None:
    async with gate(tmp_path) as shop, scripted(hang_up_over_bytes=2500) as broker:
        await shop.found(1000)
        async with shop.bridge(config(broker.port, batch_events=1000)):
            await shop.drained()


@pytest.mark.parametrize(
    ("code", "words"), [(0x86, "password"), (0x85, "client id"), (0x97, "quota"), (0x84, "MQTT 5")]
)
async def test_a_refused_connection_is_told(tmp_path: Path, code: int, words: str) -> None:
    async with gate(tmp_path) as shop, scripted(connack=code) as broker:
        async with shop.bridge(config(broker.port)):
            await until(lambda: bool(shop.board.broker.problem))
        assert words in shop.board.broker.problem


async def test_the_server_s_keep_alive_is_kept(tmp_path: Path) -> None:
    async with (
        gate(tmp_path) as shop,
        scripted(properties=b"\x13\x00\x01") as broker,
        shop.bridge(config(broker.port, keepalive_s=600)),
    ):
        await until(lambda: broker.pings >= 2)


async def test_acknowledgements_that_never_come_are_noticed(tmp_path: Path) -> None:
    async with gate(tmp_path) as shop, scripted(puback=lambda number: None if number == 1 else 0) as broker:
        await shop.found(50)
        async with shop.bridge(config(broker.port, keepalive_s=1)):
            await shop.drained()
        assert broker.connections == 2


async def test_nobody_listens_in_watermark_mode_and_rows_stay(tmp_path: Path) -> None:
    async with gate(tmp_path) as shop, scripted(puback=lambda _: 0x10) as broker:
        await shop.found(50)
        async with shop.bridge(config(broker.port, durable_ack="watermark")):
            await until(lambda: "nobody subscribes" in shop.board.broker.problem)
            await asyncio.sleep(0.1)
        assert await shop.waiting() == 50
        assert broker.published == 1


async def test_what_no_database_confirms_is_sent_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridge, "PATIENCE_S", 0.3)
    async with gate(tmp_path) as shop, scripted() as broker:
        await shop.found(50)
        async with shop.bridge(config(broker.port, durable_ack="watermark", keepalive_s=1)):
            await until(lambda: broker.published >= 2)
            assert "confirmed nothing" in shop.board.broker.problem
        assert await shop.waiting() == 50
