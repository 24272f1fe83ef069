"""The read side: what a shopper types or scans → products, best first."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from edge.catalogue import query
from edge.catalogue.opened import Opened, UnusableError
from edge.catalogue.product import CatalogueInfo, Found, Product
from edge.catalogue.repair import repaired
from edge.catalogue.words import MAX_QUERY, Script, Word, normal, split
from edge.gtin import gtin_of
from edge.ids import Gtin

T = TypeVar("T")
MAX_LIMIT = 100
MAX_SUGGESTIONS = 8
CHECKED = 60
"""Candidates of a last resort that are compared syllable by syllable."""
NO_INITIALS = frozenset("iuv")
"""No syllable begins with these."""


class Catalogue:
    """Blocking; of one thread. Sees by itself when the file was replaced. A missing file finds nothing.

    `problem` says in words why there is no catalogue, or why a newer file is not used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened: Opened | None = None
        self._seen: tuple[int, int, int] | None = None
        self.problem = ""

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
        self._opened, self._seen = None, None

    def info(self) -> CatalogueInfo | None:
        """None: there is no catalogue."""
        book = self._book()
        return book.info if book else None

    def product(self, gtin: Gtin) -> Product | None:
        return self._ask(lambda book: book.product(gtin), None)

    def by_item(self, item: str) -> Product | None:
        """Goods weighed in the shop, by the item number inside their barcode; leading zeros do not count."""
        return self._ask(lambda book: book.by_item(item.lstrip("0") or "0"), None)

    def search(self, words: str, limit: int = 20) -> Found:
        """Chinese, pinyin, initials, English, numbers, or a mixture; any text does no harm."""
        text = normal(words[:MAX_QUERY])[:MAX_QUERY]
        most = max(1, min(limit, MAX_LIMIT))
        return self._ask(lambda book: _search(book, text, most), Found())

    def alternatives(self, product: Product, limit: int = 4) -> tuple[Product, ...]:
        """In stock, of the same category: the same kind of thing first, then the nearest price."""
        most = max(1, min(limit, MAX_LIMIT))
        nothing: list[Product] = []
        near = self._ask(lambda book: book.near_price(product, 40), nothing)
        return tuple(sorted(near, key=lambda other: _unlike(product, other))[:most])

    def _ask(self, question: Callable[[Opened], T], nothing: T) -> T:
        book = self._book()
        if book is None:
            return nothing
        try:
            return question(book)
        except sqlite3.DatabaseError as error:  # a page of the file went bad under us
            self.problem = f"the catalogue is damaged: {error}; import it again"
            return nothing

    def _book(self) -> Opened | None:
        """The file as it is now; the one before where the new one can't be used."""
        try:
            stat = os.stat(self._path)  # noqa: PTH116 - runs before each look-up, and Path.stat takes twice as long
        except OSError as error:
            if self._opened is None:
                where = f"{self._path}: {error.strerror}"
                self.problem = f"there is no catalogue yet: {where}; storegate catalogue import FILE"
            return self._opened
        now = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if now != self._seen:
            self._seen = now
            self._reopen()
        return self._opened

    def _reopen(self) -> None:
        try:
            fresh = Opened(self._path)
        except (UnusableError, sqlite3.Error) as error:
            self.problem = f"{error}; the one before stays in use" if self._opened else str(error)
            return
        if self._opened is not None:
            self._opened.close()
        self._opened, self.problem = fresh, ""


def _search(book: Opened, text: str, limit: int) -> Found:
    words = split(text)
    if not words:
        return Found()
    hits = dict.fromkeys(_numbers(book, text, limit))
    corrected = ""
    if len(hits) < limit:
        hits.update(dict.fromkeys(_direct(book, words, limit)))
    if not hits:
        hits.update(dict.fromkeys(_spoken(book, words, limit, together=True)))
    if not hits:
        corrected, found = _repair(book, words, limit)
        hits.update(dict.fromkeys(found))
    if len(hits) < limit and not corrected:
        hits.update(dict.fromkeys(_spoken(book, words, limit, together=False)))
    products = book.by_numbers(list(hits)[:limit])
    return Found(products=products, corrected=corrected, suggestions=_suggestions(book, words, corrected))


def _numbers(book: Opened, text: str, limit: int) -> list[int]:
    """Barcodes and SKUs: whole ones, and their last or first digits from four on."""
    code = text.replace(" ", "")
    if not (code.isascii() and 1 < len(code) <= 32):
        return []
    gtin = gtin_of(code)
    if gtin is not None and (exact := book.numbered(gtin[1:], 1)):
        return exact
    return book.numbered(code, limit) if len(code) > 3 else []


