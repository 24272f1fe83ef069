"""Vouchers on paper: one page (HTML) for a browser to print, with lines to cut along; or a table (CSV)."""

from __future__ import annotations

import csv
import html
import io
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from edge.access_answers import VoucherBatch

STYLE = """
@page { size: A4; margin: 10mm }
body { margin: 0; font-family: "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; color: #000 }
main { display: grid; grid-template-columns: 1fr 1fr 1fr; border-top: 0.2mm dashed #777;
  border-left: 0.2mm dashed #777 }
article { break-inside: avoid; padding: 3mm 3mm 4mm; border-right: 0.2mm dashed #777; border-bottom: 0.2mm dashed #777;
  text-align: center }
h2 { margin: 0; font-size: 11pt } p { margin: 0.6mm 0 0; font-size: 7.5pt }
svg { display: block; width: 30mm; height: 30mm; margin: 1mm auto }
code { display: block; font: bold 13pt "DejaVu Sans Mono", monospace; letter-spacing: 0.3mm; white-space: nowrap }
"""


class Shop(NamedTuple):
    """Whose paper it is."""

    name_zh: str
    name_en: str
    network: str
    """Name of the Wi-Fi; empty: not known here."""
    url: str
    """Of the portal."""
    valid_to: str
    """A day, in the shop's time."""


def page(batch: VoucherBatch, codes: tuple[str, ...], shop: Shop) -> str:
    """Whoever scans one on the shop's Wi-Fi lands on the portal with the code typed in."""
    cards = "\n".join(_card(code, batch, shop) for code in codes)
    title = html.escape(f"{batch.batch} · {shop.name_zh} · {shop.name_en}")
    return (
        f'<!doctype html>\n<html lang="zh-CN"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head>\n<body><main>\n{cards}\n</main></body></html>\n"
    )


def table(batch: VoucherBatch, codes: tuple[str, ...], shop: Shop) -> str:
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(("code", "batch", "minutes", "megabytes", "devices", "valid_to", "url"))
    for code in codes:
        terms = (batch.batch, batch.minutes, batch.megabytes, batch.devices, shop.valid_to)
        rows.writerow((_grouped(code), *terms, f"{shop.url}#{code}"))
    return out.getvalue()


def _card(code: str, batch: VoucherBatch, shop: Shop) -> str:
    from edge import qr  # noqa: PLC0415

    zh, en = _terms(batch, shop)
    network = f"<p>Wi-Fi: <b>{html.escape(shop.network)}</b></p>" if shop.network else ""
    return (
        f"<article><h2>{html.escape(shop.name_zh)}</h2><p>{html.escape(shop.name_en)}</p>{network}"
        f"{qr.svg(f'{shop.url}#{code}')}<code>{_grouped(code)}</code>"
        f"<p>上网券 · {html.escape(zh)}</p><p>Wi-Fi voucher · {html.escape(en)}</p></article>"
    )


def _terms(batch: VoucherBatch, shop: Shop) -> tuple[str, str]:
    zh, en = [_time(batch.minutes, "天", "小时", "分钟")], [_time(batch.minutes, " d", " h", " min")]
    if batch.megabytes:
        zh.append(f"{batch.megabytes} MB")
        en.append(f"{batch.megabytes} MB")
    if batch.devices > 1:
        zh.append(f"{batch.devices} 台设备")
        en.append(f"{batch.devices} devices")
    return "，".join([*zh, f"{shop.valid_to} 前启用"]), ", ".join([*en, f"first use by {shop.valid_to}"])


def _time(minutes: int, day: str, hour: str, minute: str) -> str:
    for unit, size in ((day, 1440), (hour, 60)):
        if minutes % size == 0 and minutes >= size:
            return f"{minutes // size}{unit}"
    return f"{minutes}{minute}"


def _grouped(code: str) -> str:
    from edge.portal import codes  # noqa: PLC0415

    return codes.grouped(code)
