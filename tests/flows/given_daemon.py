"""The whole daemon in this process, on real files and real sockets; a serial scanner on a pseudo-terminal."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from edge.config import Config, parse
from edge.daemon import Running, run

TILL_KEY = "till-key-of-this-test"


@contextmanager
def serial_line() -> Iterator[tuple[int, str]]:
    """(our end, the device's path)."""
    master, slave = os.openpty()
    tty.setraw(master)
    try:
        yield master, os.ttyname(slave)
    finally:
        os.close(master)
        os.close(slave)


def _settings(state: Path, scanner: str, mqtt: str, issuer_key: str, more: str) -> Config:
    """A shop with one kiosk, one till and, where `scanner` names a device, one serial scanner at the kiosk."""
    scanners = f'[[scanners]]\nid = "dock"\ntransport = "serial"\nstation = "kiosk-1"\ndevice = "{scanner}"\n'
    issuer = f'[coupons.issuer_keys]\ncloud = "{issuer_key}"\n'
    return parse(
        f"""
[gateway]
tenant = "t"
store = "s"
id = "g"
state_dir = "{state}"
language = "en"
{mqtt}
[listen]
guest = {{ host = "127.0.0.1", port = 0 }}
shop = {{ host = "127.0.0.1", port = 0 }}
admin = {{ host = "127.0.0.1", port = 0 }}
[outbox]
free_floor_mb = 1
[stations.kiosk-1]
[stations.till-1]
kind = "till"
key = "{TILL_KEY}"
{more}
{issuer if issuer_key else ""}
{scanners if scanner else ""}
""",
        where="test",
    )


async def settings(state: Path, *, scanner: str = "", mqtt: str = "", issuer_key: str = "", more: str = "") -> Config:
    """Checked off the loop: time zones are files."""
    return await asyncio.to_thread(_settings, state, scanner, mqtt, issuer_key, more)


@asynccontextmanager
async def daemon(config: Config) -> AsyncIterator[Running]:
    """Up until the block ends."""
    stop = asyncio.Event()
    up: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
    life = asyncio.create_task(run(config, stop=stop, ready=up.set_result))
    done, _ = await asyncio.wait({life, up}, return_when=asyncio.FIRST_COMPLETED)
    if life in done:
        await life
    try:
        yield up.result()
    finally:
        stop.set()
        await life
