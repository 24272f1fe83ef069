"""The wedge's way from keys to codes; the kernel's side is in tests/vm."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from devices import inputs
from devices.scanners.attached import AttachedScanner
from devices.scanners.classify import classifier
from devices.scanners.framing import Framing, Suffix
from devices.scanners.hid_keyboard import GAP_MS, Wedge
from edge.config import CodesSection
from edge.errors import DeviceError
from tests.devices.scanners.given_scanner import Heard, running, section
from tests.devices.scanners.typing_scanner import Strokes, press, type_text
from tests.given import HandClock


class Keys:
    """A keyboard in place of the kernel's: keys typed at given times, then unplugged."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[inputs.Key | None] = asyncio.Queue()
        self.grabbed = False
        self.now_s = 100.0

    def type(self, strokes: Strokes, *, after_s: float = 0.0) -> None:
        self.now_s += after_s
        for code, value in strokes:
            self.now_s += 0.002
            self.queue.put_nowait(inputs.Key(self.now_s, code, value))

    def unplug(self) -> None:
        self.queue.put_nowait(None)

    @asynccontextmanager
    async def opened(self, path: str, *, grab: bool) -> AsyncIterator[inputs.Input]:
        self.grabbed = grab
        yield inputs.Input(path=path, name="fake", keys=self._keys(path))

    async def _keys(self, path: str) -> AsyncIterator[inputs.Key]:
        while (key := await self.queue.get()) is not None:
            yield key
        raise DeviceError(f"{path} is gone") from OSError(errno.ENODEV, "gone")


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Keys:
    made = Keys()
    monkeypatch.setattr(inputs, "opened", made.opened)
    return made


def wedge(path: Path, clock: HandClock, *, layout: str = "us", suffix: Suffix = Suffix.CR) -> AttachedScanner:
    source = Wedge(path, layout=layout, framing=Framing(suffix=suffix, gap_ms=GAP_MS))
    return AttachedScanner(
        section("hid-keyboard", str(path)), source, classify=classifier(CodesSection()), clock=clock.clock
    )


async def test_typed_codes(keys: Keys, tmp_path: Path, hand_clock: HandClock) -> None:
    heard = Heard()
    async with running(wedge(tmp_path / "kbd", hand_clock, layout="de"), heard):
        keys.type(type_text("https://a.cn/x?y=z\r", "de"))
        keys.type(type_text("half", "de"), after_s=1)
        keys.type(type_text("6901234567892\r", "de"), after_s=0.1)
        assert await heard.wait(3) == ["DeviceFound", "https://a.cn/x?y=z", "06901234567892"]
        assert keys.grabbed
        keys.type(type_text("lo", "de"), after_s=1)
        keys.type([(inputs.LOST, 0)], after_s=1)
        keys.type(type_text("st end\r", "de"))
        keys.type(type_text("whole\r", "de"))
        keys.unplug()
        assert (await heard.wait(5))[3:] == ["whole", "DeviceLost"]


async def test_without_a_suffix_a_pause_ends_the_code(keys: Keys, tmp_path: Path, hand_clock: HandClock) -> None:
    heard = Heard()
    async with running(wedge(tmp_path / "kbd", hand_clock, suffix=Suffix.NONE), heard):
        keys.type(type_text("one", "us"))
        assert await heard.wait(2) == ["DeviceFound", "one"]
        keys.type([*type_text("two", "us"), *press(28)], after_s=1)
        assert (await heard.wait(3))[2] == "two"


async def test_what_a_person_must_fix_is_said(
    tmp_path: Path, hand_clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def busy(path: str, *, grab: bool) -> AsyncIterator[inputs.Input]:
        raise DeviceError("can't use it") from OSError(errno.EBUSY, "busy")
        yield

    monkeypatch.setattr(inputs, "opened", busy)
    with pytest.raises(DeviceError, match="in use"):
        await wedge(tmp_path / "kbd", hand_clock).run(Heard().submit)
