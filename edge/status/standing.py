"""The parts of the gateway's status, and what findings are made of. Data only."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from edge.board import Broker, Device, Radio, Service
from edge.clock import Stamp
from edge.errors import Refusal


class Outbox(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for the cloud, and the journal it is in."""

    depth: Mapping[str, int]
    """Events by what may happen to them: ledger, count, diagnostic."""
    bytes: int
    max_bytes: int
    oldest_age_s: float | None
    last_seq: int
    commits: int
    events: int
    commit_ms: float
    lost: Mapping[str, int]
    """`diagnostic outbox_full` → events, since the journal's first day."""
    refusing: Refusal | None
    gone: str
    """Which of the journal's files was taken away, in words, or empty."""

    @property
    def waiting(self) -> int:
        return sum(self.depth.values())


class Disk(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    free_bytes: int | None
    """None: the file system does not answer."""
    total_bytes: int | None
    floor_bytes: int


class Kiosk(msgspec.Struct, frozen=True, kw_only=True):
    station: str
    name_zh: str
    name_en: str
    seen_s_ago: float | None
    """None: not since the start."""


class CatalogueStanding(msgspec.Struct, frozen=True, kw_only=True):
    products: int | None
    """None: there is none."""
    priced_age_s: float | None
    problem: str


class BeaconStanding(msgspec.Struct, frozen=True, kw_only=True):
    """One of the shop's beacons: what its document says, and what the radios hear. No address; no phones."""

    id: str
    zone: str
    """Where it hangs; of a carried one, where it is now. Empty: not known."""
    carried_by: str
    """nobody | staff | cart"""
    own: bool
    """The gateway's own radio sends it."""
    profile: str
    """Empty: not ours to configure."""
    major: int
    minor: int
    rotating: bool
    x_m: float | None
    y_m: float | None
    seen_s_ago: float | None
    """None: not since the start."""
    rssi_dbm: float | None
    radio: str
    """That hears it best."""
    proximity: str
    per_s: float
    battery_percent: int | None
    unconfigured: bool
    """It says another id than its document, and never said that one."""
    problems: tuple[str, ...]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """All that findings look at."""

    at: Stamp
    services: tuple[Service, ...]
    devices: tuple[Device, ...]
    kiosks: tuple[Kiosk, ...]
    broker: Broker
    outbox: Outbox
    disk: Disk
    catalogue: CatalogueStanding
    radios: tuple[Radio, ...]
    beacons: tuple[BeaconStanding, ...]
    dangling: tuple[str, ...]
    """Documents that name another one which does not exist: `beacons/door → zones/dor`."""
    loop_lag_s: float
    offline_by_choice: bool
    damages: Mapping[str, str]
    """What the start found broken: code of the finding → what it means."""
    broken: tuple[str, ...]
    """Files that were put aside because they were damaged."""
