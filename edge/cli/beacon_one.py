"""`storegate beacon show`, `verify`, `identify` and `render`: one beacon after the other, nothing written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import NamedTuple

import msgspec
from rich.text import Text

from devices.beacons.link import Radio
from devices.beacons.profile import Confidence, Setting
from devices.beacons.provisioning import matching, provision
from devices.beacons.provisioning.dialects import esphome
from devices.beacons.provisioning.fitting import fitted
from devices.beacons.provisioning.job import Job, Progress, settings_of
from devices.beacons.provisioning.passwords import Passwords
from devices.beacons.provisioning.values import Value
from devices.beacons.radios.survey import Survey
from edge.cli import beacon_air, say
from edge.cli.beacon_books import Books
from edge.cli.beacon_words import console
from edge.errors import DeviceError, StoregateError, UsageError
from edge.shop.beacons import Beacon

GUESS_S = 5.0


class Read(NamedTuple):
    profile: str
    settings: dict[Setting, Value]


class One(NamedTuple):
    """Who is meant, and by which radio."""

    books: Books
    adapter: str
    who: str
    profile: str
    """Empty: that of its document, or what fits it best."""
    passwords: Passwords
    progress: Progress

    @asynccontextmanager
    async def reached(self) -> AsyncIterator[tuple[Radio, str, Job]]:
        """And the name of its profile."""
        turn = beacon_air.turn(self.books.config, self.adapter)
        async with turn, beacon_air.radio_of(self.adapter) as radio:
            yield radio, *await self._job(radio)

    async def _job(self, radio: Radio) -> tuple[str, Job]:
        """For a document's id, or for an address that may be nobody's yet."""
        books, who = self.books, self.who
        beacon = books.by_address(who) if ":" in who else books.beacon(who)
        if beacon is not None and beacon.profile and not self.profile:
            return str(beacon.profile), _with_secret(books.job(beacon), self.passwords)
        address = (beacon.address if beacon is not None else who).upper()
        if not address:
            raise UsageError(f"{who} has no address", hint="storegate beacon scan shows addresses")
        name = self.profile or await _guess(books, radio, address)
        job = Job(beacon=who, profile=books.profile(name), address=address)
        return name, _with_secret(job, self.passwords) if beacon is not None else job


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """One beacon, as `verify --json` prints it."""

    id: str
    ok: bool
    unlike: dict[str, tuple[Value, Value | None]] = {}
    """Setting → (what its document says, what it says)."""
    problem: str = ""
    hint: str = ""


async def read(one: One) -> Read:
    async with one.reached() as (radio, name, job):
        return Read(name, await provision.read(job, radio, progress=one.progress))


async def identified(one: One) -> None:
    async with one.reached() as (radio, _, job):
        await provision.identify(job, radio, progress=one.progress)


async def verified(
    books: Books,
    adapter: str,
    chosen: Sequence[Beacon],
    *,
    passwords: Passwords,
    unverified: bool,
    progress: Progress,
) -> list[Verified]:
    """What the profile is not sure of is looked at where it was set: with --unverified, or if all of it is unsure."""
    found = []
    async with beacon_air.turn(books.config, adapter), beacon_air.radio_of(adapter) as radio:
        for beacon in chosen:
            try:
                job = _with_secret(books.job(beacon), passwords)
                job = replace(job, unverified=unverified or job.profile.confidence is Confidence.UNSURE)
                unlike = await provision.verify(job, radio, progress=progress)
            except StoregateError as error:
                found.append(Verified(id=str(beacon.id), ok=False, problem=str(error), hint=error.hint))
            else:
                words = {str(setting): pair for setting, pair in unlike.items()}
                found.append(Verified(id=str(beacon.id), ok=not unlike, unlike=words))
    return found


def _with_secret(job: Job, passwords: Passwords) -> Job:
    return replace(job, secret=passwords.now_of(job.beacon, job.profile))


def told(found: Sequence[Verified]) -> None:
    out = console()
    for one in found:
        if one.ok:
            out.print(Text.assemble(("ok    ", "green"), (one.id, "bold"), "  as its document says"))
        elif one.problem:
            out.print(
                Text.assemble(
                    ("failed ", "red"), (one.id, "bold"), f"  {say.visible(one.problem.removeprefix(f'{one.id}: '))}"
                )
            )
            out.print(Text.assemble(("       next: ", "dim"), say.visible(one.hint)))
        else:
            out.print(Text.assemble(("unlike ", "yellow"), (one.id, "bold")))
            for setting, (wanted, says) in one.unlike.items():
                out.print(Text(f"       {setting}: the document says {wanted}, the beacon {says}"))


def rendered(books: Books, beacon: Beacon) -> str:
    profile = books.profile(str(beacon.profile)) if beacon.profile else None
    if profile is None or profile.dialect != "esphome":
        raise UsageError(f"{beacon.id} is no ESPHome device", hint='its document needs "profile": "esphome"')
    return f"# {beacon.id}\n{esphome.rendered(fitted(profile, settings_of(beacon)).settings)}"


async def _guess(books: Books, radio: Radio, address: str) -> str:
    survey = Survey()
    await beacon_air.listen(radio, GUESS_S, survey.hear)
    sender = survey.senders.get(address)
    if sender is None:
        raise DeviceError(
            f"{address} was not heard in {GUESS_S:g} s",
            hint="storegate beacon scan shows what is; is it in its time for settings?",
        )
    fits = matching.best(books.profiles, sender.advert)
    if not fits:
        hint = "--profile says which it is; firmware_profiles/beacons has those we know"
        raise UsageError("no profile fits what it sends", hint=hint)
    return fits[0].name
