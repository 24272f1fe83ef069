"""device/group/*: beacons that are looked for together."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from edge.clock import Clock
from edge.shop import Beacon, Group, Shop, number_of
from edge.shop.beacons import MAX_GROUP
from edge.web.admin.shakearound.call import Answer, data
from edge.web.admin.shakearound.codes import CallError, Code
from edge.web.admin.shakearound.fields import Body, objects, span, text, whole
from edge.web.admin.shakearound.found import Devices, by_number, named
from edge.web.admin.shakearound.shelf import Shelf, made_id, replaced, without

MAX_GROUPS = 1000
MAX_ASKED = 1000
MAX_NAME = 100


class GroupsApi:
    def __init__(self, shelf: Shelf, clock: Clock) -> None:
        self._shelf = shelf
        self._clock = clock

    async def add(self, body: Body) -> Answer:
        name = _name(body)
        now_s = self._clock.now().at_ms // 1000
        made: list[Group] = []

        def change(shop: Shop) -> list[Group]:
            if len(shop.groups) >= MAX_GROUPS:
                raise CallError(Code.GROUPS, f"at most {MAX_GROUPS} groups")
            made.append(made_id(Group, "group", shop.groups, now_s, {"name": name}))
            return [*shop.groups.values(), made[0]]

        await self._shelf.edit("groups", change)
        return data(group_id=number_of(made[0]), group_name=name)

    async def update(self, body: Body) -> Answer:
        name = _name(body)

        def change(shop: Shop) -> Iterator[Group]:
            return replaced(shop.groups, msgspec.structs.replace(_group(body, shop), name=name))

        await self._shelf.edit("groups", change)
        return data()

    async def delete(self, body: Body) -> Answer:
        def change(shop: Shop) -> list[Group]:
            group = _group(body, shop)
            if _members(group, shop):
                raise CallError(Code.GROUP_NOT_EMPTY, "the group still has devices; take them out first")
            return without(shop.groups, [group.id])

        await self._shelf.edit("groups", change)
        return data()

    async def every(self, body: Body) -> Answer:
        begin, count = span(body, most=MAX_ASKED, too_many=Code.BEGIN)
        groups = list(self._shelf.shop.groups.values())
        told = [{"group_id": number_of(group), "group_name": group.name} for group in groups[begin : begin + count]]
        return data(total_count=len(groups), groups=told)

    async def detail(self, body: Body) -> Answer:
        begin, count = span(body, most=MAX_ASKED, too_many=Code.BEGIN)
        shop = self._shelf.shop
        group = _group(body, shop)
        members = _members(group, shop)
        told = [
            {**named(beacon), "comment": beacon.comment, "poi_id": beacon.poi_id}
            for beacon in members[begin : begin + count]
        ]
        return data(group_id=number_of(group), group_name=group.name, total_count=len(members), devices=told)

    async def add_devices(self, body: Body) -> Answer:
        asked = objects(body, "device_identifiers", Code.DEVICE, most=MAX_ASKED, too_many=Code.GROUP_ADD)

        def change(shop: Shop) -> Iterator[Group]:
            group, devices = _group(body, shop), Devices(shop.beacons)
            names = dict.fromkeys([*group.beacons, *(devices.named(each).id for each in asked)])
            if len(names) > MAX_GROUP:
                raise CallError(Code.GROUP_FULL, f"at most {MAX_GROUP} devices in a group")
            return replaced(shop.groups, msgspec.structs.replace(group, beacons=tuple(names)))

        await self._shelf.edit("groups", change)
        return data()

    async def remove_devices(self, body: Body) -> Answer:
        asked = objects(body, "device_identifiers", Code.DEVICE, most=MAX_ASKED, too_many=Code.GROUP_REMOVE)

        def change(shop: Shop) -> Iterator[Group]:
            group, devices = _group(body, shop), Devices(shop.beacons)
            gone = {devices.named(each).id for each in asked}
            if gone - set(group.beacons):
                raise CallError(Code.NOT_IN_GROUP, "a device of the list is not in the group")
            left = tuple(name for name in group.beacons if name not in gone)
            return replaced(shop.groups, msgspec.structs.replace(group, beacons=left))

        await self._shelf.edit("groups", change)
        return data()


def _name(body: Body) -> str:
    name = text(body, "group_name", Code.GROUP_NAME, most=MAX_NAME)
    if not name:
        raise CallError(Code.GROUP_NAME, "group_name is empty")
    return name


def _group(body: Body, shop: Shop) -> Group:
    group = by_number(shop.groups).get(whole(body, "group_id", Code.GROUP))
    if group is None:
        raise CallError(Code.GROUP, "there is no such group")
    return group


def _members(group: Group, shop: Shop) -> list[Beacon]:
    """Those that still exist."""
    return [shop.beacons[name] for name in group.beacons if name in shop.beacons]
