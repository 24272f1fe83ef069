"""What `storegate doctor` asks BlueZ: is a radio there, on, and able to do what gateway.toml wants?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from edge.cli.checks import Line, Verdict
from edge.errors import MissingExtraError, StoregateError

if TYPE_CHECKING:
    from edge.config import Config, RadioSection

ASK_S = 5.0
EXPERIMENTAL = (
    "let bluetoothd run with --experimental (sudo systemctl edit bluetooth: ExecStart= anew with it), "
    'or use scan = "active"'
)


class Sends(Protocol):
    @property
    def instances(self) -> int: ...
    @property
    def at_once(self) -> int: ...


class Facts(Protocol):
    """What is read of devices.beacons.radios.bluez.AdapterFacts."""

    @property
    def name(self) -> str: ...
    @property
    def powered(self) -> bool: ...
    @property
    def sender(self) -> Sends: ...
    @property
    def passive(self) -> bool: ...


Ask = Callable[[], Awaitable[Sequence[Facts]]]


def radios(config: Config, ask: Ask | None = None) -> Iterator[Line]:
    """Nothing where no radio is configured, or the part that talks to BlueZ is not installed (extras say that)."""
    if not config.radios:
        return
    try:
        found = asyncio.run(_asked(ask or _bluez()))
    except MissingExtraError:
        return
    except TimeoutError:
        yield _line("bluetooth", "bluetoothd does not answer", "sudo systemctl restart bluetooth")
        return
    except StoregateError as error:
        yield _line("bluetooth", str(error), error.hint or "sudo systemctl enable --now bluetooth")
        return
    by_name = {facts.name: facts for facts in found}
    for section in config.radios:
        yield _radio(section, by_name.get(section.adapter), sorted(by_name))


def _bluez() -> Ask:
    from devices.beacons.radios.bluez import adapters  # noqa: PLC0415

    return adapters


async def _asked(ask: Ask) -> Sequence[Facts]:
    async with asyncio.timeout(ASK_S):
        return await ask()


def _radio(section: RadioSection, facts: Facts | None, there: list[str]) -> Line:
    what = f"radio {section.adapter}"
    if facts is None:
        others = f"BlueZ has {', '.join(there)}" if there else "BlueZ has no adapter"
        hint = "plug it in, or correct radios.adapter: bluetoothctl list; is it blocked? rfkill list"
        return _line(what, f"it is not there; {others}", hint)
    if not facts.powered:
        return _line(what, "it is switched off", "rfkill unblock bluetooth; bluetoothctl power on")
    if section.scan == "passive" and not facts.passive:
        return _line(what, "passive scanning is not to be had", EXPERIMENTAL)
    text = f"on; {section.scan} scan; sends {facts.sender.at_once} at once"
    if section.advertise and not facts.sender.instances:
        hint = "advertise = false, or another adapter for the gateway's own beacons"
        return Line(what=what, verdict=Verdict.NOTE, text=f"{text}: none of the gateway's own", next=hint)
    return Line(what=what, verdict=Verdict.OK, text=text)


def _line(what: str, text: str, hint: str) -> Line:
    return Line(what=what, verdict=Verdict.WRONG, text=text, next=hint)
