"""A coupon's answer as words and blocks on a terminal."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.text import Text

from edge import qr
from edge.cli import say
from edge.coupon_answers import (
    AnyAnswer,
    Granted,
    Issued,
    Redeemed,
    Refused,
    Released,
    Reserved,
    Shown,
    Voided,
    in_words,
    moment,
)

out = Console(soft_wrap=True, highlight=False)


def tell(answer: AnyAnswer, *, timezone: str) -> None:
    match answer:
        case Shown():
            _shown(answer, timezone)
        case Refused():
            say.err.print(Text(f"no: {in_words(answer, language='en', timezone=timezone)} ({answer.why})", "red"))
        case Redeemed():
            out.print(Text(f"redeemed {answer.serial} of {answer.campaign}, {answer.value_fen} fen off"))
        case Voided():
            out.print(Text(f"withdrawn: {answer.units} of {answer.campaign}"))
        case Granted():
            out.print(Text(f"{answer.grant_id}: {answer.units} of {answer.campaign}; {answer.available} may be issued"))
        case Issued() | Reserved() | Released():
            out.print(Text(repr(answer)))


def _shown(shown: Shown, timezone: str) -> None:
    if shown.token and sys.stdout.isatty():
        sys.stdout.write(qr.blocks(shown.token))
    name = f"{shown.terms.name_zh} · {shown.terms.name_en}" if shown.terms else "(campaign gone)"
    until = f"{moment(shown.from_ms, timezone=timezone)} … {moment(shown.to_ms, timezone=timezone)}"
    lines = {"coupon": f"{shown.campaign}  {name}", "serial": shown.serial, "state": str(shown.state), "valid": until}
    if shown.token:
        lines |= {"token": shown.token, "short code": shown.short_code}
    if shown.usable is not None:
        lines["a till says"] = in_words(shown.usable, language="en", timezone=timezone)
    for label, text in lines.items():
        out.print(Text(f"{label:<12}{text}"))
