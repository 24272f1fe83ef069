"""`storegate status`: how the running gateway is, in a few lines."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edge.cli import say
from edge.errors import StoregateError

COLOURS = {"up": "green", "waiting": "red", "down": "red", "starting": "yellow"}


class Broker(msgspec.Struct, frozen=True):
    configured: bool
    connected: bool
    address: str
    published: int
    problem: str


class Outbox(msgspec.Struct, frozen=True):
    depth: dict[str, int]
    bytes: int
    oldest_age_s: float | None
    last_seq: int
    refusing: str | None


class Zone(msgspec.Struct, frozen=True):
    zone: str
    entered: int
    exited: int
    people: int


class Part(msgspec.Struct, frozen=True):
    """A service or a device."""

    state: str
    name: str = ""
    id: str = ""
    problem: str = ""


class Radio(msgspec.Struct, frozen=True):
    adapter: str
    state: str
    scan: str = "off"
    adverts_per_s: float = 0.0
    coverage: float | None = None
    coverage_basis: str = "none"
    sends: int = 0
    wanted: int = 0


class Beacon(msgspec.Struct, frozen=True):
    id: str
    seen_s_ago: float | None = None
    problems: tuple[str, ...] = ()


class Wifi(msgspec.Struct, frozen=True):
    """The guest Wi-Fi."""

    gate: str
    members: int
    waiting: int
    admitted: dict[str, int]
    uplink: bool | None = None
    tls_days_left: float | None = None


class Finding(msgspec.Struct, frozen=True):
    level: str
    text: str
    next: str


class Told(msgspec.Struct, frozen=True):
    """The part of /api/v1/status that is shown."""

    tenant: str
    store: str
    gateway: str
    version: str
    up_s: float
    time: str
    broker: Broker
    outbox: Outbox
    footfall: tuple[Zone, ...]
    services: tuple[Part, ...]
    devices: tuple[Part, ...]
    findings: tuple[Finding, ...]
    radios: tuple[Radio, ...] = ()
    beacons: tuple[Beacon, ...] = ()
    wifi: Wifi | None = None


def status(config: say.ConfigOption = None, *, as_json: say.JsonOption = False) -> None:
    """Say how the running gateway is: cloud, outbox, devices, footfall, beacons, Wi-Fi, what is wrong, what to do.

    Exit code 1 when none runs, or when something is wrong. --json prints all there is (the admin page's facts).

    [bold]Example[/bold]: storegate status --json | jq .outbox
    """
    try:
        raw = _ask(config)
        told = msgspec.json.decode(raw, type=Told)
    except StoregateError as error:
        say.fail(error)
    except msgspec.MsgspecError as error:
        say.fail(StoregateError(f"the daemon's answer is not understood: {error}", hint="is it of another version?"))
    if as_json:
        sys.stdout.write(raw.decode() + "\n")
    else:
        _show(told)
    raise typer.Exit(1 if any(finding.level == "bad" for finding in told.findings) else 0)


def _ask(config: Path | None) -> bytes:
    from edge.cli import asking  # noqa: PLC0415
    from edge.config import find, load  # noqa: PLC0415

    settings = load(find(config))
    raw = asking.daemon(settings, "GET", "/api/v1/status?lang=en")
    if raw is None:
        where = f"{settings.listen.admin.host}:{settings.listen.admin.port}"
        hint = "start it (sudo systemctl start storegate, or storegate run), or ask storegate doctor"
        raise StoregateError(f"no gateway answers on {where}", hint=hint)
    return raw


def _show(told: Told) -> None:
    out = Console(highlight=False)
    out.print(Text.assemble((f"{told.store} ", "bold"), f"{told.tenant}/{told.gateway}, {told.version}"))
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in _facts(told):
        table.add_row(Text(name, "dim"), value)
    out.print(table)
    for finding in told.findings:
        colour = "red" if finding.level == "bad" else "yellow"
        out.print(Text.assemble(("● ", colour), finding.text, ("\n  → " + finding.next, "dim")), soft_wrap=True)
    if not told.findings:
        out.print(Text("✓ all is well", "green"))


def _facts(told: Told) -> list[tuple[str, Text]]:
    waiting = sum(told.outbox.depth.values())
    oldest, refusing = told.outbox.oldest_age_s, told.outbox.refusing
    broker = told.broker
    cloud = "not configured" if not broker.configured else "connected" if broker.connected else "not connected"
    facts = [
        ("up for", Text(str(timedelta(seconds=round(told.up_s))))),
        ("cloud", Text(f"{cloud} {broker.address}, {broker.published:,} events delivered")),
        ("outbox", Text(f"{waiting:,} wait" + (f", the oldest for {oldest:,.0f} s" if oldest is not None else ""))),
        ("journal", Text(f"refuses: {refusing}" if refusing else f"{told.outbox.last_seq:,} events")),
    ]
    facts += [
        (f"zone {zone.zone}", Text(f"{zone.entered} in, {zone.exited} out today, {zone.people} inside"))
        for zone in told.footfall
    ]
    facts.append(("services", _parts([(part.name, part.state) for part in told.services])))
    facts.append(("devices", _parts([(part.id, part.state) for part in told.devices])))
    facts += [(f"radio {radio.adapter}", _radio(radio)) for radio in told.radios]
    if told.beacons:
        heard = sum(beacon.seen_s_ago is not None for beacon in told.beacons)
        wrong = sum(bool(beacon.problems) for beacon in told.beacons)
        text = f"{len(told.beacons):,}, {heard:,} heard" + (f", {wrong:,} with a problem" if wrong else "")
        facts.append(("beacons", Text(text)))
    if told.wifi is not None:
        facts.append(("guest Wi-Fi", _wifi(told.wifi)))
    return facts


def _wifi(wifi: Wifi) -> Text:
    said = f": {wifi.members:,} on, {wifi.waiting:,} not let in, {sum(wifi.admitted.values()):,} let in today"
    said += {True: "", False: ", no internet", None: ""}[wifi.uplink]
    said += ", plain http" if wifi.tls_days_left is None else f", certificate lasts {int(wifi.tls_days_left)} days"
    return Text.assemble((wifi.gate, COLOURS.get(wifi.gate, "")), said)


def _radio(radio: Radio) -> Text:
    heard = f"{radio.scan} scan, {radio.adverts_per_s:.0f} adverts/s"
    if radio.coverage is not None and radio.coverage_basis != "none":
        heard += f", listens {100 * radio.coverage:.0f} % (by {radio.coverage_basis})"
    if radio.wanted:
        heard += f", sends {radio.sends} of {radio.wanted}"
    return Text.assemble((radio.state, COLOURS.get(radio.state, "")), f": {heard}")


def _parts(parts: list[tuple[str, str]]) -> Text:
    """Names in the colour of their state; what is not up says so."""
    text = Text()
    for name, state in parts:
        text.append(f"{', ' if text else ''}{name}" + ("" if state == "up" else f" ({state})"), COLOURS.get(state, ""))
    return text or Text("none")
