from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from devices.access.build import Access, build
from devices.access.fake import FakeGate
from edge.access_answers import Member
from edge.board import Board, State
from edge.config import Config, parse
from edge.effects import OpenGate
from edge.errors import DeviceError
from edge.events import DeviceFound, DeviceLost, Event
from edge.ids import Mac
from tests.given import HandClock

LEAST = '[gateway]\ntenant = "t"\nstore = "s"\nid = "g"\n[listen.guest]\nhost = "::"\nport = 8080\n'
ANNA = Mac("02:00:00:00:77:01")
FAKE, NONE = (parse(LEAST + gate, where="x") for gate in ('[gate]\ndriver = "fake"\n', ""))


async def nobody() -> Sequence[Member]:
    return ()


def built(config: Config, board: Board) -> Access:
    access = build(config, clock=HandClock().clock, board=board, members=nobody)
    assert access is not None
    return access


def test_without_a_guest_network_there_is_nothing() -> None:
    board = Board()
    assert build(NONE, clock=HandClock().clock, board=board, members=nobody) is None
    assert not board.wifi.configured


@pytest.mark.looptime
async def test_a_fake_is_a_whole_network() -> None:
    board, told = Board(), list[Event]()
    access = built(FAKE, board)
    assert board.wifi.configured

    async def submit(event: Event) -> object:
        told.append(event)
        return None

    tasks = [asyncio.create_task(driver.run(submit)) for driver in access.drivers]
    await asyncio.sleep(1)
    assert (board.wifi.gate, board.wifi.uplink) == (State.UP, True)
    mac = await access.neighbours.mac_of("::ffff:127.0.0.7")
    assert mac == await access.neighbours.mac_of("127.0.0.7")
    assert mac is not None
    assert await access.neighbours.mac_of("::1") == await access.neighbours.mac_of("127.0.0.1")
    assert await access.neighbours.mac_of("10.64.0.7") is None
    assert await access.neighbours.mac_of("not an address") is None
    await access.open(OpenGate(mac=mac, mark=1, left_s=60))
    assert isinstance(access.gate, FakeGate)
    assert mac in access.gate.members
    access.uplink.turn(up=False)
    await asyncio.sleep(0.1)
    assert access.gate.captures_members
    assert isinstance(told[0], DeviceFound)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_gate_that_is_not_there_is_said_once(tmp_path: Path) -> None:
    text = LEAST + f'[gate]\ninterface = "sg-none0"\nuplink = "sg-none1"\nsocket = "{tmp_path}/s"\n'
    config = await asyncio.to_thread(parse, text, where="x")
    board, told = Board(), list[Event]()
    access = built(config, board)

    async def submit(event: Event) -> object:
        told.append(event)
        return None

    driver = asyncio.create_task(access.drivers[0].run(submit))
    await asyncio.sleep(0.3)  # two tries
    assert board.wifi.gate is State.WAITING
    assert "no gate at" in board.wifi.gate_problem
    assert "storegate-gate" in board.wifi.gate_hint
    assert [type(event) for event in told] == [DeviceLost]
    with pytest.raises(DeviceError):
        await access.open(OpenGate(mac=ANNA, mark=1, left_s=60))
    with pytest.raises(DeviceError):
        await access.let(["192.0.2.1"], 60)
    assert await access.neighbours.mac_of("10.64.0.7") is None
    driver.cancel()
    await asyncio.gather(driver, return_exceptions=True)
