"""QR codes as SVG for pages and as blocks for a terminal. The one file that knows segno."""

from __future__ import annotations

import io

import segno

QUIET = 4
"""Modules of white around a code (ISO/IEC 18004)."""


def svg(text: str) -> str:
    """An inline `<svg>` that fills its box: black on white whatever the page's colours, or phones can't read it.

    Screen readers pass it by: the words beside it say what it is for.
    """
    made: str = _code(text).svg_inline(
        border=QUIET, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None
    )
    return made.replace("<svg ", '<svg aria-hidden="true" ', 1)


def blocks(text: str) -> str:
    """Half-height blocks, white on dark as terminals are."""
    out = io.StringIO()
    _code(text).terminal(out=out, border=2, compact=True)
    return out.getvalue()


def matrix(text: str) -> tuple[tuple[bool, ...], ...]:
    """Rows of modules, true is black; without the quiet zone. For printing."""
    return tuple(tuple(bool(module) for module in row) for row in _code(text).matrix)


def _code(text: str) -> segno.QRCode:
    return segno.make(text, error="m", boost_error=False, micro=False)
