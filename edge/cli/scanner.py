"""`storegate scanner`: find, pair and watch barcode scanners."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edge.cli import say
from edge.config import CodesSection
from edge.errors import DeviceError, StoregateError, UsageError

if TYPE_CHECKING:
    from devices.scanners.candidates import Candidate
    from devices.scanners.pairing import Burst, Findings
    from devices.scanners.profile import ScannerProfile
    from edge.events import Code

T = TypeVar("T")
app = typer.Typer(no_args_is_help=True)
DeviceOption = Annotated[
    Path | None, typer.Option(help="As `storegate scanner list` shows it; else the only one there is.")
]
SecondsOption = Annotated[float, typer.Option(min=0.1, help="Listen at most this long.")]


class Paired(msgspec.Struct, frozen=True, kw_only=True):
    """What `pair --json` prints."""

    device: str
    transport: str
    profiles: tuple[str, ...]
    findings: Findings
    toml: str


@app.command("sheet")
def sheet(
    output: Annotated[Path, typer.Option("--output", "-o", help="A file ending in .pdf or .svg.")] = Path("sheet.pdf"),
) -> None:
    """Write the page that [bold]storegate scanner pair[/bold] asks for. Print it at 100 %.

    The SVG is in English and Chinese, the PDF in English.

    Example: storegate scanner sheet --output sheet.svg
    """
    from devices.scanners import sheet as drawn  # noqa: PLC0415

    made = {".pdf": drawn.pdf(), ".svg": drawn.svg().encode()}.get(output.suffix.lower())
    if made is None:
        hint = "storegate scanner sheet --output sheet.pdf"
        say.fail(UsageError(f"{output} ends in neither .pdf nor .svg", hint=hint))
    try:
        output.write_bytes(made)
    except OSError as error:
        say.fail(StoregateError(f"can't write {output}: {error.strerror}"))
    say.err.print(f"wrote {output}; print it at 100 %, then: storegate scanner pair", highlight=False)


@app.command("list")
def list_(*, as_json: say.JsonOption = False) -> None:
    """Show what is plugged in that may be a scanner, best way first, and which profiles fit.

    Example: storegate scanner list --json
    """
    found = _attached()
    say.show(found, as_json=as_json, human=lambda: _table(found))


@app.command("pair")
def pair(*, device: DeviceOption = None, seconds: SecondsOption = 120.0, as_json: say.JsonOption = False) -> None:
    """Find out how a scanner is set: scan the printed sheet while this listens.

    Prints layout, prefix, suffix, AIM, what to change at the scanner, and the section for gateway.toml.
    Stop the gateway first if it already reads the scanner.

    Example: storegate scanner pair --device /dev/input/by-path/pci-0000:00:14.0-usb-0:2:1.0-event-kbd
    """
    from devices.scanners import listen  # noqa: PLC0415

    chosen = _chosen(device)
    transport = listen.transport_of(chosen)
    listening = f"listening to {chosen} ({transport}); scan the codes of the sheet, Ctrl-C to end"
    say.err.print(Text(say.visible(listening)), soft_wrap=True)
    found = _run(_heard_sheet(listen.bursts(chosen, transport)), seconds)
    if found is None or not found.seen:
        hint = "print the sheet with `storegate scanner sheet`; is --device the right one?"
        why = found.problems[0] if found and found.problems else "nothing was scanned"
        say.fail(DeviceError(f"not paired: {why}", hint=hint))
    names = next((one.profiles for one in _attached() if Path(one.device).resolve() == chosen.resolve()), ())
    toml = _toml(chosen, transport, names, found)
    told = Paired(device=str(chosen), transport=transport, profiles=names, findings=found, toml=toml)
    say.show(told, as_json=as_json, human=lambda: _tell(told))


@app.command("watch")
def watch(
    device: Annotated[Path, typer.Argument(help="A path under /dev, as `storegate scanner list` shows it.")],
    *,
    seconds: SecondsOption = 3600.0,
    as_json: say.JsonOption = False,
) -> None:
    """Print what a device sends and what it means, until Ctrl-C. A payment code is named, never shown.

    Example: storegate scanner watch /dev/hidraw0
    """
    from devices.scanners import listen  # noqa: PLC0415

    say.err.print(Text(say.visible(f"listening to {device}; Ctrl-C to end")), soft_wrap=True)
    _run(_shown(listen.bursts(device, listen.transport_of(device)), as_json=as_json), seconds)


async def _heard_sheet(bursts: AsyncGenerator[Burst, None]) -> Findings:
    """What is known when the whole sheet was scanned, or when time or patience ran out."""
    from devices.scanners.pairing import pair as paired  # noqa: PLC0415

    heard: list[Burst] = []
    try:
        async with aclosing(bursts) as stream:
            async for burst in stream:
                heard = [*heard, burst][-50:]
                found = paired(heard)
                say.err.print(f"heard {', '.join(found.seen) or 'nothing known yet'}", highlight=False)
                if not found.missing:
                    break
    except asyncio.CancelledError:
        pass  # asked to end: what was heard so far is the answer
    return paired(heard)


async def _shown(bursts: AsyncGenerator[Burst, None], *, as_json: bool) -> None:
    from devices.scanners.classify import classifier  # noqa: PLC0415
    from edge.events import Code, CodeKind  # noqa: PLC0415

    classify = classifier(CodesSection())
    async with aclosing(bursts) as stream:
        async for burst in stream:
            readings = [classify(text, burst.aim) for text in burst.texts.values()]
            code = next((one for one in readings if one.kind is CodeKind.PAYMENT), readings[0])
            if burst.secret:
                code = Code(kind=code.kind)
            sys.stdout.write((msgspec.json.encode(code).decode() if as_json else _line(code)) + "\n")
            sys.stdout.flush()


def _line(code: Code) -> str:
    facts = [("AIM", code.aim), ("item", code.item), ("batch", code.batch), ("expires", code.expires)]
    more = "".join(f"  {name} {value}" for name, value in facts if value)
    return say.visible(f"{code.kind}  {code.value or '(not shown)'}{more}")


def _run(work: Coroutine[None, None, T], seconds: float) -> T | None:
    """Until the work is done, the time is over, or Ctrl-C; the last two cancel the work, which may still answer."""

    async def limited() -> T | None:
        task = asyncio.ensure_future(work)
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, task.cancel)
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            task.cancel()
        try:
            return await task
        except asyncio.CancelledError:
            return None

    answer: T | None = None
    try:
        answer = asyncio.run(limited())
    except OSError as error:
        hint = "is it plugged in? may you read it: are you in the group storegate? does the gateway have it?"
        say.fail(DeviceError(f"can't read the scanner: {error.strerror}", hint=hint))
    except StoregateError as error:
        say.fail(error)
    return answer


def _attached() -> tuple[Candidate, ...]:
    from devices.scanners import candidates  # noqa: PLC0415

    return candidates.attached(_profiles())


def _profiles() -> dict[str, ScannerProfile]:
    from devices import profiles  # noqa: PLC0415
    from devices.scanners.profile import FAMILY, ScannerProfile  # noqa: PLC0415

    return profiles.all_of(FAMILY, ScannerProfile)


def _chosen(device: Path | None) -> Path:
    if device is not None:
        return device
    found = _attached()
    if len(found) != 1:
        hint = "give --device; `storegate scanner list` shows what there is"
        say.fail(UsageError(f"{len(found) or 'no'} devices may be scanners: which one?", hint=hint))
    return Path(found[0].device)


def _toml(device: Path, transport: str, profiles: tuple[str, ...], found: Findings) -> str:
    """What goes into gateway.toml; only what differs from the defaults."""
    lines = ["[[scanners]]", 'id = "scanner-1"', f'transport = "{transport}"', f"device = {_quoted(str(device))}"]
    if profiles:
        lines.append(f'profile = "{profiles[0]}"')
    if found.layouts:
        lines.append(f'layout = "{found.layouts[0]}"')
    if found.prefix:
        lines.append(f"prefix = {_quoted(found.prefix)}")
    if transport != "hid-pos":
        lines.append(f'suffix = "{found.suffix}"')
    lines.append('# station = "kiosk-1"')
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A TOML basic string, in ASCII; its escapes are those of JSON, which leaves DEL as it is."""
    return json.dumps(text).replace("\x7f", "\\u007f")


