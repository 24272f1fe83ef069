"""One row of a catalogue file → a checked product, or every mistake in it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from edge import gtin as gtins
from edge.catalogue import images, item_numbers
from edge.catalogue.product import Product, Row
from edge.checked import MAX_SHOWN, nearest
from edge.errors import Mistake
from edge.ids import Gtin

COLUMNS = (
    "gtin", "sku", "name_zh", "name_en", "brand", "category", "price_fen", "member_price_fen", "unit", "stock",
    "shelf", "image", "keywords",
)  # fmt: skip
REQUIRED = ("name_zh", "price_fen")
MAX_PRICE_FEN = 99_999_999
MAX_STOCK = 10_000_000
MAX_KEYWORDS = 20
_LENGTHS = {
    "name_zh": 120, "name_en": 200, "brand": 64, "category": 64, "unit": 16, "shelf": 32, "sku": 32,
    "image": images.MAX_LENGTH,
}  # fmt: skip
"""Characters at most."""
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_MONEY = re.compile(r"[¥￥]?\s*-?\d[\d,]*([.．]\d+)?\s*元?")


def check_header(names: list[str]) -> Iterator[Mistake]:
    """Every wrong, missing or doubled column of a header."""
    for index, name in enumerate(names):
        if name not in COLUMNS:
            shown = repr(name[:MAX_SHOWN]) if name else "an empty name"
            meant = nearest(name.strip().lower().replace(" ", "_"), COLUMNS)
            yield Mistake(f"line 1, column {index + 1}", f"{shown} is no column of a catalogue", meant)
        elif name in names[:index]:
            yield Mistake(f"line 1, column {index + 1}", f"{name!r} is there twice")
    for name in REQUIRED:
        if name not in names:
            yield Mistake("line 1", f"the column {name} is missing; a catalogue has {', '.join(COLUMNS)}")
    if not {"gtin", "sku"} & set(names):
        yield Mistake("line 1", "needs a column gtin, or sku for goods weighed in the shop")


@dataclass(slots=True)
class Checker:
    """Checks rows one by one, and each against those before it."""

    priced_at_ms: int
    mistakes: list[Mistake] = field(default_factory=list)
    _lines: dict[Gtin, int] = field(default_factory=dict)
    _items: dict[str, int] = field(default_factory=dict)

    def row(self, line: int, cells: Mapping[str, str]) -> Row | None:
        """The row, or None; then `mistakes` has grown."""
        before = len(self.mistakes)
        gtin = self._gtin(line, cells)
        price = self._number(line, cells, "price_fen", 1, MAX_PRICE_FEN)
        member = self._number(line, cells, "member_price_fen", 1, MAX_PRICE_FEN)
        stock = self._number(line, cells, "stock", 0, MAX_STOCK)
        for column in _LENGTHS:
            self._text(line, cells, column)
        if not cells.get("name_zh"):
            self._wrong(line, "name_zh", "is empty")
        if price is None and not cells.get("price_fen"):
            self._wrong(line, "price_fen", "is empty")
        if price is not None and member is not None and member > price:
            self._wrong(line, "member_price_fen", f"{member} is more than price_fen {price}")
        keywords = self._keywords(line, cells)
        if len(self.mistakes) > before or gtin is None or price is None:
            return None
        texts = {column: cells.get(column, "") for column in _LENGTHS}
        product = Product(
            gtin=gtin, price_fen=price, member_price_fen=member, stock=stock, priced_at_ms=self.priced_at_ms, **texts
        )
        return Row(product=product, keywords=keywords)

    def _gtin(self, line: int, cells: Mapping[str, str]) -> Gtin | None:
        text, sku = cells.get("gtin", ""), cells.get("sku", "")
        weighed = sku.isascii() and sku.isdigit() and 1 <= len(sku) <= item_numbers.MAX_ITEM_DIGITS
        if not text and not weighed:
            wanted = f"or a sku of 1 to {item_numbers.MAX_ITEM_DIGITS} digits for goods weighed in the shop"
            self._wrong(line, "gtin", f"is empty; wanted 8, 12, 13 or 14 digits, {wanted}")
            return None
        gtin = gtins.gtin_of(text) if text else item_numbers.of_item(sku)
        if gtin is None:
            self._wrong(line, "gtin", _gtin_problem(text))
            return None
        return gtin if self._first(line, gtin, sku if weighed else "") else None

    def _first(self, line: int, gtin: Gtin, sku: str) -> bool:
        before = self._lines.setdefault(gtin, line)
        if before != line:
            self._wrong(line, "gtin", f"{gtin} is on line {before} already")
            return False
        if item_numbers.made_in_shop(gtin):
            item = (sku or item_numbers.item_of(gtin)).lstrip("0") or "0"
            before = self._items.setdefault(item, line)
            if before != line:
                self._wrong(line, "sku", f"item number {item} is on line {before} already")
                return False
        return True

    def _number(self, line: int, cells: Mapping[str, str], column: str, least: int, most: int) -> int | None:
        text = cells.get(column, "")
        if not text:
            return None
        if not (text.isascii() and _WHOLE.fullmatch(text)):
            self._wrong(line, column, _number_problem(text, column))
            return None
        number = int(text)
        if not least <= number <= most:
            unit = " fen" if column.endswith("_fen") else ""
            self._wrong(line, column, f"got {number}, wanted {least} to {most}{unit}")
            return None
        return number

    def _text(self, line: int, cells: Mapping[str, str], column: str) -> None:
        text, most = cells.get(column, ""), _LENGTHS[column]
        if len(text) > most:
            self._wrong(line, column, f"has {len(text)} characters, wanted at most {most}")
        elif not text.isprintable():
            self._wrong(line, column, f"{_shown(text)} has a line break or a control character in it")
        elif column == "image" and text and not images.is_path(text):
            folders = f"at most {images.MAX_STEPS - 1} folders"
            wanted = f"wanted a path below the image folder, like drinks/cola.webp ({folders})"
            self._wrong(line, column, f"got {_shown(text)}, {wanted}")

    def _keywords(self, line: int, cells: Mapping[str, str]) -> tuple[str, ...]:
        text = cells.get("keywords", "")
        words = tuple(dict.fromkeys(re.split(r"[\s;；,，、|/]+", text.strip()))) if text.strip() else ()
        if len(words) > MAX_KEYWORDS or len(text) > 400:
            self._wrong(line, "keywords", f"has {len(words)} words, wanted at most {MAX_KEYWORDS} (400 characters)")
        elif not all(word.isprintable() for word in words):
            self._wrong(line, "keywords", "has a control character in it")
        return words

    def _wrong(self, line: int, column: str, problem: str) -> None:
        self.mistakes.append(Mistake(f"line {line}, column {column}", problem))


def _gtin_problem(text: str) -> str:
    if re.fullmatch(r"\d+([.]\d+)?[eE]\+?\d+", text):
        return f"got {_shown(text)}: a spreadsheet rounded the barcode; format that column as text and export again"
    if not (text.isascii() and text.isdigit()):
        return f"got {_shown(text)}, wanted digits only"
    if len(text) not in gtins.LENGTHS:
        lost = " (a leading zero may be lost)" if len(text) in {7, 11} else ""
        return f"got {len(text)} digits ({_shown(text)}), wanted 8, 12, 13 or 14{lost}"
    if not text.strip("0"):
        return "got only zeros; leave the column empty for goods without a barcode"
    return f"{text} has a wrong check digit: after {text[:-1]} comes {gtins.check_digit(text[:-1])}"


def _number_problem(text: str, column: str) -> str:
    if column.endswith("_fen") and _MONEY.fullmatch(text):
        digits = re.sub(r"[^\d.．-]", "", text).replace("．", ".")
        meant = f"; {text.strip()} yuan is {round(float(digits) * 100)} fen" if len(digits) < 12 else ""
        return f"got {_shown(text)}, wanted whole fen{meant}"
    return f"got {_shown(text)}, wanted a whole number" + (" of fen" if column.endswith("_fen") else "")


def _shown(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= MAX_SHOWN else shown[: MAX_SHOWN - 1] + "…"
