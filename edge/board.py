"""What the running daemon knows of itself, for the status page, the metrics and `storegate doctor`.

One mutable record, touched only on the event loop; everything in it is bounded. It is shown, never decided on.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from edge.clock import Stamp

MAX_PROBLEMS = 50
MAX_DEVICES = 500


class State(StrEnum):
    STARTING = "starting"
    UP = "up"
    WAITING = "waiting"
    """Failed; will be started again."""
    DOWN = "down"


class Service(msgspec.Struct, kw_only=True):
    """One root task."""

    name: str
    state: State = State.STARTING
    restarts: int = 0
    problem: str = ""
    hint: str = ""


class Device(msgspec.Struct, kw_only=True):
    id: str
    kind: str
    state: State = State.STARTING
    seen: Stamp | None = None
    problem: str = ""


class Radio(msgspec.Struct, kw_only=True):
    """A Bluetooth adapter."""

    adapter: str
    zone: str = ""
    state: State = State.STARTING
    scan: str = "off"
    """active | passive | off | paused (a beacon is being configured)"""
    adverts_per_s: float = 0.0
    coverage: float | None = None
    """Share of the last minutes it really listened; None: nothing to tell it from."""
    coverage_basis: str = "none"
    """heartbeat | known | any | none"""
    dedup_suspected: bool = False
    sends: int = 0
    """Own beacons on the air."""
    wanted: int = 0
    """Own beacons that the documents want on the air from it."""
    instances: int | None = None
    """Advertisements the controller can hold at once; None: not known."""
    steps: int = 0
    """Recovery steps taken since the start."""
    since: Stamp | None = None
    problem: str = ""
    hint: str = ""


class BeaconSeen(msgspec.Struct, kw_only=True):
    """One of the shop's beacons, as the radios hear it."""

    id: str
    rssi_dbm: float | None = None
    """Median of late, at the radio that hears it best."""
    radio: str = ""
    proximity: str = ""
    zone: str = ""
    """Of a carried one: where it is."""
    per_s: float = 0.0
    battery_percent: int | None = None
    seen: Stamp | None = None
    problems: tuple[str, ...] = ()
    """Of edge.events.BeaconProblem."""


class Broker(msgspec.Struct, kw_only=True):
    configured: bool = False
    connected: bool = False
    address: str = ""
    since: Stamp | None = None
    reconnects: int = 0
    inflight: int = 0
    published: int = 0
    """Events acknowledged since the start."""
    puback_ms: float = 0.0
    unanswered: int = 0
    """Requests in a row that the cloud left without an answer."""
    problem: str = ""


class Wifi(msgspec.Struct, kw_only=True):
    """The guest Wi-Fi."""

    configured: bool = False
    gate: State = State.STARTING
    """UP: it answers and its rules are in the kernel."""
    gate_problem: str = ""
    gate_hint: str = ""
    gate_code: str = ""
    """Kind of the problem, where pages have words for it: nft | interface | uplink | rules; else empty."""
    interface: str = ""
    """The guests' side: up | down | missing; empty: not known yet"""
    uplink_interface: str = ""
    """Likewise the way to the internet."""
    repairs: int = 0
    """Times that its rules were changed by somebody else and put back."""
    repaired: Stamp | None = None
    """The last of them."""
    fairness: str = ""
    """cake | fq_codel | none | empty: not known yet"""
    members: int = 0
    waiting: int = 0
    """Phones on the network that are not let in."""
    uplink: bool | None = None
    """Whether the internet answers; None: not known yet."""
    uplink_since: Stamp | None = None
    dns_answered: int = 0
    dns_refused: int = 0
    """Tunnels, other types, too many."""
    dns_per_s: float = 0.0
    tls_days_left: float | None = None
    """Of the portal's certificate; None: none is in use."""
    tls_life_days: float | None = None
    """From its first to its last day: below a third of it somebody is told."""
    tls_problem: str = ""
    lease_problem: str = ""
    served: bool | None = None
    """Whether guests are given addresses and members names (dnsmasq); None: not known."""
    counted: Stamp | None = None
    """When the gate last said how many are on."""
    admitted: Counter[str] = msgspec.field(default_factory=Counter)
    """Since the start: way → how many."""
    refused: Counter[str] = msgspec.field(default_factory=Counter)
    """Since the start: why → how many."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person should know, in words they can act on."""

    at: Stamp
    where: str
    text: str
    hint: str = ""
    code: str = ""
    """Where pages have words for it: `admin.problem_{code}` or `admin.finding_{code}`; else `text` stands there."""
    fields: Mapping[str, str] = {}
    """What the words need."""


class Board:
    def __init__(self) -> None:
        self.services: dict[str, Service] = {}
        self.devices: dict[str, Device] = {}
        self.broker = Broker()
        self.problems: deque[Problem] = deque(maxlen=MAX_PROBLEMS)
        self.damages: dict[str, str] = {}
        """What this start found broken: code of the finding → what it means."""
        self.loop_lag_s = 0.0
        self.wifi = Wifi()
        self.radios: dict[str, Radio] = {}
        self.beacons: dict[str, BeaconSeen] = {}
        """By id; those of documents only, so their number is bounded."""
        self.shakes: Counter[str] = Counter()
        """Since the start: outcome, or `refused` and why → how many."""
        self.kiosks: dict[str, Stamp] = {}
        """Station → last heartbeat of its page."""

    def service(self, name: str) -> Service:
        return self.services.setdefault(name, Service(name=name))

    def device(self, device_id: str, kind: str) -> Device:
        known = self.devices.get(device_id)
        if known is None:
            if len(self.devices) >= MAX_DEVICES:
                self.devices.pop(next(iter(self.devices)))
            known = self.devices[device_id] = Device(id=device_id, kind=kind)
        return known

    def radio(self, adapter: str) -> Radio:
        return self.radios.setdefault(adapter, Radio(adapter=adapter))

    def beacon(self, beacon_id: str) -> BeaconSeen:
        return self.beacons.setdefault(beacon_id, BeaconSeen(id=beacon_id))

    def tell(self, problem: Problem) -> None:
        """What is told again moves to the end: a full disk's thousand refusals do not push out the rest."""
        same = [known for known in self.problems if (known.where, known.text) == (problem.where, problem.text)]
        for known in same:
            self.problems.remove(known)
        self.problems.append(problem)
