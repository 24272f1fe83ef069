"""Modules that are told by AT commands, over a serial line or a UART of GATT characteristics: HM-10 and its kind."""

from __future__ import annotations

import re
import uuid
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager

from devices.beacons.link import GattSession, LinkError, LinkProblem, TextLine
from devices.beacons.profile import At, BeaconProfile, Setting
from devices.beacons.provisioning import unlocks, values
from devices.beacons.provisioning.dialects.dialect import Dialect, Raw, RefusedSecretError
from devices.beacons.provisioning.dialects.gatt_line import GattLine, listening
from devices.beacons.provisioning.values import NotUnderstoodError, Settings, Value
from edge.errors import UsageError

ANSWER_S = 2.0
MAX_ANSWER = 512
_PLACE = re.compile(r"\{(\w+)\}")
_STEMS = {
    "uuid": Setting.UUID, "major": Setting.MAJOR, "minor": Setting.MINOR, "measured": Setting.MEASURED_POWER,
    "tx": Setting.TX_POWER, "interval": Setting.INTERVAL, "name": Setting.NAME,
}  # fmt: skip


@asynccontextmanager
async def opened_at(profile: BeaconProfile, session: GattSession) -> AsyncIterator[Dialect]:
    at = at_of(profile)
    if not at.write or not at.notify:
        raise UsageError("this model is set over a serial line, not over the air", hint="give --line /dev/tty…")
    async with listening(session, at.notify) as notifications:
        line = GattLine(session, at.write, notifications)
        try:
            yield AtCommands(profile, line)
        finally:
            await line.close()


@asynccontextmanager
async def over_line(profile: BeaconProfile, line: TextLine) -> AsyncIterator[Dialect]:
    yield AtCommands(profile, line)


def at_of(profile: BeaconProfile) -> At:
    if profile.at is None:
        raise UsageError("the profile has no table [at]")
    return profile.at


def settable_of(profile: BeaconProfile) -> frozenset[Setting]:
    return frozenset(setting for command in at_of(profile).commands for setting in named_in(command))


def named_in(command: str) -> frozenset[Setting]:
    """The settings that a command carries."""
    stems = (place.split("_")[0].rstrip("0123456789") for place in _PLACE.findall(command))
    return frozenset(_STEMS[stem] for stem in stems if stem in _STEMS)


def codes_fit(profile: BeaconProfile, settings: Settings) -> dict[Setting, Value]:
    """Intervals and powers as the module knows them. Raises DoesNotFitError."""
    at, fit = at_of(profile), dict(settings)
    for setting, known in ((Setting.INTERVAL, at.intervals), (Setting.TX_POWER, at.powers)):
        if known and setting in fit:
            fit[setting] = values.number_of(values.choice(setting, fit[setting], known))
    return fit


def filled(at: At, text: str, settings: Settings) -> str:
    """A command with its places filled."""
    places: dict[str, str] = {}
    for setting, value in settings.items():
        stem = "tx" if setting is Setting.TX_POWER else setting.split("_")[0]
        if setting is Setting.UUID:
            digits = uuid.UUID(str(value)).hex.upper()
            places |= {"uuid": digits} | {f"uuid{word}": digits[8 * word : 8 * word + 8] for word in range(4)}
        elif setting is Setting.NAME:
            places["name"] = str(value)
        else:
            number = round(float(value))
            width = 2 if setting in values.POWERS else 4
            places |= {f"{stem}_dec": str(number), f"{stem}_hex": f"{number & (1 << 4 * width) - 1:0{width}X}"}
    for setting, known, stem in ((Setting.INTERVAL, at.intervals, "interval"), (Setting.TX_POWER, at.powers, "tx")):
        if known and setting in settings:
            places[f"{stem}_code"] = known[values.choice(setting, settings[setting], known)]
    return _PLACE.sub(lambda found: places[found.group(1)], text)


