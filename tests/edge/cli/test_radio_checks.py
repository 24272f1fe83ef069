"""Given what BlueZ says of its adapters, expect a line for each configured radio."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from edge.cli.checks import Line, Verdict, extras
from edge.cli.radio_checks import radios
from edge.config import Config, parse
from edge.errors import DeviceError

BOX = '[gateway]\ntenant = "t"\nstore = "s"\nid = "g"\nstate_dir = "{state}"\n'


class Sends(NamedTuple):
    instances: int = 5
    at_once: int = 1


class Adapter(NamedTuple):
    name: str = "hci0"
    powered: bool = True
    sender: Sends = Sends()
    passive: bool = False


def box(state: Path, radio: str = 'adapter = "hci0"') -> Config:
    return parse(BOX.format(state=state) + f"[[radios]]\n{radio}\n", where="test")


def look(config: Config, *adapters: Adapter) -> list[Line]:
    async def ask() -> Sequence[Adapter]:
        return adapters

    return list(radios(config, ask))


def test_a_radio_that_can_do_what_is_wanted(tmp_path: Path) -> None:
    (line,) = look(box(tmp_path), Adapter())
    assert (line.verdict, line.what) == (Verdict.OK, "radio hci0")
    passive = box(tmp_path, 'adapter = "hci0"\nscan = "passive"')
    assert look(passive, Adapter(passive=True))[0].verdict is Verdict.OK


def test_what_a_radio_lacks_is_said_with_the_next_step(tmp_path: Path) -> None:
    passive = box(tmp_path, 'adapter = "hci0"\nscan = "passive"')
    for config, adapter, word in (
        (box(tmp_path), Adapter(name="hci1"), "hci1"),
        (box(tmp_path), Adapter(powered=False), "off"),
        (passive, Adapter(), "passive"),
    ):
        (line,) = look(config, adapter)
        assert line.verdict is Verdict.WRONG
        assert word in line.text
        assert line.next
    assert "no adapter" in look(box(tmp_path))[0].text
    assert look(box(tmp_path), Adapter(sender=Sends(0, 0)))[0].verdict is Verdict.NOTE


def test_no_bluez_is_one_line_and_no_radio_none(tmp_path: Path) -> None:
    async def ask() -> Sequence[Adapter]:
        raise DeviceError("bluetoothd is not running", hint="sudo systemctl start bluetooth")

    (line,) = radios(box(tmp_path), ask)
    assert (line.verdict, line.next) == (Verdict.WRONG, "sudo systemctl start bluetooth")
    assert list(radios(parse(BOX.format(state=tmp_path), where="test"), ask)) == []
    assert [line.what for line in extras(box(tmp_path))] == ["extras"]