def _direct(book: Opened, words: Sequence[Word], limit: int) -> list[int]:
    """These very words (kl: 可乐 before 科罗娜), then names that begin so, then others; each in the file's order."""
    spaced = len(words) > 1 and all(word.script is Script.LATIN for word in words)
    joined = [Word("".join(word.text for word in words), Script.LATIN)] if spaced else words  # ke kou ke le
    found = _tiers(book, joined, limit)
    if spaced and any(len(word.text) > 1 for word in words):  # k q s is kqs and nothing else
        found = list(dict.fromkeys([*found, *_tiers(book, words, limit)]))
    if not found and any(word.script is Script.HAN and len(word.text) > 1 for word in words):
        found = book.matching(query.characters(words, book.syllables), limit)
    return found


def _tiers(book: Opened, words: Sequence[Word], limit: int) -> list[int]:
    anywhere = book.matching(query.whole(words, book.syllables), limit)
    if len(anywhere) < 2:
        return anywhere
    expression = query.ending(words)
    found = dict.fromkeys(book.matching(expression, limit) if expression else ())
    if len(found) < limit:
        found.update(dict.fromkeys(book.matching(query.starting(words, book.syllables), limit)))
    return [*found, *(number for number in anywhere if number not in found)][:limit]


def _spoken(book: Opened, words: Sequence[Word], limit: int, *, together: bool) -> list[int]:
    """One word of letters as syllables and initials: neighbours (nongfsq → 农夫山泉), or merely in this order (kq)."""
    if len(words) != 1 or words[0].script is not Script.LATIN or not 2 <= len(words[0].text) <= 24:
        return []
    pieces = query.pieces(words[0].text, book.syllables) if together else list(words[0].text)
    if not 2 <= len(pieces) <= 8 or any(piece in NO_INITIALS for piece in pieces):
        return []
    candidates = book.matching(query.letters(pieces), CHECKED)
    fits = _neighbours if together else _in_order
    return [number for number, spoken in book.spoken(candidates) if fits(pieces, spoken)][:limit]


def _neighbours(pieces: Sequence[str], spoken: Sequence[str]) -> bool:
    return any(
        all(syllable.startswith(piece) for piece, syllable in zip(pieces, spoken[start:], strict=False))
        for start in range(len(spoken) - len(pieces) + 1)
    )


def _in_order(pieces: Sequence[str], spoken: Sequence[str]) -> bool:
    rest = iter(spoken)
    return all(any(syllable.startswith(piece) for syllable in rest) for piece in pieces)


def _repair(book: Opened, words: Sequence[Word], limit: int) -> tuple[str, list[int]]:
    """(what was searched for instead, hits)."""
    used, shown, changed = list[Word](), list[str](), False
    for word in words[: query.MAX_WORDS]:
        known = len(words) > 1 and bool(book.matching(query.whole([word], book.syllables), 1))
        better = None if known else repaired(book, word)
        used.append(better.word if better else word)
        shown.append(better.shown if better else word.text)
        changed = changed or better is not None
    found = _direct(book, used, limit) if changed else []
    return (" ".join(shown), found) if found else ("", [])


def _suggestions(book: Opened, words: Sequence[Word], corrected: str) -> tuple[str, ...]:
    """Words of the catalogue that begin like the last word typed: by letters, then by initials."""
    last = words[-1]
    found = dict.fromkeys(corrected.split()[-1:])
    if last.script is Script.HAN:
        found.update(dict.fromkeys(text for _, text in book.words_from("text", last.text, MAX_SUGGESTIONS)))
    elif last.script is Script.LATIN:
        spaced = all(word.script is Script.LATIN for word in words)  # ke kou ke le
        letters = "".join(word.text for word in words) if spaced else last.text
        for column in ("spelling", "initials"):
            found.update(dict.fromkeys(text for _, text in book.words_from(column, letters, MAX_SUGGESTIONS)))
    return tuple(found)[:MAX_SUGGESTIONS]


def _unlike(product: Product, other: Product) -> tuple[bool, int]:
    kind, other_kind = _kind(product.name_zh), _kind(other.name_zh)
    return kind != other_kind, abs(other.price_fen - product.price_fen)


def _kind(name: str) -> str:
    """The last two characters of the name's last Han run: what kind of thing it is, 农夫山泉饮用天然水 550ml → 然水."""
    runs = [word.text for word in split(normal(name)) if word.script is Script.HAN]
    return runs[-1][-2:] if runs else ""
