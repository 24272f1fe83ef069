"""Real bleak over a real dbus-daemon and a fake BlueZ."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest

from devices.beacons.advert import APPLE, Advert
from devices.beacons.link import LinkError, LinkProblem
from devices.beacons.radios import radio
from devices.beacons.radios.radio import BleakRadio, ScanError, leave, scan
from tests.devices.beacons.given_bluez import PrivateBus, adapter, bluez, needs_dbus, private_bus, until

pytestmark = needs_dbus
SERVICE = "955a1523-0fe2-f5aa-a094-84b8d4f3e8ad"
READ = "955a1524-0fe2-f5aa-a094-84b8d4f3e8ad"
WRITE = "955a1525-0fe2-f5aa-a094-84b8d4f3e8ad"
NOTIFY = "955a1526-0fe2-f5aa-a094-84b8d4f3e8ad"


def gatt() -> dict[str, object]:
    return {
        SERVICE: {
            READ: {"value": "0102", "flags": ["read", "write"], "max_bytes": 4},
            WRITE: {"value": "", "flags": ["write"]},
            NOTIFY: {"value": "", "flags": ["notify"]},
        }
    }


@pytest.fixture
def bus() -> Iterator[PrivateBus]:
    with private_bus() as found:
        yield found


@pytest.mark.parametrize("mode", ["active", "passive"])
async def test_every_advertisement_is_heard_with_its_bytes(bus: PrivateBus, mode: str) -> None:
    heard: list[Advert] = []
    async with bluez(bus) as air:
        address = await air.place(7)
        async with scan("hci0", mode, heard.append):
            await until(lambda: len(heard) >= 10)
            air.fake.air.beacons[address].deaf = "hci0"
            await until(lambda: len(heard) == air.fake.sent)
    advert = heard[-1]
    assert (advert.radio, advert.address, advert.rssi_dbm) == ("hci0", address, -60)
    frame = bytes.fromhex("0215fda50693a4e24fb1afcfc6eb07647825") + b"\x00\x01\x00\x07\xc5"
    assert advert.manufacturer == {APPLE: frame}
    assert heard[0].at_s < heard[-1].at_s


async def test_other_frames_names_and_services_come_through(bus: PrivateBus) -> None:
    heard: list[Advert] = []
    async with bluez(bus) as air:
        url = "020106" + "0303aafe" + "0616aafe1000aa" + "0309" + b"ab".hex()
        await air.place(1, data=url)
        async with scan("hci0", "active", heard.append):
            await until(lambda: heard)
    eddystone = "0000feaa-0000-1000-8000-00805f9b34fb"
    advert = heard[0]
    assert (advert.service_data, advert.service_uuids, advert.name) == (
        {eddystone: b"\x10\x00\xaa"},
        (eddystone,),
        "ab",
    )


async def test_six_hundred_beacons_come_and_go_without_loss(bus: PrivateBus) -> None:
    """The end of a scan is a burst of signals, and a new client is told of all devices at once."""
    async with bluez(bus) as air:
        for number in range(600):
            await air.place(number, interval_ms=300)
        for _ in range(2):
            heard: list[Advert] = []
            before = air.fake.sent
            async with scan("hci0", "active", heard.append):
                await until(lambda: len({advert.address for advert in heard}) == 600)  # noqa: B023
                for number in range(600):
                    air.fake.air.beacons[f"C1:00:00:00:{number >> 8:02X}:{number & 0xFF:02X}"].deaf = "hci0"
                await until(lambda: len(heard) == air.fake.sent - before)  # noqa: B023
            for beacon in air.fake.air.beacons.values():
                beacon.deaf = ""
            leave()


async def test_two_adapters_are_heard_apart(bus: PrivateBus) -> None:
    first: list[Advert] = []
    second: list[Advert] = []
    async with bluez(bus, adapter("hci0"), adapter("hci1")) as air:
        await air.place(1, adapter="hci0")
        await air.place(2, adapter="hci1")
        async with scan("hci0", "active", first.append), scan("hci1", "active", second.append):
            await until(lambda: len(first) > 2 and len(second) > 2)
    assert {advert.address[-2:] for advert in first} == {"01"}
    assert {advert.address[-2:] for advert in second} == {"02"}


async def test_what_is_no_advertisement_is_not_heard(bus: PrivateBus) -> None:
    """BlueZ takes a strength back when another client ends its scan: bleak tells that with the last data."""
    heard: list[Advert] = []
    async with bluez(bus) as air:
        address = await air.place(1, interval_ms=60_000)
        air.fake.air.place({"address": address, "interval_ms": 20}, asyncio.get_running_loop().time())
        async with scan("hci0", "active", heard.append):
            await until(lambda: heard)
            await air.tell({"address": address, "interval_ms": 60_000})
            await asyncio.sleep(0.05)
            count = len(heard)
            air.fake._changed(f"/org/bluez/hci0/dev_{address.replace(':', '_')}", "org.bluez.Device1", {}, ("RSSI",))
            await asyncio.sleep(0.05)
    assert len(heard) == count


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"fault": "in_progress"}, "in_progress"),
        ({"fault": "powered_off"}, "powered_off"),
        ({"fault": "removed"}, "adapter_removed"),
    ],
)
async def test_a_scan_that_does_not_start_says_why(bus: PrivateBus, fault: dict[str, object], reason: str) -> None:
    async with bluez(bus) as air:
        await air.tell(fault)
        with pytest.raises(ScanError) as caught:
            async with scan("hci0", "active", lambda _: None):
                pass
    assert caught.value.reason == reason


async def test_no_bluez_and_no_bus(bus: PrivateBus) -> None:
    with pytest.raises(ScanError) as caught:
        async with scan("hci0", "active", lambda _: None):
            pass
    assert (caught.value.reason, bool(caught.value.hint)) == ("bus_lost", True)
    bus.stop()
    with pytest.raises(ScanError) as caught:
        async with scan("hci0", "active", lambda _: None):
            pass
    assert caught.value.reason == "bus_lost"


async def test_passive_without_experimental_says_what_to_do(bus: PrivateBus) -> None:
    async with bluez(bus, adapter(experimental=False)):
        with pytest.raises(ScanError) as caught:
            async with scan("hci0", "passive", lambda _: None):
                pass
    assert "--experimental" in str(caught.value)
    assert 'scan = "active"' in caught.value.hint
    assert caught.value.lasting


async def test_called_off_while_it_starts_it_leaves_nothing_behind(bus: PrivateBus) -> None:
    """bleak would forget that it asked BlueZ to scan, and every later start would be InProgress."""
    async with bluez(bus) as air:

        async def scanning() -> None:
            async with scan("hci0", "active", lambda _: None):
                await asyncio.Event().wait()

        for turns in range(12):
            task = asyncio.create_task(scanning())
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        heard: list[Advert] = []
        await air.place(1)
        async with scan("hci0", "active", heard.append):
            await until(lambda: heard)


async def test_a_scan_whose_end_was_refused_starts_again(bus: PrivateBus) -> None:
    async with bluez(bus) as air:
        await air.place(1)
        async with scan("hci0", "active", lambda _: None):
            air.fake.refuse = "StopDiscovery"
        air.fake.refuse = ""
        heard: list[Advert] = []
        async with scan("hci0", "active", heard.append):
            await until(lambda: heard)


async def test_a_bluez_that_hangs_is_given_up_and_forgets_us(bus: PrivateBus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(radio, "START_S", 0.1)
    async with bluez(bus) as air:
        air.fake.hang = "StartDiscovery"
        with pytest.raises(ScanError, match="does not answer"):
            async with scan("hci0", "active", lambda _: None):
                pass
        air.fake.hang = ""
        await until(lambda: not air.fake.adapters["hci0"].discovering)
        async with scan("hci0", "active", lambda _: None):
            pass


async def test_a_beacon_is_read_written_and_heard(bus: PrivateBus) -> None:
    async with bluez(bus) as air:
        address = await air.place(1, gatt=gatt())
        async with BleakRadio("hci0").connect(address, timeout_s=5) as session:
            assert session.characteristics == {READ, WRITE, NOTIFY}
            assert await session.read(READ) == b"\x01\x02"
            await session.write(READ, b"\x03")
            assert await session.read(READ) == b"\x03"
            async with session.notifications(NOTIFY) as told:
                await air.tell({"notify": address, "characteristic": NOTIFY, "value": "4f4b"})
                assert await anext(told) == b"OK"
        await until(lambda: not air.fake.adapters["hci0"].devices[address].connected)


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        (lambda session: session.read(WRITE), LinkProblem.NOT_PERMITTED),
        (lambda session: session.write(NOTIFY, b"x"), LinkProblem.NOT_PERMITTED),
        (lambda session: session.write(READ, b"12345"), LinkProblem.NOT_PERMITTED),
        (lambda session: session.read(SERVICE), LinkProblem.NO_CHARACTERISTIC),
    ],
)
async def test_what_a_beacon_refuses(bus: PrivateBus, step: object, problem: LinkProblem) -> None:
    async with bluez(bus) as air:
        address = await air.place(1, gatt=gatt())
        async with BleakRadio("hci0").connect(address, timeout_s=5) as session:
            with pytest.raises(LinkError) as caught:
                await step(session)
    assert caught.value.problem is problem
    assert address not in str(caught.value)


async def test_a_beacon_that_goes_away(bus: PrivateBus, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with bluez(bus) as air:
        address = await air.place(1, gatt=gatt())
        async with BleakRadio("hci0").connect(address, timeout_s=5) as session:
            async with session.notifications(NOTIFY) as told:
                await air.tell({"disconnect": address})
                with pytest.raises(LinkError) as caught:
                    await anext(told)
            assert caught.value.problem is LinkProblem.LOST
            with pytest.raises(LinkError) as caught:
                await session.read(READ)
            assert caught.value.problem is LinkProblem.LOST
    assert "C1:00" not in caplog.text
    assert "C1_00" not in caplog.text


async def test_beacons_that_can_not_be_connected_to(bus: PrivateBus) -> None:
    async with bluez(bus) as air:
        deaf = await air.place(1)
        with pytest.raises(LinkError) as caught:
            async with BleakRadio("hci0").connect(deaf, timeout_s=2):
                pass
        assert caught.value.problem is LinkProblem.REFUSED
        with pytest.raises(LinkError) as caught:
            async with BleakRadio("hci0").connect("C1:00:00:00:00:99", timeout_s=0.2):
                pass
        assert caught.value.problem is LinkProblem.NOT_FOUND


async def test_connecting_while_hearing(bus: PrivateBus) -> None:
    """BlueZ allows a client one scan: the connection takes the beacon out of the one that runs."""
    async with bluez(bus) as air:
        address = await air.place(1, gatt=gatt())
        mine = BleakRadio("hci0")
        async with mine.hear() as adverts:
            assert (await anext(adverts)).address == address
            async with mine.connect(address, timeout_s=5) as session:
                assert await session.read(READ) == b"\x01\x02"


async def test_addresses_stay_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logger = logging.getLogger("bleak.backends.bluezdbus.client")
    logger.warning("Failed to cancel connection (%s)", "/org/bluez/hci0/dev_C1_00_00_00_00_01")
    assert caplog.messages == ["Failed to cancel connection (/org/bluez/hci0/dev_…)"]
