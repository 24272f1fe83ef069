"""An emulated KBeacon, after kbeaconlib2: MD5 both ways, then JSON in numbered frames."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from devices.beacons.emulator.sham import Characteristic, Code, Refused, Sham, Step
from devices.beacons.profile import Setting

WRITE, NOTIFY, INDICATE = (f"0000fea{digit}-0000-1000-8000-00805f9b34fb" for digit in "123")
SERVICE = "0000fea0-0000-1000-8000-00805f9b34fb"
START, MIDDLE, END, SINGLE = range(4)
AUTH, JSON_DOWN, REPORT = 1, 2, 3
DONE, FAILED, NEXT, RECEIVED = 0, 1, 4, 5
IBEACON = 5
CHUNK = 100
BOOT_NONCE = bytes.fromhex("5a17c0de")
"""A real one rolls dice; what is tested is that the other side uses what it was given."""
KEYS = {"majorID": Setting.MAJOR, "minorID": Setting.MINOR, "txPwr": Setting.TX_POWER, "advPrd": Setting.INTERVAL}


@dataclass(kw_only=True)
class KkmSham(Sham):
    def prepare(self) -> None:
        self.services = {
            SERVICE: (
                Characteristic(WRITE, "WRITE|WRITE_WITHOUT_RESPONSE"),
                Characteristic(NOTIFY, "NOTIFY"),
                Characteristic(INDICATE, "INDICATE"),
            )
        }
        self._forget()

    def connected(self) -> None:
        super().connected()
        self._forget()

    def disconnected(self) -> None:
        self.apply()

    def _forget(self) -> None:
        self._trusted = False
        self._command = b""
        self._answer = b""

    def step_of(self, _uuid: str, data: bytes | None) -> Step:
        if data is None or (data[:1] and data[0] >> 4 == AUTH):
            return Step.UNLOCK
        return self.read_step() if b"cfg" not in self._command + (data or b"") else Step.WRITE

    def read(self, _uuid: str) -> bytes:
        raise Refused(Code.READ_NOT_PERMITTED)

    def write(self, uuid: str, data: bytes) -> None:
        if uuid != WRITE or len(data) < 2:
            raise Refused
        kind, tag = data[0] >> 4, data[0] & 15
        if kind == AUTH:
            self._judge(data[1], data[2:])
        elif not self._trusted:
            self.hangs_up = True
        elif kind == JSON_DOWN:
            self._take(tag, int.from_bytes(data[1:3], "big"), data[3:])
        elif kind == REPORT:
            self._report(int.from_bytes(data[1:3], "big"))

    def _digest(self, nonce: bytes) -> bytes:
        mac = bytes.fromhex(self.address.replace(":", ""))[::-1]
        word = (self.secret or self.profile.unlock.default).encode()
        return hashlib.md5(mac + b"\xa9\xb1" + nonce + word, usedforsecurity=False).digest()

    def _judge(self, phase: int, body: bytes) -> None:
        head = bytes([AUTH << 4 | SINGLE])
        if phase == 1 and len(body) in {4, 8}:
            self.notify(NOTIFY, head + b"\x01" + BOOT_NONCE + self._digest(body[:4]))
        elif phase == 2 and body == self._digest(BOOT_NONCE):
            self._trusted = True
            self.notify(NOTIFY, head + bytes([2, CHUNK + 3]))
        else:
            self.notify(NOTIFY, head + b"\xf1")

    def _take(self, tag: int, offset: int, part: bytes) -> None:
        if tag in {START, SINGLE}:
            self._command = b""
        if offset != len(self._command):
            self._ack(len(self._command), FAILED)
            return
        self._command += part
        if tag in {START, MIDDLE}:
            self._ack(len(self._command), NEXT)
            return
        command, self._command = self._command, b""
        self._obey(command)

    def _obey(self, command: bytes) -> None:
        try:
            told = json.loads(command)
        except ValueError:
            told = None
        message = told.get("msg") if isinstance(told, dict) else None
        if message == "getPara":
            self._answer = json.dumps(self._told(int(told.get("type", 3)))).encode()
            self._ack(len(command), RECEIVED)
            self._report(0)
        elif message == "cfg" and self._configured(told):
            self._ack(len(command), DONE)
        elif message == "ring":
            self.identified += 1
            self._ack(len(command), DONE)
        else:
            self._ack(len(command), FAILED)

    def _ack(self, offset: int, cause: int) -> None:
        numbers = b"".join(number.to_bytes(2, "big") for number in (offset, 1000, cause))
        self.notify(NOTIFY, bytes([JSON_DOWN << 4 | SINGLE]) + numbers)

    def _report(self, wanted: int) -> None:
        """The next piece of an answer, once the last one was acknowledged."""
        if wanted >= len(self._answer):
            return
        part = self._answer[wanted : wanted + CHUNK]
        first, last = wanted == 0, wanted + len(part) == len(self._answer)
        tag = SINGLE if first and last else START if first else END if last else MIDDLE
        self.notify(NOTIFY, bytes([REPORT << 4 | tag]) + wanted.to_bytes(2, "big") + part)

    def _told(self, kinds: int) -> dict[str, Any]:
        """Bit 0 of what was asked for: what is common; bit 1: the slots."""
        slot = {"slot": self.profile.slot, "type": IBEACON, "uuid": str(self.kept[Setting.UUID]).upper(), "conn": True}
        slot |= {key: self.kept[setting] for key, setting in KEYS.items()}
        other = {"slot": self.profile.slot + 1, "type": 3, "advPrd": 8000.0, "txPwr": 0, "conn": True}
        common = {"name": self.kept[Setting.NAME] or "KBPro_1", "meaPwr": self.kept[Setting.MEASURED_POWER], "btPt": 87}
        about = {"model": "K4P", "ver": "V6.1", **common}
        return (about if kinds & 1 else {}) | ({"advObj": [slot, other]} if kinds & 2 else {})

    def _configured(self, told: dict[str, Any]) -> bool:
        new: dict[Setting, Any] = {}
        for one in told.get("advObj", []):
            if one.get("slot") != self.profile.slot:
                return False
            if "type" in one and one["type"] != IBEACON:
                return False
            new |= {setting: one[key] for key, setting in KEYS.items() if key in one}
            if "uuid" in one:
                new[Setting.UUID] = str(one["uuid"]).lower()
        if "meaPwr" in told:
            new[Setting.MEASURED_POWER] = told["meaPwr"]
        if "name" in told:
            new[Setting.NAME] = told["name"]
        if (
            any(self.refuses(setting, value) for setting, value in new.items())
            or not 0 <= int(new.get(Setting.MINOR, 0)) <= 0xFFFF
        ):
            return False
        word = told.get("pwd")
        if word is not None:
            if not 8 <= len(word) <= 16:
                return False
            self.secret = word
        self.kept |= new
        return True
