"""`storegate beacon provision`: one after the other, each written down before the next begins."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from devices.beacons.link import Radio
from devices.beacons.provisioning import passwords as password_file
from devices.beacons.provisioning import provision, report
from devices.beacons.provisioning.dialects.serial_line import serial_line
from devices.beacons.provisioning.fitting import fitted
from devices.beacons.provisioning.job import Job, OpenLine
from devices.beacons.provisioning.job import Progress as Announce
from devices.beacons.provisioning.passwords import Passwords
from devices.beacons.provisioning.report import Line
from edge.cli import asking, beacon_air, beacon_words, say
from edge.cli.beacon_books import Books
from edge.errors import StoregateError, UsageError
from edge.shop.beacons import Beacon


@dataclass(frozen=True, kw_only=True)
class Asked:
    books: Books
    adapter: str
    new: Passwords
    current: Passwords
    unverified: bool
    line: Path | None
    url: str
    report: Path | None
    earlier: dict[str, str] = field(default_factory=dict)
    """What became of its password, says the report."""


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One beacon, as `--dry-run` tells it."""

    id: str
    profile: str = ""
    settings: dict[str, Any] = {}
    left_out: tuple[str, ...] = ()
    password_changes: bool = False
    problem: str = ""
    hint: str = ""


def current_of(file: Path | None) -> Passwords:
    return password_file.load(file) if file else Passwords({})


def plan(asked: Asked, chosen: Sequence[Beacon]) -> list[Planned]:
    return [_planned(asked, beacon) for beacon in chosen]


def told_plan(plan: Sequence[Planned]) -> None:
    out = beacon_words.console()
    for one in plan:
        out.print(f"[bold]{one.id}[/bold]  {one.profile}")
        for setting, value in one.settings.items():
            out.print(f"  {setting} {value}")
        for setting in one.left_out:
            out.print(f"  [dim]{setting}: this model has no place for it, or it is not certain where[/dim]")
        if one.password_changes:
            out.print("  a new password")
        if one.problem:
            out.print(f"  [red]{say.visible(one.problem)}[/red]\n  [dim]next:[/dim] {say.visible(one.hint)}")


async def provisioned(asked: Asked, chosen: Sequence[Beacon], *, quiet: bool) -> list[Line]:
    """The lines of this run. Raises StoregateError where nothing at all can be done."""
    asked, todo = await asyncio.to_thread(_resumed, asked, chosen)
    lines: list[Line] = []
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=say.err, transient=True,
        disable=not say.err.is_terminal,
    )  # fmt: skip
    async with beacon_air.turn(asked.books.config, asked.adapter), beacon_air.radio_of(asked.adapter) as radio:
        with bar:
            task = bar.add_task("", total=len(todo))
            for number, beacon in enumerate(todo, 1):
                if not say.err.is_terminal:
                    say.err.print(f"{beacon.id} ({number} of {len(todo)}) …", highlight=False, soft_wrap=True)
                step = functools.partial(_tell, bar, task, str(beacon.id))
                line, hint, stopped = await _one(asked, beacon, radio, step)
                lines.append(line)
                bar.advance(task)
                if not quiet:  # first: a full disk must not keep it from the one who waits for it
                    beacon_words.outcome(line, hint)
                if asked.report:
                    await asyncio.to_thread(_write, asked.report, line)
                if line.ok or line.step:  # nobody is told of what was never tried
                    await asyncio.to_thread(_tell_daemon, asked.books, beacon, line)
                if stopped:
                    break
    return lines


def _resumed(asked: Asked, chosen: Sequence[Beacon]) -> tuple[Asked, list[Beacon]]:
    if asked.report is None:
        return asked, list(chosen)
    earlier = report.lines(asked.report, damaged=functools.partial(_damaged, asked.report))
    report.writable(asked.report)
    names = set(report.todo(earlier, [str(beacon.id) for beacon in chosen]))
    done = len(chosen) - len(names)
    if done:
        say.err.print(f"{done} of {len(chosen)} are done already, says {asked.report}", highlight=False)
    passwords = {line.id: line.password for line in earlier}
    return replace(asked, earlier=passwords), [beacon for beacon in chosen if str(beacon.id) in names]


def _damaged(path: Path, number: int) -> None:
    say.warn(f"{path}, line {number}: damaged, it counts as not written")


async def _one(asked: Asked, beacon: Beacon, radio: Radio, step: Announce) -> tuple[Line, str, bool]:
    name = str(beacon.id)
    earlier = asked.earlier.get(name, "kept")
    try:
        done = await provision.provision(_job(asked, beacon), radio, progress=step)
    except StoregateError as error:
        return report.failed(name, error, earlier=earlier), error.hint, isinstance(error, provision.StoppedError)
    return report.done(name, done, earlier=earlier), "", False


def _job(asked: Asked, beacon: Beacon) -> Job:
    name = str(beacon.id)
    line = _line(asked.line, asked.books, beacon) if asked.line else None
    job = asked.books.job(beacon, url=asked.url, line=line, unverified=asked.unverified)
    fitted(job.profile, job.wanted, unverified=job.unverified)  # what no password mends is told before those
    new = asked.new.new_for(name, job.profile)
    now = new if new and asked.earlier.get(name, "kept") != "kept" else asked.current.now_of(name, job.profile)
    return replace(job, secret=now, new_secret=new)


def _line(path: Path, books: Books, beacon: Beacon) -> OpenLine:
    at = books.profile(str(beacon.profile)).at
    if at is None:
        raise UsageError(f"{beacon.id} is no AT module: it has no serial line", hint="leave --line out")
    return functools.partial(serial_line, path, baud=at.baud)


def _planned(asked: Asked, beacon: Beacon) -> Planned:
    try:
        job = _job(asked, beacon)
        fit = fitted(job.profile, job.wanted, unverified=job.unverified)
    except StoregateError as error:
        return Planned(id=str(beacon.id), profile=str(beacon.profile), problem=str(error), hint=error.hint)
    return Planned(
        id=str(beacon.id),
        profile=str(beacon.profile),
        settings={str(setting): value for setting, value in fit.settings.items()},
        left_out=tuple(sorted(str(setting) for setting in fit.left_out)),
        password_changes=bool(job.new_secret) and job.new_secret != job.secret,
    )


def _write(path: Path, line: Line) -> None:
    try:
        report.add(path, line)
    except OSError as error:
        raise StoregateError(f"can't write the report {path}: {error.strerror}") from error


def _tell(bar: Progress, task: Any, name: str, step: str) -> None:
    bar.update(task, description=f"{name}: {step.replace('_', ' ')}")


def _tell_daemon(books: Books, beacon: Beacon, line: Line) -> None:
    """So that the journal and the cloud know; without a daemon, nobody is told."""
    problem = "" if line.ok else "failed"
    body = {
        "beacon": line.id, "profile": str(beacon.profile), "ok": line.ok, "step": line.step, "problem": problem,
        "rolled_back": bool(line.rolled_back),
    }  # fmt: skip
    try:
        asking.daemon(books.config, "POST", "/api/v1/beacons/configured", msgspec.json.encode(body))
    except StoregateError as error:
        say.warn(f"the gateway was not told: {error}")
