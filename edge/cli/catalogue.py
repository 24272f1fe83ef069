"""`storegate catalogue`: imports products and looks them up, with or without a running daemon."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from edge.cli import say
from edge.errors import StoregateError, UsageError

if TYPE_CHECKING:
    from edge.catalogue import Catalogue, CatalogueInfo, Product
    from edge.config import Config

app = typer.Typer(no_args_is_help=True)
out = Console()
StateOption = Annotated[
    Path | None, typer.Option("--state-dir", help="Where the catalogue is, instead of the one in gateway.toml.")
]
NOBODY = "no running gateway was told; one sees the new file by itself"

_IMPORT = """Replace the catalogue by a file, or add a smaller file to it, while kiosks keep searching.

FILE is CSV with a header, or JSON lines (.jsonl), in UTF-8 or GB18030. Columns:

  [bold]name_zh, price_fen[/bold], and [bold]gtin[/bold] (8, 12, 13 or 14 digits) or, for goods weighed in the shop, [bold]sku[/bold] of up to 5 digits;
  sku, name_en, brand, category, member_price_fen, unit, stock, shelf, image, keywords may follow.

Prices are whole fen: ¥3.50 is 350. When rows are wrong nothing changes: the first 50 mistakes are listed, each with its
line, the others are counted.

[bold]Examples[/bold]

  storegate catalogue import products.csv

  storegate catalogue import --update todays-prices.csv

  storegate catalogue import --skip-bad --json export.jsonl
"""  # noqa: E501 - one line of help


@app.command("import", help=_IMPORT)
def import_(
    file: Annotated[Path, typer.Argument(help="CSV or JSON lines.", metavar="FILE")],
    *,
    config: say.ConfigOption = None,
    state_dir: StateOption = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Import the good rows, leave wrong ones out.")] = False,
    update: Annotated[bool, typer.Option("--update", help="Put the rows into the catalogue; keep the others.")] = False,
    as_json: say.JsonOption = False,
) -> None:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    from edge.catalogue import import_file  # noqa: PLC0415 - not needed for --help

    try:
        _hold_to_file(file)
        target, settings = _place(config, state_dir)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=say.err, transient=True) as bar:
            task = bar.add_task("checking the rows", total=None)
            info = import_file(
                file,
                target,
                skip_bad=skip_bad,
                update=update,
                progress=lambda done, total: bar.update(
                    task, completed=done, total=total, description="indexing" if done < total else "finishing"
                ),
            )
    except StoregateError as error:
        say.fail(error)
    heard = _tell(settings) if settings else NOBODY
    say.show(info, as_json=as_json, human=lambda: _imported(info, target, heard=heard))


@app.command("search")
def search(
    words: Annotated[list[str], typer.Argument(help="Chinese, pinyin, initials, English, barcode.", metavar="WORDS…")],
    *,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Products at most.")] = 20,
    config: say.ConfigOption = None,
    state_dir: StateOption = None,
    as_json: say.JsonOption = False,
) -> None:
    """Find products as a kiosk does: [bold]storegate catalogue search wutang kele[/bold]. Exit code 1: nothing."""
    found = _opened(config, state_dir).search(say.utf8(" ".join(words)), limit)
    if found.corrected:
        say.err.print(Text(f"searched for {found.corrected}"))
    say.show(found, as_json=as_json, human=lambda: _table(found.products))
    raise typer.Exit(0 if found.products else 1)


@app.command("show")
def show(
    gtin: Annotated[str, typer.Argument(help="8 to 14 digits, or an item number of goods weighed in the shop.")],
    *,
    config: say.ConfigOption = None,
    state_dir: StateOption = None,
    as_json: say.JsonOption = False,
) -> None:
    """Show one product and what a kiosk offers beside it: [bold]storegate catalogue show 6902000002678[/bold]."""
    from edge.catalogue.item_numbers import MAX_ITEM_DIGITS  # noqa: PLC0415
    from edge.gtin import gtin_of  # noqa: PLC0415

    book = _opened(config, state_dir)
    code = gtin_of(gtin)
    if code is None and not (gtin.isascii() and gtin.isdigit() and len(gtin) <= MAX_ITEM_DIGITS):
        say.fail(UsageError(f"{gtin!r} is no GTIN: wanted 8, 12, 13 or 14 digits with the right check digit"))
    product = book.product(code) if code else book.by_item(gtin)
    if product is None:
        say.fail(StoregateError(f"there is no product {gtin}", hint="storegate catalogue search WORDS"))
    others = book.alternatives(product)
    facts = {"product": product, "alternatives": others}
    say.show(facts, as_json=as_json, human=lambda: _table((product, *others)))


@app.command("info")
def info(*, config: say.ConfigOption = None, state_dir: StateOption = None, as_json: say.JsonOption = False) -> None:
    """Say what is in the catalogue, how old its prices are, and the sum of the file it came from."""
    facts = _opened(config, state_dir).info()
    if facts is not None:
        say.show(facts, as_json=as_json, human=lambda: _told(facts))


def _hold_to_file(file: Path) -> None:
    """Raises UsageError. The importer reads a file twice, and looks at its name: a stream won't do."""
    hint = "give it a file ending in .csv or .jsonl"
    if str(file) == "-":
        raise UsageError("can't import from standard input", hint=hint)
    if not file.exists():
        raise UsageError(f"there is no file {file}")
    if not file.is_file():
        what = "a folder" if file.is_dir() else "no ordinary file"
        raise UsageError(f"{file} is {what}", hint=hint)


