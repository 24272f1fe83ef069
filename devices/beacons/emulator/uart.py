"""Emulated beacons that are talked to in text over a GATT UART: HM-10 and its clones, other AT modules, Espruino."""

from __future__ import annotations

import json
import re
import uuid as uuids
from dataclasses import dataclass
from typing import Any

from devices.beacons.emulator.modem import INTERVALS_MS, Modem
from devices.beacons.emulator.sham import Characteristic, Code, Refused, Sham, Step
from devices.beacons.profile import Setting

NORDIC = "6e40000{}-b5a3-f393-e0a9-e50e24dcca9e"
MTU = 20


@dataclass(kw_only=True)
class UartSham(Sham):
    """Text in, text out, in pieces of an MTU."""

    service: str = NORDIC.format(1)
    into: str = NORDIC.format(2)
    out: str = NORDIC.format(3)

    def prepare(self) -> None:
        both = self.into == self.out
        way_in = "READ|WRITE|WRITE_WITHOUT_RESPONSE"
        rows = [Characteristic(self.into, way_in + "|NOTIFY" if both else way_in)]
        self.services = {self.service: tuple(rows if both else [*rows, Characteristic(self.out, "READ|NOTIFY")])}
        self.text = b""

    def connected(self) -> None:
        super().connected()
        self.text = b""

    def disconnected(self) -> None:
        """Nothing: what is on the air changes when it is told to."""

    def read(self, _uuid: str) -> bytes:
        raise Refused(Code.READ_NOT_PERMITTED)

    def say(self, text: str) -> None:
        data = text.encode()
        for at in range(0, len(data), MTU):
            self.notify(self.out, data[at : at + MTU])


@dataclass(kw_only=True)
class ModemSham(UartSham):
    """HM-10: a write is a command, for it has no line end; what is set goes out after the reset."""

    def prepare(self) -> None:
        at = self.profile.at
        assert at
        assert at.service
        assert at.write
        self.service, self.into, self.out = at.service, at.write, at.notify or at.write
        super().prepare()
        near = min(INTERVALS_MS.values(), key=lambda one: abs(one - float(self.kept[Setting.INTERVAL])))
        self.kept[Setting.INTERVAL] = self.sent[Setting.INTERVAL] = near  # it knows sixteen
        self.modem = Modem(self.kept, self._refuses)

    def _refuses(self, setting: Setting, command: str) -> bool:
        """Another value than the one it has: the end of the command."""
        now = self.kept[setting]
        return self.faults.refuses is setting and not (isinstance(now, int) and command.endswith(f"{now:04X}"))

    def step_of(self, _uuid: str, data: bytes | None) -> Step:
        if data is None or data.endswith(b"?") or data == b"AT" or len(data) > MTU:
            return self.read_step()
        return Step.COMMIT if data.startswith(b"AT+RESET") else Step.WRITE

    def write(self, _uuid: str, data: bytes) -> None:
        resets = self.modem.resets
        answer = self.modem.obey(data.decode("ascii", "replace"))
        if answer:
            self.say(answer)
        if self.modem.resets != resets:
            self.apply()
            self.hangs_up = True


@dataclass(kw_only=True)
class EspruinoSham(UartSham):
    """Puck.js, as far as the lines go that make it an iBeacon: assignments, print, setAdvertising, save."""

    def prepare(self) -> None:
        super().prepare()
        self.variables: dict[str, Any] = {}
        self.saved: dict[str, Any] = {}
        self.line = b""

    def connected(self) -> None:
        super().connected()
        self.line = b""

    def step_of(self, _uuid: str, data: bytes | None) -> Step:
        line = self.line + (data or b"")
        if data is None or not line.endswith(b"\n"):
            return self.read_step() if b"print" in line else Step.WRITE
        return Step.COMMIT if b"save()" in line else self.read_step() if b"print(" in line else Step.WRITE

    def write(self, _uuid: str, data: bytes) -> None:
        self.line += data
        *lines, self.line = self.line.split(b"\n")
        for line in lines:
            text = line.decode("ascii", "replace")
            if not text.startswith("\x10"):
                self.say(text + "\r\n")  # echo
            self._run(text.lstrip("\x10"))

    def _run(self, line: str) -> None:
        if match := re.fullmatch(r"(\w+)=(\{.*\})", line):
            value = json.loads(match[2])
            refused = self.faults.refuses
            if refused is None or value.get(refused.value) == self.kept[refused]:
                self.variables[match[1]] = value
        elif match := re.fullmatch(
            r'NRF\.setAdvertising\(require\("ble_ibeacon"\)\.get\((\w+)\),\{interval:\1\.interval\}\)', line
        ):
            self._advertise(self.variables.get(match[1], {}))
        elif match := re.fullmatch(r"print\((.+)\)", line):
            self.say("".join(self._value(part) for part in self._sum(match[1])) + "\r\n")
        elif line == "save()":
            self.saved = dict(self.variables)
            self.say("Compacting Flash...\r\nWriting..\r\n")
            self.apply()
        elif line.startswith("digitalPulse("):
            self.identified += 1
        else:
            self.say("Uncaught ReferenceError: what this emulator does not know\r\n")

    @staticmethod
    def _sum(text: str) -> list[str]:
        return re.findall(r'"[^"]*"|JSON\.stringify\([^)]*\)', text)

    def _value(self, part: str) -> str:
        if part.startswith('"'):
            return part[1:-1]
        match = re.fullmatch(r"JSON\.stringify\(global\.(\w+)\|\|null\)", part)
        return json.dumps(self.variables.get(match[1]), separators=(",", ":")) if match else "undefined"

    def _advertise(self, told: dict[str, Any]) -> None:
        """Reads nothing else than Espruino's module: uuid as 16 numbers, major, minor, rssi."""
        if not {"uuid", "major", "minor"} <= set(told):
            self.say("Uncaught Error: not enough told\r\n")
            return
        self.kept[Setting.UUID] = str(uuids.UUID(bytes=bytes(told["uuid"])))
        self.kept[Setting.MAJOR] = told["major"]
        self.kept[Setting.MINOR] = told["minor"]
        self.kept[Setting.MEASURED_POWER] = told.get("rssi", -59)
        self.kept[Setting.INTERVAL] = told.get("interval", 375)
        self.apply()
