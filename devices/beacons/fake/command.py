"""`python -m devices.beacons.fake`: the fake BlueZ by JSON lines."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Mapping
from typing import Any

import msgspec

from devices.beacons.fake import fake, tree
from edge.errors import UsageError


async def serve(bus: str, adapters: Mapping[str, tree.Adapter]) -> None:
    """Until the end of standard input; then tells how many advertisements were signalled."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    def print_line(said_by_client: dict[str, Any]) -> None:
        sys.stdout.write(msgspec.json.encode(said_by_client).decode() + "\n")
        sys.stdout.flush()

    async with fake.FakeBluez(bus, adapters, said_by_clients=print_line) as bluez:
        print_line({"ready": sorted(adapters)})
        while line := await reader.readline():
            try:
                await bluez.tell(msgspec.json.decode(line, type=dict[str, Any]))
            except (UsageError, msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
                print_line({"error": f"{type(error).__name__}: {error}"})
        print_line({"sent": bluez.sent})


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m devices.beacons.fake", description=(fake.__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--bus", required=True, help="address of the bus, as DBUS_SYSTEM_BUS_ADDRESS has it")
    parser.add_argument("--adapters", default="hci0", help="hci0,hci1")
    parser.add_argument("--instances", type=int, default=1, help="advertisements an adapter can hold")
    parser.add_argument("--extended", action="store_true", help="Bluetooth 5 advertising sets")
    parser.add_argument("--no-experimental", action="store_true", help="no passive scanning, as Debian starts BlueZ")
    told = parser.parse_args()
    adapters = {
        name: tree.Adapter(
            name,
            f"00:00:5E:00:53:{number:02X}",
            instances=told.instances,
            extended=told.extended,
            experimental=not told.no_experimental,
        )
        for number, name in enumerate(told.adapters.split(","))
    }
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(told.bus, adapters))
