"""A catalogue file is checked whole: each mistake with its line, and what was meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import gtin as gtins
from edge.catalogue.rows import COLUMNS, Checker
from edge.catalogue.table import decode, read
from edge.errors import CatalogueError

GOOD = "6901028180559"
HEADER = "gtin,sku,name_zh,price_fen,member_price_fen,stock,image,keywords"


def sheet(tmp_path: Path, text: str | bytes, *, name: str = "p.csv", skip_bad: bool = False):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(path, priced_at_ms=1, skip_bad=skip_bad)


def mistakes(tmp_path: Path, text: str | bytes, *, name: str = "p.csv") -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        sheet(tmp_path, text, name=name)
    return [str(mistake) for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        (f"{GOOD},,可乐,3.50,,,,", "line 2, column price_fen: got '3.50', wanted whole fen; 3.50 yuan is 350 fen"),
        (f"{GOOD},,可乐,¥1.05,,,,", "105 fen"),
        (f"{GOOD},,可乐,-5,,,,", "line 2, column price_fen: got -5, wanted 1 to 99999999 fen"),
        (f"{GOOD},,可乐,0,,,,", "got 0, wanted 1 to"),
        (f"{GOOD},,可乐,999999999999,,,,", "got 999999999999"),
        (f"{GOOD},,可乐,{'9' * 400},,,,", "wanted whole fen"),
        (f"{GOOD},,可乐,,,,,", "line 2, column price_fen: is empty"),
        (f"{GOOD},,可乐,nan,,,,", "wanted a whole number of fen"),
        (f"{GOOD},,可乐,٣٥٠,,,,", "wanted whole fen"),
        (f"{GOOD},,,350,,,,", "line 2, column name_zh: is empty"),
        (f"{GOOD},,可乐,350,360,,,", "member_price_fen: 360 is more than price_fen 350"),
        (f"{GOOD},,可乐,350,,-1,,", "column stock: got -1, wanted 0 to"),
        (f"{GOOD},,可乐,350,,1.5,,", "column stock: got '1.5', wanted a whole number"),
        (f"{GOOD[:-1]}8,,可乐,350,,,,", "wrong check digit: after 690102818055 comes 9"),
        ("690102818055,,可乐,350,,,,", "wrong check digit"),
        ("12345,,可乐,350,,,,", "got 5 digits"),
        ("6.90103E+12,,可乐,350,,,,", "a spreadsheet rounded the barcode"),
        ("69O1028180559,,可乐,350,,,,", "wanted digits only"),
        (",,可乐,350,,,,", "is empty; wanted 8, 12, 13 or 14 digits, or a sku"),
        (f"{GOOD},,{'可' * 200},350,,,,", "has 200 characters, wanted at most 120"),
        (f'{GOOD},,"可\n乐",350,,,,', "line break or a control character"),
        (f"{GOOD},,可乐,350,,,../../etc/passwd,", "wanted a path below the image folder"),
        (f"{GOOD},,可乐,350,,,/a.png,", "wanted a path below"),
        (f"{GOOD},,可乐,350,,,http://x/y.png,", "wanted a path below"),
        (f"{GOOD},,可乐,350,,,a\\b.png,", "wanted a path below"),
        (f"{GOOD},,可乐", "line 2: has 3 cells, the header has 8"),
        (f'{GOOD},,"可乐,350,,,,', "line 2: a quotation mark opened here is never closed"),
        (f'{GOOD},,"可"乐,350,,,,', "line 2: is not CSV"),
    ],
)
def test_a_wrong_cell_is_named_and_nothing_is_taken(tmp_path: Path, cells: str, wanted: str) -> None:
    found = mistakes(tmp_path, f"{HEADER}\n{cells}\n")
    assert any(wanted in line for line in found), found


def test_the_header_is_checked_with_what_was_meant(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "gtni,nmae_zh,price,price_fen,price_fen\n1,2,3,4,5\n")
    assert "line 1, column 1: 'gtni' is no column of a catalogue — did you mean 'gtin'?" in found
    assert "line 1, column 2: 'nmae_zh' is no column of a catalogue — did you mean 'name_zh'?" in found
    assert "line 1, column 5: 'price_fen' is there twice" in found
    assert any("the column name_zh is missing" in line for line in found)


def test_every_mistake_is_listed_up_to_a_cap_and_the_rest_counted(tmp_path: Path) -> None:
    found = mistakes(tmp_path, HEADER + "\n" + f"{GOOD},,x,bad,,,,\n" * 500)
    assert len(found) == 51
    assert "more mistakes of" in found[-1]


def test_doubles_name_the_first_line(tmp_path: Path) -> None:
    found = mistakes(tmp_path, f"{HEADER}\n{GOOD},,a,1,,,,\n0{GOOD},,b,1,,,,\n,12,c,1,,,,\n,00012,d,1,,,,\n")
    assert found == [
        f"line 3, column gtin: 0{GOOD} is on line 2 already",
        "line 5, column gtin: 02000012000003 is on line 4 already",
    ]


def test_lines_are_counted_through_cells_with_line_breaks(tmp_path: Path) -> None:
    found = mistakes(tmp_path, f'{HEADER}\n{GOOD},,"a\nb\nc",1,,,,\n\n6901028180566,,d,x,,,,\n')
    assert found[0].startswith("line 2, column name_zh")
    assert found[1].startswith("line 6, column price_fen")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_encodings_are_recognised(tmp_path: Path, encoding: str) -> None:
    text = f'{HEADER}\r\n{GOOD},,"可口可乐, ""经典"" 330ml",350,300,4,,汽水；可乐\r\n'
    found = sheet(tmp_path, text.encode(encoding))
    assert found.rows[0].product.name_zh == '可口可乐, "经典" 330ml'
    assert found.rows[0].keywords == ("汽水", "可乐")
    assert found.encoding == encoding


def test_a_broken_byte_in_utf8_is_not_taken_for_gb18030() -> None:
    data = "gtin,name_zh\n1,可乐\n2,雪碧\n".encode()
    with pytest.raises(CatalogueError, match=r"line 3: byte 0xff .* save the file as UTF-8"):
        decode(data.replace("雪".encode(), b"\xff\xff\xff"), where="p.csv")


@pytest.mark.parametrize("delimiter", ["\t", ";"])
def test_other_delimiters(tmp_path: Path, delimiter: str) -> None:
    found = sheet(tmp_path, f"gtin,name_zh,price_fen\n{GOOD},可乐,350\n".replace(",", delimiter))
    assert found.rows[0].product.price_fen == 350


def test_goods_weighed_in_the_shop_need_only_an_item_number(tmp_path: Path) -> None:
    found = sheet(tmp_path, "sku,name_zh,price_fen\n123,苹果,798\n")
    assert found.rows[0].product.gtin == "02000123000008"


def test_skip_bad_takes_the_good_rows_and_counts_the_others(tmp_path: Path) -> None:
    text = f"{HEADER}\n{GOOD},,a,1,,,,\nbad,,b,x,,,,\n{GOOD},,double,1,,,,\n6901028180566,,c,2,,,,\n"
    found = sheet(tmp_path, text, skip_bad=True)
    assert [row.product.name_zh for row in found.rows] == ["a", "c"]
    assert found.skipped == 2


@pytest.mark.parametrize("text", ["", "\n\n", HEADER, f"{HEADER}\n\n"])
def test_an_empty_file_is_refused(tmp_path: Path, text: str) -> None:
    assert mistakes(tmp_path, text)


def test_json_lines(tmp_path: Path) -> None:
    lines = [
        {"gtin": GOOD, "name_zh": "可乐", "price_fen": 350, "stock": None, "keywords": ["汽水", "coke"]},
        {"sku": "77", "name_zh": "苹果", "price_fen": "798"},
    ]
    found = sheet(tmp_path, "\n".join(json.dumps(line) for line in lines), name="p.jsonl")
    assert [row.product.price_fen for row in found.rows] == [350, 798]
    assert found.rows[0].keywords == ("汽水", "coke")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (f'{{"gtin":"{GOOD}","name_zh":"x","price_fen":3.5}}', "line 1, column price_fen: got 3.5, wanted whole fen"),
        (f'{{"gtin":"{GOOD}","name_zh":"x","price_fen":true}}', "got True"),
        ('{"gtni":1}', "did you mean 'gtin'?"),
        ("[1]", "line 1: is not a JSON object"),
        ("{", "line 1: is not JSON"),
        ("[" * 5000, "line 1: is not JSON"),
    ],
)
def test_wrong_json_lines(tmp_path: Path, line: str, wanted: str) -> None:
    assert any(wanted in found for found in mistakes(tmp_path, line, name="p.jsonl"))


@given(st.dictionaries(st.sampled_from(COLUMNS), st.text(max_size=40)))
def test_any_cells_give_a_row_or_mistakes(cells: dict[str, str]) -> None:
    checker = Checker(priced_at_ms=0)
    assert (checker.row(2, cells) is None) == bool(checker.mistakes)


@given(st.integers(1, 10**13 - 1))
def test_check_digits(number: int) -> None:
    body = f"{number:013d}"
    good = body + gtins.check_digit(body)
    assert gtins.gtin_of(good) == good
    assert gtins.gtin_of(body + str((int(good[-1]) + 1) % 10)) is None
