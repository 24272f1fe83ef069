"""Radios, beacons, and documents that lead nowhere: what the documents say beside what the board knows. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator

from edge.board import BeaconSeen, Board, Radio
from edge.clock import Stamp
from edge.config import Config
from edge.shop import CarriedBy, Shop
from edge.status.standing import BeaconStanding
from edge.status.times import age_s

OWN = "gateway"
"""Profile of what the gateway's own radio sends."""
MAX_DANGLING = 100


def radios(config: Config, board: Board) -> tuple[Radio, ...]:
    """In the order of gateway.toml; one that has not said anything yet is shown as it will be."""
    return tuple(
        board.radios.get(section.adapter) or Radio(adapter=section.adapter, zone=section.zone)
        for section in config.radios
    )


def beacons(shop: Shop, board: Board, at: Stamp) -> tuple[BeaconStanding, ...]:
    """In the order of the documents. Phones that opted in are nobody's business here."""
    found = []
    for beacon in shop.beacons.values():
        if beacon.carried_by is CarriedBy.PHONE:
            continue
        seen = board.beacons.get(beacon.id) or BeaconSeen(id=beacon.id)
        found.append(
            BeaconStanding(
                id=beacon.id,
                zone=beacon.zone if beacon.carried_by is CarriedBy.NOBODY else seen.zone,
                carried_by=beacon.carried_by.value,
                own=beacon.profile == OWN,
                major=beacon.major,
                minor=beacon.minor,
                rotating=beacon.rotating,
                x_m=beacon.x_m,
                y_m=beacon.y_m,
                seen_s_ago=None if seen.seen is None else age_s(seen.seen, at),
                rssi_dbm=seen.rssi_dbm,
                radio=seen.radio,
                proximity=seen.proximity,
                per_s=seen.per_s,
                battery_percent=seen.battery_percent,
                problems=seen.problems,
            )
        )
    return tuple(found)


def dangling(shop: Shop, config: Config) -> tuple[str, ...]:
    """`beacons/door → zones/dor`: a set is put one kind at a time, so this can't be refused, only told."""
    found: list[str] = []
    for where, kind, name in _links(shop, config):
        if name and name not in _known(shop, config, kind):
            found.append(f"{where} → {kind}/{name}")
            if len(found) >= MAX_DANGLING:
                break
    return tuple(found)


def _known(shop: Shop, config: Config, kind: str) -> Container[str]:
    if kind == "radios":
        return {section.adapter for section in config.radios}
    known: Container[str] = getattr(shop, kind)
    return known


def _links(shop: Shop, config: Config) -> Iterator[tuple[str, str, str]]:
    """Where it is said, and the kind and id of what is meant."""
    for beacon in shop.beacons.values():
        yield f"beacons/{beacon.id}", "zones", beacon.zone
        if config.radios:
            yield f"beacons/{beacon.id}", "radios", beacon.radio
        for bound in beacon.pages:
            yield f"beacons/{beacon.id}", "pages", bound.page
    for page in shop.pages.values():
        yield f"pages/{page.id}", "draws", page.draw
        yield f"pages/{page.id}", "campaigns", page.campaign
    for draw in shop.draws.values():
        for prize in draw.prizes:
            yield f"draws/{draw.id}", "campaigns", prize.campaign
    for group in shop.groups.values():
        for name in group.beacons:
            yield f"groups/{group.id}", "beacons", name
    for section in config.radios if shop.zones else ():
        yield f"radios/{section.adapter}", "zones", section.zone
