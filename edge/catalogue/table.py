"""A catalogue file (CSV or JSON lines, UTF-8, UTF-16 or GB18030) → checked rows, or every mistake with its line."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from edge.catalogue.product import Row
from edge.catalogue.rows import COLUMNS, Checker, check_header
from edge.checked import nearest
from edge.errors import CatalogueError, Mistake, StoregateError

MAX_FILE_BYTES = 512 << 20
MAX_LISTED = 50
"""Mistakes that are told one by one; the rest is counted."""
MAX_LINE = 100_000
Cells = Mapping[str, str]


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    rows: tuple[Row, ...]
    sha256: str
    encoding: str
    skipped: int


def read(source: Path, *, priced_at_ms: int, skip_bad: bool = False) -> Sheet:
    """All rows. Raises CatalogueError with what is wrong, StoregateError when the file can't be read."""
    data = _bytes(source)
    text, encoding = decode(data, where=source.name)
    checker = Checker(priced_at_ms=priced_at_ms)
    lines = _json_lines if source.suffix.lower() in {".jsonl", ".ndjson", ".json"} else _csv_lines
    before = 0
    rows: list[Row] = []
    skipped = 0
    for line, cells in lines(text, checker.mistakes, source.name):
        row = checker.row(line, cells) if cells is not None else None
        if row is not None:
            rows.append(row)
        elif len(checker.mistakes) > before:
            skipped += 1
        before = len(checker.mistakes)
    if checker.mistakes and not skip_bad:
        raise _refusal(source.name, checker.mistakes)
    if not rows:
        raise CatalogueError(source.name, [*checker.mistakes[:MAX_LISTED], Mistake("(file)", "has no product in it")])
    return Sheet(rows=tuple(rows), sha256=hashlib.sha256(data).hexdigest(), encoding=encoding, skipped=skipped)


def decode(data: bytes, *, where: str) -> tuple[str, str]:
    """Text and the encoding it was in. A UTF-8 file with a broken byte is not mistaken for GB18030."""
    for mark, name in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            try:
                return data.decode(name), name
            except UnicodeDecodeError as error:
                raise CatalogueError(where, [_broken(data, error, name)]) from error
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        if not data[: error.start].isascii():  # it was UTF-8 up to here
            raise CatalogueError(where, [_broken(data, error, "UTF-8")]) from error
    try:
        return data.decode("gb18030"), "gb18030"
    except UnicodeDecodeError as error:
        raise CatalogueError(where, [_broken(data, error, "neither UTF-8 nor GB18030")]) from error


def _bytes(source: Path) -> bytes:
    try:
        if source.stat().st_size > MAX_FILE_BYTES:
            raise StoregateError(f"{source} is larger than {MAX_FILE_BYTES >> 20} MB", hint="is it a catalogue?")
        return source.read_bytes()
    except OSError as error:
        raise StoregateError(f"can't read {source}: {error.strerror}") from error


def _broken(data: bytes, error: UnicodeDecodeError, name: str) -> Mistake:
    line = data.count(b"\n", 0, error.start) + 1
    problem = f"byte {data[error.start]:#04x} at position {error.start} is not text: {name}"
    return Mistake(f"line {line}", f"{problem}; save the file as UTF-8")


def _csv_lines(text: str, mistakes: list[Mistake], where: str) -> Iterator[tuple[int, Cells | None]]:
    csv.field_size_limit(MAX_LINE)
    first = text.partition("\n")[0]
    delimiter = next((mark for mark in (",", "\t", ";") if mark in first), ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            break
        except csv.Error as error:
            mistakes.append(Mistake(f"line {line}", _csv_problem(error)))
            yield line, None
            break  # after broken quoting nobody knows where the next row begins
        if not header:
            header = cells
            if wrong := list(check_header(header)):
                raise CatalogueError(where, wrong[:MAX_LISTED])
        elif any(cells):
            if len(cells) != len(header):
                mistakes.append(Mistake(f"line {line}", f"has {len(cells)} cells, the header has {len(header)}"))
            yield line, dict(zip(header, cells, strict=True)) if len(cells) == len(header) else None
    if not header:
        raise CatalogueError(where, [Mistake("(file)", "is empty")])


def _csv_problem(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end of data" in text:
        return "a quotation mark opened here is never closed"
    if "field larger" in text:
        return f"a cell has more than {MAX_LINE} characters: is a quotation mark missing?"
    return f"is not CSV: {text}"


def _json_lines(text: str, mistakes: list[Mistake], where: str) -> Iterator[tuple[int, Cells | None]]:
    if text.lstrip().startswith("[") and "\n" in text.strip():
        raise CatalogueError(where, [Mistake("line 1", "is one JSON list; wanted one JSON object a line")])
    seen = False
    for line, content in enumerate(text.splitlines() if "\n" not in text else text.split("\n"), 1):
        if not content.strip():
            continue
        seen = True
        before = len(mistakes)
        cells = _json_cells(line, content, mistakes)
        yield line, cells if len(mistakes) == before else None
    if not seen:
        raise CatalogueError(where, [Mistake("(file)", "is empty")])


def _json_cells(line: int, content: str, mistakes: list[Mistake]) -> Cells:
    if len(content) > MAX_LINE:
        mistakes.append(Mistake(f"line {line}", f"has more than {MAX_LINE} characters"))
        return {}
    try:
        data = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        mistakes.append(Mistake(f"line {line}", f"is not JSON: {error}"))
        return {}
    if not isinstance(data, dict):
        mistakes.append(Mistake(f"line {line}", "is not a JSON object"))
        return {}
    cells: dict[str, str] = {}
    for key, value in data.items():
        if key not in COLUMNS:
            mistakes.append(Mistake(f"line {line}, {key[:60]!r}", "is no column of a catalogue", nearest(key, COLUMNS)))
            continue
        cell = _json_cell(key, value)
        if cell is None:
            wanted = "whole fen" if key.endswith("_fen") else "text or a whole number"
            mistakes.append(Mistake(f"line {line}, column {key}", f"got {str(value)[:60]}, wanted {wanted}"))
        else:
            cells[key] = cell.strip()
    return cells


def _json_cell(key: str, value: object) -> str | None:
    match value:
        case None:
            return ""
        case str():
            return value
        case bool() | float() | dict():
            return None
        case int():
            return str(value) if abs(value) < 10**30 else None
        case list() if key == "keywords" and all(isinstance(word, str) for word in value):
            return " ".join(re.sub(r"\s+", "", word) for word in value)
        case _:
            return None


def _refusal(where: str, mistakes: list[Mistake]) -> CatalogueError:
    listed = mistakes[:MAX_LISTED]
    if more := len(mistakes) - len(listed):
        listed.append(Mistake("(more)", f"and {more} more mistake{'s' if more > 1 else ''} of {len(mistakes)}"))
    hint = "nothing was changed; correct the file, or import the good rows with --skip-bad"
    return CatalogueError(where, listed, hint=hint)
