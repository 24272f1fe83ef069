"""The pairing sheet: one A4 page, as SVG or PDF. Pure.

Both are written by hand: a page of black rectangles and a few words needs no drawing library. Lengths are in
millimetres from the upper left corner. The PDF uses Helvetica, which every reader has and which holds no Chinese; the
SVG speaks both languages.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import NamedTuple

from devices.scanners import bars, pairing
from edge import qr

WIDTH_MM, HEIGHT_MM = 210.0, 297.0
BAR_MM = 0.38
"""Width of the thinnest bar: 115 % of EAN's nominal size, for cheap printers."""
MODULE_MM = 1.0
CAPTION_MM = 4.2
"""Captions stand on one line in both languages; longer words on two."""
_POINTS = 72 / 25.4
_LEFT_MM = 25.0
_BAR_HEIGHT_MM = 22.0


class Rect(NamedTuple):
    """Black."""

    x: float
    y: float
    width: float
    height: float


class Words(NamedTuple):
    x: float
    y: float
    size_mm: float
    en: str
    zh: str


def page() -> tuple[tuple[Rect, ...], tuple[Words, ...]]:
    """All rectangles and words of the sheet."""
    rects: list[Rect] = []
    words = [
        Words(_LEFT_MM, 20, 5.5, "storegate: pairing sheet for scanners", "storegate 扫码枪配对页"),
        Words(
            _LEFT_MM, 36, 3.8,
            "Print at 100 %. Run storegate scanner pair, then scan the four codes, one after the other.",
            "按 100% 打印。运行 storegate scanner pair，然后依次扫描下面四个码。",
        ),
    ]  # fmt: skip
    for index, (code, top, en, zh) in enumerate(_places(), 1):
        words.append(Words(_LEFT_MM, top - 3, CAPTION_MM, f"{index}. {en}", zh))
        rects += _drawn(code, top)
    words.append(
        Words(
            _LEFT_MM, 282, 3.4,
            "A laser scanner reads 1 and 2 only: that is enough for a first setting.",
            "激光枪只能读 1 和 2，足够完成基本设置。",
        )
    )  # fmt: skip
    return tuple(rects), tuple(words)


def _places() -> tuple[tuple[pairing.SheetCode, float, str, str], ...]:
    return (
        (pairing.DIGITS, 55.0, "Digits (EAN-13)", "数字（EAN-13）"),
        (pairing.LETTERS, 98.0, "Letters (Code 128)", "字母（Code 128）"),
        (pairing.SYMBOLS, 141.0, "Symbols (QR code)", "符号（二维码）"),
        (pairing.GROUPS, 213.0, "Separator (QR code)", "分隔符（二维码）"),
    )


def _drawn(code: pairing.SheetCode, top: float) -> Iterator[Rect]:
    left = _LEFT_MM + 5  # the quiet zone
    match code.symbology:
        case "EAN-13":
            yield from _bars(bars.ean13(code.text), left, top)
        case "Code 128":
            yield from _bars(bars.code128(code.text), left, top)
        case _:
            for row, modules in enumerate(qr.matrix(code.text)):
                line = "".join("1" if black else "0" for black in modules)
                for start, length in _runs(line):
                    yield Rect(left + start * MODULE_MM, top + row * MODULE_MM, length * MODULE_MM, MODULE_MM)


def _bars(modules: str, left: float, top: float) -> Iterator[Rect]:
    for start, length in _runs(modules):
        yield Rect(left + start * BAR_MM, top, length * BAR_MM, _BAR_HEIGHT_MM)


def _runs(line: str) -> Iterator[tuple[int, int]]:
    """(start, length) of each run of black."""
    start = 0
    for run in line.replace("10", "1 0").replace("01", "0 1").split(" "):
        if run.startswith("1"):
            yield start, len(run)
        start += len(run)


def svg() -> str:
    rects, words = page()
    shapes = "".join(f"M{r.x:.2f} {r.y:.2f}h{r.width:.2f}v{r.height:.2f}h-{r.width:.2f}z" for r in rects)
    texts = "".join(
        f'<text x="{word.x}" y="{word.y + line * word.size_mm * 1.35:.2f}" font-size="{word.size_mm}">'
        f"{escape(text)}</text>\n"
        for word in words
        for line, text in enumerate((word.en, word.zh) if word.size_mm != CAPTION_MM else (f"{word.en}  {word.zh}",))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH_MM:g}mm" height="{HEIGHT_MM:g}mm" '
        f'viewBox="0 0 {WIDTH_MM:g} {HEIGHT_MM:g}" font-family="Helvetica, Arial, \'Noto Sans CJK SC\', sans-serif">\n'
        f'<title>storegate pairing sheet</title>\n<rect width="100%" height="100%" fill="#fff"/>\n'
        f'<path shape-rendering="crispEdges" d="{shapes}"/>\n{texts}</svg>\n'
    )


def pdf() -> bytes:
    """PDF 1.4 (ISO 32000-1): a catalogue, one page, one font, one stream."""
    content = _stream().encode("latin-1")
    media = f"[0 0 {WIDTH_MM * _POINTS:.2f} {HEIGHT_MM * _POINTS:.2f}]"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox {media} /Contents 4 0 R "
        "/Resources << /Font << /F 5 0 R >> >> >>".encode(),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    )
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def _stream() -> str:
    """PDF counts from the lower left corner, in points."""
    rects, words = page()
    lines = [
        f"{r.x * _POINTS:.3f} {(HEIGHT_MM - r.y - r.height) * _POINTS:.3f} "
        f"{r.width * _POINTS:.3f} {r.height * _POINTS:.3f} re"
        for r in rects
    ]
    lines.append("f")
    for word in words:
        text = word.en.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        place = f"{word.x * _POINTS:.2f} {(HEIGHT_MM - word.y) * _POINTS:.2f}"
        lines.append(f"BT /F {word.size_mm * _POINTS:.1f} Tf {place} Td ({text}) Tj ET")
    return "\n".join(lines)
