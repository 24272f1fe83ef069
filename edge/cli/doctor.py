"""`storegate doctor`: what is wrong with this gateway, and what to do, one line each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.text import Text

from edge.cli import say
from edge.errors import StoregateError

if TYPE_CHECKING:
    from edge.cli.checks import Line

MARKS = {"ok": ("✓", "green"), "note": ("!", "yellow"), "wrong": ("✗", "red")}


def doctor(config: say.ConfigOption = None, *, as_json: say.JsonOption = False) -> None:
    """Say what is wrong with this gateway, and what to do. Looks only, changes nothing.

    Configuration, state folder, journal, daemon, ports, broker (name, TCP, TLS), clock, devices, Bluetooth radios,
    extras, catalogue, guest Wi-Fi (programs, interfaces, gate, dnsmasq, certificate, policy).
    Exit code 1 when something is wrong.

    [bold]Example[/bold]: sudo storegate doctor --config /etc/storegate/gateway.toml
    """
    out = Console(highlight=False)
    lines = []
    for line in _lines(config):
        lines.append(line)
        if not as_json:
            _print(out, line)
    wrong = sum(line.verdict == "wrong" for line in lines)
    notes = sum(line.verdict == "note" for line in lines)
    style = "red" if wrong else "yellow" if notes else "green"
    say.show(
        {"ok": not wrong, "lines": lines},
        as_json=as_json,
        human=lambda: out.print(f"\n{_sum(wrong, notes)}", style=style),
    )
    raise typer.Exit(1 if wrong else 0)


def _sum(wrong: int, notes: int) -> str:
    things = f"{notes} thing{'s' if notes != 1 else ''} to look at"
    if wrong:
        return f"{wrong} to mend" + (f", {things}" if notes else "")
    return f"nothing is broken; {things}" if notes else "all is well"


def _lines(config: Path | None) -> Iterator[Line]:
    from edge.cli import checks, radio_checks, wifi_checks  # noqa: PLC0415
    from edge.config import find, load  # noqa: PLC0415

    path = find(config)
    try:
        settings = load(path)
    except StoregateError as error:
        yield checks.Line(what="configuration", verdict=checks.Verdict.WRONG, text=str(error), next=error.hint)
        return
    yield checks.Line(what="configuration", verdict=checks.Verdict.OK, text=str(path))
    yield from checks.every(settings)
    yield from radio_checks.radios(settings)
    yield from wifi_checks.wifi(settings)


def _print(out: Console, line: Line) -> None:
    mark, colour = MARKS[line.verdict.value]
    text = Text.assemble((f"{mark} ", colour), (f"{line.what:<14} ", "bold"), line.text)
    if line.next and line.verdict != "ok":
        text.append(f"\n  {'':<14} → {line.next}", "dim")
    out.print(text, soft_wrap=True)