def _tell(told: Paired) -> None:
    found, out = told.findings, Console(highlight=False, soft_wrap=True)
    table = Table(show_header=False, box=None)
    table.add_row("recognised", ", ".join(found.seen))
    table.add_row("layout", " or ".join(found.layouts) or "does not type")
    table.add_row("prefix", Text(repr(found.prefix) if found.prefix else "none"))
    table.add_row("suffix", "not needed" if told.transport == "hid-pos" else str(found.suffix))
    table.add_row("AIM identifier", "on" if found.aim else "off (worth switching on: it tells the symbology)")
    table.add_row("profile", " or ".join(told.profiles) or "none fits; works without")
    out.print(table)
    for problem in found.problems:
        out.print(Text.assemble(("change: ", "yellow"), say.visible(problem)))
    if found.missing:
        out.print(f"[dim]not scanned: {', '.join(found.missing)}[/dim]")
    out.print("\nfor gateway.toml:\n")
    sys.stdout.write(told.toml)


def _table(found: tuple[Candidate, ...]) -> None:
    out = Console(highlight=False, soft_wrap=True)
    if not found:
        out.print("No scanner found: no HID POS device, no USB serial port, no keyboard of a scanner vendor.")
        out.print("[dim]next:[/dim] plug it in; a keyboard wedge of another vendor: look in /dev/input/by-path")
        return
    table = Table("transport", "device", "name", "usb", "profiles", box=None)
    for one in found:
        usb = f"{one.vendor_id}:{one.product_id}" if one.vendor_id else ""
        cells = (one.transport, one.device, one.name, usb, ", ".join(one.profiles) or "-")
        table.add_row(*(Text(say.visible(cell)) for cell in cells))
    out.print(table)
