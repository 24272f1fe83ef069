"""What `storegate beacon` prints: tables for people, structs for programs."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from devices.beacons.profile import BeaconProfile, Setting
from devices.beacons.provisioning import matching
from devices.beacons.provisioning.matching import Sureness
from devices.beacons.provisioning.report import Line
from devices.beacons.radios.survey import Sender
from edge.cli import say

PIPE_WIDTH = 140
ROOMY = 110
"""Columns of a terminal that has room for the table as it is."""
PASSWORDS = {"changed": "the new one", "unknown": "the old one or the new one"}
SURE = {Sureness.MAYBE: "perhaps", Sureness.LIKELY: "likely", Sureness.SURE: "sure"}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One sender, as `scan --json` prints it."""

    address: str
    rssi_dbm: float
    adverts: int
    beacon: str = ""
    name: str = ""
    says: dict[str, str] = {}
    profiles: tuple[str, ...] = ()
    sureness: str = ""
    battery_percent: int | None = None
    interval_ms: int | None = None


def row_of(sender: Sender, profiles: Mapping[str, BeaconProfile]) -> Row:
    fits = matching.best(profiles, sender.advert)
    return Row(
        address=sender.address,
        rssi_dbm=sender.rssi_dbm,
        adverts=sender.adverts,
        beacon=sender.beacon,
        name=sender.name,
        says=sender.says,
        profiles=tuple(fit.name for fit in fits),
        sureness=SURE[fits[0].sureness] if fits else "",
        battery_percent=sender.battery_percent,
        interval_ms=None if sender.interval_ms is None else round(sender.interval_ms),
    )


def is_beacon(row: Row) -> bool:
    return bool(row.says or row.profiles or row.beacon)


def table(rows: Iterable[Row], width: int = PIPE_WIDTH) -> Table:
    """Addresses and names of profiles are never broken: they are copied from here. All else gives way."""
    rows, narrow = list(rows), width < ROOMY
    guesses = [row.profiles[0] if narrow else f"{row.profiles[0]} ({row.sureness})" for row in rows if row.profiles]
    whole = {"dBm": 4, "profile": max(map(len, [*guesses, "profile"])), "address": 17}
    out = Table(box=None, pad_edge=False, padding=(0, 1 if narrow else 2, 0, 0))
    for title in ("dBm", "beacon", "sends", "profile", "battery", "every", "address"):
        out.add_column(title, overflow="fold", width=whole.get(title))
    for row in rows:
        guess = f"{row.profiles[0]} ({row.sureness})" if row.profiles else "-"
        sends = "\n".join(f"{kind} {_short(text)}" for kind, text in row.says.items()) or "-"
        battery = "-" if row.battery_percent is None else f"{row.battery_percent} %"
        every = "-" if row.interval_ms is None else f"{row.interval_ms} ms"
        who = row.beacon or (f"“{row.name}”" if row.name else "-")
        cells = (f"{row.rssi_dbm:.0f}", who, sends, guess, battery, every, row.address)
        out.add_row(*(Text("\n".join(say.visible(line) for line in cell.split("\n"))) for cell in cells))
    return out


def _short(text: str) -> str:
    """A UUID's beginning tells people enough; --json has all of it."""
    return re.sub(r"\b([0-9A-Fa-f]{8})(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", r"\1…", text)


def wide() -> Console:
    """For tables: into a pipe or a file they go whole."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def console() -> Console:
    return Console(highlight=False, soft_wrap=True)


def settings(profile: str, found: Mapping[Setting, Any]) -> None:
    out = Table(show_header=False, box=None)
    out.add_row("profile", profile)
    for setting, value in sorted(found.items()):
        out.add_row(str(setting), Text(say.visible(_plain(setting, value))))
    console().print(out)


def _plain(setting: Setting, value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).upper() if setting is Setting.UUID else str(value)


def outcome(line: Line, hint: str = "") -> None:
    """One beacon's end, on stdout: ids, steps and words, never a password or an address."""
    out = console()
    if line.ok:
        what = "as it should be already" if not line.changed else f"changed {', '.join(line.changed)}"
        word = f"; its password is {PASSWORDS[line.password]}" if line.password in PASSWORDS else ""
        out.print(Text.assemble(("ok    ", "green"), (line.id, "bold"), f"  {what}{word}"))
        return
    out.print(
        Text.assemble(
            ("failed ", "red"), (line.id, "bold"), f"  {say.visible(line.problem.removeprefix(f'{line.id}: '))}"
        )
    )
    told = {True: "its old settings were given back", False: "its old settings could NOT be given back"}
    if line.rolled_back is not None:
        out.print(Text(f"       {told[line.rolled_back]}"))
    if line.password in PASSWORDS:
        out.print(Text(f"       its password now: {PASSWORDS[line.password]}"))
    if hint:
        out.print(Text.assemble(("       next: ", "dim"), say.visible(hint)))
