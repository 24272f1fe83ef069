"""Gateway → mosquitto → storegate-consumer → SQLite: the account is exact."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloud_bridge.topics import Gateway, Lane
from edge.config import MqttSection
from tests.peers.bridged import gate, until
from tests.peers.broker import Mosquitto
from tests.peers.postgres import server

pytestmark = pytest.mark.peer


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    peer = Mosquitto(tmp_path / "broker").start()
    yield peer
    peer.stop()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with server() as url:
        yield url


async def consume(broker: Mosquitto, database: str | Path, *more: str) -> asyncio.subprocess.Process:
    url = database if isinstance(database, str) else f"sqlite:///{database}/cloud.sqlite"
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cloud_bridge.consumer", "--broker", f"mqtt://127.0.0.1:{broker.port}",
        "--database", url, "--json", *more,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def ready(reader: asyncio.subprocess.Process) -> None:
    """Subscribed: it says so on stderr."""
    assert reader.stderr
    async with asyncio.timeout(10):
        while b"connected to" not in (line := await reader.stderr.readline()):
            assert line, "it ended"


async def end(reader: asyncio.subprocess.Process, sign: signal.Signals = signal.SIGINT) -> dict[str, Any]:
    with contextlib.suppress(ProcessLookupError):
        reader.send_signal(sign)
    out, errors = await asyncio.wait_for(reader.communicate(), 10)
    assert reader.returncode == 0, errors.decode()
    return json.loads(out)  # type: ignore[no-any-return]


def config(broker: Mosquitto, **more: object) -> MqttSection:
    return MqttSection(host="127.0.0.1", port=broker.port, backoff_max_s=0.3, **more)  # type: ignore[arg-type]


async def test_every_event_is_in_the_database_once(tmp_path: Path, broker: Mosquitto) -> None:
    async with gate(tmp_path) as shop:
        await shop.found(1000)
        reader = await consume(broker, tmp_path, "--once", "--watermark", "--summary", str(tmp_path / "summary.json"))
        async with shop.bridge(config(broker, durable_ack="watermark")):
            await shop.found(1000, first=1000)
            await until(lambda: shop.board.broker.published == 2000)
            await shop.drained()
        found = await end(reader)
        assert (found["produced"], found["received"], found["missing"], found["dead"]) == (2000, 2000, 0, 0)
        assert found["streams"][0]["through"] == 2000
        assert json.loads(await asyncio.to_thread((tmp_path / "summary.json").read_bytes)) == found


async def test_a_reader_that_is_killed_loses_nothing(tmp_path: Path, broker: Mosquitto) -> None:
    """Also what the broker held for it: it is acknowledged only after the commit."""
    async with gate(tmp_path) as shop:
        reader = await consume(broker, tmp_path, "--client-id", "reader")
        await ready(reader)
        async with shop.bridge(config(broker, batch_events=5)):
            await shop.found(3000)
            await until(lambda: shop.board.broker.published > 500)
            reader.kill()
            await reader.wait()
            await shop.drained()
        again = await consume(broker, tmp_path, "--client-id", "reader", "--once")
        await again.wait()
        found = await end(again)
        assert (found["produced"], found["received"], found["missing"]) == (3000, 3000, 0)


async def test_a_message_that_is_no_event_is_put_aside(tmp_path: Path, broker: Mosquitto) -> None:
    async with gate(tmp_path) as shop:
        reader = await consume(broker, tmp_path)
        await ready(reader)
        for payload in ("not json", "[{}]", "[]"):
            topic = Gateway("acme", "s1", "gw1").events(Lane.EVENTS, "device.found.v1")
            await asyncio.create_subprocess_exec("mosquitto_pub", "-p", str(broker.port), "-t", topic, "-m", payload)
        async with shop.bridge(config(broker)):
            await shop.found(10)
            await shop.drained()
        await asyncio.sleep(0.3)
        found = await end(reader)
        assert (found["received"], found["dead"]) == (10, 2)


async def test_readers_share_the_work_and_one_account(tmp_path: Path, broker: Mosquitto, postgres: str) -> None:
    more = ("--share", "ingest", "--watermark", "--client-id")
    async with gate(tmp_path) as shop:
        readers = [await consume(broker, postgres, *more, f"reader-{number}") for number in range(2)]
        for reader in readers:
            await ready(reader)
        async with shop.bridge(config(broker, durable_ack="watermark", batch_events=10)):
            await shop.found(2000)
            await shop.drained()
        for reader in readers:
            found = await end(reader, signal.SIGTERM)
            assert (found["produced"], found["received"], found["missing"]) == (2000, 2000, 0)


async def test_a_wrong_database_ends_it_in_words(tmp_path: Path, broker: Mosquitto) -> None:
    reader = await consume(broker, "sqlite:////nowhere/at/all.sqlite")
    _, errors = await reader.communicate()
    assert reader.returncode == 1
    assert b"can't be used" in errors
    assert b"Traceback" not in errors


async def test_a_broker_that_was_never_there_is_a_failure(tmp_path: Path) -> None:
    reader = await consume(Mosquitto(tmp_path / "none"), tmp_path, "--seconds", "1")
    _, errors = await reader.communicate()
    assert reader.returncode == 1
    assert b"never connected" in errors
    assert b"refused" in errors
    assert b"Traceback" not in errors


async def test_a_summary_that_can_t_be_written_ends_it_at_once(tmp_path: Path) -> None:
    reader = await consume(Mosquitto(tmp_path / "none"), tmp_path, "--summary", "/nonexist/x")
    _, errors = await asyncio.wait_for(reader.communicate(), 10)
    assert reader.returncode == 2
    assert b"--summary /nonexist/x can't be written" in errors
    assert b"Traceback" not in errors
