"""KBeacon, Blue Charm and others by KKM: each proves to the other that it knows the password, then they talk JSON.

From KKM's own library, kbeaconlib2 (MIT): KBAuthHandler, KBeacon, KBCfgHandler.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

from devices.beacons.link import GattSession, LinkError, LinkProblem
from devices.beacons.profile import BeaconProfile, Setting
from devices.beacons.provisioning import unlocks, values
from devices.beacons.provisioning.dialects import kkm_frames as frames
from devices.beacons.provisioning.dialects.dialect import Dialect, GattTalk, Raw, RefusedSecretError
from devices.beacons.provisioning.dialects.gatt_line import listening
from devices.beacons.provisioning.dialects.kkm_frames import Cause, Kind
from devices.beacons.provisioning.values import NotUnderstoodError, Settings, Value

IBEACON = 5
COMMON, ADVERTS = 1, 2
PHASE_1, PHASE_2, SHORT_1, SHORT_2 = 0x01, 0x02, 0x0B, 0x0C
IN_SLOT = {
    Setting.UUID: "uuid", Setting.MAJOR: "majorID", Setting.MINOR: "minorID", Setting.TX_POWER: "txPwr",
    Setting.INTERVAL: "advPrd",
}  # fmt: skip
IN_COMMON = {Setting.MEASURED_POWER: "meaPwr", Setting.NAME: "name"}
SETTABLE = frozenset(IN_SLOT) | frozenset(IN_COMMON)
MAX_NAME = 18


@asynccontextmanager
async def opened_kkm(profile: BeaconProfile, session: GattSession, *, address: str) -> AsyncIterator[Dialect]:
    async with listening(session, frames.NOTIFY) as notifications:
        yield Kkm(profile, session, notifications, address=address)


class Kkm(GattTalk):
    def __init__(
        self, profile: BeaconProfile, session: GattSession, heard: AsyncIterator[bytes], *, address: str
    ) -> None:
        super().__init__(profile, session, SETTABLE)
        self._heard = heard
        self._address = address
        self._room = frames.LEAST_PIECE
        self._is_ibeacon = False

    async def unlock(self, secret: str) -> None:
        """Mutual: a beacon that can't prove the password is not told ours."""
        password = unlocks.secret_bytes(self._profile.unlock, secret)
        ours = secrets.token_bytes(4)
        await self._send(frames.head(Kind.AUTH) + bytes((PHASE_1,)) + ours)
        said = await self._auth_answer()
        short = said[0] == SHORT_1
        if said[0] not in {PHASE_1, SHORT_1} or len(said) < (13 if short else 21):
            raise RefusedSecretError("the beacon did not begin to prove the password")
        theirs, proof = said[1:5], said[5 : 13 if short else 21]
        if not hmac.compare_digest(proof, unlocks.kkm_proof(self._address, ours, password, short=short)):
            raise RefusedSecretError("the beacon knows another password")
        answer = unlocks.kkm_proof(self._address, theirs, password, short=short)
        await self._send(frames.head(Kind.AUTH) + bytes((SHORT_2 if short else PHASE_2,)) + answer)
        said = await self._auth_answer()
        if said[0] != PHASE_2:
            raise RefusedSecretError(unlocks.WRONG)
        self.is_proven = True
        if len(said) >= 2:
            self._room = max(frames.LEAST_PIECE, said[1] - 3 - frames.HEAD)

    async def read(self, settings: Collection[Setting]) -> dict[Setting, Value]:
        found: dict[Setting, Value] = {}
        slot = await self._ask({"msg": "getPara", "type": ADVERTS, "slot": self._profile.slot})
        ours = self._raw["slot"] = _slot(slot, self._profile.slot)
        self._is_ibeacon = ours.get("type") == IBEACON
        if self._is_ibeacon:
            found |= _taken(IN_SLOT, ours)
        if frozenset(IN_COMMON) & frozenset(settings):
            common = await self._ask({"msg": "getPara", "type": COMMON})
            self._raw["common"] = {key: common[key] for key in IN_COMMON.values() if key in common}
            found |= _taken(IN_COMMON, common)
        return {setting: value for setting, value in found.items() if setting in settings}

    async def write(self, settings: Settings) -> None:
        message: dict[str, Any] = {"msg": "cfg"}
        message |= {key: settings[setting] for setting, key in IN_COMMON.items() if setting in settings}
        slot = {key: settings[setting] for setting, key in IN_SLOT.items() if setting in settings}
        if Setting.UUID in settings:
            slot["uuid"] = str(settings[Setting.UUID]).upper()
        if Setting.INTERVAL in settings:
            slot["advPrd"] = float(settings[Setting.INTERVAL])
        if slot:
            fresh = {} if self._is_ibeacon else {"conn": 1, "trAdv": 0}
            message["advObj"] = [{"slot": self._profile.slot, "type": IBEACON, **slot, **fresh}]
        await self._ask(message)

    async def restore(self, raw: Raw, settings: Collection[Setting]) -> bool:
        message: dict[str, Any] = {"msg": "cfg"}
        common = {key for setting, key in IN_COMMON.items() if setting in settings}
        message |= {key: value for key, value in raw.get("common", {}).items() if key in common}
        done = common <= set(message)
        if frozenset(IN_SLOT) & frozenset(settings):
            done = done and bool(raw.get("slot"))
            message |= {"advObj": [raw["slot"]]} if raw.get("slot") else {}
        await self._ask(message)
        return done

    async def commit(self) -> None:
        """Nothing: it keeps what it acknowledged."""

    async def change_secret(self, new: str) -> None:
        unlocks.secret_bytes(self._profile.unlock, new)
        await self._ask({"msg": "cfg", "pwd": new})

    async def identify(self) -> None:
        await self._ask({"msg": "ring", "ringTime": 5000, "ringType": 2, "ledOn": 100, "ledOff": 400})

    async def _send(self, frame: bytes) -> None:
        await self._session.write(frames.WRITE, frame)

    async def _next(self) -> bytes:
        async for frame in self._heard:
            return frame
        raise LinkError(LinkProblem.LOST, "the beacon went away")

    async def _auth_answer(self) -> bytes:
        while True:
            frame = await self._next()
            if frames.kind_of(frame) == Kind.AUTH and len(frame) >= 2:
                return frame[1:]

    async def _ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Sends a message piece by piece as it is asked for, takes the answer the same way."""
        payload = json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()
        await self._piece(payload, 0)
        answer = frames.Assembly()
        for _ in range(4 * (2 + len(payload) // frames.LEAST_PIECE + frames.MAX_BYTES // frames.LEAST_PIECE)):
            frame = await self._next()
            match frames.kind_of(frame):
                case Kind.JSON if (ack := frames.read_ack(frame)) is not None:
                    if await self._acknowledged(ack, payload, answer):
                        return _object(answer.data)
                case Kind.REPORT if (piece := frames.read_piece(frame)) is not None:
                    taken, last = answer.take(piece)
                    await self._send(frames.ack(Kind.REPORT, offset=len(answer.data), cause=0 if taken else 1))
                    if last:
                        return _object(answer.data)
                case _:
                    continue
        raise NotUnderstoodError("the beacon never ends its answer")

    async def _acknowledged(self, ack: frames.Ack, payload: bytes, answer: frames.Assembly) -> bool:
        """Whether that was all."""
        match ack.cause:
            case Cause.NEXT:
                await self._piece(payload, ack.offset)
            case Cause.DONE | Cause.COMPLETE:
                answer.data = ack.data or answer.data
                return True
            case Cause.RECEIVED if ack.data:
                answer.data = ack.data
                await self._send(frames.ack(Kind.REPORT, offset=len(ack.data)))
            case Cause.RECEIVED | Cause.MORE:
                pass
            case _:
                raise LinkError(LinkProblem.NOT_PERMITTED, f"the beacon refused the settings (cause {ack.cause})")
        return False

    async def _piece(self, payload: bytes, offset: int) -> None:
        try:
            frame = frames.piece_at(payload, offset, kind=Kind.JSON, room=self._room)
        except ValueError as error:
            raise NotUnderstoodError(f"the beacon asks for what is not there: {error}") from None
        await self._send(frame)


def _object(data: bytes) -> dict[str, Any]:
    if not data:
        return {}
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise NotUnderstoodError("the beacon's answer is no JSON") from None
    if not isinstance(found, dict):
        raise NotUnderstoodError("the beacon's answer is no JSON object")
    return found


def _slot(answer: dict[str, Any], number: int) -> dict[str, Any]:
    slots = answer.get("advObj")
    for slot in slots if isinstance(slots, list) else [answer]:
        if isinstance(slot, dict) and slot.get("slot") == number:
            return slot
    return {}


def _taken(keys: Mapping[Setting, str], found: Mapping[str, Any]) -> dict[Setting, Value]:
    taken: dict[Setting, Value] = {}
    for setting, key in keys.items():
        value = found.get(key)
        wanted = (str,) if setting in {Setting.UUID, Setting.NAME} else (int, float)
        if value is None:
            continue
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise NotUnderstoodError(f"{setting}: the beacon's answer has another form")
        taken[setting] = value
    try:
        return values.normal(taken)
    except ValueError:
        raise NotUnderstoodError("uuid: the beacon's answer has another form") from None
