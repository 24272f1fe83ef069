"""Beacons that are talked to in text: HM-10 over a GATT UART and over a real pseudo terminal, Espruino."""

from __future__ import annotations

import asyncio
import json
import os
import re
import tty
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from devices.beacons.link import LinkError, LinkProblem
from devices.beacons.profile import Setting, Unlock
from devices.beacons.provisioning.dialects.serial_line import serial_line
from devices.beacons.provisioning.job import Job, Patience, ProvisionError, Step
from devices.beacons.provisioning.provision import identify, provision, read
from devices.beacons.provisioning.values import NotUnderstoodError
from tests.devices.beacons.given_gatt import UUID, GivenBeacon, GivenRadio, job

SLOW = Patience(find_s=2, connect_s=2, unlock_s=10, talk_s=30, hear_s=2)
IBEACON = "0215" + UUID.replace("-", "") + "01020304"


class Module:
    """HM-10's side: a text in, a text out, as its datasheet has them."""

    def __init__(self) -> None:
        self.kept = {
            "IBE0": "74278BDA", "IBE1": "B6444520", "IBE2": "8F0C720E", "IBE3": "AF059935", "MARJ": "0xFFE0",
            "MINO": "0xFFE1", "ADVI": "9", "POWE": "2", "IBEA": "0",
        }  # fmt: skip
        self.refuses = ""

    def answer(self, text: str) -> str:
        if text == "AT+RESET":
            return "OK+RESET"
        found = re.fullmatch(r"AT\+(IBE[0-3]|MARJ|MINO|ADVI|POWE|IBEA)(.*)", text)
        if found is None or found.group(1) == self.refuses:
            return "ERROR"
        if found.group(2) == "?":
            return f"OK+Get:{self.kept[found.group(1)]}"
        self.kept[found.group(1)] = found.group(2)
        return f"OK+Set:{found.group(2)}"

    def ibeacon(self) -> bytes:
        words = "".join(self.kept[f"IBE{n}"] for n in range(4)) + self.kept["MARJ"][2:] + self.kept["MINO"][2:]
        return bytes.fromhex("0215" + words + "c5")


class Hm10(GivenBeacon):
    PLACE = "0000ffe1-0000-1000-8000-00805f9b34fb"

    def __init__(self) -> None:
        super().__init__()
        self.module = Module()

    def write(self, characteristic: str, data: bytes) -> None:
        assert characteristic == self.PLACE
        assert len(data) <= 20
        answer = self.module.answer(data.decode()).encode()
        self.notify(self.PLACE, answer[:8])
        if answer[8:]:
            self.notify(self.PLACE, answer[8:])

    def ibeacon(self) -> bytes:
        return self.module.ibeacon()


@pytest.mark.looptime
async def test_hm_10_over_the_air() -> None:
    beacon = Hm10()
    done = await provision(job("hm-10", patience=SLOW), GivenRadio(beacon))
    assert beacon.ibeacon()[:22].hex() == IBEACON
    assert (done.before[Setting.INTERVAL], done.settings[Setting.INTERVAL]) == (1285, 318.75)
    assert done.left_out == {Setting.MEASURED_POWER}
    assert beacon.module.kept["ADVI"] == "3"
    found = await read(job("hm-10", patience=SLOW), GivenRadio(beacon))
    assert found[Setting.TX_POWER] == 0


@pytest.mark.looptime
async def test_a_refused_command_is_named_and_the_others_are_undone() -> None:
    beacon = Hm10()
    before = dict(beacon.module.kept)
    beacon.module.refuses = "MINO"
    with pytest.raises(ProvisionError, match="minor") as caught:
        await provision(job("hm-10", patience=SLOW), GivenRadio(beacon))
    assert caught.value.step is Step.READ_BEFORE
    assert caught.value.rolled_back is None
    assert beacon.module.kept == before


@pytest.fixture
def terminal() -> Iterator[tuple[int, Path]]:
    ours, theirs = os.openpty()
    tty.setraw(ours)
    os.set_blocking(ours, False)
    path = Path(os.ttyname(theirs))
    yield ours, path
    os.close(ours)
    os.close(theirs)


async def test_hm_10_over_a_serial_line(terminal: tuple[int, Path]) -> None:
    ours, path = terminal
    beacon = Hm10()

    def obey() -> None:
        text = os.read(ours, 100).decode()
        os.write(ours, beacon.module.answer(text).encode())

    given = job("hm-10", address="", line=lambda: serial_line(path, baud=9600), patience=SLOW)
    asyncio.get_running_loop().add_reader(ours, obey)
    try:
        quick = msgspec.structs.replace(given.profile, at=msgspec.structs.replace(given.profile.at, quiet_ms=20))
        given = replace(given, profile=quick)
        done = await provision(given, GivenRadio(beacon))
    finally:
        asyncio.get_running_loop().remove_reader(ours)
    assert done.read_back
    assert beacon.ibeacon()[:22].hex() == IBEACON


async def test_a_line_that_is_silent_missing_or_none_at_all(terminal: tuple[int, Path], tmp_path: Path) -> None:
    _, path = terminal
    async with serial_line(path, baud=9600) as line:
        with pytest.raises(LinkError) as caught:
            await line.receive(timeout_s=0.01)
    assert caught.value.problem is LinkProblem.TIMEOUT
    plain = tmp_path / "x"
    plain.write_bytes(b"")
    for wrong, baud in ((tmp_path / "none", 9600), (plain, 9600), (path, 12345)):
        with pytest.raises(LinkError) as caught:
            async with serial_line(wrong, baud=baud):
                pass
        assert caught.value.problem is LinkProblem.NOT_FOUND


