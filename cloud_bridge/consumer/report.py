"""What was produced, received, lost and missing: as JSON, as plain lines, as a live table."""

from __future__ import annotations

from pathlib import Path

import msgspec
from rich.markup import escape
from rich.table import Table

from cloud_bridge.consumer.reader import Progress
from cloud_bridge.consumer.tables import Account, Stream
from edge.errors import UsageError

SHOWN_GAPS = 20


class StreamSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One epoch of one gateway: produced = before + received + lost + missing."""

    source: str
    epoch: str
    online: bool
    produced: int
    before: int
    received: int
    lost: int
    missing: int
    duplicates: int
    """On the wire; none of them is in the database."""
    through: int
    gaps: list[tuple[int, int]]
    """The first missing runs."""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    produced: int
    received: int
    lost: int
    missing: int
    duplicates: int
    dead: int
    streams: list[StreamSummary]


def summary(accounts: list[Account], dead: int) -> Summary:
    streams = [_stream(account) for account in accounts]
    return Summary(
        produced=sum(stream.produced for stream in streams),
        received=sum(stream.received for stream in streams),
        lost=sum(stream.lost for stream in streams),
        missing=sum(stream.missing for stream in streams),
        duplicates=sum(stream.duplicates for stream in streams),
        dead=dead,
        streams=streams,
    )


def _stream(account: Account) -> StreamSummary:
    stream = account.stream
    return StreamSummary(
        source=stream.source,
        epoch=stream.epoch,
        online=stream.online,
        produced=stream.last_seq,
        before=account.before,
        received=stream.received,
        lost=account.lost,
        missing=account.missing_count,
        duplicates=stream.duplicates,
        through=stream.through,
        gaps=account.missing[:SHOWN_GAPS],
    )


def lines(found: Summary) -> list[str]:
    """For people, one stream a line."""
    said = []
    for stream in found.streams:
        gaps = ", ".join(f"{first}–{last}" if last > first else str(first) for first, last in stream.gaps)
        before = f", before this database {stream.before}" if stream.before else ""
        said.append(
            f"{stream.source} {stream.epoch}: produced {stream.produced}, received {stream.received}, "
            f"lost {stream.lost}, missing {stream.missing}{f' ({gaps})' if gaps else ''}, "
            f"doubled on the wire {stream.duplicates}{before}"
        )
    said.append(
        f"in all: produced {found.produced}, received {found.received}, lost {found.lost}, missing {found.missing}, "
        f"doubled on the wire {found.duplicates}, put aside {found.dead}"
    )
    return said


def table(streams: list[Stream], progress: Progress, *, rate: float) -> Table:
    problem = escape(progress.problem[:100])
    state = "[green]connected[/green]" if progress.connected else f"[red]not connected[/red] {problem}"
    caption = f"{state} · {progress.events} events in {progress.messages} messages · {rate:.0f}/s"
    shown = Table(title="storegate-consumer", caption=caption)
    shown.add_column("gateway, epoch", no_wrap=True)
    for head in ("made", "got", "twice", "safe"):
        shown.add_column(head, justify="right", no_wrap=True)
    shown.add_column("last event")
    for stream in streams:
        light = "[green]●[/green]" if stream.online else "[dim]○[/dim]"
        counts = (stream.last_seq, stream.received, stream.duplicates, stream.through)
        last = f"{stream.last_time[11:19]} {stream.last_type.removeprefix('storegate.')}"
        name = f"{light} {escape(stream.source.removeprefix('/storegate/'))} {escape(stream.epoch[:6])}"
        shown.add_row(name, *map(str, counts), escape(last))
    return shown


def write(path: Path, found: Summary) -> None:
    """Whole or not at all: somebody may be reading it. Blocking. Raises UsageError when it can't be written."""
    try:
        fresh = path.with_name(f"{path.name}.new")
        fresh.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
        fresh.replace(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"--summary {path} can't be written: {error}", hint="does its folder exist?") from error
