"""A listener on real bleak and dbus-fast, and a BlueZ that fails in every way that is known."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.beacons.radios import bluez as bluez_file
from devices.beacons.radios import listener as listener_file
from devices.beacons.radios import recovery
from edge.board import State
from tests.devices.beacons.given_bluez import PrivateBus, adapter, bluez, needs_dbus, private_bus, until
from tests.devices.beacons.given_listener import Heard, listening

pytestmark = needs_dbus
STALL = {"stall_s": 0.3}


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[PrivateBus]:
    monkeypatch.setattr(listener_file, "TICK_S", 0.02)
    monkeypatch.setattr(recovery, "PAUSES_S", (0.01,))
    monkeypatch.setattr(recovery, "WAITS_S", (0.5,))
    monkeypatch.setattr(bluez_file, "OFF_S", 0.01)
    with private_bus() as found:
        yield found


def covered(heard: Heard) -> bool:
    return len(heard.watch.spans) > 3


async def test_it_hears_and_says_that_it_listens(bus: PrivateBus, tmp_path: Path) -> None:
    async with bluez(bus) as air, listening(tmp_path) as heard:
        await air.place(1)
        await until(lambda: covered(heard))
    assert heard.said == ["found"]
    assert heard.watch.adverts[0].radio == "hci0"
    assert len(heard.watch.starts) == 1
    assert heard.radio.scan == "active"


async def test_passive(bus: PrivateBus, tmp_path: Path) -> None:
    async with bluez(bus) as air, listening(tmp_path, settings={"scan": "passive"}) as heard:
        await air.place(1)
        await until(lambda: covered(heard))
    assert heard.radio.scan == "passive"


async def test_passive_where_bluetoothd_can_not_is_told_at_once(bus: PrivateBus, tmp_path: Path) -> None:
    async with bluez(bus, adapter(experimental=False)), listening(tmp_path, settings={"scan": "passive"}) as heard:
        await until(lambda: heard.error is not None)
    assert heard.said == []
    assert heard.error is not None
    assert "--experimental" in heard.error.hint


@pytest.mark.parametrize(
    ("cure", "steps"),
    [
        ("restart_scan", ["restart_scan stalled", "recovered stalled"]),
        ("power_cycle", ["restart_scan stalled", "power_cycle stalled", "recovered stalled"]),
    ],
)
async def test_a_silent_stall_is_cured_and_never_counts_as_listened(
    bus: PrivateBus, tmp_path: Path, cure: str, steps: list[str]
) -> None:
    clock = asyncio.get_running_loop().time
    async with bluez(bus) as air, listening(tmp_path, expected=50, settings=STALL) as heard:
        await air.place(1)
        await until(lambda: covered(heard))
        await air.tell({"fault": "stall", "cure": cure})
        await asyncio.sleep(0.02)
        began_s = clock()
        await until(lambda: heard.radio.state is State.WAITING)
        ended_s = clock()
        await until(lambda: heard.said == ["found", *steps])
        await until(lambda: heard.watch.spans[-1][1] > ended_s)
        assert heard.radio.state is State.UP
        assert heard.radio.problem == ""
    assert ended_s - began_s > 0.2
    assert heard.watch.listened_in(began_s, ended_s) == 0
    assert heard.radio.steps == len(steps) - 1


async def test_a_stall_that_nothing_cures_ends_in_a_next_step(bus: PrivateBus, tmp_path: Path) -> None:
    async with bluez(bus) as air, listening(tmp_path, expected=50, settings=STALL) as heard:
        await air.place(1)
        await until(lambda: covered(heard))
        await air.tell({"fault": "stall", "cure": "never"})
        await until(lambda: heard.error is not None)
    assert heard.said == ["found", "restart_scan stalled", "power_cycle stalled", "lost"]
    assert heard.error is not None
    assert "unplug" in heard.error.hint
    assert heard.radio.state is State.DOWN
    assert heard.radio.hint == heard.error.hint


async def test_an_empty_place_is_no_stall(bus: PrivateBus, tmp_path: Path) -> None:
    async with bluez(bus), listening(tmp_path, settings=STALL) as heard:
        await until(lambda: heard.said == ["found"])
        await asyncio.sleep(0.4)
        assert heard.said == ["found"]
        assert heard.watch.spans == []


async def test_usb_reset_is_the_last_step_and_only_when_allowed(bus: PrivateBus, tmp_path: Path) -> None:
    async with bluez(bus) as air:

        async def pull(port: Path | None) -> None:
            await air.tell({"fault": "removed"})
            await asyncio.sleep(0.05)
            await air.tell({"fault": "added"})

        settings = {**STALL, "power_cycle": False, "usb_reset": True}
        async with listening(tmp_path, expected=50, settings=settings, reset=pull) as heard:
            await air.place(1)
            await until(lambda: covered(heard))
            await air.tell({"fault": "stall", "cure": "usb_reset"})
            steps = ["restart_scan stalled", "usb_reset stalled", "recovered stalled"]
            await until(lambda: heard.said == ["found", *steps])


async def test_in_progress_is_tried_again_then_switched_off_and_on(bus: PrivateBus, tmp_path: Path) -> None:
    async with bluez(bus) as air:
        await air.place(1)
        await air.tell({"fault": "in_progress", "times": 1})
        async with listening(tmp_path) as heard:
            await until(lambda: heard.said == ["restart_scan in_progress", "recovered in_progress", "found"])
        await air.tell({"fault": "in_progress", "times": -1})
        async with listening(tmp_path) as heard:
            steps = ["restart_scan", "restart_scan", "power_cycle", "recovered"]
            await until(lambda: heard.said == [*(f"{step} in_progress" for step in steps), "found"])


async def test_switched_off_by_somebody_it_is_switched_on(bus: PrivateBus, tmp_path: Path) -> None:
    async with bluez(bus) as air, listening(tmp_path) as heard:
        await air.place(1)
        await until(lambda: covered(heard))
        await air.tell({"fault": "powered_off"})
        await until(lambda: heard.said == ["found", "power_cycle powered_off", "recovered powered_off"])
        assert "hci0 Powered=True" in air.fake.calls
        assert "hci0 Powered=False" not in air.fake.calls


async def test_blocked_by_rfkill_it_says_so_and_comes_back(bus: PrivateBus, tmp_path: Path) -> None:
    async with bluez(bus) as air, listening(tmp_path) as heard:
        await air.place(1)
        await until(lambda: covered(heard))
        await air.tell({"fault": "blocked"})
        await until(lambda: "lost" in heard.said)
        assert "rfkill" in heard.radio.hint
        await air.tell({"fault": "powered_on"})
        await until(lambda: heard.said[-2:] == ["recovered powered_off", "found"])


async def test_an_adapter_that_is_pulled_and_plugged(bus: PrivateBus, tmp_path: Path) -> None:
    async with bluez(bus, adapter("hci0"), adapter("hci1")) as air, listening(tmp_path) as heard:
        await air.place(1)
        await until(lambda: covered(heard))
        await air.tell({"fault": "removed"})
        await until(lambda: heard.said == ["found", "lost", "restart_scan adapter_removed"])
        await air.tell({"fault": "added"})
        await until(lambda: heard.said[-2:] == ["recovered adapter_removed", "found"])
        await until(lambda: len(heard.watch.starts) == 2)


async def test_an_adapter_that_was_never_there(
    bus: PrivateBus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener_file, "LINGER_S", 0.05)
    async with bluez(bus, adapter("hci1")), listening(tmp_path) as heard:
        await until(lambda: heard.error is not None)
    assert heard.said == ["restart_scan adapter_removed"] * 2
    assert heard.error is not None
    assert "bluetoothctl list" in heard.error.hint


async def test_bluetoothd_restarts_under_it(bus: PrivateBus, tmp_path: Path) -> None:
    async with bluez(bus) as air, listening(tmp_path) as heard:
        await air.place(1)
        await until(lambda: covered(heard))
        count = len(heard.watch.adverts)
        await air.tell({"fault": "restart", "away_s": 0.1})
        await until(lambda: heard.said == ["found", "restart_scan bus_lost", "recovered bus_lost"])
        await until(lambda: len(heard.watch.adverts) > count + 5)


async def test_the_bus_itself_restarts(bus: PrivateBus, tmp_path: Path) -> None:
    async with listening(tmp_path) as heard:
        async with bluez(bus) as air:
            await air.place(1)
            await until(lambda: covered(heard))
            bus.stop()
            await until(lambda: "restart_scan bus_lost" in heard.said)
        bus.start()
        async with bluez(bus) as air:
            await air.place(1)
            await until(lambda: "recovered bus_lost" in heard.said)


async def test_it_pauses_while_a_beacon_is_configured(bus: PrivateBus, tmp_path: Path) -> None:
    clock = asyncio.get_running_loop().time
    async with bluez(bus) as air, listening(tmp_path) as heard:
        await air.place(1)
        await until(lambda: covered(heard))
        async with heard.turns.configuring():
            assert not air.fake.adapters["hci0"].discovering
            await until(lambda: heard.radio.scan == "paused")
            from_s = clock()
            await asyncio.sleep(0.2)
            to_s = clock()
        await until(lambda: heard.watch.spans[-1][1] > to_s + 0.1)
    assert heard.watch.listened_in(from_s, to_s) == 0
    assert heard.said == ["found"]


async def test_it_ends_cleanly(bus: PrivateBus, tmp_path: Path) -> None:
    async with bluez(bus) as air:
        async with listening(tmp_path) as heard:
            await air.place(1)
            await until(lambda: covered(heard))
        assert not air.fake.adapters["hci0"].discovering
        async with listening(tmp_path) as heard:
            await until(lambda: covered(heard))
        assert heard.said == ["found"]
