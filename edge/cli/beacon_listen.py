"""`storegate beacon scan` and `watch`: what is on the air, once or live."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

from rich.console import Console
from rich.live import Live

from devices.beacons.radios.survey import Survey
from edge.cli import beacon_air, say
from edge.cli.beacon_books import Books
from edge.cli.beacon_words import Row, is_beacon, row_of, table

EVERY_S = 1.0


async def rows(books: Books, adapter: str, seconds: float) -> list[Row]:
    """Strongest first; at Ctrl-C what was heard until then."""
    survey = Survey(books.beacons.values(), books.known())
    with suppress(asyncio.CancelledError):
        async with beacon_air.radio_of(adapter) as radio:
            await beacon_air.listen(radio, seconds, survey.hear)
    return _rows(books, survey)


async def live(books: Books, adapter: str, seconds: float, *, as_json: bool) -> None:
    """Until the time is over or Ctrl-C, which is no failure here."""
    survey = Survey(books.beacons.values(), books.known())
    with suppress(asyncio.CancelledError):
        async with beacon_air.radio_of(adapter) as radio:
            shown = asyncio.ensure_future(_shown(books, survey, as_json=as_json))
            try:
                await beacon_air.listen(radio, seconds, survey.hear)
            finally:
                shown.cancel()
                await asyncio.wait({shown})


async def _shown(books: Books, survey: Survey, *, as_json: bool) -> None:
    if as_json:
        while True:
            await asyncio.sleep(EVERY_S)
            sys.stdout.write(say.encoded(_beacons(books, survey)).decode() + "\n")
            sys.stdout.flush()
    console = Console(highlight=False)
    with Live(console=console, auto_refresh=False) as picture:
        while True:
            await asyncio.sleep(EVERY_S)
            picture.update(table(_beacons(books, survey), console.width), refresh=True)


def _beacons(books: Books, survey: Survey) -> list[Row]:
    return [row for row in _rows(books, survey) if is_beacon(row)]


def _rows(books: Books, survey: Survey) -> list[Row]:
    return [row_of(sender, books.profiles) for sender in survey.strongest_first()]
