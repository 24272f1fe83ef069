"""Beacons as tables of bytes, from the vendors' documents and not with our own encoders; a radio to reach them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from devices import profiles
from devices.beacons.advert import Advert
from devices.beacons.link import LinkError, LinkProblem
from devices.beacons.profile import FAMILY, BeaconProfile, Setting
from devices.beacons.provisioning.job import Job, Patience
from devices.beacons.provisioning.values import Settings

ADDRESS = "C1:00:00:00:00:01"
UUID = "fda50693-a4e2-4fb1-afcf-c6eb07647825"
OLD_UUID = bytes(range(16))
HASTE = Patience(find_s=0.2, connect_s=0.2, unlock_s=0.2, talk_s=0.2, hear_s=0.05)
WANTED: Settings = {
    Setting.UUID: UUID, Setting.MAJOR: 0x0102, Setting.MINOR: 0x0304, Setting.MEASURED_POWER: -61,
    Setting.INTERVAL: 350,
}  # fmt: skip


PROFILES = profiles.all_of(FAMILY, BeaconProfile)


def profile(name: str) -> BeaconProfile:
    return PROFILES[name]


def job(name: str, *, frames: tuple[str, ...] = (), **more: object) -> Job:
    model = msgspec.structs.replace(profile(name), frames=frames) if frames else profile(name)
    given = {"beacon": "door", "address": ADDRESS, "wanted": WANTED, "patience": HASTE} | more
    return Job(profile=model, **given)  # type: ignore[arg-type]


class GivenBeacon:
    """What a beacon keeps and how it answers. A subclass knows a vendor's document."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.notify: Callable[[str, bytes], None] = lambda _characteristic, _data: None
        self.unlocked = True
        self.tries = 0
        """Of passwords."""
        self.writes: list[tuple[str, bytes]] = []
        self.lie: Callable[[str, bytes], bytes] = lambda _characteristic, data: data
        self.air: bytes | None = None
        """Sent whatever is set: a beacon that does not broadcast the new frame."""

    def on_connect(self) -> None:
        """A new connection begins."""

    def read(self, characteristic: str) -> bytes:
        if characteristic not in self.values:
            raise LinkError(LinkProblem.NO_CHARACTERISTIC, "no such characteristic")
        if not self.unlocked:
            raise LinkError(LinkProblem.NOT_PERMITTED, "read not permitted")
        return self.lie(characteristic, self.values[characteristic])

    def write(self, characteristic: str, data: bytes) -> None:
        if characteristic not in self.values:
            raise LinkError(LinkProblem.NO_CHARACTERISTIC, "no such characteristic")
        if not self.unlocked:
            raise LinkError(LinkProblem.NOT_PERMITTED, "write not permitted")
        self.values[characteristic] = data

    def ibeacon(self) -> bytes:
        """Manufacturer data behind the company."""
        raise NotImplementedError

    def advert(self) -> Advert:
        return Advert("hci0", ADDRESS, -50, 0.0, {0x004C: self.ibeacon() if self.air is None else self.air}, {})

    def kept(self) -> object:
        """All that outlives a connection, to compare."""
        return dict(self.values)


class GivenSession:
    def __init__(self, radio: GivenRadio) -> None:
        self._radio = radio
        self._queues: dict[str, asyncio.Queue[bytes | None]] = {}
        self.is_gone = False
        radio.beacon.notify = lambda characteristic, data: self._queues[characteristic].put_nowait(data)

    @property
    def characteristics(self) -> frozenset[str]:
        return frozenset(self._radio.beacon.values)

    async def read(self, characteristic: str) -> bytes:
        with self._access():
            return self._radio.beacon.read(characteristic)

    async def write(self, characteristic: str, data: bytes, *, response: bool = True) -> None:
        with self._access():
            assert len(data) <= 244
            self._radio.beacon.writes.append((characteristic, data))
            self._radio.beacon.write(characteristic, data)

    @contextmanager
    def _access(self) -> Iterator[None]:
        self._radio.steps += 1
        if self._radio.steps == self._radio.lose_at:
            self.is_gone = True
            self._radio.beacon.notify = lambda _characteristic, _data: None
            if self._radio.takes_effect:
                with suppress(LinkError):
                    yield
            for queue in self._queues.values():
                queue.put_nowait(None)
        if self.is_gone:
            raise LinkError(LinkProblem.LOST, "it went away")
        yield

    @asynccontextmanager
    async def notifications(self, characteristic: str) -> AsyncIterator[AsyncIterator[bytes]]:
        queue = self._queues[characteristic] = asyncio.Queue()

        class Again:
            """Like a queue: an iterator that was left may be gone on with."""

            def __aiter__(self) -> Again:
                return self

            async def __anext__(self) -> bytes:
                data = await queue.get()
                if data is None:
                    raise LinkError(LinkProblem.LOST, "it went away")
                return data

        yield Again()


