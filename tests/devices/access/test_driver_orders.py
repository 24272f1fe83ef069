"""Orders to the gate keep their order, heal, and are counted to the last byte."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from devices.access.driver import COUNT_S
from devices.access.orders import GateError, GateProblem
from edge.access_answers import Member
from edge.effects import OpenGate, ShutGate
from tests.devices.access.given_driver import ANNA, BO, Shop, last_of

pytestmark = pytest.mark.looptime


async def being_told_anew(shop: Shop) -> asyncio.Event:
    """The store was read, and what was read is told when the event is set."""
    read, go_on = asyncio.Event(), asyncio.Event()
    known = shop.known

    async def slow() -> Sequence[Member]:
        found = await known()
        read.set()
        await go_on.wait()
        return found

    shop.driver._members = slow
    shop.gate.hang_up()
    await asyncio.wait_for(read.wait(), 10)
    return go_on


async def test_an_order_that_was_lost_heals() -> None:
    shop = Shop()
    async with shop.running():
        shop.gate.refuses = GateError(GateProblem.KERNEL, "full")
        with pytest.raises(GateError):
            await shop.comes(ANNA, 7)
        shop.gate.refuses = None
        await shop.after(5)
        assert ANNA in shop.gate.members


async def test_orders_given_while_members_are_told_anew_are_not_lost() -> None:
    """The store is read, then somebody comes in, then what was read is told: they must not fall out."""
    shop = Shop()
    async with shop.running():
        go_on = await being_told_anew(shop)
        coming = asyncio.create_task(shop.comes(ANNA, 7))
        await asyncio.sleep(0.1)
        assert not coming.done()
        go_on.set()
        await asyncio.wait_for(coming, 10)
        assert shop.gate.members[ANNA].mark == 7


async def test_orders_never_overtake_each_other() -> None:
    """In, and out again right after, while members are told anew: nobody is left in the kernel."""
    shop = Shop()
    async with shop.running():
        go_on = await being_told_anew(shop)
        orders = [
            shop.driver.open(OpenGate(mac=ANNA, mark=7, left_s=60)),
            shop.driver.shut(ShutGate(mac=ANNA, mark=7)),
            shop.driver.open(OpenGate(mac=BO, mark=8, left_s=60)),
        ]
        asyncio.get_running_loop().call_soon(go_on.set)
        await asyncio.sleep(0)
        orders += [
            shop.driver.shut(ShutGate(mac=BO, mark=8)),
            shop.driver.open(OpenGate(mac=BO, mark=9, left_s=60)),
        ]
        await asyncio.gather(*orders)
        assert {mac: member.mark for mac, member in shop.gate.members.items()} == {BO: 9}


async def test_orders_are_sent_in_the_order_of_their_calls_not_of_their_waiting() -> None:
    shop = Shop()
    async with shop.running():
        coming = shop.driver.open(OpenGate(mac=ANNA, mark=7, left_s=60))
        await shop.driver.shut(ShutGate(mac=ANNA, mark=7))
        await coming
        assert shop.gate.members == {}


async def test_a_kernel_that_agrees_with_the_orders_and_not_with_the_store_is_put_right() -> None:
    """Both ways: whom only the kernel has goes, whom only the store has comes in."""
    shop = Shop()
    async with shop.running():
        await shop.driver.open(OpenGate(mac=ANNA, mark=7, left_s=3600))
        await shop.comes(BO, 8)
        await shop.driver.shut(ShutGate(mac=BO, mark=8))
        await shop.after(COUNT_S + 1)
        assert {mac: member.mark for mac, member in shop.gate.members.items()} == {BO: 8}
        assert shop.driver.lets(BO, 8)
        assert not shop.driver.lets(ANNA, 7)
        asked = shop.asked
        await shop.after(3 * COUNT_S)
        assert shop.asked - asked <= 4, "one look a count, and nothing more to put right"


async def test_who_is_taken_out_is_counted_to_the_last_byte() -> None:
    shop = Shop()
    async with shop.running():
        await shop.comes(ANNA, 7)
        shop.gate.hear(ANNA, up_bytes=3, down_bytes=1000)
        del shop.members[ANNA]
        await shop.driver.shut(ShutGate(mac=ANNA, mark=7))
        await asyncio.sleep(0)
        assert last_of(shop) == ([(7, 3, 1000)], (7,))
        await shop.comes(ANNA, 8)
        shop.gate.hear(ANNA, down_bytes=500)
        await shop.comes(ANNA, 8)  # by another way: the mark stays
        await asyncio.sleep(0)
        assert last_of(shop) == ([(8, 0, 500)], (8,))
        shop.gate.members.clear()
        await shop.driver.shut(ShutGate(mac=ANNA, mark=8))
        await asyncio.sleep(0)
        assert last_of(shop) == ([], (8,)), "nothing more is known of it, and nobody waits for more"


async def test_last_counts_that_were_not_kept_are_told_until_they_are() -> None:
    shop = Shop()
    async with shop.running():
        await shop.comes(ANNA, 7)
        shop.gate.hear(ANNA, down_bytes=1000)
        shop.refuses = True
        del shop.members[ANNA]
        await shop.driver.shut(ShutGate(mac=ANNA, mark=7))
        await shop.after(COUNT_S)
        shop.refuses = False
        await shop.after(3)
        assert last_of(shop) == ([(7, 0, 1000)], (7,))


async def test_who_is_ended_while_the_gate_is_down_is_counted_when_it_is_back() -> None:
    shop = Shop()
    async with shop.running():
        await shop.comes(ANNA, 7)
        shop.gate.hear(ANNA, down_bytes=1000)
        shop.gate.refuses = GateError(GateProblem.DOWN, "no gate")
        shop.gate.hang_up()
        del shop.members[ANNA]
        with pytest.raises(GateError):
            await shop.driver.shut(ShutGate(mac=ANNA, mark=7))
        assert shop.driver.lets(ANNA, 7), "the kernel has them still"
        shop.gate.hear(ANNA, down_bytes=500)
        shop.gate.refuses = None
        await shop.after(6)
        assert ANNA not in shop.gate.members
        assert last_of(shop) == ([(7, 0, 1500)], (7,))
