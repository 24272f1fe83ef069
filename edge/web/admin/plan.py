"""The shop's floor with its beacons and radios. Coordinates only; the template draws them as SVG.

Strength is told by arcs, a problem by a triangle with its word, silence by an empty ring: colour only repeats it. Where
many beacons hang close together they are moved apart a little, and only those with a problem keep their name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import cos, sin
from typing import NamedTuple

from edge.shop import Zone
from edge.status.gather import Status
from edge.status.standing import BeaconStanding
from edge.web.admin.beacon_rows import Row, row
from edge.web.admin.plan_room import CARRIED, NAME, Box, Taken, place
from edge.web.admin.wording import Wording

WIDTH, HEIGHT = 1000.0, 620.0
"""Units that the floor is fitted into."""
MARGIN = 26.0
LABELLED = 24
"""More beacons than this have no names on the plan."""
MOST = 500
GAP, GAP_MANY = 58.0, 24.0
"""Between marks, in units: many are drawn smaller."""
TRIES = 60
TURN = 2.399963
"""The golden angle: a spiral that fills evenly."""


class Area(NamedTuple):
    id: str
    name: str
    x: float
    y: float
    width: float
    height: float
    carried: str
    """`2 staff · 1 cart`"""
    name_at: tuple[float, float] = (0.0, 0.0)
    """Upper left corner."""
    carried_at: tuple[float, float] = (0.0, 0.0)


class Mark(NamedTuple):
    x: float
    y: float
    row: Row
    label: str
    title: str
    anchor: str
    """Which way its label goes: start | middle | end."""


class RadioMark(NamedTuple):
    x: float
    y: float
    name: str
    good: bool
    title: str


class Plan(NamedTuple):
    width: float
    height: float
    areas: tuple[Area, ...]
    marks: tuple[Mark, ...]
    radios: tuple[RadioMark, ...]
    many: bool
    summary: str
    left_out: int


def plan(status: Status, wording: Wording) -> Plan | None:
    """None where no zone and no beacon has a place."""
    hung = [each for each in status.beacons if each.carried_by == "nobody"]
    floor = _Floor(status.zones, hung)
    if not floor.there:
        return None
    carried = Counter((each.zone, each.carried_by) for each in status.beacons if each.carried_by != "nobody")
    areas = tuple(
        Area(
            zone.id,
            wording.zone(status, zone.id),
            *floor.spot(zone.x_m, zone.y_m),
            zone.width_m * floor.scale,
            zone.depth_m * floor.scale,
            _carried(zone.id, carried, wording),
        )
        for zone in status.zones
        if zone.x_m is not None and zone.y_m is not None and zone.width_m is not None and zone.depth_m is not None
    )
    placed = sorted((each for each in hung if floor.holds(each)), key=lambda each: not each.problems)
    many = len(placed) > LABELLED
    spread = _Spread(GAP_MANY if many else GAP, floor.width, floor.height)
    marks = [_mark(each, spread.near(*floor.of(each)), floor.width, status, wording) for each in placed[:MOST]]
    if many:  # what is wrong keeps its name, as far as names can be read
        marks = [
            mark if mark.row.problems and number < LABELLED // 2 else mark._replace(label="")
            for number, mark in enumerate(marks)
        ]
    marks.reverse()  # what is wrong is drawn last, on top
    radios = tuple(_radios(status, areas, wording))
    return Plan(
        width=floor.width,
        height=floor.height,
        areas=_named(areas, marks, radios, many=many),
        marks=tuple(marks),
        radios=radios,
        many=many,
        summary=_summary(status, wording),
        left_out=len(hung) - len(marks),
    )


class _Floor:
    """Metres to units."""

    def __init__(self, zones: Iterable[Zone], beacons: Iterable[BeaconStanding]) -> None:
        self._zones = {zone.id: zone for zone in zones if zone.x_m is not None}
        points = [(zone.x_m or 0, zone.y_m or 0) for zone in self._zones.values()]
        points += [
            ((zone.x_m or 0) + (zone.width_m or 0), (zone.y_m or 0) + (zone.depth_m or 0))
            for zone in self._zones.values()
        ]
        points += [(each.x_m, each.y_m) for each in beacons if each.x_m is not None and each.y_m is not None]
        self.there = bool(points)
        self._left, self._top = (min((point[axis] for point in points), default=0) for axis in (0, 1))
        across, down = (max((point[axis] for point in points), default=0) for axis in (0, 1))
        wide, deep = max(across - self._left, 1.0), max(down - self._top, 1.0)
        self.scale = min(WIDTH / wide, HEIGHT / deep)
        self.width, self.height = wide * self.scale + 2 * MARGIN, deep * self.scale + 2 * MARGIN

    def spot(self, x_m: float, y_m: float) -> tuple[float, float]:
        return MARGIN + (x_m - self._left) * self.scale, MARGIN + (y_m - self._top) * self.scale

    def holds(self, beacon: BeaconStanding) -> bool:
        return beacon.x_m is not None or beacon.zone in self._zones

    def of(self, beacon: BeaconStanding) -> tuple[float, float]:
        """Its place; without one, the middle of its zone."""
        if beacon.x_m is not None and beacon.y_m is not None:
            return self.spot(beacon.x_m, beacon.y_m)
        zone = self._zones[beacon.zone]
        x_m, y_m = (zone.x_m or 0) + (zone.width_m or 0) / 2, (zone.y_m or 0) + (zone.depth_m or 0) / 2
        return self.spot(x_m, y_m)


class _Spread:
    """Gives each mark the nearest free spot, so that none hides another."""

    def __init__(self, gap: float, width: float, height: float) -> None:
        self._gap = gap
        self._most = (width, height)
        self._taken: dict[tuple[int, int], list[tuple[float, float]]] = {}

    def near(self, x: float, y: float) -> tuple[float, float]:
        for number in range(TRIES):
            away = self._gap * 0.55 * number**0.5
            at = self._inside(x + away * cos(TURN * number), y + away * sin(TURN * number))
            if self._free(at):
                break
        self._taken.setdefault(self._cell(at), []).append(at)
        return at

    def _inside(self, x: float, y: float) -> tuple[float, float]:
        edge = self._gap / 2
        return min(max(x, edge), self._most[0] - edge), min(max(y, edge), self._most[1] - edge)

    def _cell(self, at: tuple[float, float]) -> tuple[int, int]:
        return int(at[0] // self._gap), int(at[1] // self._gap)

    def _free(self, at: tuple[float, float]) -> bool:
        column, line = self._cell(at)
        return all(
            (at[0] - x) ** 2 + (at[1] - y) ** 2 >= self._gap**2 * 0.98
            for across in (-1, 0, 1)
            for down in (-1, 0, 1)
            for x, y in self._taken.get((column + across, line + down), ())
        )


def _mark(beacon: BeaconStanding, at: tuple[float, float], across: float, status: Status, wording: Wording) -> Mark:
    told = row(beacon, status, wording)
    strength = told.strength and f"{told.strength} dBm"
    title = "  ".join(filter(None, (told.id, told.place, told.state, told.heard, strength, told.battery)))
    anchor = "start" if at[0] < 0.08 * across else "end" if at[0] > 0.92 * across else "middle"
    return Mark(*at, told, told.id, title, anchor)


def _radios(status: Status, areas: tuple[Area, ...], wording: Wording) -> Iterable[RadioMark]:
    """In the upper right corner of their zone, side by side."""
    corners = {area.id: (area.x + area.width, area.y) for area in areas}
    used: Counter[str] = Counter()
    for radio in status.radios:
        if radio.zone in corners:
            x, y = corners[radio.zone]
            good = radio.state == "up"
            title = f"{radio.adapter}  {wording.say(f'state_{radio.state}')}"
            yield RadioMark(x - 22 - 44 * used[radio.zone], y + 22, radio.adapter, good, title)
            used[radio.zone] += 1


def _named(
    areas: Iterable[Area], marks: Iterable[Mark], radios: Iterable[RadioMark], *, many: bool
) -> tuple[Area, ...]:
    """Gives the zones' texts free room. Many marks leave none: there texts stand on top of them."""
    taken = Taken([], [])
    for mark in () if many else marks:
        taken.mark(mark.x, mark.y, mark.label, mark.anchor, bad=mark.row.kind == "bad")
    for radio in radios:
        taken.radio(radio.x, radio.y)
    found = []
    for area in areas:
        box = Box(area.x, area.y, area.x + area.width, area.y + area.height)
        name_at = place(area.name, box, taken, sizes=NAME, low=False)
        carried_at = place(area.carried, box, taken, sizes=CARRIED, low=True) if area.carried else name_at
        found.append(area._replace(name_at=name_at, carried_at=carried_at))
    return tuple(found)


def _carried(zone: str, carried: Counter[tuple[str, str]], wording: Wording) -> str:
    return " · ".join(
        wording.say(f"carried_{who}_count", count=count) for who in ("staff", "cart") if (count := carried[zone, who])
    )


def _summary(status: Status, wording: Wording) -> str:
    """What a person who can't see the plan hears; the table says the rest."""
    heard = sum(1 for each in status.beacons if each.seen_s_ago is not None)
    wrong = sum(1 for each in status.beacons if each.problems)
    return wording.say("plan_summary", count=len(status.beacons), heard=heard, wrong=wrong)
