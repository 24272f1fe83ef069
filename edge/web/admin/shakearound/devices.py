"""device/applyid, applystatus, update, bindlocation, search: beacons of the documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from edge.board import BeaconSeen, Board
from edge.clock import Clock
from edge.config import BeaconsSection
from edge.documents import MAX_ITEMS
from edge.shop import Beacon, Shop, number_of
from edge.web.admin.shakearound.account import APPROVED
from edge.web.admin.shakearound.call import Answer, data
from edge.web.admin.shakearound.codes import CallError, Code
from edge.web.admin.shakearound.fields import Body, given, objects, span, text, whole
from edge.web.admin.shakearound.found import UINT16, Devices, named
from edge.web.admin.shakearound.shelf import Shelf, replaced

MAX_ASKED = 50
MAX_POI = 1_000_000_000
MAX_COMMENT = 30
MAX_REASON = 100
FIRST_S = 1_600_000_000
"""An apply_id is the second of the application, counted from here: its time needs no keeping."""


class DevicesApi:
    def __init__(self, shelf: Shelf, board: Board, clock: Clock, section: BeaconsSection) -> None:
        self._shelf = shelf
        self._board = board
        self._clock = clock
        self._section = section

    async def apply(self, body: Body) -> Answer:
        """Approved at once, whatever the quantity: new beacons with the shop's uuid and major and free minors."""
        quantity = whole(body, "quantity", Code.QUANTITY, low=1, high=MAX_ITEMS)
        text(body, "apply_reason", Code.APPLICATION, default="", most=MAX_REASON)
        common = {"comment": _comment(body, default=""), "poi_id": _poi(body, default=0)}
        made: list[Beacon] = []
        now_s = self._clock.now().at_ms // 1000

        def change(shop: Shop) -> list[Beacon]:
            room = MAX_ITEMS - len(shop.beacons)
            if quantity > room:
                raise CallError(Code.QUOTA, f"{room} more devices fit, {MAX_ITEMS} in all")
            newest = max((beacon.apply_id for beacon in shop.beacons.values()), default=0)
            apply_id = max(now_s - FIRST_S, newest + 1)
            made.extend(_new(shop.beacons, self._section, quantity, {**common, "apply_id": apply_id}))
            return [*shop.beacons.values(), *made]

        await self._shelf.edit("beacons", change)
        return data(
            apply_id=made[0].apply_id,
            audit_status=APPROVED,
            audit_comment="approved",
            device_identifiers=[named(beacon) for beacon in made],
        )

    async def apply_status(self, body: Body) -> Answer:
        apply_id = whole(body, "apply_id", Code.APPLY_ID, low=1)
        if not any(beacon.apply_id == apply_id for beacon in self._shelf.shop.beacons.values()):
            raise CallError(Code.APPLY_ID, "there is no such application")
        at_s = apply_id + FIRST_S
        return data(apply_time=at_s, audit_status=APPROVED, audit_comment="approved", audit_time=at_s)

    async def update(self, body: Body) -> Answer:
        comment = _comment(body)
        return await self._set(body, comment=comment)

    async def locate(self, body: Body) -> Answer:
        if whole(body, "type", Code.POI, default=1) != 1:
            raise CallError(Code.POI, "type: only the shop's own places (1)")
        return await self._set(body, poi_id=_poi(body))

    async def search(self, body: Body) -> Answer:
        """Type 1: these devices; 2: all; 3: of one application. Older clients give no type, and begin for last_seen."""
        kind = whole(body, "type", Code.BODY, default=_kind(body), low=1, high=3)
        devices = Devices(self._shelf.shop.beacons)
        if kind == 1:
            asked = objects(body, "device_identifiers", Code.DEVICE, most=MAX_ASKED, too_many=Code.TOO_MANY_DEVICES)
            found = [devices.named(identifier) for identifier in asked]
            return data(devices=[self._told(beacon) for beacon in found], total_count=len(found))
        every = devices.in_order()
        if kind == 3:
            apply_id = whole(body, "apply_id", Code.APPLY_ID)
            every = [pair for pair in every if pair[1].apply_id == apply_id]
            if not every:
                raise CallError(Code.APPLY_ID, "there is no such application")
        begin, count = span(body, most=MAX_ASKED, too_many=Code.TOO_MANY_DEVICES)
        last = whole(body, "last_seen", Code.BEGIN, default=0)
        rest = [beacon for number, beacon in every if number > last]
        some = rest[begin : begin + count]
        return data(devices=[self._told(beacon) for beacon in some], total_count=len(every))

    async def _set(self, body: Body, **fields: object) -> Answer:
        def change(shop: Shop) -> Iterator[Beacon]:
            beacon = Devices(shop.beacons).one(body)
            return replaced(shop.beacons, msgspec.structs.replace(beacon, **fields))

        await self._shelf.edit("beacons", change)
        return data()

    def _told(self, beacon: Beacon) -> dict[str, object]:
        seen: BeaconSeen | None = self._board.beacons.get(beacon.id)
        last = seen.seen.at_ms // 1000 if seen is not None and seen.seen is not None else 0
        pages = self._shelf.shop.pages
        ids = [str(number_of(pages[bound.page])) for bound in beacon.pages if bound.page in pages]
        return {
            **named(beacon),
            "status": int(bool(last)),
            "last_active_time": last,
            "comment": beacon.comment,
            "poi_id": beacon.poi_id,
            "page_ids": ",".join(ids),
        }


def _new(
    beacons: Mapping[str, Beacon], section: BeaconsSection, quantity: int, common: dict[str, object]
) -> Iterator[Beacon]:
    """With free minors from 1 on, and ids that say which. Raises CallError 9001038 when there are too few."""
    region = (section.uuid.upper(), section.major)
    used = {each.minor for each in beacons.values() if (each.uuid.upper(), each.major) == region}
    numbers = {number_of(each) for each in beacons.values()}
    for minor in range(1, UINT16 + 1):
        if not quantity:
            return
        name = f"beacon-{section.major}-{minor}"
        if minor in used or name in beacons:
            continue
        beacon = Beacon(id=name, uuid=section.uuid, major=section.major, minor=minor, **common)  # type: ignore[arg-type]
        if (number := number_of(beacon)) not in numbers:
            numbers.add(number)
            quantity -= 1
            yield beacon
    if quantity:
        raise CallError(Code.QUOTA, "no minors are left in beacons.major")


def _kind(body: Body) -> int:
    return 1 if given(body, "device_identifiers") else 3 if given(body, "apply_id") else 2


def _comment(body: Body, *, default: str | None = None) -> str:
    return text(body, "comment", Code.COMMENT, default=default, most=MAX_COMMENT, wide=True)


def _poi(body: Body, *, default: int | None = None) -> int:
    return whole(body, "poi_id", Code.POI, default=default, high=MAX_POI)
