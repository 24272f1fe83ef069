"""`storegate voucher`: codes for the guest Wi-Fi, printed and given away; works with or without a running daemon."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import msgspec
import typer

from edge.cli import say
from edge.errors import StoregateError, UsageError

if TYPE_CHECKING:
    from edge.access_answers import AccessRefusal, VoucherBatch
    from edge.cli import voucher_sheet
    from edge.config import Config
    from edge.portal.office import Office
    from edge.web.admin.wifi import Voided

app = typer.Typer(no_args_is_help=True)


@app.command("make")
def make(
    count: Annotated[int, typer.Option("--count", min=1, max=5000, help="How many; a sheet has 12.")] = 24,
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=525_600, help="From the first use on.")] = 120,
    megabytes: Annotated[int, typer.Option("--megabytes", min=0, max=10_000_000, help="0: no limit.")] = 0,
    devices: Annotated[int, typer.Option("--devices", min=1, max=100, help="At once.")] = 1,
    valid_days: Annotated[int, typer.Option("--valid-days", min=1, max=3650, help="First use within so many.")] = 365,
    out: Annotated[
        Path | None, typer.Option("--out", help="The sheet (HTML) goes into this file, to be printed and cut.")
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="The codes go into this table.")] = None,
    url: Annotated[
        str, typer.Option("--url", help="How phones reach the portal; else as gateway.toml says.", callback=say.utf8)
    ] = "",
    ssid: Annotated[
        str, typer.Option("--ssid", help="The Wi-Fi's name, for the sheet; else access_point.ssid.", callback=say.utf8)
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there already.")] = False,
    config: say.ConfigOption = None,
    as_json: say.JsonOption = False,
) -> None:
    """Make vouchers and print their codes, this once: storegate voucher make --count 48 --out vouchers.html

    The gateway keeps no code, only what proves one: a sheet that is lost is voided, and another one made.
    """
    from edge.cli import voucher_sheet, wifi_office  # noqa: PLC0415
    from edge.portal.office import MadeVouchers  # noqa: PLC0415

    asked = {"count": count, "minutes": minutes, "megabytes": megabytes, "devices": devices, "valid_days": valid_days}
    _may_write(out, csv, force=force)
    try:
        settings = wifi_office.settings(config)
        base = _base(settings, url)
        made = wifi_office.ask(
            settings,
            "vouchers/make",
            MadeVouchers,
            lambda office: office.make(**asked),
            body=dict(asked),
        )
        shop = _shop(settings, base, made.batch, ssid)
    except StoregateError as error:
        say.fail(error)
    if out is not None:
        _write(out, voucher_sheet.page(made.batch, made.codes, shop))
    if csv is not None:
        _write(csv, voucher_sheet.table(made.batch, made.codes, shop))
    say.show(made, as_json=as_json, human=lambda: _tell_made(made.batch, made.codes, out, csv))


@app.command("list")
def list_(config: say.ConfigOption = None, as_json: say.JsonOption = False) -> None:
    """Batches of vouchers, and how many of each were used: storegate voucher list"""
    from edge.access_answers import VoucherBatch  # noqa: PLC0415
    from edge.cli import wifi_office  # noqa: PLC0415

    try:
        settings = wifi_office.settings(config)
        found = wifi_office.ask(settings, "vouchers", tuple[VoucherBatch, ...], lambda office: office.batches())
    except StoregateError as error:
        say.fail(error)
    say.show(found, as_json=as_json, human=lambda: _tell_batches(found, settings.gateway.timezone))


@app.command("void")
def void(
    batch: Annotated[str, typer.Argument(help="As `list` shows it.", callback=say.utf8)],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask back.")] = False,
    config: say.ConfigOption = None,
    as_json: say.JsonOption = False,
) -> None:
    """Make a batch worth nothing; who is on by it is out at once: storegate voucher void 20261122-k3fw2abc"""
    from edge.access_answers import AccessRefusal, VoucherBatch  # noqa: PLC0415
    from edge.cli import wifi_office  # noqa: PLC0415
    from edge.web.admin.wifi import Voided  # noqa: PLC0415

    async def here(office: Office) -> Voided | AccessRefusal:
        answer = await office.void(batch)
        return answer if isinstance(answer, AccessRefusal) else Voided(**msgspec.structs.asdict(answer), gate=False)

    try:
        settings = wifi_office.settings(config)
        if not yes:
            known = wifi_office.ask(settings, "vouchers", tuple[VoucherBatch, ...], lambda office: office.batches())
            _confirm(next((each for each in known if each.batch == batch), None))
        found = wifi_office.ask(
            settings,
            "vouchers/void",
            Voided,
            here,
            body={"batch": batch},
        )
    except StoregateError as error:
        say.fail(error)
    say.show(found, as_json=as_json, human=lambda: print(f"{found.batch}: {_many(found.count)} worth nothing now"))
    if not found.gate:
        say.warn("the gate was not told: who is on by one of them is cut off once it and the daemon are up")


def _confirm(batch: VoucherBatch | None) -> None:
    """Looked up before anything is asked. Raises UsageError."""
    if batch is None:
        raise UsageError("there is no such batch of vouchers", hint="storegate voucher list shows them")
    if batch.voided:
        raise UsageError(f"{batch.batch} is void already", hint="there is nothing left to do")
    told = f"Void {_many(batch.count)} of {batch.batch}, of which {batch.used} were used?"
    typer.confirm(told, abort=True, err=True)


def _many(count: int) -> str:
    return "1 voucher" if count == 1 else f"{count} vouchers"


def _tell_made(batch: VoucherBatch, codes: tuple[str, ...], out: Path | None, csv: Path | None) -> None:
    from edge.portal.codes import grouped  # noqa: PLC0415

    files = [str(each) for each in (out, csv) if each is not None]
    if not files:
        print("\n".join(map(grouped, codes)))
    told = f"{_many(batch.count)}, batch {batch.batch}"
    say.err.print(f"{told}: {', '.join(files) or 'shown this once'}", soft_wrap=True, markup=False)
    if out is not None:
        say.err.print(f"open {out} in a browser, print it, and cut along the lines", soft_wrap=True, markup=False)


def _tell_batches(found: tuple[VoucherBatch, ...], timezone: str) -> None:
    if not found:
        say.err.print("no vouchers yet: storegate voucher make --out vouchers.html")
        return
    print(f"{'batch':<20} {'made':<11} {'first use by':<13} {'used':>11} {'minutes':>8} {'MB':>8} {'devices':>8}")
    for each in found:
        limit = str(each.megabytes) if each.megabytes else "-"
        print(
            f"{each.batch:<20} {_day(each.made_ms, timezone):<11} {_day(each.valid_to_ms, timezone):<13}"
            f" {f'{each.used}/{each.count}':>11} {each.minutes:>8} {limit:>8} {each.devices:>8}"
            f"{'  voided' if each.voided else ''}"
        )


def _shop(settings: Config, base: str, batch: VoucherBatch, ssid: str) -> voucher_sheet.Shop:
    from edge.cli import voucher_sheet  # noqa: PLC0415
    from edge.documents import Documents  # noqa: PLC0415
    from edge.portal.desk import PLAIN  # noqa: PLC0415

    portal = Documents.open(settings.state_path).shop(settings).portal or PLAIN
    point = settings.access_point
    known = bool(point.interface) or point.ssid != type(point)().ssid  # what nobody wrote down need not be on the air
    network = ssid or (point.ssid if known else "")
    valid_to = _day(batch.valid_to_ms, settings.gateway.timezone)
    return voucher_sheet.Shop(portal.name_zh, portal.name_en, network, base, valid_to)


def _base(settings: Config, url: str) -> str:
    if url and (not url.startswith(("http://", "https://")) or any(letter.isspace() for letter in url)):
        raise UsageError(f"{url!r} is no http:// or https:// address")
    own = f"https://{settings.portal.name}" if settings.portal.name else ""
    return (url or own or f"http://{settings.gate.address4.partition('/')[0]}").rstrip("/") + "/"


def _day(at_ms: int, timezone: str) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(timezone)).strftime("%Y-%m-%d")


def _may_write(*paths: Path | None, force: bool) -> None:
    """Before anything is made: codes that can't be written down are lost, as are those of a sheet written over."""
    files = [path for path in paths if path is not None and str(path) != "-"]
    for path in files:
        folder = path.parent
        if path.is_dir() or not folder.is_dir() or not os.access(path if path.exists() else folder, os.W_OK):
            hint = "nothing was made; give a file in a folder that you may write"
            say.fail(UsageError(f"can't write {path}", hint=hint))
        if path.is_file() and not force:
            hint = "nothing was made; give another name, or --force to write over it: codes are shown only once"
            say.fail(UsageError(f"{path} is there already", hint=hint))
    if len({path.absolute() for path in files}) < len(files):
        say.fail(UsageError("--out and --csv are the same file", hint="nothing was made; give each a name of its own"))


def _write(path: Path, text: str) -> None:
    """Codes are money of a kind: for their owner alone."""
    if str(path) == "-":
        sys.stdout.write(text)
        return
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        sys.stdout.write(text)
        say.fail(UsageError(f"can't write {path}: {error.strerror}", hint="what it would hold is on stdout"))
