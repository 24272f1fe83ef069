"""Vouchers on paper: one page (HTML) for a browser to print, with lines to cut along; or a table (CSV)."""

from __future__ import annotations

import csv
import html
import io
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from edge.access_answers import VoucherBatch

PER_PAGE = 12
"""Vouchers on a sheet of A4: three columns of four."""
STYLE = """
@page { size: A4; margin: 10mm }
* { box-sizing: border-box }
body { margin: 0; font-family: "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; color: #000 }
main { display: grid; grid-template-columns: repeat(3, 63mm); grid-auto-rows: 69mm; width: 189mm; margin: 0 auto;
  break-inside: avoid }
main + main { break-before: page }
article { display: flex; flex-direction: column; justify-content: center; overflow: hidden; padding: 2mm 2.5mm;
  outline: 0.2mm dashed #777; outline-offset: -0.1mm; text-align: center }
h2 { margin: 0; font-size: 10.5pt; line-height: 1.25; white-space: nowrap; overflow: hidden; text-overflow: ellipsis }
p { margin: 0.5mm 0 0; font-size: 7pt; line-height: 1.25 }
.batch { color: #555; font-size: 6.5pt }
svg { display: block; width: 23mm; height: 23mm; margin: 0.5mm auto }
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
    pages = [codes[at : at + PER_PAGE] for at in range(0, len(codes), PER_PAGE)]
    cards = "\n</main><main>\n".join("\n".join(_card(code, batch, shop) for code in page) for page in pages)
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
    join_zh, join_en = "连接店内 Wi-Fi", "Join the shop's Wi-Fi"
    if shop.network:
        network = f"<b>{html.escape(shop.network)}</b>"
        join_zh, join_en = f"连接 Wi-Fi：{network}", f"Join {network}"
    return (
        f"<article><h2>{html.escape(shop.name_zh)} <small>{html.escape(shop.name_en)}</small></h2>"
        f"<p>{join_zh}，再扫码，或在弹出的页面输入：<br>{join_en}, then scan this or type it in:</p>"
        f"{qr.svg(f'{shop.url}#{code}')}<code>{_grouped(code)}</code>"
        f"<p>上网券 · {html.escape(zh)}</p><p>Wi-Fi voucher · {html.escape(en)}</p>"
        f'<p class="batch">{html.escape(batch.batch)}</p></article>'
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
