"""Commands through a real broker: one effect for any number of repeats, the same answer each time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cloud_bridge import mqtt
from cloud_bridge.endpoint import Endpoint, Incoming, Said
from cloud_bridge.topics import Gateway, Lane
from edge import __version__
from edge.catalogue import CatalogueInfo
from edge.commands import Asked, Commands
from edge.config import MqttSection
from edge.documents import Documents
from edge.errors import CommandError, JournalRefusedError, Refusal
from edge.pump import Pump
from tests.peers.bridged import Gate, gate, listening, until
from tests.peers.broker import Mosquitto

pytestmark = pytest.mark.peer
GATEWAY = Gateway("acme", "s1", "gw1")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    peer = Mosquitto(tmp_path / "broker").start()
    yield peer
    peer.stop()


class Desk:
    """The parts of a gateway that commands reach, and how often they were reached."""

    def __init__(self, shop: Gate, documents: Documents) -> None:
        self.reloads: list[str | None] = []
        pump = Pump(shop.journal, shop.board)

        async def reload(station: str | None) -> None:
            self.reloads.append(station)

        async def fetch(*, url: str, sha256: str) -> CatalogueInfo:
            raise CommandError("download", f"{url} is not there")

        self.commands = Commands(
            submit=pump.submit,
            read=shop.journal.read,
            clock=shop.clock,
            version=__version__,
            put_documents=documents.put,
            fetch_catalogue=fetch,
            kiosks=("k1",),
            reload=reload,
        )


@asynccontextmanager
async def desk(tmp_path: Path) -> AsyncIterator[tuple[Gate, Desk]]:
    async with gate(tmp_path) as shop:
        documents = await asyncio.to_thread(Documents.open, tmp_path)
        yield shop, Desk(shop, documents)


async def ask(port: int, name: str, payload: object, *more: str) -> None:
    text = payload if isinstance(payload, str) else json.dumps(payload)
    process = await asyncio.create_subprocess_exec(
        "mosquitto_pub", "-p", str(port), "-V", "5", "-q", "1", "-t", GATEWAY.topic(Lane.COMMANDS, name),
        "-m", text, *more,
    )  # fmt: skip
    assert await process.wait() == 0


def config(broker: Mosquitto) -> MqttSection:
    return MqttSection(host="127.0.0.1", port=broker.port, backoff_max_s=0.3)


async def test_one_effect_for_a_repeat_also_after_a_restart(tmp_path: Path, broker: Mosquitto) -> None:
    reload = {"id": "c-1", "station": "k1"}
    async with listening(broker.port) as cloud:
        async with desk(tmp_path) as (shop, first), shop.bridge(config(broker), first.commands.answer):
            await until(lambda: shop.board.broker.connected)
            for _ in range(3):
                await ask(broker.port, "kiosk.reload", reload)
            await until(lambda: len(cloud.lane(Lane.ANSWERS)) == 3)
            assert first.reloads == ["k1"]
        async with desk(tmp_path) as (shop, second), shop.bridge(config(broker), second.commands.answer):
            await until(lambda: shop.board.broker.connected)
            await ask(broker.port, "kiosk.reload", reload)
            await until(lambda: len(cloud.lane(Lane.ANSWERS)) == 4)
            assert second.reloads == []
            await until(lambda: any(event.type == "storegate.command.done.v1" for event in cloud.events))
    answers = [json.loads(message.payload) for message in cloud.lane(Lane.ANSWERS)]
    assert answers == [{"id": "c-1", "name": "kiosk.reload", "ok": True, "code": "done"}] * 4
    assert sum(event.type == "storegate.command.done.v1" for event in cloud.events) == 1


async def test_a_command_waits_at_the_broker_while_the_gateway_is_away(tmp_path: Path, broker: Mosquitto) -> None:
    async with listening(broker.port) as cloud:
        async with desk(tmp_path) as (shop, first), shop.bridge(config(broker), first.commands.answer):
            await until(lambda: shop.board.broker.connected)
        await ask(broker.port, "kiosk.reload", {"id": "c-2"})
        async with desk(tmp_path) as (shop, second), shop.bridge(config(broker), second.commands.answer):
            await until(lambda: bool(cloud.lane(Lane.ANSWERS)))
            assert second.reloads == [None]


async def test_an_answer_goes_where_the_asker_wants_it(tmp_path: Path, broker: Mosquitto) -> None:
    async with desk(tmp_path) as (shop, done), shop.bridge(config(broker), done.commands.answer):
        await until(lambda: shop.board.broker.connected)
        endpoint = Endpoint(host="127.0.0.1", port=broker.port, client_id="asker", clean_start=True, session_s=0)
        async with mqtt.connect(endpoint) as link:
            await link.subscribe(["answers/here"])
            wish = ("-D", "publish", "response-topic", "answers/here", "-D", "publish", "correlation-data", "q17")
            await ask(broker.port, "ping", {"id": "c-3"}, *wish)
            async with asyncio.timeout(5):
                message: Incoming = await link.receive()
            link.ack(message)
    assert message.correlation == b"q17"
    answer = json.loads(message.payload)
    assert answer["ok"]
    assert answer["facts"]["version"] == __version__


async def test_documents_change_whole_or_not_at_all(tmp_path: Path, broker: Mosquitto) -> None:
    zone = {"id": "door", "name_zh": "大门", "name_en": "Door"}
    async with (
        listening(broker.port) as cloud,
        desk(tmp_path) as (shop, done),
        shop.bridge(config(broker), done.commands.answer),
    ):
        await until(lambda: shop.board.broker.connected)
        await ask(broker.port, "documents.put", {"id": "c-4", "kind": "zones", "items": [zone]})
        await ask(broker.port, "documents.put", {"id": "c-5", "kind": "zones", "items": [zone, {"id": "UP"}]})
        await ask(broker.port, "documents.put", {"id": "c-6", "kind": "nothing", "items": []})
        await ask(broker.port, "catalogue.refresh", {"id": "c-7", "url": "http://x/c.csv", "sha256": "0" * 64})
        await ask(broker.port, "coupon.void", {"id": "c-8", "campaign": "tea"})
        await ask(broker.port, "ping", "not json")
        await until(lambda: len(cloud.lane(Lane.ANSWERS)) == 6)
    answers = {answer["id"]: answer for answer in (json.loads(said.payload) for said in cloud.lane(Lane.ANSWERS))}
    assert answers["c-4"]["facts"]["count"] == 1
    assert answers["c-5"]["code"] == "rejected"
    assert len(answers["c-5"]["mistakes"]) >= 2
    assert not answers["c-6"]["ok"]
    assert answers["c-7"]["code"] == "download"
    assert answers["c-8"]["facts"] == {"units": 0}
    assert answers[""]["code"] == "bad_command"


async def test_a_fault_of_ours_is_an_answer_and_the_line_stays(tmp_path: Path, broker: Mosquitto) -> None:
    async with (
        listening(broker.port) as cloud,
        desk(tmp_path) as (shop, done),
        shop.bridge(config(broker), done.commands.answer),
    ):
        await until(lambda: shop.board.broker.connected)
        done.commands._reload = None  # type: ignore[assignment]
        await ask(broker.port, "kiosk.reload", {"id": "c-9"})
        await until(lambda: bool(cloud.lane(Lane.ANSWERS)))
        assert json.loads(cloud.lane(Lane.ANSWERS)[0].payload)["code"] == "failed"
        assert shop.board.broker.reconnects == 0


HOSTILE = [b'{"id":"\xff"}', b"[" * 100_000, b'{"id":"c-1\\n"}', b""]


async def say(port: int, topic: str, payload: bytes, *, retain: bool = False) -> None:
    """Any bytes, of any size."""
    endpoint = Endpoint(host="127.0.0.1", port=port, client_id="sayer", clean_start=True, session_s=0)
    async with mqtt.connect(endpoint) as link:
        await link.tell(Said(topic, payload), doing="say it", retain=retain)


async def test_a_message_made_to_hurt_is_answered_and_the_line_stays(tmp_path: Path, broker: Mosquitto) -> None:
    await say(broker.port, GATEWAY.watermark, b"[" * 100_000, retain=True)
    async with (
        listening(broker.port) as cloud,
        desk(tmp_path) as (shop, done),
        shop.bridge(config(broker), done.commands.answer),
    ):
        await until(lambda: shop.board.broker.connected)
        await say(broker.port, GATEWAY.watermark, b'{"epoch":"\xff","through":1}', retain=True)
        for payload in HOSTILE:
            await say(broker.port, GATEWAY.topic(Lane.COMMANDS, "ping"), payload)
        await ask(broker.port, "ping", {"id": "c-10"})
        await until(lambda: len(cloud.lane(Lane.ANSWERS)) == len(HOSTILE) + 1)
        codes = sorted(json.loads(message.payload)["code"] for message in cloud.lane(Lane.ANSWERS))
        assert codes == ["bad_command"] * len(HOSTILE) + ["done"]
        assert shop.board.broker.reconnects == 0
    assert not shop.board.broker.connected


async def test_any_fault_is_an_answer(tmp_path: Path, broker: Mosquitto) -> None:
    async def stumble(asked: Asked) -> bytes:
        if asked.name == "ping":
            raise ZeroDivisionError
        raise JournalRefusedError(Refusal.FAULT, "a fault in the gateway")

    async with listening(broker.port) as cloud, gate(tmp_path) as shop, shop.bridge(config(broker), stumble):
        await until(lambda: shop.board.broker.connected)
        await ask(broker.port, "ping", {"id": "c-11"})
        await ask(broker.port, "kiosk.reload", {"id": "c-12"})
        await until(lambda: len(cloud.lane(Lane.ANSWERS)) == 2)
        assert [json.loads(message.payload)["code"] for message in cloud.lane(Lane.ANSWERS)] == ["failed"] * 2
        assert shop.board.broker.reconnects == 0


async def test_a_command_too_large(tmp_path: Path, broker: Mosquitto) -> None:
    """Above 1 MiB it is refused; above what we take at all the broker throws it away."""
    async with (
        listening(broker.port) as cloud,
        desk(tmp_path) as (shop, done),
        shop.bridge(config(broker), done.commands.answer),
    ):
        await until(lambda: shop.board.broker.connected)
        await say(broker.port, GATEWAY.topic(Lane.COMMANDS, "ping"), b" " * 1_300_000)
        await say(broker.port, GATEWAY.topic(Lane.COMMANDS, "ping"), b" " * 1_100_000)
        await ask(broker.port, "ping", {"id": "c-13"})
        await until(lambda: len(cloud.lane(Lane.ANSWERS)) == 2)
        answers = [json.loads(message.payload) for message in cloud.lane(Lane.ANSWERS)]
        assert [(answer["id"], answer["code"]) for answer in answers] == [("", "too_large"), ("c-13", "done")]
        assert shop.board.broker.reconnects == 0


async def test_what_is_not_there_is_named(tmp_path: Path, broker: Mosquitto) -> None:
    async with (
        listening(broker.port) as cloud,
        desk(tmp_path) as (shop, done),
        shop.bridge(config(broker), done.commands.answer),
    ):
        await until(lambda: shop.board.broker.connected)
        await ask(broker.port, "kiosk.reload", {"id": "c-14", "station": "k11"})
        await ask(broker.port, "documents.put", {"id": "c-15", "kind": "zone", "items": []})
        await until(lambda: len(cloud.lane(Lane.ANSWERS)) == 2)
        assert done.reloads == []
    answers = {answer["id"]: answer for answer in (json.loads(said.payload) for said in cloud.lane(Lane.ANSWERS))}
    assert (answers["c-14"]["ok"], answers["c-14"]["code"]) == (False, "unknown_station")
    assert "did you mean 'k1'" in answers["c-14"]["text"]
    assert answers["c-15"]["code"] == "rejected"
    assert "did you mean 'zones'" in answers["c-15"]["mistakes"][0]


async def test_a_response_topic_that_is_forbidden_costs_only_its_asker(tmp_path: Path) -> None:
    (tmp_path / "acl").write_text("topic readwrite storegate/#\n")
    broker = Mosquitto(tmp_path / "strict", f"acl_file {tmp_path}/acl").start()
    try:
        async with (
            listening(broker.port) as cloud,
            desk(tmp_path) as (shop, done),
            shop.bridge(config(broker), done.commands.answer),
        ):
            await until(lambda: shop.board.broker.connected)
            await ask(broker.port, "ping", {"id": "c-16"}, "-D", "publish", "response-topic", "elsewhere")
            await until(lambda: bool(cloud.lane(Lane.ANSWERS)))
            await asyncio.sleep(0.5)  # the broker would bring it again by now
            assert len(cloud.lane(Lane.ANSWERS)) == 1
            assert shop.board.broker.reconnects == 0
    finally:
        broker.stop()