class GivenRadio:
    def __init__(self, beacon: GivenBeacon, *, lose_at: int = 0, takes_effect: bool = False) -> None:
        self.beacon = beacon
        self.lose_at = lose_at
        """The how-manieth read or write ends the connection."""
        self.takes_effect = takes_effect
        """That one is done all the same: only its answer is lost."""
        self.steps = 0
        self.connects = 0

    @asynccontextmanager
    async def connect(self, address: str, *, timeout_s: float) -> AsyncIterator[GivenSession]:
        assert address == ADDRESS
        self.connects += 1
        self.beacon.on_connect()
        yield GivenSession(self)

    @asynccontextmanager
    async def hear(self) -> AsyncIterator[AsyncIterator[Advert]]:
        async def adverts() -> AsyncIterator[Advert]:
            while True:
                yield Advert("hci0", "C2:00:00:00:00:02", -70, 0.0, {}, {})
                yield self.beacon.advert()
                await asyncio.sleep(0.005)

        heard = adverts()
        try:
            yield heard
        finally:
            await heard.aclose()


class Nordic(GivenBeacon):
    BASE = "955a15{}-0fe2-f5aa-a094-84b8d4f3e8ad"

    def __init__(self) -> None:
        super().__init__()
        given = {"24": OLD_UUID, "25": b"\xc3", "26": b"\0\1\0\2", "28": b"\x64\0", "29": b"\0", "27": b"\x4c\0"}
        self.values = {self.BASE.format(number): data for number, data in given.items()}

    def ibeacon(self) -> bytes:
        get = lambda number: self.values[self.BASE.format(number)]  # noqa: E731
        return b"\x02\x15" + get("24") + get("26") + get("25")


class RadBeacon(GivenBeacon):
    BASE = "f{}cec428-2ebb-47ab-a753-0ce09e9fe64b"

    def __init__(self, pin: bytes = b"00000000") -> None:
        super().__init__()
        self.pin = pin
        self.result = b"\0"
        self.staged: dict[str, bytes] = {}
        given = {"1": b"\0", "3": b"RadBeacon".ljust(20, b"\0"), "4": OLD_UUID, "5": b"\0\1\0\2\xc3"}
        self.values = {self.BASE.format(number): data for number, data in given.items()}

    def on_connect(self) -> None:
        self.staged = {}

    def read(self, characteristic: str) -> bytes:
        if characteristic == self.BASE.format("1"):
            return self.result
        return self.lie(characteristic, self.staged.get(characteristic, super().read(characteristic)))

    def write(self, characteristic: str, data: bytes) -> None:
        if characteristic != self.BASE.format("1"):
            assert len(data) == len(self.values[characteristic])
            self.staged[characteristic] = data
            return
        self.tries += 1
        assert len(data) == (17 if data[0] == 2 else 9)
        self.result = b"\0" if data[1:9] == self.pin else b"\1"
        if self.result == b"\0" and data[0] == 1:
            self.values |= self.staged
        elif self.result == b"\0" and data[0] == 2:
            self.pin = data[9:17]

    def ibeacon(self) -> bytes:
        return b"\x02\x15" + self.values[self.BASE.format("4")] + self.values[self.BASE.format("5")]

    def kept(self) -> object:
        return dict(self.values), self.pin


class Ibks(GivenBeacon):
    """Little- or big-endian: nobody wrote it down."""

    BASE = "0000fff{}-0000-1000-8000-00805f9b34fb"

    def __init__(self, password: int = 0, *, endian: str = ">") -> None:
        super().__init__()
        self.password = password
        self.endian = endian
        self.state = 1
        number = struct.Struct(endian + "H").pack
        given = {"1": OLD_UUID, "2": number(1), "3": number(2), "4": b"\xc6", "5": number(950), "6": b"\7"}
        self.values = {self.BASE.format(key): data for key, data in given.items()}
        self.on_connect()

    def on_connect(self) -> None:
        if self.state != 2:
            self.state = 0 if self.password else 1
        self.unlocked = self.state == 1

    def read(self, characteristic: str) -> bytes:
        return bytes((self.state,)) if characteristic == self.BASE.format("9") else super().read(characteristic)

    def write(self, characteristic: str, data: bytes) -> None:
        if characteristic != self.BASE.format("7"):
            super().write(characteristic, data)
        elif self.state == 1:
            self.password = int.from_bytes(data, "big")
        elif self.state == 0:
            self.tries += 1
            self.state = 1 if int.from_bytes(data, "big") == self.password else (2 if self.tries >= 3 else 0)
            self.unlocked = self.state == 1

    def ibeacon(self) -> bytes:
        get = lambda number: self.values[self.BASE.format(number)]  # noqa: E731
        major, minor = (struct.unpack(self.endian + "H", get(number))[0] for number in "23")
        return b"\x02\x15" + get("1") + struct.pack(">HH", major, minor) + get("4")

    def kept(self) -> object:
        return dict(self.values), self.password