def _place(config: Path | None, state_dir: Path | None) -> tuple[Path, Config | None]:
    """The catalogue's file, and the configuration where one was used."""
    from edge.catalogue import FILE_NAME  # noqa: PLC0415
    from edge.config import find, load  # noqa: PLC0415

    if state_dir is not None:
        return state_dir / FILE_NAME, load(config) if config else None
    settings = load(find(config))
    return settings.state_path / FILE_NAME, settings


def _opened(config: Path | None, state_dir: Path | None) -> Catalogue:
    from edge.catalogue import Catalogue  # noqa: PLC0415

    try:
        book = Catalogue(_place(config, state_dir)[0])
    except StoregateError as error:
        say.fail(error)
    if book.info() is None:
        say.fail(StoregateError(book.problem))
    return book


def _tell(config: Config) -> str:
    """What a running daemon said to it. It sees the new file by itself; the cloud hears of it through this."""
    from edge.cli import asking  # noqa: PLC0415

    try:
        heard = asking.daemon(config, "POST", "/api/v1/catalogue/changed")
    except StoregateError as error:
        return f"the running gateway uses it but could not tell the cloud: {error}" + (
            f"; next: {error.hint}, then import again" if error.hint else ""
        )
    return NOBODY if heard is None else "the running gateway was told"


def _imported(info: CatalogueInfo, target: Path, *, heard: str) -> None:
    skipped = f", {info.skipped} wrong rows left out" if info.skipped else ""
    out.print(Text(f"{info.products} products in {target}{skipped}"), soft_wrap=True)
    say.err.print(Text(heard), soft_wrap=True)


def _told(info: CatalogueInfo) -> None:
    from datetime import UTC, datetime  # noqa: PLC0415

    priced = datetime.fromtimestamp(info.priced_at_ms / 1000, UTC).astimezone()
    text = f"{info.products} products, prices of {priced:%Y-%m-%d %H:%M %Z}, sha256 {info.sha256}"
    out.print(Text(text), soft_wrap=True)


def _table(products: tuple[Product, ...]) -> None:
    table = Table(box=None, pad_edge=False)
    for name, justify in (("GTIN", "left"), ("name", "left"), ("price", "right"), ("member", "right")):
        table.add_column(name, justify="right" if justify == "right" else "left")
    for name in ("unit", "stock", "shelf"):
        table.add_column(name)
    for product in products:
        stock = "?" if product.stock is None else str(product.stock)
        prices = (_yuan(product.price_fen), _yuan(product.member_price_fen))
        cells = (product.gtin, product.name_zh, *prices, product.unit, stock, product.shelf)
        table.add_row(*map(Text, cells))
    if products:
        out.print(table)
    else:
        sys.stderr.write("nothing found\n")


def _yuan(fen: int | None) -> str:
    return "" if fen is None else f"{fen // 100}.{fen % 100:02d}"
