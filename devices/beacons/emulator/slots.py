"""An emulated beacon with Eddystone's configuration service, after google/eddystone: slots behind an AES lock."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from devices.beacons.emulator import air_data
from devices.beacons.emulator.locks import Lock
from devices.beacons.emulator.sham import Characteristic, Code, Refused, Sham, Step
from devices.beacons.profile import Setting

BASE = "a3c8{}-8ed3-4bdf-8a39-a01bebede295"
CAPABILITIES, ACTIVE, INTERVAL, RADIO, ADVERTISED, STATE, UNLOCK, DATA, RESET, REMAIN = (
    BASE.format(f"75{number}") for number in ("01", "02", "03", "04", "05", "06", "07", "0a", "0b", "0c")
)
SERVICE = BASE.format("7500")
POWERS = (-20, -12, -4, 0, 4)
SLOTS = 3
UID, URL, TLM = 0x00, 0x10, 0x20
FACTORY_SLOT = bytes.fromhex("00edd1ebeac04e5defa0170bdb87539b67")
BATTERY_MV = 2970


@dataclass(kw_only=True)
class SlotSham(Sham):
    def prepare(self) -> None:
        self.lock = Lock(self.profile.unlock, self.secret)
        self.slots = [FACTORY_SLOT, bytes([TLM]), b""]
        """As written: frame type and what follows it, no power."""
        self.on_air = list(self.slots)
        self.active = 0
        self.interval_ms = 1000
        self.radio_dbm = 0
        self.advertised_dbm: int | None = None
        self.powers: tuple[int, int | None] = (0, None)
        readable = (CAPABILITIES, ACTIVE, INTERVAL, RADIO, ADVERTISED, STATE, UNLOCK, DATA, REMAIN)
        rows = [Characteristic(one, "READ|WRITE") for one in readable]
        self.services = {SERVICE: (*rows, Characteristic(RESET, "WRITE"))}
        self.services |= self.more_services()

    def more_services(self) -> dict[str, tuple[Characteristic, ...]]:
        return {}

    def connected(self) -> None:
        super().connected()
        self.lock.connected()
        self.active = 0

    def disconnected(self) -> None:
        self.apply()

    def apply(self) -> None:
        changed = self.slots != self.on_air
        super().apply()
        self._muted = self._muted or (changed and self.faults.mute)
        if not self.faults.lies:
            self.on_air = list(self.slots)
            self.powers = (self.radio_dbm, self.advertised_dbm)
            self.sent[Setting.INTERVAL] = self.interval_ms

    def step_of(self, uuid: str, data: bytes | None) -> Step:
        if uuid in {STATE, UNLOCK}:
            return Step.UNLOCK
        if data is None or uuid == ACTIVE:
            return self.read_step()
        return Step.WRITE

    def read(self, uuid: str) -> bytes:
        if uuid in {STATE, UNLOCK}:
            return self.lock.read(uuid)
        if not self.lock.open:
            raise Refused(Code.READ_NOT_PERMITTED)
        advertised = self.radio_dbm if self.advertised_dbm is None else self.advertised_dbm
        values = {
            CAPABILITIES: bytes([0, SLOTS, 0, 0, 0, 0b111]) + struct.pack(f"{len(POWERS)}b", *POWERS),
            ACTIVE: bytes([self.active]),
            INTERVAL: struct.pack(">H", self.interval_ms),
            RADIO: struct.pack("b", self.radio_dbm),
            ADVERTISED: struct.pack("b", advertised),
            DATA: self.frame(self.slots[self.active], advertised),
        }
        return values.get(uuid, b"\0")  # it stays connectable

    def write(self, uuid: str, data: bytes) -> None:
        if uuid in {STATE, UNLOCK}:
            self.lock.write(uuid, data)
            return
        if not self.lock.open or uuid == CAPABILITIES:
            raise Refused
        if uuid == ACTIVE:
            self.active = self._number(data, "B")
            if self.active >= SLOTS:
                self.active = 0
                raise Refused(Code.WRONG_LENGTH)
        elif uuid == INTERVAL:
            self.interval_ms = max(100, self._number(data, ">H"))
        elif uuid == RADIO:
            wanted = self._number(data, "b")
            self.radio_dbm = next((power for power in POWERS if power >= wanted), POWERS[-1])
        elif uuid == ADVERTISED:
            self.advertised_dbm = self._number(data, "b")
        elif uuid == DATA:
            self._fill(data)

    def _fill(self, data: bytes) -> None:
        if self.faults.refuses in {Setting.MAJOR, Setting.URL} and data != self.slots[self.active]:
            raise Refused
        kind = data[:1]
        right = {b"\x00": len(data) in {1, 17}, b"\x10": 2 <= len(data) <= 19, b"\x20": len(data) == 1, b"": True}
        if not right.get(kind, False):
            raise Refused(Code.WRONG_LENGTH)
        self.slots[self.active] = b"" if data == b"\0" else data

    @staticmethod
    def frame(slot: bytes, power_dbm: int) -> bytes:
        """What goes out: the power stands after the frame type."""
        if slot[:1] == bytes([TLM]):
            return struct.pack(">BBHhII", TLM, 0, BATTERY_MV, 0x1680, 1000, 10_000)
        if not slot:
            return b""
        reserved = b"\0\0" if slot[0] == UID else b""
        return slot[:1] + struct.pack("b", power_dbm) + slot[1:] + reserved

    def more_frames(self) -> list[bytes]:
        if self._muted:
            return []
        radio, advertised = self.powers
        slots = self.on_air
        if self.faults.wrong_endian:
            slots = [one[:-4] + one[-3:-5:-1] + one[-1:-3:-1] if one[:1] == b"\0" else one for one in slots]
        frames = [self.frame(slot, radio if advertised is None else advertised) for slot in slots]
        return [air_data.eddystone(frame) for frame in frames if frame]

    def _number(self, data: bytes, form: str) -> int:
        if len(data) != struct.calcsize(form):
            raise Refused(Code.WRONG_LENGTH)
        return int(struct.unpack(form, data)[0])