class Eddystone(GivenBeacon):
    BASE = "a3c8750{}-8ed3-4bdf-8a39-a01bebede295"

    def __init__(self, key: bytes = b"\xff" * 16) -> None:
        super().__init__()
        self.key = key
        self.challenge = b""
        self.ignores_rekey = False
        given = {
            "2": b"\0",
            "3": b"\3\xe8",
            "4": b"\xf4",
            "5": b"\xee",
            "6": b"\0",
            "7": b"",
            "a": b"\0\xee" + OLD_UUID,
        }
        self.values = {self.BASE.format(number): data for number, data in given.items()}
        self.on_connect()

    def on_connect(self) -> None:
        self.unlocked = False

    def read(self, characteristic: str) -> bytes:
        if characteristic == self.BASE.format("6"):
            return b"\1" if self.unlocked else b"\0"
        if characteristic == self.BASE.format("7"):
            if self.unlocked:
                raise LinkError(LinkProblem.NOT_PERMITTED, "read not permitted")
            self.challenge = hashlib.sha256(self.challenge + b"x").digest()[:16]
            return self.challenge
        return super().read(characteristic)

    def write(self, characteristic: str, data: bytes) -> None:
        if characteristic == self.BASE.format("7"):
            self.tries += 1
            self.unlocked = data == _aes(self.key, self.challenge)
            if not self.unlocked:
                raise LinkError(LinkProblem.NOT_PERMITTED, "write not permitted")
        elif characteristic == self.BASE.format("6") and self.unlocked and len(data) == 17 and data[0] == 0:
            self.unlocked = False
            if not self.ignores_rekey:
                self.key = _aes(self.key, data[1:], back=True)
        elif characteristic == self.BASE.format("a"):
            assert len(data) == 17
            assert data[0] == 0
            super().write(characteristic, data[:1] + self.values[self.BASE.format("5")] + data[1:])
        else:
            super().write(characteristic, data)
            if characteristic == self.BASE.format("5"):
                frame = self.values[self.BASE.format("a")]
                self.values[self.BASE.format("a")] = frame[:1] + data + frame[2:]

    def advert(self) -> Advert:
        frame = self.values[self.BASE.format("a")] + b"\0\0"
        return Advert("hci0", ADDRESS, -50, 0.0, {}, {"0000feaa-0000-1000-8000-00805f9b34fb": self.air or frame})

    def kept(self) -> object:
        return dict(self.values), self.key


class UriBeacon(GivenBeacon):
    """Eddystone-URL: unlocking uses the lock code up."""

    BASE = "ee0c20{}-8786-40ba-ab96-99b91ac981d8"

    def __init__(self, code: bytes = b"") -> None:
        super().__init__()
        self.code = code
        given = {"84": b"\x03old.example", "88": b"\xe8\x03"}
        self.values = {self.BASE.format(number): data for number, data in given.items()}

    def read(self, characteristic: str) -> bytes:
        if characteristic == self.BASE.format("81"):
            return b"\1" if self.code else b"\0"
        return super().read(characteristic)

    def write(self, characteristic: str, data: bytes) -> None:
        if characteristic == self.BASE.format("83"):
            self.tries += 1
            if data != self.code:
                raise LinkError(LinkProblem.NOT_PERMITTED, "insufficient authorization")
            self.code = b""
        elif self.code:
            raise LinkError(LinkProblem.NOT_PERMITTED, "insufficient authorization")
        elif characteristic == self.BASE.format("82"):
            assert len(data) == 16
            self.code = data
        else:
            super().write(characteristic, data)

    def advert(self) -> Advert:
        frame = self.air or b"\x10\xee" + self.values[self.BASE.format("84")]
        return Advert("hci0", ADDRESS, -50, 0.0, {}, {"0000feaa-0000-1000-8000-00805f9b34fb": frame})

    def kept(self) -> object:
        return dict(self.values), self.code


def _aes(key: bytes, block: bytes, *, back: bool = False) -> bytes:
    cipher = Cipher(AES(key), ECB())
    way = cipher.decryptor() if back else cipher.encryptor()
    return way.update(block) + way.finalize()


