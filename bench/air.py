"""`python -m bench.air BUS BEACONS`: a fake BlueZ with beacons in 25 ms steps, in a process of its own.

Prints `ready`; speaks from the first line of standard input to the next, and then says how many adverts it sent.
"""

from __future__ import annotations

import asyncio
import sys

from devices.beacons.fake.fake import FakeBluez
from devices.beacons.fake.tree import Adapter

INTERVAL_MS = 20
"""The air adds 0 to 10 ms."""


async def serve(bus: str, beacons: int) -> None:
    adapter = Adapter("hci0", "00:00:5E:00:53:00")
    loop = asyncio.get_running_loop()
    async with FakeBluez(bus, {"hci0": adapter}, said_by_clients=lambda _: None) as bluez:
        print("ready", flush=True)
        await loop.run_in_executor(None, sys.stdin.readline)
        addresses = [f"C1:00:00:00:{number >> 8:02X}:{number & 0xFF:02X}" for number in range(beacons)]
        for number, address in enumerate(addresses):
            line = {"address": address, "uuid": "fda50693-a4e2-4fb1-afcf-c6eb07647825", "major": 1, "minor": number}
            await bluez.tell({**line, "power": -59, "rssi": -65, "noise": 3, "interval_ms": INTERVAL_MS})
        await loop.run_in_executor(None, sys.stdin.readline)
        sent = bluez.sent
        for address in addresses:
            await bluez.tell({"address": address, "rssi": None})
        print(sent, flush=True)
        await loop.run_in_executor(None, sys.stdin.readline)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
