"""`storegate shake`: what is printed and hung up in the shop so that phones without an app can shake."""

from __future__ import annotations

import html
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from edge.cli import say
from edge.errors import StoregateError, UsageError

if TYPE_CHECKING:
    from edge.config import Config

app = typer.Typer(no_args_is_help=True)

STYLE = """
@page { size: A4; margin: 12mm }
body { margin: 0; font-family: "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; color: #2b2019 }
main { display: grid; grid-template-columns: 1fr 1fr; gap: 8mm }
article { break-inside: avoid; padding: 6mm; border: 0.3mm dashed #8d7455; border-radius: 4mm; text-align: center }
h2 { margin: 0; font-size: 20pt } h2 + p { margin: 0 0 3mm; font-size: 12pt }
svg { display: block; width: 62mm; height: 62mm; margin: 0 auto }
strong { display: block; font-size: 15pt; color: #86230d }
code { display: block; margin-top: 2mm; font-size: 8pt; overflow-wrap: anywhere }
"""


class ZoneCode(NamedTuple):
    zone: str
    name_zh: str
    name_en: str
    code: str
    url: str


@app.callback()
def shake() -> None:
    """One command for now; typer would otherwise leave its name out."""


@app.command("codes")
def codes(
    out: Annotated[
        Path | None, typer.Option("--out", help="The sheet (HTML) goes into this file, to be printed; - is stdout.")
    ] = None,
    url: Annotated[
        str,
        typer.Option("--url", help="How phones reach the guest pages; else listen.public_url.", callback=say.utf8),
    ] = "",
    config: say.ConfigOption = None,
    as_json: say.JsonOption = False,
) -> None:
    """A QR code for every zone, to print and hang up: storegate shake codes --out codes.html

    Whoever scans one shakes in that zone. A printed code can be photographed: set shake.zone_codes = false
    where that matters, and let kiosks show theirs, which change every minute.
    """
    from edge.config import find, load  # noqa: PLC0415

    try:
        settings = load(find(config))
        made = _codes(settings, _base(settings, url))
    except StoregateError as error:
        say.fail(error)
    if not settings.shake.zone_codes:
        say.warn("shake.zone_codes is off in gateway.toml: these codes are refused until it is on")
    if out is not None:
        _write(out, sheet(made))
    if str(out) != "-":
        say.show([each._asdict() for each in made], as_json=as_json, human=lambda: _tell(made, out))


def _tell(made: list[ZoneCode], out: Path | None) -> None:
    for each in made:
        print(f"{each.zone:<32}  {each.url}")
    if out is None:
        say.err.print("as a sheet to print: storegate shake codes --out codes.html")
    else:
        say.err.print(f"{len(made)} codes are in {out}: open it in a browser and print it", soft_wrap=True)


def _base(settings: Config, url: str) -> str:
    base = url or settings.listen.public_url
    if not base:
        hint = "set listen.public_url in gateway.toml, or give --url http://192.168.1.2:8080"
        raise UsageError("a phone must know where to go", hint=hint)
    if not base.startswith(("http://", "https://")) or any(letter.isspace() for letter in base):
        raise UsageError(f"{base!r} is no http:// or https:// address")
    return base.rstrip("/")


def _codes(settings: Config, base: str) -> list[ZoneCode]:
    """Of the documents on disk. Raises StoregateError."""
    from edge import places  # noqa: PLC0415
    from edge.documents import Documents  # noqa: PLC0415
    from edge.keys import GatewayKeys  # noqa: PLC0415

    zones = Documents.open(settings.state_path).shop(settings).zones.values()
    if not zones:
        raise StoregateError("the shop has no zones yet", hint="storegate documents put zones zones.json")
    key = GatewayKeys.open(settings.state_path).beacon_key("place")
    return [
        ZoneCode(zone.id, zone.name_zh, zone.name_en, code, f"{base}/shake?z={code}")
        for zone in zones
        for code in (places.zone_code(key, zone.id),)
    ]


def sheet(made: list[ZoneCode]) -> str:
    """One page for all; a browser prints it, two columns on A4."""
    from edge import qr  # noqa: PLC0415

    cards = "\n".join(
        f"<article><h2>{html.escape(each.name_zh)}</h2><p>{html.escape(each.name_en)}</p>{qr.svg(each.url)}"
        f"<strong>扫码摇一摇 · Scan and shake</strong><code>{html.escape(each.code)}</code></article>"
        for each in made
    )
    return (
        '<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8"><title>摇一摇 · Shake</title>'
        f"<style>{STYLE}</style></head>\n<body><main>\n{cards}\n</main></body></html>\n"
    )


def _write(out: Path, text: str) -> None:
    if str(out) == "-":
        sys.stdout.write(text)
        return
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        say.fail(UsageError(f"can't write {out}: {error.strerror}"))
