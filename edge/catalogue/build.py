"""Writes a catalogue file: products, tokens, vocabulary, readings. Runs in the importer's process only."""

from __future__ import annotations

import ctypes
import json
import multiprocessing
import signal
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from edge.catalogue import item_numbers, tokens, vocabulary
from edge.catalogue.product import CatalogueInfo, Product, Row
from edge.catalogue.readings import Readings
from edge.catalogue.schema import APPLICATION_ID, COLUMNS, FORMAT, INDEXES, TABLES
from edge.catalogue.sounds import folded, keys
from edge.catalogue.words import normal

Progress = Callable[[int, int], None]
"""(products done, products in all)"""
CHUNK = 2000
ALONE = 3000
"""Up to so many products one core is faster than starting a second process."""
_PR_SET_PDEATHSIG = 1
"""prctl(2)"""
_PLACES = 1 << 21
"""Products that can share one place in the order."""
_COLUMNS = (*COLUMNS, "keywords", "item", "backwards", "spoken")


def build(path: Path, rows: Sequence[Row], info: CatalogueInfo, *, progress: Progress) -> None:
    """A new file at `path`, which must not exist yet."""
    with closing(_open(path)) as db:
        db.executescript(TABLES)
        db.execute("BEGIN")
        ordered = sorted(rows, key=lambda row: (place(row.product), row.product.name_zh, row.product.gtin))
        _insert(db, _numbered(ordered), len(ordered), progress)
        db.execute("INSERT INTO token(token) VALUES ('optimize')")
        reader = Readings()
        _write_words(db, vocabulary.of(ordered, reader))
        db.executemany("INSERT INTO reading VALUES (?, ?)", reader.table())
        _finish(db, info)


def update(path: Path, rows: Sequence[Row], info: CatalogueInfo, *, progress: Progress) -> CatalogueInfo:
    """Puts rows into a copy of a catalogue: known GTINs are replaced, others added. Nothing is taken out."""
    reader = Readings()
    with closing(_open(path)) as db:
        db.execute("BEGIN")
        for row in rows:
            _remove(db, "gtin", row.product.gtin, reader)
            _remove(db, "item", item_of(row.product), reader)  # the number went to goods with another code
        ordered = sorted(rows, key=lambda row: (place(row.product), row.product.name_zh, row.product.gtin))
        _insert(db, _numbered_after(db, ordered), len(ordered), progress)
        db.execute("INSERT INTO token(token) VALUES ('optimize')")
        _write_words(db, vocabulary.of(ordered, reader))
        count = int(db.execute("SELECT count(*) FROM product").fetchone()[0])
        whole = CatalogueInfo(
            products=count,
            priced_at_ms=info.priced_at_ms,
            sha256=info.sha256,
            skipped=info.skipped,
            encoding=info.encoding,
        )
        _finish(db, whole)
    return whole


def place(product: Product) -> int:
    """Where a product comes among equal hits: what is in stock first, short names before long ones."""
    return (0 if product.in_stock else 1 << 10) + min(len(product.name_zh), (1 << 10) - 1)


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    # no journal and no syncing: the file is nobody's until it is whole, synced and renamed
    db.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536;")
    return db


def _finish(db: sqlite3.Connection, info: CatalogueInfo) -> None:
    facts = {"products": info.products, "priced_at_ms": info.priced_at_ms, "sha256": info.sha256}
    facts |= {"skipped": info.skipped, "encoding": info.encoding}
    db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", list(facts.items()))
    for statement in filter(None, map(str.strip, INDEXES.split(";"))):
        db.execute(statement)
    db.execute("COMMIT")
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {FORMAT}")
    db.execute("ANALYZE")
    problem = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if problem != "ok":
        raise sqlite3.DatabaseError(f"the file just written is not whole: {problem}")


def _numbered(ordered: Iterable[Row]) -> Iterator[tuple[int, Row]]:
    last = -1
    for row in ordered:
        last = max(last + 1, place(row.product) * _PLACES)
        yield last, row


def _numbered_after(db: sqlite3.Connection, ordered: Iterable[Row]) -> Iterator[tuple[int, Row]]:
    """Behind what is there already in the same place."""
    numbers: dict[int, int] = {}
    for row in ordered:
        first = place(row.product) * _PLACES
        if first not in numbers:
            sql = "SELECT max(id) FROM product WHERE id BETWEEN ? AND ?"
            (last,) = db.execute(sql, (first, first + _PLACES - 1)).fetchone()
            numbers[first] = first - 1 if last is None else int(last)
        numbers[first] += 1
        yield numbers[first], row


