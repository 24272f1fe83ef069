"""The parts of the gateway's status, and what findings are made of. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from edge.board import Broker, Device, Radio, Service, State
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


class WifiStanding(msgspec.Struct, frozen=True, kw_only=True):
    """The guest Wi-Fi. No MAC, no address, no name of a phone, no voucher: numbers, and words for what is wrong."""

    BREAKS: ClassVar[frozenset[str]] = frozenset(
        {
            *("wifi_interface", "wifi_interface_down", "wifi_uplink_interface", "wifi_uplink_interface_down"),
            *("wifi_dnsmasq", "wifi_policy", "wifi_ways_none", "wifi_ways_staff"),
        }
    )
    """Findings with which no guest gets to the internet, however well the gate is."""

    driver: str
    """gate | fake"""
    interface: str
    interface_state: str
    """up | down | missing; empty: not known."""
    uplink_interface: str
    uplink_interface_state: str
    gate: State
    gate_code: str
    """nft | interface | uplink | rules, or empty: no more is known than its words."""
    gate_problem: str
    gate_hint: str
    repairs: int
    """Times since the start that its rules were changed by hand and put back."""
    repaired_s_ago: float | None
    fairness: str
    unfair: bool
    """gateway.toml sets rates, and the kernel can't share them."""
    counted_s_ago: float | None
    """Age of the numbers below; None: there never were any."""
    members: int
    most_guests: int
    waiting: int
    uplink: bool | None
    uplink_for_s: float | None
    dns: State | None
    """Captive DNS; None: its task has not been heard of."""
    dns_answered: int
    dns_refused: int
    dns_per_s: float
    tls_name: str
    """What the certificate is for; empty: none is wanted."""
    tls_days_left: float | None
    """None: none is in use."""
    tls_soon: bool
    """Less than a third of its life is left."""
    tls_problem: str
    lease_problem: str
    served: bool | None
    """Whether dnsmasq gives addresses and names; None: not known."""
    policy: str
    """And its version, as guests accept it."""
    portal: bool
    """There is a document of it."""
    ways: tuple[str, ...]
    """As the document orders them."""
    unset_ways: tuple[str, ...]
    """Of these, gateway.toml has not what they need."""
    barred_ways: tuple[str, ...]
    """Of these, the policy does not allow them."""
    admitted: Mapping[str, int]
    """Today: way → guests let in."""
    refused: Mapping[str, int]
    """Since the start: why → how many."""


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
    wifi: WifiStanding | None
    """None: this gateway has no guest Wi-Fi."""
    loop_lag_s: float
    offline_by_choice: bool
    damages: Mapping[str, str]
    """What the start found broken: code of the finding → what it means."""
    broken: tuple[str, ...]
    """Files that were put aside because they were damaged."""
