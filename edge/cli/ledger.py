"""`storegate ledger`: proof that the coupons' book is whole. Read-only, beside a running daemon or after it."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edge.cli import say
from edge.errors import StoregateError, UsageError

if TYPE_CHECKING:
    from edge.store.ledger_check import LedgerReport

app = typer.Typer(no_args_is_help=True)
out = Console()


@app.callback()
def ledger() -> None:
    pass


@app.command("verify")
def verify(
    config: say.ConfigOption = None,
    journal: Annotated[
        Path | None, typer.Option("--journal", help="A journal file, instead of the one in gateway.toml.")
    ] = None,
    as_json: say.JsonOption = False,
) -> None:
    """Read every entry again: the chain of hashes, each account, each serial's one end. Exit code 1: it is not whole.

    storegate ledger verify --json
    """
    try:
        with say.err.status("reading the ledger"):
            report = _read(journal or _configured(config))
    except StoregateError as error:
        say.fail(error)
    say.show(report, as_json=as_json, human=lambda: _tell(report))
    raise typer.Exit(0 if report.ok else 1)


def _configured(config: Path | None) -> Path:
    from edge.cli.coupon_counter import JOURNAL  # noqa: PLC0415
    from edge.config import find, load  # noqa: PLC0415

    return load(find(config)).state_path / JOURNAL


def _read(path: Path) -> LedgerReport:
    from edge.store.ledger_check import verify as read_book  # noqa: PLC0415

    if not path.is_file():
        raise UsageError(f"there is no journal {path}", hint="give --config FILE or --journal FILE")
    # A stopped daemon leaves one file and no -wal: then nobody writes, and SQLite need not make its side files
    wal = path.with_name(path.name + "-wal")
    mode = "mode=ro" if wal.exists() else "immutable=1"
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, isolation_level=None)
        try:
            db.execute("BEGIN")  # one moment of a book that may be growing
            return read_book(db)
        finally:
            db.close()
    except sqlite3.Error as error:
        hint = "storegate doctor looks at the journal as a whole"
        raise StoregateError(f"can't read the ledger in {path}: {error}", hint=hint) from error


def _tell(report: LedgerReport) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("campaign", "account", "units", "fen"):
        table.add_column(name, justify="right" if name in {"units", "fen"} else "left")
    for each in report.campaigns:
        for account, units in each.units.items():
            fen = each.value_fen.get(account)
            table.add_row(*map(Text, (each.campaign, account, str(units), "" if fen is None else str(fen))))
    if report.campaigns:
        out.print(table)
    for fault in report.faults:
        say.err.print(Text(f"wrong: {fault}", "red"))
    verdict = "the ledger is whole" if report.ok else "THE LEDGER IS NOT WHOLE"
    out.print(Text(f"{verdict}: {report.entries} entries, head {report.head.n} {report.head.hash}"), soft_wrap=True)