class Guarded(Hm10):
    """One that wants `AT+AUTH=` first, and a line end."""

    def __init__(self) -> None:
        super().__init__()
        self.pin = "246810"
        self.line = b""
        self.let_in = False

    def on_connect(self) -> None:
        self.let_in = False

    def write(self, characteristic: str, data: bytes) -> None:
        self.line += data
        if not self.line.endswith(b"\r\n"):
            return
        text, self.line = self.line.decode().strip(), b""
        answer = self.module.answer(text) if self.let_in else "ERROR"
        if text.startswith("AT+AUTH="):
            self.tries += 1
            self.let_in = text == f"AT+AUTH={self.pin}"
            answer = "OK+AUTH" if self.let_in else "ERROR"
        elif text.startswith("AT+PASS=") and self.let_in:
            self.pin, answer = text.removeprefix("AT+PASS="), "OK+PASS"
        self.notify(self.PLACE, f"{answer}\r\n".encode())


def guarded(**more: object) -> Job:
    given = job("hm-10", patience=SLOW, **more)
    at = msgspec.structs.replace(given.profile.at, end="\r\n", auth="AT+AUTH={secret}", change="AT+PASS={secret}")
    unlock = Unlock(scheme="at-auth", min_bytes=6, max_bytes=6, default="000000")
    return replace(given, profile=msgspec.structs.replace(given.profile, at=at, unlock=unlock))


@pytest.mark.looptime
async def test_a_module_with_a_password_over_a_line_with_ends() -> None:
    beacon = Guarded()
    with pytest.raises(ProvisionError) as caught:
        await provision(guarded(secret="135791", new_secret="975310"), GivenRadio(beacon))
    assert (caught.value.step, beacon.tries, beacon.pin) == (Step.UNLOCK, 1, "246810")
    assert "135791" not in str(caught.value)
    done = await provision(guarded(secret="246810", new_secret="975310"), GivenRadio(beacon))
    assert (done.password_changed, done.password_proven, beacon.pin) == (True, True, "975310")
    assert beacon.ibeacon()[:22].hex() == IBEACON


class Puck(GivenBeacon):
    """As much JavaScript as is asked of it."""

    WRITE, NOTIFY = (f"6e40000{number}-b5a3-f393-e0a9-e50e24dcca9e" for number in (2, 3))

    def __init__(self) -> None:
        super().__init__()
        self.told: dict[str, object] | None = None
        self.saved: dict[str, object] | None = None
        self.line = b""
        self.said = ""
        self.mangle: Callable[[str], str] = lambda text: text

    def on_connect(self) -> None:
        self.line = b""

    def write(self, characteristic: str, data: bytes) -> None:
        assert characteristic == self.WRITE
        assert len(data) <= 20
        self.line += data
        if self.line.endswith(b"\n"):
            assert self.line.startswith(b"\x10")
            self._run(self.line[1:-1].decode("ascii"))
            self.line = b""

    def _run(self, code: str) -> None:
        if code.startswith("storegate="):
            self.told = json.loads(code.removeprefix("storegate="))
        elif code.startswith("print("):
            said = self.mangle(f"<sg>{json.dumps(self.told)}</sg>\r\n")
            for start in range(0, len(said), 20):
                self.notify(self.NOTIFY, said[start : start + 20].encode())
        elif code.startswith("delete global.storegate"):
            self.told = None
        elif code == "save()":
            self.saved = self.told
        else:
            self.said = code

    def ibeacon(self) -> bytes:
        if not self.saved:
            return b""
        who = bytes(self.saved["uuid"])  # type: ignore[call-overload]
        numbers = [int(str(self.saved[key])) for key in ("major", "minor", "rssi")]
        ends = numbers[0].to_bytes(2, "big") + numbers[1].to_bytes(2, "big") + (numbers[2] & 255).to_bytes(1, "big")
        return b"\x02\x15" + bytes(who) + ends


async def test_espruino_is_told_shows_it_and_saves_it() -> None:
    beacon = Puck()
    done = await provision(job("espruino"), GivenRadio(beacon))
    assert done.before == {}
    assert beacon.ibeacon()[:22].hex() == IBEACON
    assert beacon.said == 'NRF.setAdvertising(require("ble_ibeacon").get(storegate),{interval:storegate.interval})'
    assert (await provision(job("espruino"), GivenRadio(beacon))).changed == frozenset()
    await identify(job("espruino"), GivenRadio(beacon))
    assert beacon.said.startswith("digitalPulse(LED1")


async def test_espruino_goes_back_to_what_it_was_told_before() -> None:
    beacon = Puck()
    await provision(job("espruino", wanted={**job("espruino").wanted, Setting.MINOR: 1}), GivenRadio(beacon))
    beacon.air = b"\x02\x15" + bytes(21)
    with pytest.raises(ProvisionError) as caught:
        await provision(job("espruino"), GivenRadio(beacon))
    assert (caught.value.step, caught.value.rolled_back) == (Step.HEAR, True)
    assert beacon.saved is not None
    assert beacon.saved["minor"] == 1


@pytest.mark.parametrize(
    "mangle",
    [
        lambda _: "<sg>{</sg>",
        lambda _: "<sg>[1]</sg>",
        lambda _: '<sg>{"uuid": "no"}</sg>',
        lambda _: "x" * 5000,
    ],
)
async def test_a_chattering_one_is_refused(mangle: Callable[[str], str]) -> None:
    beacon = Puck()
    beacon.mangle = mangle
    with pytest.raises(ProvisionError) as caught:
        await provision(job("espruino"), GivenRadio(beacon))
    assert isinstance(caught.value.__cause__, NotUnderstoodError)
    assert beacon.told is None