def _insert(db: sqlite3.Connection, numbered: Iterable[tuple[int, Row]], total: int, progress: Progress) -> None:
    marks = ", ".join("?" * (len(_COLUMNS) + 1))
    product = f"INSERT INTO product (id, {', '.join(_COLUMNS)}) VALUES ({marks})"  # noqa: S608 - our own names
    done = 0
    progress(0, total)
    for chunk in _tokenised(numbered, total):
        db.executemany(product, [(number, *_values(row, spoken)) for number, row, spoken, _ in chunk])
        db.executemany("INSERT INTO token (rowid, t) VALUES (?, ?)", [(number, text) for number, _, _, text in chunk])
        done += len(chunk)
        progress(done, total)


Chunk = list[tuple[int, Row, str, str]]


def _tokenised(numbered: Iterable[tuple[int, Row]], total: int) -> Iterator[Chunk]:
    """Tokens of many products are made in a second process while this one writes."""
    if total <= ALONE:
        reader = Readings()
        for chunk in _chunks(numbered):
            yield _tokens(chunk, reader)
        return
    with multiprocessing.get_context("fork").Pool(1, _alone) as pool:
        yield from pool.imap(_tokens, _chunks(numbered))


def _alone() -> None:
    """In the second process: it ends when the first one is killed, and leaves signals to it."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _chunks(numbered: Iterable[tuple[int, Row]]) -> Iterator[list[tuple[int, Row]]]:
    chunk: list[tuple[int, Row]] = []
    for pair in numbered:
        chunk.append(pair)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _tokens(chunk: list[tuple[int, Row]], reader: Readings | None = None) -> Chunk:
    reader = reader or Readings()
    return [(n, row, tokens.syllables(row.product.name_zh, reader), tokens.of(row, reader)) for n, row in chunk]


def _values(row: Row, spoken: str) -> tuple[object, ...]:
    product = row.product
    columns = tuple(getattr(product, column) for column in COLUMNS)
    keywords = json.dumps(row.keywords, ensure_ascii=False)
    return (*columns, keywords, item_of(product), product.gtin[::-1], spoken)


def item_of(product: Product) -> str:
    """The item number of goods with a code made in the shop, without leading zeros; else empty."""
    if not item_numbers.made_in_shop(product.gtin):
        return ""
    sku = product.sku if product.sku.isascii() and product.sku.isdigit() else item_numbers.item_of(product.gtin)
    return sku.lstrip("0") or "0"


def _remove(db: sqlite3.Connection, column: str, value: str, reader: Readings) -> None:
    sql = f"SELECT id, keywords, {', '.join(COLUMNS)} FROM product WHERE {column} = ?"  # noqa: S608 - our own names
    found = db.execute(sql, (value,)).fetchone() if value else None
    if found is None:
        return
    number, keywords, *values = found
    old = Row(product=Product(**dict(zip(COLUMNS, values, strict=True))), keywords=tuple(json.loads(keywords)))
    # a contentless index forgets a row only when it is told the very tokens it was given
    db.execute("INSERT INTO token (token, rowid, t) VALUES ('delete', ?, ?)", (number, tokens.of(old, reader)))
    db.execute("DELETE FROM product WHERE id = ?", (number,))


def _write_words(db: sqlite3.Connection, terms: Iterable[vocabulary.Term]) -> None:
    for term in terms:
        sound = folded(normal(term.spelling))
        known = db.execute("SELECT id FROM word WHERE text = ? AND spelling = ?", (term.text, term.spelling)).fetchone()
        if known is not None:
            db.execute("UPDATE word SET weight = max(weight, ?) WHERE id = ?", (term.weight, known[0]))
            continue
        row = db.execute(
            "INSERT INTO word (text, spelling, initials, sound, weight) VALUES (?, ?, ?, ?, ?)",
            (term.text, term.spelling, term.initials, sound, term.weight),
        )
        filed = {key for layer in keys(sound) for key in layer}
        db.executemany("INSERT OR IGNORE INTO near VALUES (?, ?)", [(key, row.lastrowid) for key in sorted(filed)])
