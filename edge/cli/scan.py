"""`storegate scan`: reads barcodes and QR codes from pictures."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from edge.cli import say
from edge.errors import StoregateError, UsageError

if TYPE_CHECKING:
    from devices.scanners.picture_file import FileReport

app = typer.Typer(no_args_is_help=True)
ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
"""What counts as a picture inside a folder; a file that is named itself is always tried."""

_HELP = """Read barcodes and QR codes from photographs.

Blurred, tilted, far away, dark: a picture is looked at again and again, harder each time, until its codes are found.
Prints each code, its symbology, and the milliseconds a file took. A payment code is named, never shown.

Exit code: 0 when every file was a picture, also without a code in it; 1 when one was not; 2 for wrong usage.

[bold]Examples[/bold]

  storegate scan image photo.jpg

  storegate scan image --json 'shelf/*.jpg' | jq .codes

  storegate scan image --recursive --only EAN-13 --only "QR Code" photos/
"""


@app.callback()
def scan() -> None:
    """Read barcodes and QR codes from pictures."""


@app.command("image", help=_HELP)
def image(
    files: Annotated[list[str], typer.Argument(help="Pictures, patterns like '*.jpg', or folders.", metavar="FILE…")],
    *,
    as_json: say.JsonOption = False,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Folders inside folders too.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="A symbology, `EAN-13`; may be repeated. Else all.")] = None,
    jobs: Annotated[int, typer.Option(min=0, max=256, help="Processes; 0: one a core.")] = 0,
) -> None:
    try:
        symbologies = _symbologies(tuple(only or ()))
        names = list(_expanded(files, recursive=recursive))
        if not names:
            raise UsageError("no picture found", hint="--recursive looks into folders inside folders")
    except StoregateError as error:
        say.fail(error)
    bad = 0
    for report in _with_progress(_reports(names, symbologies, jobs or os.cpu_count() or 1), len(names)):
        bad += isinstance(report.error, str)
        _print_json(report) if as_json else _print_words(report)
    raise typer.Exit(1 if bad else 0)


def _symbologies(only: tuple[str, ...]) -> tuple[str, ...]:
    from devices.scanners import decode  # noqa: PLC0415 - needs the camera extra

    return decode.choose(only or decode.SYMBOLOGIES).names


def _expanded(given: list[str], *, recursive: bool) -> Iterator[str]:
    """File names in the order given, each once; what is in folders and patterns sorted."""
    seen: set[str] = set()
    for name in given:
        path = Path(name)
        if path.is_dir():
            inside = path.rglob("*") if recursive else path.iterdir()
            found = sorted(str(one) for one in inside if one.suffix.lower() in ENDINGS and one.is_file())
        elif path.exists() or not glob.has_magic(name):
            found = [name]
        else:
            found = sorted(glob.glob(name, recursive=recursive)) or [name]  # noqa: PTH207 - a pattern may be absolute
        for one in found:
            if one not in seen:
                seen.add(one)
                yield one


def _reports(names: list[str], symbologies: tuple[str, ...], jobs: int) -> Iterator[FileReport]:
    """A report a file, in order, from as many processes. A picture that kills its reader costs only itself."""
    from devices.scanners.picture_file import FileReport, report  # noqa: PLC0415 - needs the camera extra

    if len(names) == 1:
        yield report(names[0], symbologies)
        return
    done = 0
    while done < len(names):
        alone = done > 0  # a reader died: from here on one picture at a time shows which one it was
        batch = names[done : done + 1] if alone else names[done:]
        with ProcessPoolExecutor(min(jobs, len(batch)), mp_context=get_context("spawn")) as pool:
            futures: list[Future[FileReport]] = [pool.submit(report, name, symbologies) for name in batch]
            for name, future in zip(batch, futures, strict=True):
                try:
                    yield future.result()
                except BrokenProcessPool:
                    if alone or len(batch) == 1:
                        yield FileReport(file=name, codes=(), ms=0.0, error="is broken: it made the reader crash")
                    else:
                        break
                done += 1


def _with_progress(reports: Iterator[FileReport], total: int) -> Iterator[FileReport]:
    if total < 2 or not say.err.is_terminal:
        yield from reports
        return
    with Progress(console=say.err, transient=True) as progress:
        task = progress.add_task("reading", total=total)
        for report in reports:
            progress.advance(task)
            yield report


def _print_json(report: FileReport) -> None:
    sys.stdout.buffer.write(say.encoded(report) + b"\n")
    sys.stdout.buffer.flush()


def _print_words(report: FileReport) -> None:
    out = Console()
    if isinstance(report.error, str):
        say.err.print(Text(say.visible(f"{report.file} {report.error}"), style="red"), soft_wrap=True)
        if isinstance(report.hint, str):
            say.err.print(Text(say.visible(f"next: {report.hint}"), style="dim"), soft_wrap=True)
        return
    out.print(
        Text.assemble((say.visible(report.file), "bold"), f"  {len(report.codes)} found, {report.ms:.0f} ms"),
        soft_wrap=True,
    )
    for code in report.codes:
        text = "(payment code: not shown)" if code.kind else say.visible(code.text)
        out.print(Text.assemble("  ", (code.symbology.ljust(16), "cyan"), "  ", text), soft_wrap=True)
