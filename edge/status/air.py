"""Radios, beacons, and documents that lead nowhere: what the documents say beside what the board knows. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Container, Iterator, Mapping

from edge.board import BeaconSeen, Board, Radio
from edge.clock import Stamp
from edge.config import Config
from edge.documents_mentions import mentions, named_by
from edge.events import BeaconProblem
from edge.shop import KINDS, CarriedBy, Document, Shop
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


def doubtful(board: Board) -> bool:
    """Whether a beacon says another id than its document, and was never heard with its own since the start."""
    return any(seen.seen is None and BeaconProblem.REPROGRAMMED in seen.problems for seen in board.beacons.values())


def beacons(shop: Shop, board: Board, at: Stamp, *, heard_before: Container[str] = ()) -> tuple[BeaconStanding, ...]:
    """In the order of the documents. Phones that opted in are nobody's business here.

    A beacon that says another id than its document is reprogrammed only if it ever said its own (`heard_before`: before
    this start); else nobody gave it that yet.
    """
    found = []
    for beacon in shop.beacons.values():
        if beacon.carried_by is CarriedBy.PHONE:
            continue
        seen = board.beacons.get(beacon.id) or BeaconSeen(id=beacon.id)
        never = seen.seen is None and beacon.id not in heard_before
        unconfigured = never and BeaconProblem.REPROGRAMMED in seen.problems
        found.append(
            BeaconStanding(
                id=beacon.id,
                zone=beacon.zone if beacon.carried_by is CarriedBy.NOBODY else seen.zone,
                carried_by=beacon.carried_by.value,
                own=beacon.profile == OWN,
                profile=beacon.profile,
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
                unconfigured=unconfigured,
                problems=tuple(each for each in seen.problems if not never or each != BeaconProblem.REPROGRAMMED),
            )
        )
    return tuple(found)


def dangling(shop: Shop, config: Config) -> tuple[str, ...]:
    """`beacons/door → zones/dor`: a set is put one kind at a time, so this can't be refused, only told."""
    return tuple(itertools.islice(_dangling(shop, config), MAX_DANGLING))


def _dangling(shop: Shop, config: Config) -> Iterator[str]:
    radios = {section.adapter for section in config.radios}
    for kind in KINDS:
        documents: Mapping[str, Document] = getattr(shop, kind)
        items = tuple(documents.values())
        for said in mentions(items):
            if said.name not in getattr(shop, said.kind):
                yield f"{kind}/{items[said.number].id} → {said.kind}/{said.name}"
    for beacon in shop.beacons.values():
        if radios and beacon.radio and beacon.radio not in radios:
            yield f"beacons/{beacon.id} → radios/{beacon.radio}"
    for where, zone in named_by(config) if shop.zones else ():
        if zone and zone not in shop.zones:
            yield f"{where} → zones/{zone}"
