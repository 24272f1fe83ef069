"""`storegate wifi`: who is on the guest Wi-Fi, ending their sessions, records for who may ask for them."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

import typer

from edge.cli import say
from edge.errors import StoregateError, UsageError

if TYPE_CHECKING:
    from edge.config import Config
    from edge.portal.office import GuestNow, Office
    from edge.web.admin.wifi import Ended

app = typer.Typer(no_args_is_help=True)


@app.command("guests")
def guests(config: say.ConfigOption = None, as_json: say.JsonOption = False) -> None:
    """Who is on now, and for how much longer: storegate wifi guests"""
    from edge.cli import wifi_office  # noqa: PLC0415
    from edge.portal.office import GuestNow  # noqa: PLC0415

    try:
        settings = wifi_office.settings(config)
        found = wifi_office.ask(settings, "guests", tuple[GuestNow, ...], lambda office: office.guests())
    except StoregateError as error:
        say.fail(error)
    say.show(found, as_json=as_json, human=lambda: _tell(found, ZoneInfo(settings.gateway.timezone)))


@app.command("end")
def end(
    session: Annotated[
        str, typer.Argument(help="As `guests` shows it; without one, give --all.", callback=say.utf8)
    ] = "",
    everybody: Annotated[bool, typer.Option("--all", help="Everybody who is on.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask back.")] = False,
    config: say.ConfigOption = None,
    as_json: say.JsonOption = False,
) -> None:
    """End a guest's session, running downloads too: storegate wifi end 5f0c9a1e22d4b7c8"""
    from edge.cli import wifi_office  # noqa: PLC0415
    from edge.web.admin.wifi import Ended  # noqa: PLC0415

    if bool(session) is everybody:
        say.fail(UsageError("give either a SESSION or --all", hint="storegate wifi end --help"))
    if everybody and not yes:
        typer.confirm("End the session of everybody who is on?", abort=True, err=True)
    body: dict[str, object] = {"all": True} if everybody else {"session": session}

    async def here(office: Office) -> Ended:
        say.warn("no daemon runs: who was on is out once one does, and the gate hears of it")
        ended = await office.end(session or None)
        if not ended and session:
            raise UsageError("no such session is on", hint="storegate wifi guests lists them")
        return Ended(ended=ended, gate=False)

    try:
        found = wifi_office.ask(wifi_office.settings(config), "guests/end", Ended, here, body=body)
    except StoregateError as error:
        say.fail(error)
    say.show(found, as_json=as_json, human=lambda: print(_ended(found)))


def _ended(found: Ended) -> str:
    if found.gate or not found.ended:
        return f"{found.ended} ended"
    return f"{found.ended} ended here, but the gate does not answer: they are cut off once it is back"


@app.command("records")
def records(
    since: Annotated[
        str, typer.Option("--from", help="2026-11-01, or 2026-11-01T18:30, in the shop's time.", callback=say.utf8)
    ] = "",
    until: Annotated[str, typer.Option("--to", help="Likewise; a day is meant to its end.", callback=say.utf8)] = "",
    form: Annotated[Literal["jsonl", "csv"], typer.Option("--format", help="JSON lines or a table.")] = "jsonl",
    out: Annotated[Path | None, typer.Option("--out", help="A new file, for you alone; else stdout.")] = None,
    config: say.ConfigOption = None,
) -> None:
    """Records of sessions, opened: storegate wifi records --from 2026-11-01 --to 2026-11-30 --out november.jsonl

    There are some only where portal.policy asks for them, and only as long as it says. They are about people:
    give them to whom the law names, and to nobody else.
    """
    from edge.cli import asking, wifi_office  # noqa: PLC0415

    try:
        settings = wifi_office.settings(config)
        first, last = _span(settings, since, until)
        path = f"{wifi_office.PATH}records?from_ms={first}&to_ms={last}&format={form}"
        raw = asking.daemon(settings, "GET", path)
        if raw is None:
            raw = wifi_office.in_journal(settings, lambda office: _lines(office, first, last, form))
        _write(out, raw)
    except StoregateError as error:
        say.fail(error)
    count = raw.count(b"\n") - (form == "csv")
    if not count:
        say.err.print("no records of that time; portal.policy says whether and how long any are kept")
    elif out is not None:
        say.err.print(f"{count} records are in {out}", soft_wrap=True, markup=False)


async def _lines(office: Office, first: int, last: int, form: str) -> bytes:
    from edge.web.admin.wifi import head_of, line_of  # noqa: PLC0415

    lines = [line_of(line, form) async for line in office.records(from_ms=first, to_ms=last)]
    return await asyncio.to_thread(b"".join, [head_of(form), *lines])


def _span(settings: Config, since: str, until: str) -> tuple[int, int]:
    zone = ZoneInfo(settings.gateway.timezone)
    first = _moment(since, zone, "--from") if since else 0
    last = _moment(until, zone, "--to", end=True) if until else 2**53
    if last < first:
        raise UsageError("--to is before --from")
    return first, last


def _moment(text: str, zone: ZoneInfo, option: str, *, end: bool = False) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is no day like 2026-11-01 or time like 2026-11-01T18:30") from None
    if end and len(text) == len("2026-11-01"):
        moment += timedelta(days=1, milliseconds=-1)
    return max(0, round((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1000))


def _write(out: Path | None, raw: bytes) -> None:
    if out is None:
        sys.stdout.buffer.write(raw)
        return
    try:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
    except FileExistsError as error:
        hint = "give another name: records are never written over others; what is there can be removed first (rm)"
        raise UsageError(f"{out} is there already", hint=hint) from error
    except OSError as error:
        hint = "give a file in a folder that you may write"
        raise UsageError(f"can't write {out}: {error.strerror}", hint=hint) from error


def _tell(found: tuple[GuestNow, ...], zone: ZoneInfo) -> None:
    if not found:
        say.err.print("nobody is on")
        return
    print(f"{'session':<17} {'way':<8} {'since':<12} {'left':>8} {'up MB':>9} {'down MB':>9} {'of MB':>8}")
    for each in found:
        since = datetime.fromtimestamp(each.since_ms / 1000, zone).strftime("%m-%d %H:%M")
        left = f"{each.left_s // 3600}:{each.left_s // 60 % 60:02}:{each.left_s % 60:02}"
        most = "-" if each.max_bytes is None else f"{each.max_bytes / 1e6:.0f}"
        up, down = each.up_bytes / 1e6, each.down_bytes / 1e6
        print(f"{each.session:<17} {each.way:<8} {since:<12} {left:>8} {up:>9.1f} {down:>9.1f} {most:>8}")
