"""From WeChat's numbers to our documents and back. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from edge.shop import Beacon, Document, Page, number_of
from edge.web.admin.shakearound.codes import CallError, Code
from edge.web.admin.shakearound.fields import Body, given, whole

D = TypeVar("D", bound=Document)
UINT16 = 65_535
UUID_LETTERS = 36


def by_number(documents: Mapping[str, D]) -> dict[int, D]:
    return {number_of(document): document for document in documents.values()}


class Devices:
    """Beacons by what an API names them."""

    def __init__(self, beacons: Mapping[str, Beacon]) -> None:
        self._by_number = by_number(beacons)
        self._by_id = {(each.uuid.upper(), each.major, each.minor): each for each in beacons.values()}

    def one(self, body: Body) -> Beacon:
        """Of `device_identifier`."""
        identifier = body.get("device_identifier")
        if not isinstance(identifier, dict):
            raise CallError(Code.DEVICE, "device_identifier: wanted {device_id} or {uuid, major, minor}")
        return self.named(identifier)

    def named(self, identifier: Body) -> Beacon:
        """Of one identifier; device_id wins when both are given. Raises CallError 9001025."""
        if given(identifier, "device_id") and (number := whole(identifier, "device_id", Code.DEVICE)):
            beacon = self._by_number.get(number)
        else:
            uuid = identifier.get("uuid")
            if not isinstance(uuid, str) or len(uuid) != UUID_LETTERS:
                raise CallError(Code.DEVICE, "device_identifier: wanted device_id, or uuid, major and minor")
            major = whole(identifier, "major", Code.DEVICE, high=UINT16)
            minor = whole(identifier, "minor", Code.DEVICE, high=UINT16)
            beacon = self._by_id.get((uuid.upper(), major, minor))
        if beacon is None:
            raise CallError(Code.DEVICE, "there is no such device")
        return beacon

    def in_order(self) -> list[tuple[int, Beacon]]:
        """By device_id, which is how `last_seen` goes on."""
        return sorted(self._by_number.items())


def pages_named(pages: Mapping[str, Page], wanted: Sequence[int]) -> tuple[Page, ...]:
    """Raises CallError 9001026 for one that does not exist."""
    known = by_number(pages)
    missing = [number for number in wanted if number not in known]
    if missing:
        raise CallError(Code.PAGE, f"there is no page {missing[0]}")
    return tuple(known[number] for number in wanted)


def named(beacon: Beacon) -> dict[str, object]:
    """What every answer calls a device by."""
    return {
        "device_id": number_of(beacon),
        "uuid": beacon.uuid.upper(),
        "major": beacon.major,
        "minor": beacon.minor,
    }
