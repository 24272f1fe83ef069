"""The sheet is read back by a barcode reader: as drawn, and out of the PDF's and the SVG's own numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import zxingcpp

from devices.scanners import bars, sheet
from devices.scanners.pairing import SHEET
from devices.scanners.sheet import HEIGHT_MM, WIDTH_MM, Rect

DOTS_PER_MM = 8
"""203 dpi: the coarsest printer a shop may have."""


def decoded(rects: Iterable[Rect]) -> set[str]:
    paper = np.full((int(HEIGHT_MM * DOTS_PER_MM), int(WIDTH_MM * DOTS_PER_MM)), 255, np.uint8)
    for rect in rects:
        left, top, right, bottom = (
            round(edge * DOTS_PER_MM) for edge in (rect.x, rect.y, rect.x + rect.width, rect.y + rect.height)
        )
        paper[top:bottom, left:right] = 0
    return {code.text for code in zxingcpp.read_barcodes(paper, text_mode=zxingcpp.TextMode.Plain)}


KNOWN = {code.text for code in SHEET}


def test_the_page_is_read_back() -> None:
    rects, words = sheet.page()
    assert decoded(rects) == KNOWN
    assert all(rect.x + rect.width < WIDTH_MM - 10 for rect in rects)
    assert all(word.en.isascii() and word.zh for word in words)


def test_the_svg_is_read_back_and_speaks_both_languages() -> None:
    text = sheet.svg()
    root = ET.fromstring(text)
    path = next(node for node in root.iter() if node.tag.endswith("path")).attrib["d"]
    rects = [Rect(*map(float, found)) for found in re.findall(r"M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)", path)]
    assert decoded(rects) == KNOWN
    assert "扫描" in text
    assert "Print at 100 %" in text


def test_the_pdf_is_read_back_and_its_table_is_right() -> None:
    raw = sheet.pdf()
    points = 72 / 25.4
    rects = []
    for found in re.findall(rb"^([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) re$", raw, re.MULTILINE):
        x, y, width, height = (float(value) / points for value in found)
        rects.append(Rect(x, HEIGHT_MM - y - height, width, height))
    assert decoded(rects) == KNOWN
    start = int(raw.split(b"startxref\n")[1].split()[0])
    assert raw[start:].startswith(b"xref")
    for number, offset in enumerate(re.findall(rb"^(\d{10}) 00000 n", raw, re.MULTILINE), 1):
        assert raw[int(offset) :].startswith(b"%d 0 obj" % number)
    length = int(re.search(rb"/Length (\d+)", raw)[1])
    assert len(raw.split(b"\nendstream")[0].split(b"stream\n", 1)[1]) == length


def test_what_a_code_can_not_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="ASCII"):
        bars.code128("可乐")
