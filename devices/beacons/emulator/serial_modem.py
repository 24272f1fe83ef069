"""An HM-10 at the end of a serial line: a pseudo-terminal that obeys."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from typing import Any, Self

from devices.beacons.emulator.modem import Modem
from devices.beacons.emulator.sham import FACTORY, Faults
from devices.beacons.profile import Setting

SILENCE_S = 0.02
"""Commands have no end: the module takes a pause for one."""


class SerialModem:
    """Used as `async with`; `path` is what a program opens."""

    def __init__(self, *, settings: dict[Setting, Any] | None = None, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.kept: dict[Setting, Any] = {**FACTORY, **(settings or {})}
        self.modem = Modem(self.kept, lambda setting, _text: self.faults.refuses is setting)
        self.path = ""
        self.heard: list[str] = []
        self._master = self._slave = -1
        self._buffer = b""
        self._pause: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        self._master, self._slave = os.openpty()
        os.set_blocking(self._master, False)
        tty.setraw(self._slave)  # no echo: a module does not say what it hears
        self.path = os.ttyname(self._slave)
        asyncio.get_running_loop().add_reader(self._master, self._came)
        return self

    async def __aexit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        if self._pause:
            self._pause.cancel()
        os.close(self._master)
        os.close(self._slave)

    def _came(self) -> None:
        with contextlib.suppress(OSError):
            self._buffer += os.read(self._master, 512)
        if self._pause:
            self._pause.cancel()
        self._pause = asyncio.get_running_loop().call_later(SILENCE_S, self._obey)

    def _obey(self) -> None:
        text, self._buffer = self._buffer.decode("ascii", "replace"), b""
        self.heard.append(text)
        answer = self.modem.obey(text)
        if answer:
            with contextlib.suppress(OSError):
                os.write(self._master, answer.encode())
