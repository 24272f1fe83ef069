"""The Eddystone Configuration Service: one slot is chosen, then its interval, powers and frame are written.

From google/eddystone, configuration-service/README.md. The service does not know iBeacon: our ids go out as
Eddystone-UID, the namespace being the UUID without its bytes 5 to 10 (as the UID specification advises), the instance
two zeros, major and minor; or as Eddystone-URL.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from devices.beacons.frames import eddystone
from devices.beacons.link import GattSession, LinkError, LinkProblem
from devices.beacons.profile import BeaconProfile, Setting
from devices.beacons.provisioning import unlocks
from devices.beacons.provisioning.dialects.dialect import Dialect, GattTalk, Raw
from devices.beacons.provisioning.values import DoesNotFitError, NotUnderstoodError, Settings, Value

_BASE = "a3c8{}-8ed3-4bdf-8a39-a01bebede295"
SLOT, INTERVAL, RADIO_POWER, ADVERTISED_POWER, DATA = (
    _BASE.format(number) for number in ("7502", "7503", "7504", "7505", "750a")
)
_WHO = (Setting.UUID, Setting.MAJOR, Setting.MINOR)


@asynccontextmanager
async def opened_eddystone(profile: BeaconProfile, session: GattSession) -> AsyncIterator[Dialect]:
    yield EddystoneSlot(profile, session)


def settable_of(profile: BeaconProfile) -> frozenset[Setting]:
    what = {Setting.URL} if "eddystone-url" in profile.frames else set(_WHO)
    return frozenset(what | {Setting.INTERVAL, Setting.TX_POWER, Setting.MEASURED_POWER})


def elided(uuid_text: str) -> str:
    """The UUID as far as the frame can carry it: the rest is zeros."""
    data = uuid.UUID(uuid_text).bytes
    return str(uuid.UUID(bytes=data[:4] + bytes(6) + data[10:]))


class EddystoneSlot(GattTalk):
    def __init__(self, profile: BeaconProfile, session: GattSession) -> None:
        super().__init__(profile, session, settable_of(profile))
        self._secret = ""

    async def unlock(self, secret: str) -> None:
        self._secret, self.is_proven = secret, False
        self.is_proven = await unlocks.aes_challenge(self._session, self._profile.unlock, secret)

    async def read(self, settings: Collection[Setting]) -> dict[Setting, Value]:
        await self._choose()
        self._raw[DATA] = await self._session.read(DATA)
        found = self._frame(self._raw[DATA])
        if Setting.INTERVAL in settings:
            found[Setting.INTERVAL] = int.from_bytes(await self._sized(INTERVAL, 2), "big")
        if Setting.TX_POWER in settings:
            found[Setting.TX_POWER] = int.from_bytes(await self._sized(RADIO_POWER, 1), "big", signed=True)
        if Setting.MEASURED_POWER in settings:
            at_zero = int.from_bytes(await self._sized(ADVERTISED_POWER, 1), "big", signed=True)
            found[Setting.MEASURED_POWER] = at_zero - eddystone.FIRST_METRE_DB
        self._known |= found
        return {setting: value for setting, value in found.items() if setting in settings}

    async def write(self, settings: Settings) -> None:
        """The power of the radio first: the advertised one follows it until it is set."""
        await self._choose()
        whole = self._known | dict(settings)
        if Setting.TX_POWER in settings:
            await self._session.write(RADIO_POWER, int(settings[Setting.TX_POWER]).to_bytes(1, "big", signed=True))
        if Setting.MEASURED_POWER in settings:
            await self._session.write(ADVERTISED_POWER, at_zero(int(settings[Setting.MEASURED_POWER])))
        if Setting.INTERVAL in settings:
            await self._session.write(INTERVAL, int(settings[Setting.INTERVAL]).to_bytes(2, "big"))
        if {*_WHO, Setting.URL} & set(settings):
            await self._session.write(DATA, _slot_data(whole, url=Setting.URL in self.settable))
        self._known = whole

    async def restore(self, raw: Raw, settings: Collection[Setting]) -> bool:
        """A slot is read as it is sent, with its power, and written without. An EID has a key: it can't be put back."""
        await self._choose()
        places = {Setting.TX_POWER: RADIO_POWER, Setting.MEASURED_POWER: ADVERTISED_POWER, Setting.INTERVAL: INTERVAL}
        touched = [place for setting, place in places.items() if setting in settings]
        for place in touched:
            if place in raw:
                await self._session.write(place, raw[place])
        done = all(place in raw for place in touched)
        if {*_WHO, Setting.URL} & set(settings):
            data = _as_written(raw.get(DATA))
            if data is None:
                return False
            await self._session.write(DATA, data)
        return done

    async def commit(self) -> None:
        """Nothing: what is written is on the air at once."""

    async def change_secret(self, new: str) -> None:
        unlock = self._profile.unlock
        await unlocks.rekey(self._session, unlock, old=self._secret, new=new, proven=self.is_proven)
        self._secret = new

    async def identify(self) -> None:
        raise LinkError(LinkProblem.NO_CHARACTERISTIC, "this service has no way to make it show itself")

    async def _choose(self) -> None:
        await self._session.write(SLOT, bytes((self._profile.slot,)))

    async def _sized(self, characteristic: str, wanted: int) -> bytes:
        data = await self._session.read(characteristic)
        if len(data) != wanted:
            raise NotUnderstoodError(f"{len(data)} bytes where {wanted} were expected")
        self._raw[characteristic] = data
        return data

    def _frame(self, data: bytes) -> dict[Setting, Value]:
        frame = eddystone.parse(data)
        if isinstance(frame, eddystone.Uid) and Setting.UUID in self.settable:
            namespace, instance = frame.namespace, frame.instance
            whole = uuid.UUID(bytes=namespace[:4] + bytes(6) + namespace[4:])
            major, minor = int.from_bytes(instance[2:4], "big"), int.from_bytes(instance[4:6], "big")
            return {Setting.UUID: str(whole), Setting.MAJOR: major, Setting.MINOR: minor}
        if isinstance(frame, eddystone.Url) and Setting.URL in self.settable:
            return {Setting.URL: frame.url}
        return {}


def at_zero(measured_power_dbm: int) -> bytes:
    """Raises DoesNotFitError."""
    power = measured_power_dbm + eddystone.FIRST_METRE_DB
    if not -100 <= power <= 20:
        least, most = -100 - eddystone.FIRST_METRE_DB, 20 - eddystone.FIRST_METRE_DB
        raise DoesNotFitError(Setting.MEASURED_POWER, f"{measured_power_dbm} dBm", fits=f"{least} to {most} dBm")
    return power.to_bytes(1, "big", signed=True)


def _as_written(data: bytes | None) -> bytes | None:
    if data is None or data[:1] == bytes((eddystone.EID,)):
        return None
    if len(data) < 2:
        return bytes(1)
    end = 2 + 16 if data[0] == eddystone.UID else len(data)
    return data[:1] if data[0] == eddystone.TLM else data[:1] + data[2:end]


def _slot_data(settings: Settings, *, url: bool) -> bytes:
    if url:
        return bytes((eddystone.URL,)) + eddystone.encode_url(str(settings[Setting.URL]))
    missing = next((setting for setting in _WHO if setting not in settings), None)
    if missing:
        raise DoesNotFitError(missing, "is part of the frame, and is not known", fits="give it too")
    who = int(settings[Setting.MAJOR]), int(settings[Setting.MINOR])
    return bytes((eddystone.UID,)) + eddystone.uid_of(str(settings[Setting.UUID]), *who)
