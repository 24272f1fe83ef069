"""The driver: facts to the journal, what it refuses is told later, a summary on the board."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import NamedTuple

import msgspec
import pytest

from devices.beacons.presence.watch import Watch
from edge.board import Board
from edge.clock import Clock, Stamp
from edge.config import Config, GatewaySection, RadioSection
from edge.errors import JournalRefusedError, Refusal
from edge.events import BeaconHealthChanged, BeaconProblem, Event, PresenceCounted, ZoneEntered, ZoneLeft
from edge.shop import CarriedBy, Shop
from tests.devices.beacons.given_presence import KEY, advert, beacon, shop_of
from tests.given import NOON_MS

pytestmark = pytest.mark.looptime

ANNA = beacon("anna", 1, CarriedBy.STAFF)
SHELF = beacon("shelf", 2)


class Journal:
    """Takes events, unless it is told to refuse."""

    def __init__(self) -> None:
        self.full = False
        self.takes_s = 0.001
        self.taken: list[Event] = []

    async def submit(self, event: Event) -> None:
        await asyncio.sleep(self.takes_s)
        if self.full:
            raise JournalRefusedError(Refusal.DISK_FULL, "no space")
        self.taken.append(event)

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.taken if isinstance(event, kind)]


class Told(NamedTuple):
    """As the store has it."""

    beacon: str
    problem: str
    radio: str = "hci0"
    usual_rssi_dbm: float | None = None


class Shopfloor:
    """A watch that runs, and a loop's clock that moves by itself."""

    def __init__(self, shop: Shop, **wiring: Callable[[], Awaitable[list[Told]]]) -> None:
        loop = asyncio.get_running_loop()
        self.zero_s = loop.time()
        self.clock = Clock(
            wall_s=lambda: NOON_MS / 1000 + loop.time() - self.zero_s,
            monotonic_s=loop.time,
            synced=lambda: True,
            boot_id="boot0",
        )
        config = Config(
            gateway=GatewaySection(tenant="acme", store="s1", id="g1"),
            radios=(RadioSection(adapter="hci0", zone="door", interval_s=60),),
        )
        self.board = Board()
        self.shop = shop
        self.journal = Journal()
        self.watch = Watch(config, self.clock, self.board, lambda: self.shop, KEY, **wiring)  # type: ignore[arg-type]
        self.task = asyncio.create_task(self.watch.run(self.journal.submit))

    async def hear(self, seconds: float, *minors: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(round(seconds * 4)):
            for minor in minors:
                one = advert(minor, address=f"C1:00:00:00:00:{minor:02X}", rssi_dbm=-65)
                self.watch.heard(one._replace(at_s=loop.time()))
            await asyncio.sleep(0.25)

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_somebody_comes_and_is_out_when_the_watch_ends() -> None:
    floor = Shopfloor(shop_of(ANNA, SHELF))
    await floor.hear(30, 1, 2)
    await floor.close()
    assert floor.watch.name == "beacons"
    assert [type(event) for event in floor.journal.taken if not isinstance(event, PresenceCounted)] == [
        ZoneEntered,
        ZoneLeft,
    ]
    (left,) = floor.journal.of(ZoneLeft)
    assert isinstance(left, ZoneLeft)
    assert left.reason == "stopped"
    (counted, *_) = floor.journal.of(PresenceCounted)
    assert isinstance(counted, PresenceCounted)
    assert counted.adverts == 0  # both are the shop's own


async def test_what_the_journal_refuses_is_told_later_and_counts_stay_whole() -> None:
    floor = Shopfloor(shop_of(ANNA))
    floor.journal.full = True
    await floor.hear(70, 1, 77)  # 77 is nobody's
    assert floor.journal.taken == []
    floor.journal.full = False
    await floor.hear(5, 1, 77)
    (entered,) = floor.journal.of(ZoneEntered)
    assert entered.at.at_ms < NOON_MS + 5_000  # when it was, not when it could be told
    await floor.hear(60, 1, 77)
    await floor.close()
    counted = [event for event in floor.journal.taken if isinstance(event, PresenceCounted)]
    assert sum(one.adverts for one in counted) == 135 * 4
    assert sum(one.interval_s for one in counted) == pytest.approx(135, abs=1.5)
    assert all(one.sources_low == 1 for one in counted)


async def test_while_nothing_is_taken_only_the_newest_of_each_is_kept() -> None:
    floor = Shopfloor(shop_of(ANNA))
    floor.journal.full = True
    for _ in range(4):
        await floor.hear(10, 1, 77)
        await floor.hear(20, 77)
    assert len(floor.watch._owed) == 1
    floor.journal.full = False
    await floor.hear(3, 77)
    assert [type(event) for event in floor.journal.taken if not isinstance(event, PresenceCounted)] == [ZoneLeft]
    await floor.close()


async def test_a_slow_disk_holds_no_tick_up() -> None:
    """Each write takes ten seconds; who is where is concluded each second all the same, and each told once, in turn."""
    floor = Shopfloor(shop_of(ANNA, SHELF))
    floor.journal.takes_s = 10
    conclude = floor.watch.presence.tick
    ticks: list[float] = []

    def tick(now: Stamp) -> list[Event]:
        ticks.append(now.monotonic_ms / 1000)
        return conclude(now)

    floor.watch.presence.tick = tick  # type: ignore[method-assign]
    await floor.hear(130, 1, 2, 77)
    assert len(ticks) == pytest.approx(130, abs=2)
    assert max(after - before for before, after in pairwise(ticks)) < 1.1
    await floor.hear(30, 2, 77)
    floor.journal.takes_s = 0.001
    await floor.hear(12, 2, 77)
    assert [type(event) for event in floor.journal.taken if not isinstance(event, PresenceCounted)] == [
        ZoneEntered,
        ZoneLeft,
    ]
    await floor.close()
    counted = [event for event in floor.journal.taken if isinstance(event, PresenceCounted)]
    assert sum(one.interval_s for one in counted) == pytest.approx(172, abs=1.5)
    assert sum(one.covered_s for one in counted) == pytest.approx(172, abs=3)
    assert sum(one.adverts for one in counted) == 172 * 4


async def test_what_is_under_way_or_owed_when_it_ends_is_told_first() -> None:
    floor = Shopfloor(shop_of(ANNA))
    floor.journal.full = True
    await floor.hear(70.5, 1, 77)
    floor.journal.full, floor.journal.takes_s = False, 0.8
    await floor.hear(1, 1, 77)
    assert floor.journal.taken == []
    assert floor.watch._telling is not None
    await floor.close()
    kinds = [type(event) for event in floor.journal.taken if not isinstance(event, PresenceCounted)]
    assert kinds == [ZoneEntered, ZoneLeft]
    counted = [event for event in floor.journal.taken if isinstance(event, PresenceCounted)]
    assert sum(one.adverts for one in counted) == 71.5 * 4


async def test_an_error_of_the_journals_own_ends_the_watch() -> None:
    floor = Shopfloor(shop_of(ANNA))

    async def broken(_event: Event) -> None:
        raise OSError("no such journal")

    floor.journal.submit = broken  # type: ignore[method-assign]
    floor.task.cancel()
    floor.task = asyncio.create_task(floor.watch.run(broken))
    await floor.hear(10, 1)
    with pytest.raises(ExceptionGroup, match="TaskGroup"):
        await floor.task


async def test_a_shutdown_does_not_wait_for_a_journal_that_takes_nothing() -> None:
    floor = Shopfloor(shop_of(ANNA))
    await floor.hear(5, 1)
    floor.journal.full = True
    began_s = asyncio.get_running_loop().time()
    await floor.close()
    assert asyncio.get_running_loop().time() - began_s < 2.1


async def test_documents_may_change_while_it_runs() -> None:
    floor = Shopfloor(shop_of())
    await floor.hear(5, 1)
    floor.shop = shop_of(ANNA)
    await floor.hear(5, 1)
    floor.shop = shop_of()
    await floor.hear(3, 1)
    assert [type(event) for event in floor.journal.taken if not isinstance(event, PresenceCounted)] == [
        ZoneEntered,
        ZoneLeft,
    ]
    await floor.close()


async def test_the_board_shows_radios_and_the_shops_beacons_but_no_phone() -> None:
    phone = beacon("phone", 3, CarriedBy.PHONE, consent_to_ms=NOON_MS + 10**9)
    floor = Shopfloor(shop_of(ANNA, SHELF, phone))
    await floor.hear(60, 1, 2, 3)
    radio = floor.board.radios["hci0"]
    assert radio.zone == "door"
    assert radio.coverage == pytest.approx(1, abs=0.1)
    assert radio.coverage_basis == "known"
    assert radio.adverts_per_s == pytest.approx(12, abs=1)
    assert floor.watch.expected_per_s("hci0") == pytest.approx(12, abs=2)
    assert set(floor.board.beacons) == {"anna", "shelf"}
    seen = floor.board.beacons["anna"]
    assert (seen.rssi_dbm, seen.radio, seen.proximity, seen.zone) == (-65, "hci0", "near", "door")
    assert floor.board.beacons["shelf"].per_s == pytest.approx(4, abs=0.5)
    assert seen.seen is not None
    assert abs(seen.seen.at_ms - floor.clock.now().at_ms) < 3000
    assert "C1:00" not in repr(msgspec.to_builtins(list(floor.board.beacons.values())))
    floor.shop = shop_of(SHELF)
    await floor.hear(4, 2)
    assert set(floor.board.beacons) == {"shelf"}
    await floor.close()


async def test_a_problem_of_the_run_before_ends_in_this_one() -> None:
    """The store remembers that it was told; what it knows goes back in at the start."""

    async def open_problems() -> list[Told]:
        return [Told("shelf", "silent"), Told("gone", "weak"), Told("shelf", "of another release")]

    floor = Shopfloor(shop_of(SHELF), open_problems=open_problems)
    await floor.hear(1, 2)
    await floor.hear(20, 2)
    (event,) = floor.journal.of(BeaconHealthChanged)
    assert isinstance(event, BeaconHealthChanged)
    assert (event.beacon, event.problem, event.wrong) == ("shelf", BeaconProblem.SILENT, False)
    await floor.close()


async def test_where_a_beacon_was_before_it_was_moved_is_known_after_a_restart() -> None:
    async def open_problems() -> list[Told]:
        return [Told("shelf", "moved", "hci0", -45.0)]

    floor = Shopfloor(shop_of(SHELF), open_problems=open_problems)
    await floor.hear(1800, 2)  # 20 dB fainter
    await floor.close()
    assert floor.journal.of(BeaconHealthChanged) == []
