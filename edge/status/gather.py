"""How the gateway is, in one value: for the status page, the metrics, `storegate status` and `storegate doctor`.

Gathered without the writer: it works while the journal refuses (disk full) and when a file can't be read.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import msgspec

from edge import __version__
from edge.board import Board, Broker, Device, Problem, Radio, Service
from edge.catalogue import CatalogueDesk
from edge.clock import Clock, ClockState, Stamp
from edge.config import Config
from edge.errors import JournalRefusedError
from edge.journal import Journal, OutboxStats
from edge.shop import Shop, Zone
from edge.status import air
from edge.status import wifi as guest_wifi
from edge.status.damage import kept
from edge.status.findings import Finding, findings
from edge.status.standing import BeaconStanding, CatalogueStanding, Disk, Kiosk, Outbox, Standing, WifiStanding
from edge.status.times import age_s
from edge.store.access_visits import day_of, ways
from edge.store.footfall import ZoneDay, days
from edge.store.presence import open_problems

READ_S = 2.0
"""The chart's numbers may take so long; without them the page is still worth reading."""
MAX_PROBLEMS_SHOWN = 12


class Status(msgspec.Struct, frozen=True, kw_only=True):
    tenant: str
    store: str
    gateway: str
    version: str
    timezone: str
    at: Stamp
    up_s: float
    services: tuple[Service, ...]
    devices: tuple[Device, ...]
    kiosks: tuple[Kiosk, ...]
    broker: Broker
    outbox: Outbox
    disk: Disk
    catalogue: CatalogueStanding
    footfall: tuple[ZoneDay, ...]
    zone_names: Mapping[str, tuple[str, str]]
    """Zone → its Chinese and English name."""
    zones: tuple[Zone, ...]
    radios: tuple[Radio, ...]
    beacons: tuple[BeaconStanding, ...]
    wifi: WifiStanding | None
    """None: this gateway has no guest Wi-Fi."""
    shakes: Mapping[str, int]
    """Since the start: outcome, or `refused` and why → how many."""
    loop_lag_s: float
    problems: tuple[Problem, ...]
    """What went wrong lately, newest first."""
    findings: tuple[Finding, ...]
    """What is wrong now, worst first."""


async def gather(
    *,
    config: Config,
    shop: Shop,
    board: Board,
    journal: Journal,
    clock: Clock,
    catalogue: CatalogueDesk,
    started: Stamp,
) -> Status:
    """Never raises: a part that can't be asked is shown as unknown."""
    at = clock.now()
    standing = Standing(
        at=at,
        services=tuple(board.services.values()),
        devices=tuple(board.devices.values()),
        kiosks=_kiosks(config, board, at),
        broker=board.broker,
        outbox=_outbox(await journal.stats(), at),
        disk=await asyncio.to_thread(_disk, config.state_path, config.outbox.free_floor_mb),
        catalogue=await _catalogue(catalogue, at),
        radios=air.radios(config, board),
        beacons=air.beacons(shop, board, at, heard_before=await _heard_before(journal) if air.doubtful(board) else ()),
        dangling=air.dangling(shop, config),
        wifi=guest_wifi.wifi(
            config, shop, board, at, await _admitted(journal, shop, at) if guest_wifi.here(config) else {}
        ),
        loop_lag_s=board.loop_lag_s,
        offline_by_choice=not config.mqtt.host,
        damages=dict(board.damages),
        broken=await asyncio.to_thread(kept, config.state_path),
    )
    return Status(
        tenant=config.gateway.tenant,
        store=config.gateway.store,
        gateway=config.gateway.id,
        version=__version__,
        timezone=config.gateway.timezone,
        at=at,
        up_s=(at.monotonic_ms - started.monotonic_ms) / 1000,
        services=standing.services,
        devices=standing.devices,
        kiosks=standing.kiosks,
        broker=standing.broker,
        outbox=standing.outbox,
        disk=standing.disk,
        catalogue=standing.catalogue,
        footfall=await _footfall(journal, shop, at),
        zone_names={zone.id: (zone.name_zh, zone.name_en) for zone in shop.zones.values()},
        zones=tuple(shop.zones.values()),
        radios=standing.radios,
        beacons=standing.beacons,
        wifi=standing.wifi,
        shakes=dict(board.shakes),
        loop_lag_s=board.loop_lag_s,
        problems=tuple(reversed(board.problems))[:MAX_PROBLEMS_SHOWN],
        findings=findings(standing),
    )


def _kiosks(config: Config, board: Board, at: Stamp) -> tuple[Kiosk, ...]:
    found = []
    for station, section in config.stations.items():
        if section.kind == "kiosk":
            seen = board.kiosks.get(station)
            found.append(
                Kiosk(
                    station=station,
                    name_zh=section.name_zh,
                    name_en=section.name_en,
                    seen_s_ago=None if seen is None else age_s(seen, at),
                )
            )
    return tuple(found)


def _outbox(stats: OutboxStats, at: Stamp) -> Outbox:
    oldest = stats.oldest_at_ms
    return Outbox(
        depth={kept.value: count for kept, count in stats.depth.items()},
        bytes=stats.bytes,
        max_bytes=stats.max_bytes,
        oldest_age_s=None if oldest is None else max(0.0, (at.at_ms - oldest) / 1000),
        last_seq=stats.last_seq,
        commits=stats.commits,
        events=stats.events,
        commit_ms=stats.commit_s_last * 1000,
        lost={f"{kept.value} {reason}": count for (kept, reason), count in stats.lost_total.items()},
        refusing=stats.refusing,
        gone=stats.gone,
    )


def _disk(path: Path, floor_mb: float) -> Disk:
    try:
        usage = shutil.disk_usage(path)
    except OSError:
        return Disk(path=str(path), free_bytes=None, total_bytes=None, floor_bytes=int(floor_mb * 1024 * 1024))
    return Disk(path=str(path), free_bytes=usage.free, total_bytes=usage.total, floor_bytes=int(floor_mb * 1024 * 1024))


async def _catalogue(desk: CatalogueDesk, at: Stamp) -> CatalogueStanding:
    info = await desk.info()
    if info is None:
        return CatalogueStanding(products=None, priced_age_s=None, problem=desk.problem)
    return CatalogueStanding(
        products=info.products, priced_age_s=max(0.0, (at.at_ms - info.priced_at_ms) / 1000), problem=desk.problem
    )


async def _heard_before(journal: Journal) -> frozenset[str]:
    """Beacons with an open problem that told how they were heard usually: so they were."""
    try:
        async with asyncio.timeout(READ_S):
            problems = await journal.read(open_problems)
    except (TimeoutError, sqlite3.Error, JournalRefusedError):
        return frozenset()
    return frozenset(each.beacon for each in problems if each.usual_rssi_dbm is not None)


async def _admitted(journal: Journal, shop: Shop, at: Stamp) -> dict[str, int]:
    """Guests of the Wi-Fi let in on the shop's day."""
    try:
        async with asyncio.timeout(READ_S):
            return await journal.read(lambda db: ways(db, day_of(at.at_ms, shop.timezone)))
    except (TimeoutError, sqlite3.Error, JournalRefusedError):
        return {}


async def _footfall(journal: Journal, shop: Shop, at: Stamp) -> tuple[ZoneDay, ...]:
    if at.state is ClockState.UNSET:
        return ()
    try:
        async with asyncio.timeout(READ_S):
            return await journal.read(lambda db: days(db, shop=shop, at_ms=at.at_ms))
    except (TimeoutError, sqlite3.Error, JournalRefusedError):
        return ()  # the finding about the journal says why
