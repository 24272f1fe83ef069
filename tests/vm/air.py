"""Virtual Bluetooth adapters under the real BlueZ, and beacons in the air around them (`vm-air` in the guest)."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

from devices.beacons.frames import ibeacon

WAIT_S = 60
"""Emulation is some twenty times slower than a machine."""
ADAPTERS = Path("/sys/class/bluetooth")
ADDRESS = "C1:00:00:00:00:01"


class Air:
    """Adapters hci0 and on, for as long as it lives. What is heard of a beacon is as strong as it was placed."""

    def __init__(self, adapters: int = 2) -> None:
        self._names = [f"hci{number}" for number in range(adapters)]
        self.begin()

    def begin(self) -> None:
        """Until BlueZ runs and knows the adapters."""
        self._process = subprocess.Popen(["vm-air", str(len(self._names))], stdin=subprocess.PIPE)
        until(lambda: all((ADAPTERS / name).exists() for name in self._names), "adapters of the kernel")
        subprocess.run(["systemctl", "start", "bluetooth"], check=True)
        until(lambda: all(bluez_knows(name) for name in self._names), "adapters of BlueZ")

    def place(self, data: bytes, rssi_dbm: int, *, address: str = ADDRESS, **more: object) -> None:
        """Begins to send whole advertising data; again for the same address: another frame, or another place."""
        self._tell(address=address, data=data.hex(), rssi=rssi_dbm, **more)

    def move(self, rssi_dbm: int, *, address: str = ADDRESS) -> None:
        self._tell(address=address, rssi=rssi_dbm)

    def take(self, address: str = ADDRESS) -> None:
        self._tell(address=address, rssi=None)

    def _tell(self, **beacon: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(beacon).encode() + b"\n")
        self._process.stdin.flush()

    def hang(self, *, on: bool) -> None:
        """The controllers answer nothing, and are still there; or do again."""
        self._process.send_signal(signal.SIGSTOP if on else signal.SIGCONT)

    def end(self) -> None:
        """As if the adapters were pulled out."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        until(lambda: not any((ADAPTERS / name).exists() for name in self._names), "the adapters' end")


def bluez_knows(name: str) -> bool:
    done = subprocess.run(
        ["busctl", "get-property", "org.bluez", f"/org/bluez/{name}", "org.bluez.Adapter1", "Powered"],
        capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode == 0


def powered_on(name: str) -> None:
    """It is busy for a while when it is new."""
    on = ["busctl", "set-property", "org.bluez", f"/org/bluez/{name}", "org.bluez.Adapter1", "Powered", "b", "true"]
    until(lambda: subprocess.run(on, capture_output=True, check=False).returncode == 0, f"{name} to be switched on")


def until(true: object, what: str, *, within_s: float = WAIT_S) -> None:
    assert callable(true)
    end_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end_s, f"waited {within_s:.0f} s for {what}"
        time.sleep(0.2)


def beacon(uuid: bytes, major: int, minor: int, *, measured_power_dbm: int = -59) -> bytes:
    return ibeacon.advertising_data(ibeacon.build(uuid, major, minor, measured_power_dbm))
