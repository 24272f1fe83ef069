"""One opened catalogue file and the SQL that reads it. The file never changes: a new catalogue is a new file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from edge.catalogue.product import CatalogueInfo, Product
from edge.catalogue.schema import APPLICATION_ID, COLUMNS, FORMAT
from edge.ids import Gtin

_FIELDS = ", ".join(COLUMNS)
_PRODUCT = f"SELECT {_FIELDS} FROM product"  # noqa: S608 - our own names
_CACHE_KIB = 8000
_END = "\U0010ffff"
"""Behind everything that begins with the same letters."""


class UnusableError(Exception):
    """Not a catalogue, or one of another version, or a broken one. The text says which."""


class Opened:
    """Raises sqlite3.DatabaseError when the file turns out broken in the middle."""

    def __init__(self, path: Path) -> None:
        # immutable: no locks and no journal to look for; true, because files are replaced and never written
        self._db = sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)
        try:
            self._db.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
            self.info = self._checked()
            self.syllables = frozenset(
                syllable for (spoken,) in self._db.execute("SELECT spoken FROM reading") for syllable in spoken.split()
            )
        except sqlite3.DatabaseError as error:
            self.close()
            raise UnusableError(f"the catalogue can't be read: {error}") from error
        except UnusableError:
            self.close()
            raise

    def close(self) -> None:
        self._db.close()

    def _checked(self) -> CatalogueInfo:
        if self._one("PRAGMA application_id") != APPLICATION_ID:
            raise UnusableError("the file is not a catalogue")
        if (version := self._one("PRAGMA user_version")) != FORMAT:
            raise UnusableError(f"the catalogue is of format {version}, this program reads {FORMAT}: import it again")
        facts: dict[str, Any] = dict(self._db.execute("SELECT key, value FROM meta"))
        try:
            return CatalogueInfo(**facts)
        except TypeError as error:
            raise UnusableError(f"the catalogue does not say what it is: {error}") from error

    def _one(self, sql: str, *values: object) -> Any:
        row = self._db.execute(sql, values).fetchone()
        return None if row is None else row[0]

    def product(self, gtin: str) -> Product | None:
        row = self._db.execute(f"{_PRODUCT} WHERE gtin = ?", (gtin,)).fetchone()
        return None if row is None else _product(row)

    def by_item(self, item: str) -> Product | None:
        row = self._db.execute(f"{_PRODUCT} WHERE item = ? AND item != ''", (item,)).fetchone()
        return None if row is None else _product(row)

    def by_numbers(self, ids: Sequence[int]) -> tuple[Product, ...]:
        """In the order of `ids`."""
        marks = ", ".join("?" * len(ids))
        rows = self._db.execute(f"SELECT id, {_FIELDS} FROM product WHERE id IN ({marks})", ids)  # noqa: S608
        found = {row[0]: _product(row[1:]) for row in rows}
        return tuple(found[number] for number in ids if number in found)

    def matching(self, expression: str, limit: int) -> list[int]:
        """Product numbers in their order; `expression` is made by query.py of quoted tokens only."""
        rows = self._db.execute("SELECT rowid FROM token WHERE token MATCH ? LIMIT ?", (expression, limit))
        return [row[0] for row in rows]

    def spoken(self, ids: Sequence[int]) -> list[tuple[int, list[str]]]:
        marks = ", ".join("?" * len(ids))
        rows = self._db.execute(f"SELECT id, spoken FROM product WHERE id IN ({marks}) ORDER BY id", ids)  # noqa: S608
        return [(number, spoken.split()) for number, spoken in rows]

    def numbered(self, digits: str, limit: int) -> list[int]:
        """A SKU, the end of a barcode, or its beginning."""
        found = self._ids("SELECT id FROM product WHERE sku = ? AND sku != '' LIMIT ?", digits, limit)
        if not digits.isdigit():
            return found
        end = digits[::-1]
        sql = "SELECT id FROM product WHERE backwards >= ? AND backwards < ? LIMIT ?"
        found += self._ids(sql, end, end + ":", limit)
        start = "0" + digits
        found += self._ids("SELECT id FROM product WHERE gtin >= ? AND gtin < ? LIMIT ?", start, start + ":", limit)
        return found

    def _ids(self, sql: str, *values: object) -> list[int]:
        return [row[0] for row in self._db.execute(sql, values)]

    def near_price(self, product: Product, limit: int) -> list[Product]:
        """Of the same category and in stock, above and below the price."""
        found: list[Product] = []
        for sign, order in ((">=", "ASC"), ("<", "DESC")):
            where = f"category = ? AND price_fen {sign} ? AND (stock IS NULL OR stock > 0) AND gtin != ?"
            sql = f"{_PRODUCT} WHERE {where} ORDER BY price_fen {order} LIMIT ?"
            rows = self._db.execute(sql, (product.category, product.price_fen, product.gtin, limit))
            found += [_product(row) for row in rows]
        return found

    def readings(self, characters: Iterable[str]) -> list[tuple[str, ...]]:
        """How each character may be read; empty where nobody knows."""
        return [
            tuple((self._one("SELECT spoken FROM reading WHERE character = ?", character) or "").split())
            for character in characters
        ]

    def words_from(self, column: str, letters: str, limit: int) -> list[tuple[int, str]]:
        """(weight, word) of the vocabulary whose text, spelling or initials begin so; most used first."""
        sql = f"SELECT weight, text FROM word WHERE {column} >= ? AND {column} < ? ORDER BY weight DESC LIMIT ?"  # noqa: S608
        return [(row[0], row[1]) for row in self._db.execute(sql, (letters, letters + _END, limit))]

    def near(self, keys: Iterable[int], limit: int) -> list[tuple[str, str, str, int]]:
        """(text, spelling, sound, weight) of words filed under any of the keys; most used first."""
        marks = ", ".join(str(int(key)) for key in keys)
        sql = f"""SELECT DISTINCT text, spelling, sound, weight FROM near JOIN word ON word.id = near.word
                  WHERE near.key IN ({marks}) ORDER BY weight DESC LIMIT ?"""  # noqa: S608 - numbers
        return self._db.execute(sql, (limit,)).fetchall()


def _product(row: Sequence[Any]) -> Product:
    gtin, name_zh, price_fen, sku, name_en, brand, category, member, unit, stock, shelf, image, priced_at_ms = row
    return Product(
        gtin=Gtin(gtin), name_zh=name_zh, price_fen=price_fen, sku=sku, name_en=name_en, brand=brand, category=category,
        member_price_fen=member, unit=unit, stock=stock, shelf=shelf, image=image, priced_at_ms=priced_at_ms,
    )  # fmt: skip