class AtCommands:
    def __init__(self, profile: BeaconProfile, line: TextLine) -> None:
        self._profile = profile
        self._at = at_of(profile)
        self._line = line
        self._known: dict[Setting, Value] = {}
        self.settable = settable_of(profile)
        self.readable = frozenset(self._at.reads)
        self.is_proven = False

    async def unlock(self, secret: str) -> None:
        if self._at.wake:
            await self._line.send(self._at.wake.encode("ascii"))
            await self._silence()
        if self._profile.unlock.scheme == "at-auth":
            unlocks.secret_bytes(self._profile.unlock, secret)
            if not (await self._asked(self._at.auth.replace("{secret}", secret))).startswith(self._at.ok):
                raise RefusedSecretError(unlocks.WRONG)
            self.is_proven = True

    async def read(self, settings: Collection[Setting]) -> dict[Setting, Value]:
        found: dict[Setting, Value] = {}
        for setting, commands in self._at.reads.items():
            if setting in settings:
                answers = [await self._told(command, setting) for command in commands]
                found[setting] = _value(self._at, setting, [_last_word(answer) for answer in answers])
        self._known |= found
        return found

    async def write(self, settings: Settings) -> None:
        whole = self._known | dict(settings)
        for command in self._at.commands:
            named = named_in(command)
            if not named or named & set(settings):
                await self._told(filled(self._at, command, whole), ", ".join(sorted(named)) or command)
        self._known = whole

    @property
    def raw(self) -> Raw:
        return {setting.value: value for setting, value in self._known.items()}

    async def restore(self, raw: Raw, settings: Collection[Setting]) -> bool:
        former: Settings = {setting: raw[setting] for setting in settings if setting in raw}
        if former:
            await self.write(former)
        return set(former) == set(settings)

    async def commit(self) -> None:
        """The last of it restarts the module: no answer is needed."""
        for command in self._at.commit:
            try:
                await self._asked(command)
            except LinkError as error:
                if error.problem not in {LinkProblem.LOST, LinkProblem.TIMEOUT}:
                    raise

    async def change_secret(self, new: str) -> None:
        if not self._at.change:
            raise LinkError(LinkProblem.NO_CHARACTERISTIC, "this model's password can't be changed from here")
        unlocks.secret_bytes(self._profile.unlock, new)
        await self._told(self._at.change.replace("{secret}", new), "the password")

    async def identify(self) -> None:
        raise LinkError(LinkProblem.NO_CHARACTERISTIC, "this model has no way to show itself")

    async def _told(self, command: str, what: str) -> str:
        """`what` is named in the message, the command never: it may hold a password."""
        answer = await self._asked(command)
        if not answer.startswith(self._at.ok):
            raise LinkError(LinkProblem.NOT_PERMITTED, f"the module refused {what}")
        return answer

    async def _asked(self, command: str) -> str:
        await self._line.send((command + self._at.end).encode("ascii"))
        said = await self._line.receive(timeout_s=ANSWER_S)
        end = self._at.end.encode("ascii")
        while len(said) <= MAX_ANSWER:
            if end and end in said:
                break
            more = await self._more(ANSWER_S if end else self._at.quiet_ms / 1000)
            if not more:
                break
            said += more
        return said.decode("ascii", "replace").strip()

    async def _silence(self) -> None:
        while await self._more(self._at.quiet_ms / 1000):
            pass

    async def _more(self, timeout_s: float) -> bytes:
        try:
            return await self._line.receive(timeout_s=timeout_s)
        except LinkError as error:
            if error.problem is not LinkProblem.TIMEOUT:
                raise
            return b""


def _last_word(answer: str) -> str:
    return re.split(r"[:=+ ]", answer)[-1]


def _value(at: At, setting: Setting, words: list[str]) -> Value:
    how = at.reads_as.get(setting, "hex")
    try:
        if setting is Setting.UUID:
            return str(uuid.UUID("".join(_digits(word) for word in words)))
        (word,) = words
        if how == "text":
            return word
        if how == "code":
            return _decoded(at, setting, word)
        number = int(_digits(word), 16) if how == "hex" else int(word)
    except ValueError:
        raise NotUnderstoodError(f"{setting}: the module's answer has another form") from None
    return number - 256 if how == "hex" and setting in values.POWERS and number > 127 else number


def _digits(word: str) -> str:
    return word.removeprefix("0x").removeprefix("0X")


def _decoded(at: At, setting: Setting, word: str) -> Value:
    table: Mapping[str, str] = at.intervals if setting is Setting.INTERVAL else at.powers
    for ours, code in table.items():
        if code == word:
            return values.number_of(ours)
    raise NotUnderstoodError(f"{setting}: a letter that the profile does not know")
