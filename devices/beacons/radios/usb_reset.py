"""Pulls and plugs the USB port of an adapter by software: its device's `authorized` in sysfs, 0 and then 1."""

from __future__ import annotations

import asyncio
from pathlib import Path

from edge.errors import DeviceError

PULLED_S = 1.0


def port_of(adapter: str, *, sys: Path = Path("/sys")) -> Path | None:
    """The file that switches it; None: it hangs on no USB port. Kept from when it was there: it goes with it."""
    try:
        device = (sys / "class/bluetooth" / adapter / "device").resolve(strict=True)
    except OSError:
        return None
    found = (folder / "authorized" for folder in (device, *device.parents) if (folder / "idVendor").exists())
    return next((path for path in found if path.exists()), None)


async def reset(port: Path | None) -> None:
    """Raises DeviceError."""
    if port is None:
        raise DeviceError("the adapter hangs on no USB port that can be reset", hint="set usb_reset = false")
    try:
        await asyncio.to_thread(port.write_text, "0")
        try:
            await asyncio.sleep(PULLED_S)
        finally:  # whoever calls us off must not leave it pulled
            await asyncio.to_thread(port.write_text, "1")
    except OSError as error:
        hint = "put systemd/*usb-reset* in place (docs/beacons.md), or set usb_reset = false"
        raise DeviceError(f"can't reset the adapter's USB port: {error.strerror}", hint=hint) from error
