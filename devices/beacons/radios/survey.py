"""What is on the air, by sender: for the person who looks for beacons. Pure, and of bounded size.

Addresses are in here because somebody at the terminal needs them; nothing of it is logged or told.
"""

from __future__ import annotations

import statistics
import uuid
from collections import deque
from collections.abc import Callable, Iterable

import msgspec

from devices.beacons import frames
from devices.beacons.advert import Advert
from devices.beacons.frames import Frame
from devices.beacons.frames.altbeacon import AltBeacon
from devices.beacons.frames.eddystone import Eid, EncryptedTlm, Tlm, Uid, Url
from devices.beacons.frames.ibeacon import IBeacon
from devices.beacons.presence.known import Known
from edge.shop.beacons import Beacon

MAX_SENDERS = 5_000
"""Later ones are counted, not told apart: phones change their addresses for ever."""
LAST = 50


class Sender(msgspec.Struct, kw_only=True):
    """One address."""

    address: str
    radio: str
    name: str = ""
    adverts: int = 0
    beats: int = 0
    """Adverts with an id in them, `first_s` to `last_s`."""
    first_s: float = 0.0
    last_s: float = 0.0
    battery_percent: int | None = None
    says: dict[str, str] = {}
    """Kind of frame → what it says, in words."""
    beacon: str = ""
    """Id of the document whose id it sends, or whose address it has."""
    ibeacon: tuple[str, int, int] | None = None
    advert: Advert
    """The last one, with everything that was ever in one."""
    strengths: deque[int]

    @property
    def rssi_dbm(self) -> float:
        return statistics.median(self.strengths)

    @property
    def interval_ms(self) -> float | None:
        """Between what was heard: never shorter than what it sends. None: heard too seldom to say."""
        return 1000 * (self.last_s - self.first_s) / (self.beats - 1) if self.beats > 2 else None


class Survey:
    def __init__(self, beacons: Iterable[Beacon] = (), known: Known[str] | None = None) -> None:
        self.senders: dict[str, Sender] = {}
        self.strangers = 0
        """Adverts of senders beyond the cap."""
        self._known = known
        self._by_address = {beacon.address.upper(): str(beacon.id) for beacon in beacons if beacon.address}

    def hear(self, advert: Advert) -> None:
        address = advert.address.upper()
        sender = self.senders.get(address)
        if sender is None:
            if len(self.senders) >= MAX_SENDERS:
                self.strangers += 1
                return
            sender = self.senders[address] = Sender(
                address=address, radio=advert.radio, advert=advert, strengths=deque(maxlen=LAST)
            )
            sender.beacon = self._by_address.get(address, "")
        sender.adverts += 1
        sender.strengths.append(advert.rssi_dbm)
        sender.advert = _merged(sender.advert, advert)
        sender.name = sender.advert.name
        battery = frames.battery_percent(advert)
        sender.battery_percent = sender.battery_percent if battery is None else battery
        for frame in frames.all_of(advert):
            kind, text = words(frame)
            sender.says[kind] = text
            if isinstance(frame, IBeacon | Uid | Url | AltBeacon):
                sender.first_s = sender.first_s if sender.beats else advert.at_s
                sender.beats, sender.last_s = sender.beats + 1, advert.at_s
            if isinstance(frame, IBeacon):
                sender.ibeacon = (str(uuid.UUID(bytes=frame.uuid)), frame.major, frame.minor)
            if isinstance(frame, IBeacon | Uid) and self._known:
                sender.beacon = sender.beacon or self._known.ids.get(frame.id, "")

    def strongest_first(self, fits: Callable[[Sender], bool] = lambda _: True) -> list[Sender]:
        return sorted(filter(fits, self.senders.values()), key=lambda sender: -sender.rssi_dbm)


def words(frame: Frame) -> tuple[str, str]:
    """Kind and content of a frame, for a person."""
    match frame:
        case IBeacon():
            return "iBeacon", f"{str(uuid.UUID(bytes=frame.uuid)).upper()} {frame.major} {frame.minor}"
        case Uid():
            return "Eddystone-UID", f"{frame.namespace.hex()} {frame.instance.hex()}"
        case Url():
            return "Eddystone-URL", frame.url
        case Eid():
            return "Eddystone-EID", "changes"
        case Tlm() | EncryptedTlm():
            return "Eddystone-TLM", "telemetry"
        case AltBeacon():
            return "AltBeacon", "AltBeacon"


def _merged(before: Advert, now: Advert) -> Advert:
    services = before.service_uuids + tuple(one for one in now.service_uuids if one not in before.service_uuids)
    return now._replace(
        manufacturer={**before.manufacturer, **now.manufacturer},
        service_data={**before.service_data, **now.service_data},
        service_uuids=services[:32],
        name=now.name or before.name,
    )
