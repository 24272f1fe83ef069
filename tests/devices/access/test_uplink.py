from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import dns.message
import pytest

from devices.access import uplink
from devices.access.uplink import MISSES, Probe, Uplink
from edge.board import Board
from tests.given import HandClock


class Answerer(asyncio.DatagramProtocol):
    """A resolver on a real socket."""

    def __init__(self, rcode: int | None, *, wrong_id: bool = False) -> None:
        self.rcode, self.wrong_id = rcode, wrong_id
        self.asked: list[str] = []
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message = dns.message.from_wire(data)
        self.asked.append(message.question[0].name.to_text())
        if self.rcode is not None:
            answer = dns.message.make_response(message)
            answer.set_rcode(self.rcode)  # type: ignore[arg-type]
            answer.id ^= int(self.wrong_id)
            self.transport.sendto(answer.to_wire(), addr)


@asynccontextmanager
async def resolver(answerer: Answerer) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: answerer, local_addr=("127.0.0.1", 0))
    yield transport.get_extra_info("sockname")[1]
    transport.close()
    await asyncio.sleep(0.01)


async def probed(monkeypatch: pytest.MonkeyPatch, answerer: Answerer, *, route: bool = True) -> bool:
    monkeypatch.setattr(uplink, "ANSWER_S", 0.1)
    monkeypatch.setattr(uplink, "has_route", lambda: route)
    async with resolver(answerer) as port:
        return await Probe([f"127.0.0.1#{port}"])()


async def test_a_resolver_that_can_find_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for rcode in (0, 3):
        answerer = Answerer(rcode)
        assert await probed(monkeypatch, answerer)
        assert answerer.asked[0].rstrip(".") in uplink.NAMES


@pytest.mark.parametrize("rcode", [2, 5, None])
async def test_a_resolver_that_cannot_or_is_silent(monkeypatch: pytest.MonkeyPatch, rcode: int | None) -> None:
    assert not await probed(monkeypatch, Answerer(rcode))


async def test_somebody_elses_answer_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not await probed(monkeypatch, Answerer(0, wrong_id=True))


async def test_without_a_route_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    answerer = Answerer(0)
    assert not await probed(monkeypatch, answerer, route=False)
    assert answerer.asked == []


async def test_one_resolver_of_several_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uplink, "has_route", lambda: True)
    async with resolver(Answerer(0)) as port:
        assert await Probe(["127.0.0.2#1", "127.0.0.3#1", f"127.0.0.1#{port}"])(), "nothing listens on the first two"


async def test_the_systems_resolvers_where_none_are_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(uplink, "has_route", lambda: True)
    conf = tmp_path / "resolv.conf"
    async with resolver(Answerer(0)) as port:
        assert not await Probe([], resolv_conf=conf)(), "no file, no resolver"
        text = f"# a comment\nsearch x\nnameserver 127.0.0.1#{port}\nnameserver nonsense\n"
        await asyncio.to_thread(conf.write_text, text)
        assert await Probe([], resolv_conf=conf)()


def watch(*, far_broker: bool = False) -> tuple[Uplink, Board]:
    board = Board()
    return Uplink(board=board, clock=HandClock().clock, far_broker=far_broker), board


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


async def test_it_takes_several_misses_and_one_answer() -> None:
    watched, board = watch()
    turns: list[bool | None] = []
    watched.on_turn(lambda: turns.append(board.wifi.uplink))
    for _ in range(MISSES - 1):
        await watched.look(no)
    assert board.wifi.uplink is None, "not known yet"
    await watched.look(yes)
    for _ in range(MISSES - 1):
        await watched.look(no)
    assert board.wifi.uplink is True
    await watched.look(no)
    assert board.wifi.uplink is False
    assert board.wifi.uplink_since is not None
    await watched.look(no)
    await watched.look(yes)
    assert board.wifi.uplink is True
    assert turns == [True, False, True]


async def test_mqtt_over_the_internet_counts_as_up() -> None:
    watched, board = watch(far_broker=True)
    board.broker.connected = True
    for _ in range(2 * MISSES):
        await watched.look(no)
    assert board.wifi.uplink is True
    near, other = watch(far_broker=False)
    other.broker.connected = True
    for _ in range(MISSES):
        await near.look(no)
    assert other.wifi.uplink is False, "a broker in the shop says nothing of the internet"


@pytest.mark.parametrize(
    ("host", "far"),
    [("mqtt.example.net", True), ("8.8.8.8", True), ("127.0.0.1", False), ("localhost", False), ("192.168.1.2", False),
     ("fd00::1", False), ("broker", False), ("broker.local", False), ("", False), ("2400:3200::1", True)],
)  # fmt: skip
def test_which_brokers_are_far(host: str, far: bool) -> None:
    assert uplink.is_far(host) is far


@pytest.mark.looptime
async def test_looking_is_quicker_after_a_miss() -> None:
    looks: list[float] = []
    loop = asyncio.get_running_loop()
    board = Board()

    async def probe() -> bool:
        looks.append(loop.time())
        return len(looks) not in {2, 3}

    task = asyncio.create_task(Uplink(board=board, clock=HandClock().clock, probe=probe).run(_never))
    await asyncio.sleep(30)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    gaps = [round(after - before) for before, after in itertools.pairwise(looks)]
    assert gaps[:3] == [uplink.EVERY_S, uplink.AGAIN_S, uplink.AGAIN_S]
    assert board.wifi.uplink is True


async def _never(_event: object) -> object:
    raise AssertionError("it tells the board only")
