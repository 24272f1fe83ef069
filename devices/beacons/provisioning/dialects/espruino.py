"""Espruino (Puck.js and others): a beacon that runs JavaScript, told to over the Nordic UART.

From espruino.com/iBeacon. A line that begins with the byte 10 is not echoed. What it was told is kept in a variable of
its own, `save()` makes both survive a loss of power; only what we told it can be read back.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

from devices.beacons.link import GattSession, LinkError, LinkProblem
from devices.beacons.profile import BeaconProfile, Setting
from devices.beacons.provisioning import values
from devices.beacons.provisioning.dialects.dialect import Dialect, GattTalk, Raw
from devices.beacons.provisioning.dialects.gatt_line import listening
from devices.beacons.provisioning.values import NotUnderstoodError, Settings, Value

SERVICE = "6e400001-b5a3-f393-e0a9-e50e24dcca9e"
WRITE = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
NOTIFY = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
NO_ECHO = b"\x10"
PIECE = 20
MAX_ANSWER = 4096
KEYS = {Setting.MAJOR: "major", Setting.MINOR: "minor", Setting.MEASURED_POWER: "rssi", Setting.INTERVAL: "interval"}
SETTABLE = frozenset({Setting.UUID, *KEYS})
BEGIN, END = b"<sg>", b"</sg>"
ASK = 'print("<"+"sg>"+JSON.stringify(global.storegate||null)+"<"+"/sg>")'
TELL = 'NRF.setAdvertising(require("ble_ibeacon").get(storegate),{interval:storegate.interval})'


@asynccontextmanager
async def opened_espruino(profile: BeaconProfile, session: GattSession) -> AsyncIterator[Dialect]:
    async with listening(session, NOTIFY) as notifications:
        yield Espruino(profile, session, notifications)


class Espruino(GattTalk):
    def __init__(self, profile: BeaconProfile, session: GattSession, heard: AsyncIterator[bytes]) -> None:
        super().__init__(profile, session, SETTABLE)
        self._heard = heard

    async def unlock(self, secret: str) -> None:
        """It has no lock that this knows."""

    async def read(self, settings: Collection[Setting]) -> dict[Setting, Value]:
        await self._line(ASK)
        self._raw["told"] = await self._answer()
        self._known = _settings(self._raw["told"])
        return {setting: value for setting, value in self._known.items() if setting in settings}

    async def write(self, settings: Settings) -> None:
        self._known |= dict(settings)
        told: dict[str, Any] = {key: self._known[setting] for setting, key in KEYS.items() if setting in self._known}
        if Setting.UUID in self._known:
            told["uuid"] = list(uuid.UUID(str(self._known[Setting.UUID])).bytes)
        await self._tell(told)
        await self._line(ASK)
        if _settings(await self._answer()) != self._known:
            raise LinkError(LinkProblem.NOT_PERMITTED, "it did not take the settings")

    async def restore(self, raw: Raw, settings: Collection[Setting]) -> bool:
        """What it sent before we first told it anything is not known: it is given its plain advertising."""
        if not settings:
            return True
        if not raw.get("told"):
            await self._line("delete global.storegate;NRF.setAdvertising({})")
            return False
        await self._tell(raw["told"])
        return True

    async def _tell(self, told: Mapping[str, Any]) -> None:
        await self._line(f"storegate={json.dumps(told, separators=(',', ':'))}")
        await self._line(TELL)

    async def commit(self) -> None:
        """It restarts for this, and may drop the connection."""
        try:
            await self._line("save()")
        except LinkError as error:
            if error.problem is not LinkProblem.LOST:
                raise

    async def change_secret(self, new: str) -> None:
        del new
        raise LinkError(LinkProblem.NO_CHARACTERISTIC, "this model has no password")

    async def identify(self) -> None:
        await self._line("digitalPulse(LED1,1,[300,300,300,300,300,300,300])")

    async def _line(self, code: str) -> None:
        data = NO_ECHO + code.encode("ascii") + b"\n"
        for start in range(0, len(data), PIECE):
            await self._session.write(WRITE, data[start : start + PIECE])

    async def _answer(self) -> Any:
        said = b""
        async for piece in self._heard:
            said += piece
            start, end = said.find(BEGIN), said.find(END)
            if 0 <= start < end:
                try:
                    return json.loads(said[start + len(BEGIN) : end])
                except (ValueError, RecursionError):
                    raise NotUnderstoodError("its answer is no JSON") from None
            if len(said) > MAX_ANSWER:
                raise NotUnderstoodError("it never ends its answer")
        raise LinkError(LinkProblem.LOST, "the beacon went away")


def _settings(said: Any) -> dict[Setting, Value]:
    if said is None:
        return {}
    if not isinstance(said, dict):
        raise NotUnderstoodError("its answer has another form")
    found: dict[Setting, Value] = {}
    for setting, key in KEYS.items():
        value = said.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            found[setting] = value
    try:
        if "uuid" in said:
            found[Setting.UUID] = str(uuid.UUID(bytes=bytes(said["uuid"])))
    except (TypeError, ValueError):
        raise NotUnderstoodError("uuid: its answer has another form") from None
    return values.normal(found)