class Kkm(GivenBeacon):
    """As KBeacon.java and KBAuthHandler.java have it from the other side."""

    WRITE, NOTIFY = (f"0000fea{number}-0000-1000-8000-00805f9b34fb" for number in (1, 2))

    def __init__(self, password: str = "0000000000000000", *, mtu: int = 23, short: bool = False) -> None:
        super().__init__()
        self.password = password
        self.mtu = mtu
        self.short = short
        self.knows = ""
        """Another password that it proves with: an impostor."""
        self.common = {"name": "KBPro", "meaPwr": -59, "btPt": 90}
        self.slot = {
            "slot": 0, "type": 5, "uuid": "7777772E-6B6B-6D63-6E2E-636F6D000001", "majorID": 1, "minorID": 1,
            "txPwr": 0, "advPrd": 1000.0, "conn": 1, "trAdv": 0,
        }  # fmt: skip
        self.on_connect()

    def on_connect(self) -> None:
        self.unlocked = False
        self.got = b""
        self.answer = b""
        self.sent = 0

    def read(self, characteristic: str) -> bytes:
        raise LinkError(LinkProblem.NOT_PERMITTED, "read not permitted")

    def _digest(self, nonce: bytes, password: str) -> bytes:
        mac = bytes(int(part, 16) for part in reversed(ADDRESS.split(":")))
        digest = hashlib.md5(mac + b"\xa9\xb1" + nonce + password.encode()).digest()
        return bytes(digest[n] ^ digest[n + 8] for n in range(8)) if self.short else digest

    def write(self, characteristic: str, data: bytes) -> None:
        assert characteristic == self.WRITE
        assert len(data) <= self.mtu - 3
        kind, tag = data[0] >> 4, data[0] & 15
        if kind == 1 and data[1] == 1:
            proof = self._digest(data[2:6], self.knows or self.password)
            self._say(bytes((0x13, 0x0B if self.short else 1)) + b"rand" + proof)
        elif kind == 1:
            self.tries += 1
            assert data[1] == (0x0C if self.short else 2)
            self.unlocked = data[2:] == self._digest(b"rand", self.password)
            self._say(bytes((0x13, 2, self.mtu)) if self.unlocked else b"\x13\xf1")
        elif not self.unlocked:
            self._ack(0, 1)
        elif kind == 2:
            offset = int.from_bytes(data[1:3], "big")
            assert offset == (0 if tag in {0, 3} else len(self.got))
            self.got = data[3:] if tag in {0, 3} else self.got + data[3:]
            if tag in {2, 3}:
                self._obey(json.loads(self.got))
            else:
                self._ack(len(self.got), 4)
        elif kind == 3:
            self.sent = int.from_bytes(data[1:3], "big")
            self._report()

    def _obey(self, message: dict[str, object]) -> None:
        match message:
            case {"msg": "getPara", "type": 2, "slot": 0}:
                self._reply({"advObj": [self.slot]})
            case {"msg": "getPara", "type": 1}:
                self._reply(self.common)
            case {"msg": "cfg", **rest}:
                for slot in rest.pop("advObj", []):  # type: ignore[attr-defined]
                    assert slot["slot"] == 0
                    assert "type" in slot
                    self.slot |= slot
                self.password = str(rest.pop("pwd", self.password))
                self.common |= rest  # type: ignore[arg-type]
                self._ack(0, 0)
            case _:
                self._ack(0, 9)

    def _reply(self, found: dict[str, object]) -> None:
        """The beginning comes with the acknowledgement, the rest as reports that are acknowledged."""
        self.answer = self.lie("", json.dumps(found).encode())
        room = self.mtu - 3 - 7
        self._ack(len(self.got), 0 if len(self.answer) <= room else 5, self.answer[:room])
        self.sent = room

    def _report(self) -> None:
        room = self.mtu - 3 - 3
        piece = self.answer[self.sent : self.sent + room]
        if piece:
            tag = 2 if self.sent + room >= len(self.answer) else 1
            self._say(bytes((0x30 | tag,)) + self.sent.to_bytes(2, "big") + piece)

    def _ack(self, offset: int, cause: int, data: bytes = b"") -> None:
        self._say(b"\x23" + struct.pack(">HHH", offset, 1000, cause) + data)

    def _say(self, frame: bytes) -> None:
        assert len(frame) <= max(self.mtu - 3, 22)
        self.notify(self.NOTIFY, frame)

    def ibeacon(self) -> bytes:
        uuid = bytes.fromhex(str(self.slot["uuid"]).replace("-", ""))
        who = struct.pack(">HHb", self.slot["majorID"], self.slot["minorID"], self.common["meaPwr"])
        return b"\x02\x15" + uuid + who

    def kept(self) -> object:
        return dict(self.slot), dict(self.common), self.password
