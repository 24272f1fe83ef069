"""Beacons whose settings lie in characteristics of their own: everything is in the profile's tables."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from devices.beacons.link import GattSession, LinkError, LinkProblem
from devices.beacons.profile import BeaconProfile, Field, Setting
from devices.beacons.provisioning import unlocks, values
from devices.beacons.provisioning.dialects.dialect import Dialect, GattTalk, Raw, RefusedSecretError
from devices.beacons.provisioning.values import Settings, Value


@asynccontextmanager
async def opened_fields(profile: BeaconProfile, session: GattSession) -> AsyncIterator[Dialect]:
    yield Fields(profile, session)


def settable_of(profile: BeaconProfile) -> frozenset[Setting]:
    return frozenset(setting for field in profile.field for setting in field.settings)


class Fields(GattTalk):
    def __init__(self, profile: BeaconProfile, session: GattSession) -> None:
        readable = frozenset(setting for field in profile.field if field.readable for setting in field.settings)
        super().__init__(profile, session, settable_of(profile), readable=readable)
        self._secret = ""

    async def unlock(self, secret: str) -> None:
        unlock = self._profile.unlock
        self._secret = secret
        match unlock.scheme:
            case "write-secret":
                self.is_proven = await unlocks.write_secret(self._session, unlock, secret)
            case "aes-ecb-challenge":
                self.is_proven = False
                self.is_proven = await unlocks.aes_challenge(self._session, unlock, secret)
            case "pin-on-commit":
                unlocks.secret_bytes(unlock, secret)  # its form at least; the beacon judges it at the commit
            case _:
                pass
        if self._profile.select:
            await self._session.write(self._profile.select.characteristic, bytes.fromhex(self._profile.select.on))

    async def read(self, settings: Collection[Setting]) -> dict[Setting, Value]:
        found: dict[Setting, Value] = {}
        for field in self._profile.field:
            if field.readable and set(field.settings) & set(settings):
                data = await self._session.read(field.characteristic)
                self._raw[field.characteristic] = data
                found |= values.decoded(field, data) if data else {}
        self._known |= found
        return {setting: value for setting, value in found.items() if setting in settings}

    async def write(self, settings: Settings) -> None:
        whole = self._known | dict(settings)
        for field in self._in_order():
            if set(field.settings) & set(settings):
                await self._session.write(field.characteristic, values.encoded(field, whole))
        self._known = whole

    async def restore(self, raw: Raw, settings: Collection[Setting]) -> bool:
        touched = [field for field in self._in_order() if set(field.settings) & set(settings)]
        for field in touched:
            if field.characteristic in raw:
                await self._session.write(field.characteristic, raw[field.characteristic])
        return all(field.characteristic in raw for field in touched)

    def _in_order(self) -> list[Field]:
        return sorted(self._profile.field, key=lambda field: field.order)

    async def commit(self) -> None:
        commit = self._profile.commit
        if commit.how == "write":
            assert commit.characteristic
            await self._act(commit.characteristic, commit.data)
            if commit.result:
                await self._result(commit.result, bytes.fromhex(commit.ok))
            self.is_proven |= self._profile.unlock.scheme == "pin-on-commit"

    async def change_secret(self, new: str) -> None:
        unlock = self._profile.unlock
        if not unlock.change:
            raise LinkError(LinkProblem.NO_CHARACTERISTIC, "this model's password can't be changed from here")
        if unlock.scheme == "aes-ecb-challenge":
            await unlocks.rekey(self._session, unlock, old=self._secret, new=new, proven=self.is_proven)
        else:
            await self._session.write(unlock.change, self._change_bytes(new))
            if unlock.change == self._profile.commit.result:
                await self._result(unlock.change, bytes.fromhex(self._profile.commit.ok))
        self._secret = new

    def _change_bytes(self, new: str) -> bytes:
        unlock = self._profile.unlock
        secret = unlocks.secret_bytes(unlock, new)
        if not unlock.change_data:
            return secret
        old = unlocks.secret_bytes(unlock, self._secret)
        return bytes.fromhex(unlock.change_data.replace("{secret}", old.hex()).replace("{new}", secret.hex()))

    async def identify(self) -> None:
        identify = self._profile.identify
        if identify is None:
            raise LinkError(LinkProblem.NO_CHARACTERISTIC, "this model has no way to show itself")
        for _ in range(5 if identify.off else 1):
            await self._session.write(identify.characteristic, bytes.fromhex(identify.on))
            if identify.off:
                await asyncio.sleep(0.5)
                await self._session.write(identify.characteristic, bytes.fromhex(identify.off))
                await asyncio.sleep(0.5)

    async def _act(self, characteristic: str, data: str) -> None:
        if "{secret}" in data:
            data = data.replace("{secret}", unlocks.secret_bytes(self._profile.unlock, self._secret).hex())
        try:
            await self._session.write(characteristic, bytes.fromhex(data))
        except LinkError as error:
            if self._profile.unlock.scheme != "pin-on-commit" or error.problem is not LinkProblem.NOT_PERMITTED:
                raise
            raise RefusedSecretError(unlocks.WRONG) from error

    async def _result(self, characteristic: str, ok: bytes) -> None:
        said = await self._session.read(characteristic)
        if not said.startswith(ok):
            refused = self._profile.commit.refused
            if refused and said.startswith(bytes.fromhex(refused)):
                raise RefusedSecretError(unlocks.WRONG)
            raise LinkError(LinkProblem.NOT_PERMITTED, f"it did not store the settings, it says {said[:4].hex()}")
