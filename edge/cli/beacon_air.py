"""How `storegate beacon` gets at a radio: whose turn it is, listening for a while, Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

from devices.beacons.advert import Advert
from devices.beacons.link import Radio
from devices.beacons.radios.turns import Turns
from edge.cli import say
from edge.config import Config
from edge.errors import StoregateError

T = TypeVar("T")


@asynccontextmanager
async def radio_of(adapter: str) -> AsyncIterator[Radio]:
    """Needs the extra `ble`."""
    from devices.beacons.radios.radio import BleakRadio, leave  # noqa: PLC0415

    try:
        yield BleakRadio(adapter)
    finally:
        leave()
        await asyncio.sleep(0)


@asynccontextmanager
async def turn(config: Config, adapter: str) -> AsyncIterator[None]:
    """The daemon pauses its scan while this lasts: a radio that scans connects badly, or not at all."""
    async with Turns(config.state_path, adapter).configuring():
        yield


async def listen(radio: Radio, seconds: float, hear: Callable[[Advert], None]) -> None:
    """Raises StoregateError when the radio does not work."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds), radio.hear() as adverts:
            async for advert in adverts:
                hear(advert)


def run(work: Coroutine[None, None, T]) -> T:
    """Ctrl-C cancels the work, which gives a half-configured beacon its settings back before it ends."""

    async def watched() -> T:
        task = asyncio.ensure_future(work)
        _on_ctrl_c(task.cancel)
        return await task

    try:
        return asyncio.run(watched())
    except asyncio.CancelledError:
        say.fail(StoregateError("ended before it was done"))
    except StoregateError as error:
        say.fail(error)


def _on_ctrl_c(cancel: Callable[[], object]) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, cancel)
