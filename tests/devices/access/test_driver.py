"""The gate's driver with the fake gate: what the store says becomes so, what was counted comes back."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import msgspec
import pytest

from devices.access import driver as driver_module
from devices.access.driver import COUNT_S
from devices.access.fake import mac_of
from devices.access.orders import GateError, GateProblem
from edge.access_answers import LeftReason
from edge.board import State
from edge.effects import OpenGate, ShutGate
from edge.events import DeviceFound, DeviceLost, Event
from edge.events.access import GuestGone, GuestsCounted
from edge.ids import Mac
from tests.devices.access.given_driver import ANNA, BO, HOUR_MS, IDLE_S, Shop

pytestmark = pytest.mark.looptime


async def test_whom_the_store_knows_is_in_at_start_and_nobody_else() -> None:
    shop = Shop()
    shop.is_on(ANNA, 7)
    await shop.gate.connect(lambda: None)
    await shop.gate.allow(BO, mark=3, end_s=500)  # of a life before
    async with shop.running():
        assert {mac: member.mark for mac, member in shop.gate.members.items()} == {ANNA: 7}
        assert shop.board.wifi.gate is State.UP
        assert shop.board.wifi.members == 1
        assert [type(event) for event in shop.told] == [GuestsCounted, DeviceFound]
        assert shop.told[0].over == (3,)  # type: ignore[attr-defined]
    assert shop.board.wifi.gate is State.DOWN


async def test_orders_are_in_the_kernel_when_they_return() -> None:
    shop = Shop()
    async with shop.running():
        await shop.comes(ANNA, 7)
        assert shop.gate.members[ANNA].mark == 7
        await shop.comes(ANNA, 7, for_ms=2 * HOUR_MS)
        assert shop.gate.members[ANNA].end_s - asyncio.get_running_loop().time() == pytest.approx(7200)
        await shop.driver.shut(ShutGate(mac=ANNA, mark=7))
        assert ANNA not in shop.gate.members
        await shop.driver.shut(ShutGate(mac=BO, mark=99))  # nobody


async def test_a_late_order_to_shut_does_not_hit_the_phones_next_session() -> None:
    shop = Shop()
    async with shop.running():
        await shop.comes(ANNA, 7)
        await shop.comes(ANNA, 8)
        await shop.driver.shut(ShutGate(mac=ANNA, mark=7))
        assert shop.gate.members[ANNA].mark == 8


async def test_bytes_are_told_only_when_they_changed() -> None:
    shop = Shop()
    async with shop.running():
        await shop.comes(ANNA, 7)
        await shop.comes(BO, 8)
        await shop.after(COUNT_S)
        assert shop.of(GuestsCounted) == []
        shop.gate.hear(ANNA, up_bytes=10, down_bytes=1000)
        await shop.after(COUNT_S)
        await shop.after(COUNT_S)
        (counted,) = shop.of(GuestsCounted)
        assert isinstance(counted, GuestsCounted)
        assert [(each.mark, each.up_bytes, each.down_bytes, each.run) for each in counted.counts] == [
            (7, 10, 1000, "fake-1")
        ]
        shop.gate.run = "fake-2"
        await shop.after(COUNT_S)
        assert len(shop.of(GuestsCounted)) == 2, "another run of the counters is news"


async def test_counts_that_were_not_kept_are_told_again() -> None:
    shop = Shop()
    async with shop.running():
        await shop.comes(ANNA, 7)
        shop.gate.hear(ANNA, down_bytes=1000)
        shop.refuses = True
        await shop.after(COUNT_S)
        shop.refuses = False
        await shop.after(COUNT_S)
        assert len(shop.of(GuestsCounted)) == 1


async def test_who_is_silent_is_out_and_the_store_hears_why() -> None:
    shop = Shop()
    async with shop.running():
        await shop.comes(ANNA, 7)
        await shop.comes(BO, 8)
        await shop.after(IDLE_S - COUNT_S)
        shop.gate.hear(BO)
        await shop.after(2 * COUNT_S)
        assert shop.gone == [(7, LeftReason.IDLE)]
        event = shop.of(GuestGone)[0]
        assert isinstance(event, GuestGone)
        assert event.idle_s == IDLE_S
        assert set(shop.gate.members) == {BO}


async def test_whose_time_is_over_is_told_and_before_it_their_last_bytes() -> None:
    shop = Shop()
    async with shop.running():
        await shop.comes(ANNA, 7, for_ms=25_000)
        await shop.after(2 * COUNT_S + 1)
        assert shop.gone == []
        await shop.after(COUNT_S)
        assert shop.gone == [(7, LeftReason.TIME)]
        await shop.after(5 * COUNT_S)
        assert len(shop.gone) == 1


async def test_that_somebody_is_gone_is_told_until_it_is_kept() -> None:
    shop = Shop()
    async with shop.running():
        await shop.comes(ANNA, 7, for_ms=5_000)
        shop.refuses = True
        await shop.after(3 * COUNT_S)
        shop.refuses = False
        assert shop.gone == []
        await shop.after(COUNT_S)
        assert shop.gone == [(7, LeftReason.TIME)]


async def test_whose_time_ended_while_nothing_ran_is_lost_not_forgotten() -> None:
    shop = Shop()
    shop.is_on(ANNA, 7, for_ms=-1000)
    async with shop.running():
        assert shop.gate.members == {}
        assert shop.gone == [(7, LeftReason.LOST)]


async def test_who_ended_while_the_daemon_alone_was_away_had_their_time_and_their_last_bytes() -> None:
    shop = Shop()
    shop.is_on(ANNA, 7, for_ms=-1000)
    shop.is_on(BO, 8)
    await shop.gate.connect(lambda: None)
    await shop.gate.allow(ANNA, mark=7, end_s=0.001)  # type: ignore[arg-type]
    await shop.gate.allow(BO, mark=8, end_s=3600)
    shop.gate.hear(ANNA, down_bytes=500)
    shop.gate.hear(BO, down_bytes=700)
    async with shop.running():
        assert set(shop.gate.members) == {BO}
        assert shop.gone == [(7, LeftReason.TIME)]
        counted = shop.of(GuestsCounted)[0]
        assert isinstance(counted, GuestsCounted)
        assert [(each.mark, each.down_bytes) for each in counted.counts] == [(7, 500), (8, 700)]
        kinds = [type(event) for event in shop.told]
        assert kinds.index(GuestsCounted) < kinds.index(GuestGone)


async def test_a_guest_whose_bytes_run_out_while_all_is_told_anew_blocks_nobody() -> None:
    shop = Shop()
    shop.is_on(ANNA, 7)
    await shop.gate.connect(lambda: None)
    await shop.gate.allow(ANNA, mark=7, end_s=3600)
    shop.gate.hear(ANNA, down_bytes=500)
    submit = shop.submit

    async def strict(event: Event) -> object:
        if isinstance(event, GuestsCounted) and shop.members.pop(ANNA, None):
            await shop.driver.shut(ShutGate(mac=ANNA, mark=7))
        return await submit(event)

    shop.submit = strict  # type: ignore[method-assign]
    async with shop.running():
        assert shop.gate.members == {}
        assert shop.board.wifi.gate is State.UP


async def test_a_guests_interface_that_is_not_there_is_said() -> None:
    shop = Shop()
    shop.gate.shown = msgspec.structs.replace(
        shop.gate.shown, interface="missing", problem="guest0 is not there", hint="ip link"
    )
    async with shop.running():
        wifi = shop.board.wifi
        assert (wifi.gate, wifi.gate_code, wifi.gate_problem) == (State.DOWN, "interface", "guest0 is not there")
        shop.gate.shown = msgspec.structs.replace(shop.gate.shown, interface="up", uplink="missing", problem="no eth0")
        await shop.after(COUNT_S)
        assert (wifi.gate, wifi.gate_code) == (State.UP, "uplink"), "guests may still come in to what is here"


async def test_a_kernel_that_has_others_than_it_should_is_put_right() -> None:
    shop = Shop()
    async with shop.running():
        await shop.comes(ANNA, 7)
        shop.gate.members.clear()
        await shop.gate.allow(BO, mark=66, end_s=1000)
        await shop.after(COUNT_S + 1)
        assert {mac: member.mark for mac, member in shop.gate.members.items()} == {ANNA: 7}
        assert shop.gone == [], "nobody left"


async def test_a_gate_that_dies_changes_nothing_and_gets_all_again() -> None:
    shop = Shop()
    async with shop.running():
        await shop.comes(ANNA, 7)
        shop.gate.refuses = GateError(GateProblem.DOWN, "no gate", hint="look")
        shop.gate.hang_up()
        await shop.after(1)
        assert ANNA in shop.gate.members
        assert shop.gone == []
        assert shop.board.wifi.gate is State.WAITING
        assert (shop.board.wifi.gate_problem, shop.board.wifi.gate_hint) == ("no gate", "look")
        shop.is_on(BO, 8)
        with pytest.raises(GateError):
            await shop.driver.open(OpenGate(mac=BO, mark=8, left_s=60))
        await shop.after(60)
        assert len(shop.of(DeviceLost)) <= 2, "told when it is new, not each time it is still so"
        shop.gate.refuses = None
        await shop.after(6)
        assert set(shop.gate.members) == {ANNA, BO}
        assert shop.board.wifi.gate is State.UP
        assert shop.board.wifi.gate_problem == ""
        assert isinstance(shop.told[-1], DeviceFound)


async def test_a_gate_without_rules_is_waited_for() -> None:
    shop = Shop()
    shop.is_on(ANNA, 7)
    shop.gate.shown = msgspec.structs.replace(
        shop.gate.shown, rules="failed", problem="nft is not installed", hint="apt install nftables"
    )
    refusal = GateError(GateProblem.NOT_READY, "no rules")
    orders = shop.gate.reset

    async def refuse(_members: object) -> None:
        raise refusal

    shop.gate.reset = refuse  # type: ignore[method-assign, assignment]
    async with shop.running():
        await shop.after(5)
        wifi = shop.board.wifi
        assert wifi.gate is not State.UP
        assert (wifi.gate_problem, wifi.gate_hint, wifi.gate_code) == (
            "nft is not installed",
            "apt install nftables",
            "rules",
        )
        shop.gate.reset = orders  # type: ignore[method-assign]
        shop.gate.shown = msgspec.structs.replace(shop.gate.shown, rules="in_place", problem="", hint="", repairs=2)
        await shop.after(5)
        assert wifi.gate is State.UP
        assert set(shop.gate.members) == {ANNA}
        assert wifi.repairs == 2
        assert wifi.repaired is not None


async def test_a_session_that_can_be_no_member_ends_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    """One bad row must not keep a whole shop out."""
    shop = Shop()
    shop.is_on(ANNA, 7)
    shop.is_on(BO, 1 << 31)
    async with shop.running():
        await shop.after(1)
        assert set(shop.gate.members) == {ANNA}
        gone = [(event.mark, event.reason) for event in shop.told if isinstance(event, GuestGone)]
        assert gone == [(1 << 31, LeftReason.REFUSED)]
        assert shop.board.wifi.gate is State.UP
        assert "1 of 2" in caplog.text
        with pytest.raises(GateError, match="mark"):
            await shop.gate.allow(BO, mark=7, end_s=60)


async def test_without_an_uplink_members_are_led_to_us() -> None:
    shop = Shop()
    async with shop.running():
        assert not shop.gate.captures_members
        shop.uplink.turn(up=False)
        await shop.after(0.1)
        assert shop.gate.captures_members
        shop.gate.captures_members = False
        shop.gate.hang_up()  # a new gate knows nothing of it
        await shop.after(2)
        assert shop.gate.captures_members
        shop.uplink.turn(up=True)
        await shop.after(0.1)
        assert not shop.gate.captures_members


async def test_the_walled_garden_and_who_waits() -> None:
    shop = Shop()
    async with shop.running():
        await shop.driver.let(["192.0.2.1"], 59.2)
        await shop.driver.let([], 60)
        assert set(shop.gate.open_addresses) == {"192.0.2.1"}
        await shop.neighbours.mac_of("127.0.0.7")
        await shop.neighbours.mac_of("127.0.0.8")
        seven = mac_of("127.0.0.7")
        assert seven is not None
        assert seven.colons == "02:53:47:00:00:07"
        await shop.comes(seven, 9)
        await shop.after(COUNT_S)
        assert (shop.board.wifi.members, shop.board.wifi.waiting) == (1, 1)
        assert "can't read /nowhere/leases" in shop.board.wifi.lease_problem


async def test_chatty_members_of_the_fake_grow_and_stay() -> None:
    shop = Shop(chatty=True)
    async with shop.running():
        await shop.comes(ANNA, 7)
        await shop.after(IDLE_S * 2)
        assert shop.gone == []
        counts = shop.of(GuestsCounted)
        assert len(counts) > 50
        last = counts[-1]
        assert isinstance(last, GuestsCounted)
        assert last.counts[0].down_bytes > 1_000_000


def test_the_pause_between_two_tries_is_short() -> None:
    assert max(driver_module.BACKOFF_S) <= 5


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_happens_in_whatever_order_the_kernel_ends_as_the_store_says(seed: int) -> None:
    """Guests come, go, come again; orders are lost, the gate dies, somebody meddles; then there is a quiet minute."""
    chance, shop, mark = random.Random(seed), Shop(chatty=True), 0
    phones = [Mac(f"02:00:00:00:78:{number:02x}") for number in range(8)]
    async with shop.running():
        for _ in range(120):
            phone = chance.choice(phones)
            match chance.randrange(8):
                case 0 | 1 | 2:
                    mark += 1
                    with suppress(GateError):
                        await shop.comes(phone, mark, for_ms=chance.choice([5_000, HOUR_MS, HOUR_MS]))
                case 3 if phone in shop.members:
                    gone = shop.members.pop(phone)
                    with suppress(GateError):
                        await shop.driver.shut(ShutGate(mac=phone, mark=gone.mark))
                case 4:
                    shop.gate.hang_up()
                case 5:
                    shop.gate.refuses = chance.choice([None, None, GateError(GateProblem.KERNEL, "no memory")])
                case 6:
                    shop.gate.members.pop(phone, None)
                case _:
                    await shop.after(chance.choice([0.1, 1, 7]))
        shop.gate.refuses = None
        await shop.after(60)
        in_kernel = {mac: member.mark for mac, member in shop.gate.members.items()}
        assert in_kernel == {mac: member.mark for mac, member in shop.members.items()}
        ended = [event.mark for event in shop.told if isinstance(event, GuestGone)]
        assert len(ended) == len(set(ended)), "nobody leaves twice"
        assert shop.board.wifi.gate is State.UP
