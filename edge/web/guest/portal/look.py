"""The portal's style sheet, with the shop's own colour in it: one small file, for no style stands in a page (CSP).

It knows no custom properties, grids or masks: the WebViews of old phones lay it out all the same. A smaller one tints
the wallet and the shake page, which have a sheet of their own.
"""

from __future__ import annotations

import functools
import hashlib
import re
from importlib import resources

from aiohttp import web

WEEK_S = 7 * 24 * 3600
OURS = "ab3218"
_COLOUR = re.compile(r"[0-9a-f]{6}\Z")
LOOK = "look.css"
TINT = "tint.css"
_SHEETS = {
    name: (resources.files("edge.web.guest.portal") / file).read_text("utf-8")
    for name, file in ((LOOK, "portal.css"), (TINT, "tint.css"))
}
_TAGS = {name: hashlib.sha256(text.encode()).hexdigest()[:8] for name, text in _SHEETS.items()}


def look_url(colour: str, name: str = LOOK) -> str:
    """`colour` as the document has it: `#c8102e`, or empty for ours."""
    bare = colour.removeprefix("#").lower()
    return f"/portal/{name}?c={bare if _COLOUR.match(bare) else OURS}&v={_TAGS[name]}"


def sheet(colour: str, name: str = LOOK) -> str:
    """Six digits. Text on the colour is black or white, whichever is read better: one of them always is at 4.5:1."""
    ink = "fff" if light(colour) < 0.179 else "000"
    on_paper = colour if light(colour) < 0.164 else "2b2019"  # as text on our paper a light one can't be read
    text = _SHEETS[name].replace("#0c0c01", f"#{colour}")
    text = text.replace("#0c0c04", f"#{shade(colour)}")
    return text.replace("#0c0c02", f"#{ink}").replace("#0c0c03", f"#{on_paper}")


def shade(colour: str) -> str:
    """A darker one, for an edge."""
    return "".join(f"{int(colour[at : at + 2], 16) * 2 // 3:02x}" for at in (0, 2, 4))


def light(colour: str) -> float:
    """Relative luminance, as WCAG 2 has it."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@functools.lru_cache(maxsize=32)
def _made(colour: str, name: str) -> bytes:
    return sheet(colour, name).encode()


async def answer(request: web.Request) -> web.Response:
    colour = request.query.get("c", OURS)
    if not _COLOUR.match(colour):
        colour = OURS
    name = request.match_info["name"]
    caching = f"public, max-age={WEEK_S}, immutable" if request.query.get("v") == _TAGS[name] else "no-cache"
    return web.Response(
        body=_made(colour, name), headers={"Cache-Control": caching, "Content-Type": "text/css; charset=utf-8"}
    )


def route() -> web.AbstractRouteDef:
    return web.get(f"/portal/{{name:{re.escape(LOOK)}|{re.escape(TINT)}}}", answer)
