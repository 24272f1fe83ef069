"""Questions to the cloud through a real broker: one answer to whoever asked, or none; nothing forged, nothing kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from cloud_bridge import asks as asks_module
from cloud_bridge import mqtt
from cloud_bridge.answers import Answer, Answers
from cloud_bridge.asks import CloudAsks
from cloud_bridge.endpoint import Endpoint, Incoming, Said
from cloud_bridge.fake import FakeCloud
from cloud_bridge.topics import Gateway, Lane, every
from edge.access_answers import AccessWhy
from edge.cloud_asks import Answered, Ask, Done, RefusedByCloud, SmsWanted, UnansweredError, WechatClaimed
from edge.config import GatewaySection, MqttSection
from edge.config_wifi import SmsSection
from edge.errors import CloudError, StoregateError
from edge.portal.asks import Proven, Step
from edge.portal.ways.sms import SmsWay
from tests.edge.portal.ways.given_ways import keys, phone
from tests.given import HandClock
from tests.peers.bridged import GATEWAY, Gate, gate, until
from tests.peers.broker import Mosquitto

pytestmark = pytest.mark.peer
WHO = Gateway(GATEWAY.tenant, GATEWAY.store, GATEWAY.id)
SMS = SmsWanted(number="+8613812345678", code="271828", language="en")
ANSWERS = WHO.topic(Lane.REQUEST_ANSWERS, "sms.send")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    peer = Mosquitto(tmp_path / "broker").start()
    yield peer
    peer.stop()


def config(broker: Mosquitto) -> MqttSection:
    return MqttSection(host="127.0.0.1", port=broker.port, backoff_max_s=0.2)


def endpoint(broker: Mosquitto, name: str) -> Endpoint:
    return Endpoint(host="127.0.0.1", port=broker.port, client_id=name, clean_start=True, session_s=0)


@asynccontextmanager
async def gateway(tmp_path: Path, broker: Mosquitto) -> AsyncIterator[tuple[Gate, CloudAsks]]:
    section = config(broker)
    asks = CloudAsks(section, GATEWAY)
    async with gate(tmp_path) as shop, shop.bridge(section, asks=asks):
        await until(lambda: asks.online)
        yield shop, asks


@asynccontextmanager
async def cloud(broker: Mosquitto, answer: Answer, *, name: str = "cloud") -> AsyncIterator[list[str]]:
    said: list[str] = []
    answers = Answers(endpoint=endpoint(broker, name), answer=answer, say=said.append)
    running = asyncio.create_task(answers.run())
    try:
        await until(lambda: answers.connected)
        yield said
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def hearing(broker: Mosquitto, *topics: str) -> AsyncIterator[mqtt.Link]:
    """A client by hand: an attacker, or a cloud that does it all wrong."""
    async with mqtt.connect(endpoint(broker, "by-hand")) as link:
        await link.subscribe(topics)
        yield link


async def heard(link: mqtt.Link) -> Incoming:
    async with asyncio.timeout(5):
        return await link.receive()


async def say(link: mqtt.Link, topic: str, answer: Answered | bytes, correlation: bytes) -> None:
    payload = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
    await link.tell(Said(topic, payload), doing="answer", correlation=correlation)


async def test_answered_and_refused(tmp_path: Path, broker: Mosquitto) -> None:
    fake = FakeCloud()
    fake.unreachable.add("+8613800000000")
    fake.strangers.add("oFake")
    async with cloud(broker, fake.answer), gateway(tmp_path, broker) as (shop, asks):
        assert await asks.ask(SMS, timeout_s=5) == Done()
        assert [(sms.gateway, sms.number, sms.code, sms.language) for sms in fake.sent] == [
            (WHO, SMS.number, SMS.code, "en")
        ]
        other = msgspec.structs.replace(SMS, number="+8613800000000")
        assert await asks.ask(other, timeout_s=5) == RefusedByCloud(why="number")
        assert await asks.ask(WechatClaimed(open_id="oReal", shop_id="7"), timeout_s=5) == Done()
        assert await asks.ask(WechatClaimed(open_id="oFake", shop_id="7"), timeout_s=5) == RefusedByCloud(why="unknown")
        assert await shop.waiting() == 0  # nothing of it is an event


async def test_a_request_is_what_the_contract_says(tmp_path: Path, broker: Mosquitto) -> None:
    async with hearing(broker, every(Lane.REQUESTS)) as link, gateway(tmp_path, broker) as (_, asks):
        asking = asyncio.create_task(asks.ask(SMS, timeout_s=8.5))
        request = await heard(link)
        assert request.topic == "storegate/v1/acme/s1/gw1/req/sms.send"
        assert request.topic.count("/") == 6
        assert request.response_topic == ANSWERS
        assert len(request.correlation) == 16
        assert request.expires_in_s is not None
        assert 7 <= request.expires_in_s <= 9
        assert request.content_type == "application/json"
        await say(link, ANSWERS, Done(), request.correlation)
        assert await asking == Done()


async def test_nobody_answers(tmp_path: Path, broker: Mosquitto) -> None:
    async with gateway(tmp_path, broker) as (_, asks):
        with pytest.raises(UnansweredError, match="did not answer"):
            await asks.ask(SMS, timeout_s=0.1)
        assert asks._waiting == {}


async def test_late_and_twice(tmp_path: Path, broker: Mosquitto) -> None:
    async with hearing(broker, every(Lane.REQUESTS)) as link, gateway(tmp_path, broker) as (shop, asks):
        with pytest.raises(UnansweredError):
            await asks.ask(SMS, timeout_s=0.1)
        old = await heard(link)
        await say(link, ANSWERS, Done(), old.correlation)
        asking = asyncio.create_task(asks.ask(SMS, timeout_s=5))
        new = await heard(link)
        assert new.correlation != old.correlation
        await say(link, ANSWERS, Done(), old.correlation)
        await say(link, ANSWERS, RefusedByCloud(why="number"), new.correlation)
        await say(link, ANSWERS, Done(), new.correlation)
        assert await asking == RefusedByCloud(why="number")
        assert shop.board.broker.reconnects == 0


@pytest.mark.parametrize(
    "topic",
    [
        WHO.topic(Lane.REQUEST_ANSWERS, "wechat.check"),
        WHO.topic(Lane.ANSWERS, "sms.send"),
        Gateway("acme", "s1", "gw2").topic(Lane.REQUEST_ANSWERS, "sms.send"),
        WHO.topic(Lane.REQUESTS, "sms.send"),
    ],
)
async def test_an_answer_on_another_topic_is_none(tmp_path: Path, broker: Mosquitto, topic: str) -> None:
    async with hearing(broker, every(Lane.REQUESTS)) as link, gateway(tmp_path, broker) as (_, asks):
        asking = asyncio.create_task(asks.ask(SMS, timeout_s=0.4))
        request = await heard(link)
        await say(link, topic, Done(), request.correlation)
        with pytest.raises(UnansweredError):
            await asking


async def test_a_guessed_correlation_is_none(tmp_path: Path, broker: Mosquitto) -> None:
    async with hearing(broker, every(Lane.REQUESTS)) as link, gateway(tmp_path, broker) as (_, asks):
        asking = asyncio.create_task(asks.ask(SMS, timeout_s=0.4))
        request = await heard(link)
        for guess in (b"", b"\0" * 16, request.correlation[:-1], request.correlation + b"\0", b"x" * 5000):
            await say(link, ANSWERS, Done(), guess)
        with pytest.raises(UnansweredError):
            await asking


@pytest.mark.parametrize(
    "payload", [b"", b"{}", b"[" * 3000, b'{"answer":"yes"}', b"\xff", b'{"answer":"ok","x":"' + b"y" * 5000 + b'"}']
)
async def test_an_answer_that_makes_no_sense(tmp_path: Path, broker: Mosquitto, payload: bytes) -> None:
    async with hearing(broker, every(Lane.REQUESTS)) as link, gateway(tmp_path, broker) as (shop, asks):
        asking = asyncio.create_task(asks.ask(SMS, timeout_s=5))
        request = await heard(link)
        await say(link, ANSWERS, payload, request.correlation)
        with pytest.raises(UnansweredError, match="can't be read"):
            await asking
        assert shop.board.broker.reconnects == 0


async def test_a_retained_answer_is_never_taken(tmp_path: Path, broker: Mosquitto) -> None:
    async with hearing(broker, every(Lane.REQUESTS)) as link:
        await link.tell(Said(ANSWERS, b'{"answer":"ok"}'), doing="leave it", retain=True, correlation=b"\0" * 16)
        async with gateway(tmp_path, broker) as (_, asks):
            with pytest.raises(UnansweredError):
                await asks.ask(SMS, timeout_s=0.2)


async def test_offline(tmp_path: Path, broker: Mosquitto) -> None:
    async with gateway(tmp_path, broker) as (_, asks):
        broker.stop()
        await until(lambda: not asks.online)
        with pytest.raises(CloudError, match="the line to the cloud is cut") as error:
            await asks.ask(SMS, timeout_s=5)
        assert not isinstance(error.value, UnansweredError)
    assert not asks.online


async def test_an_answer_after_a_reconnect_is_taken(tmp_path: Path, broker: Mosquitto) -> None:
    """The broker keeps it for the gateway, whose line broke while somebody waits."""
    async with hearing(broker, every(Lane.REQUESTS)) as link, gateway(tmp_path, broker) as (shop, asks):
        asking = asyncio.create_task(asks.ask(SMS, timeout_s=8))
        request = await heard(link)
        assert asks._link
        asks._link._client.drop()
        await until(lambda: not asks.online)
        await say(link, ANSWERS, Done(), request.correlation)
        assert await asking == Done()
        await until(lambda: asks.online)
        assert shop.board.broker.reconnects >= 1
        again = asyncio.create_task(asks.ask(SMS, timeout_s=5))
        await say(link, ANSWERS, Done(), (await heard(link)).correlation)
        assert await again == Done()


async def test_a_flood_is_bounded_on_both_sides(tmp_path: Path, broker: Mosquitto) -> None:
    async with hearing(broker, every(Lane.REQUESTS)) as link, gateway(tmp_path, broker) as (shop, asks):
        many = asks_module.MAX_WAITING
        asking = [asyncio.create_task(asks.ask(SMS, timeout_s=8)) for _ in range(many)]
        requests = [await heard(link) for _ in range(many)]
        with pytest.raises(CloudError, match="wait for an answer already"):
            await asks.ask(SMS, timeout_s=8)
        for n in range(500):
            await say(link, ANSWERS, Done(), n.to_bytes(16))
        for request in requests:
            await say(link, ANSWERS, Done(), request.correlation)
        assert await asyncio.gather(*asking) == [Done()] * many
        assert shop.board.broker.reconnects == 0


async def test_who_hurries_does_not_wait_for_long_commands(tmp_path: Path, broker: Mosquitto) -> None:
    section = config(broker)
    asks = CloudAsks(section, GATEWAY)
    forever = asyncio.Event()

    async def slow(_asked: object) -> bytes:
        await forever.wait()
        return b"{}"

    async with gate(tmp_path) as shop, shop.bridge(section, slow, asks), hearing(broker, every(Lane.REQUESTS)) as link:
        await until(lambda: asks.online)
        for n in range(8):
            await say(link, WHO.topic(Lane.COMMANDS, "ping"), b'{"id":"c-%d"}' % n, b"")
        asking = asyncio.create_task(asks.ask(SMS, timeout_s=5))
        await say(link, ANSWERS, Done(), (await heard(link)).correlation)
        assert await asking == Done()


async def test_nothing_personal_over_a_line_that_others_read(broker: Mosquitto) -> None:
    for host in ("broker.example.com", "10.1.2.3", "", "127.0.0.1.example.com"):
        plain = CloudAsks(MqttSection(host=host), GATEWAY)
        assert not plain.private
        with pytest.raises(CloudError, match="others can read"):
            await plain.ask(SMS, timeout_s=1)
    assert CloudAsks(MqttSection(host="broker.example.com", tls=True), GATEWAY).private
    for host in ("127.0.0.1", "::1", "localhost", "127.8.8.8"):
        assert CloudAsks(MqttSection(host=host), GATEWAY).private


async def test_a_request_shows_nothing(tmp_path: Path, broker: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    fake = FakeCloud()
    async with cloud(broker, fake.answer) as said, gateway(tmp_path, broker) as (shop, asks):
        await asks.ask(SMS, timeout_s=5)
        board = repr((vars(shop.board), shop.board.broker))
    files = await asyncio.to_thread(lambda: b"".join(path.read_bytes() for path in tmp_path.glob("journal*")))
    for secret in ("13812345678", SMS.code):
        assert secret not in repr(SMS) + str(SMS) + f"{SMS}" + caplog.text + board + "".join(said)
        assert secret.encode() not in files


# the cloud's side


async def test_the_cloud_answers_only_into_the_asker_s_own_lane(tmp_path: Path, broker: Mosquitto) -> None:
    fake = FakeCloud()
    bad = [
        "",
        "storegate/v1/acme/s1/gw2/ans/sms.send",
        "storegate/v1/acme/s1/gw1/ans/wechat.check",
        "else/where",
        "a/#",
    ]
    async with cloud(broker, fake.answer) as said, hearing(broker, "#") as link:
        for topic in bad:
            if topic and "#" not in topic:
                link.request(Said(WHO.topic(Lane.REQUESTS, "sms.send"), msgspec.json.encode(SMS)),
                             answers=topic, correlation=b"c" * 16, expiry_s=5)  # fmt: skip
        link.request(Said(WHO.topic(Lane.REQUESTS, "sms.send"), msgspec.json.encode(SMS)),
                     answers=ANSWERS, correlation=b"", expiry_s=5)  # fmt: skip
        await until(lambda: len(said) == 4)
        link.request(Said(WHO.topic(Lane.REQUESTS, "sms.send"), msgspec.json.encode(SMS)),
                     answers=ANSWERS, correlation=b"c" * 16, expiry_s=5)  # fmt: skip
        await until(lambda: len(fake.sent) == 1)
        assert all("+86" not in text for text in said)


HOSTILE = [
    b"",
    b"[" * 3000,
    b"{}",
    b'{"number":"+86138","code":"1"}',
    b'{"number":"+8613812345678\\n","code":"123456"}',
    b'{"number":"+8613812345678","code":"123456","to":"x"}',
    b"\xff\xfe",
    b" " * 5000,
]


async def test_the_cloud_refuses_what_is_no_request(tmp_path: Path, broker: Mosquitto) -> None:
    fake = FakeCloud()
    async with cloud(broker, fake.answer), hearing(broker, ANSWERS, WHO.topic(Lane.REQUEST_ANSWERS, "fly")) as link:
        for n, payload in enumerate(HOSTILE):
            link.request(Said(WHO.topic(Lane.REQUESTS, "sms.send"), payload),
                         answers=ANSWERS, correlation=n.to_bytes(16), expiry_s=5)  # fmt: skip
            answer = await heard(link)
            assert answer.correlation == n.to_bytes(16)
            assert b"bad_request" in answer.payload
        link.request(Said(WHO.topic(Lane.REQUESTS, "fly"), b"{}"),
                     answers=WHO.topic(Lane.REQUEST_ANSWERS, "fly"), correlation=b"c" * 16, expiry_s=5)  # fmt: skip
        assert b"bad_request" in (await heard(link)).payload
        assert not fake.sent


async def test_the_cloud_does_a_repeated_request_once(tmp_path: Path, broker: Mosquitto) -> None:
    fake = FakeCloud()
    async with cloud(broker, fake.answer), hearing(broker, ANSWERS) as link:
        for number in (1, 1, 1, 2):
            link.request(Said(WHO.topic(Lane.REQUESTS, "sms.send"), msgspec.json.encode(SMS)),
                         answers=ANSWERS, correlation=number.to_bytes(16), expiry_s=5)  # fmt: skip
        assert (await heard(link)).correlation == (1).to_bytes(16)
        assert (await heard(link)).correlation == (2).to_bytes(16)
        assert len(fake.sent) == 2


async def test_a_provider_that_fails_is_an_answer(tmp_path: Path, broker: Mosquitto) -> None:
    async def broken(_gateway: Gateway, _ask: Ask) -> Answered:
        raise StoregateError("no money left")

    async with cloud(broker, broken) as said, gateway(tmp_path, broker) as (_, asks):
        assert await asks.ask(SMS, timeout_s=5) == RefusedByCloud(why="failed")
        assert said == ["sms.send of /storegate/acme/s1/gw1 failed: StoregateError"]


async def test_clouds_share_the_work(tmp_path: Path, broker: Mosquitto) -> None:
    first, second = FakeCloud(), FakeCloud()
    async with (
        cloud(broker, first.answer, name="one"),
        cloud(broker, second.answer, name="two"),
        gateway(tmp_path, broker) as (_, asks),
    ):
        await asyncio.gather(*(asks.ask(SMS, timeout_s=5) for _ in range(20)))
        assert len(first.sent) + len(second.sent) == 20


async def test_gateways_do_not_hear_one_another(tmp_path: Path, broker: Mosquitto) -> None:
    fake = FakeCloud()
    section = config(broker)
    other = CloudAsks(section, GatewaySection(tenant="acme", store="s2", id="gw1"))
    async with cloud(broker, fake.answer), gateway(tmp_path, broker) as (_, asks):
        assert await asks.ask(SMS, timeout_s=5) == Done()
        assert not other.online
        assert {sms.gateway for sms in fake.sent} == {WHO}


async def test_a_guest_s_code_all_the_way(tmp_path: Path, broker: Mosquitto) -> None:
    """The way in, the bridge, the broker, the cloud's service; then the line is cut and the code is typed."""
    fake, hand = FakeCloud(), HandClock()
    async with cloud(broker, fake.answer), gateway(tmp_path, broker) as (_, asks):
        way = SmsWay(SmsSection(per_shop_day=10), asks=asks, keys=keys(), clock=hand.clock)
        assert way.ready() is None
        step = await way.prove(phone(), {"number": "138 1234 5678"})
        assert isinstance(step, Step)
        (sms,) = fake.sent
        assert sms.number == "+8613812345678"
        broker.stop()
        await until(lambda: not asks.online)
        assert isinstance(await way.prove(phone(), {"code": sms.code}), Proven)
        assert way.ready() is AccessWhy.OFFLINE
        assert await way.prove(phone(2), {"number": "13900000001"}) is AccessWhy.OFFLINE
