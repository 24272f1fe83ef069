"""Products for catalogue tests, and a catalogue built of them without a process."""

from __future__ import annotations

from pathlib import Path

from edge.catalogue import FILE_NAME, CatalogueInfo, Product, Row
from edge.catalogue.build import build
from edge.gtin import check_digit
from edge.ids import Gtin

PRICED_MS = 1_795_000_000_000


def gtin(number: int) -> Gtin:
    body = f"0690{number:09d}"
    return Gtin(body + check_digit(body))


def row(number: int, name: str, *, price_fen: int = 350, stock: int | None = 5, **more: object) -> Row:
    keywords = more.pop("keywords", ())
    fields = {"gtin": gtin(number), "name_zh": name, "price_fen": price_fen, "stock": stock, "priced_at_ms": PRICED_MS}
    return Row(product=Product(**(fields | more)), keywords=keywords)


def book(folder: Path, *rows: Row, sha256: str = "0" * 64) -> Path:
    """Replaces the catalogue in `folder` as the importer does: a new file, renamed."""
    target, fresh = folder / FILE_NAME, folder / "fresh"
    info = CatalogueInfo(products=len(rows), priced_at_ms=PRICED_MS, sha256=sha256)
    build(fresh, rows, info, progress=lambda _done, _total: None)
    fresh.replace(target)
    return target
