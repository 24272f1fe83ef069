"""Bluetooth radios through BlueZ: hearing advertisements, and connections to beacons. The one file that imports bleak.

Theory of operation. BlueZ hides most of the air by default: it signals a strength only when it moved by 8 dB, and
the same data once. A filter on strength that lets all through (RSSI −120) and DuplicateData turn both off. Passive
scanning can't have those filters, wants patterns and `bluetoothd --experimental`, and of a beacon that stands still
tells next to nothing (seen with BlueZ 5.66): enough to see who comes, not for zones. One long scan an adapter: BlueZ
answers a quick stop and start with InProgress. A start of a scan is never cut short: bleak would forget that it
asked, BlueZ would not, and every later start of ours would be refused.

All scans of a process share bleak's one connection to the bus. When a scan could not be ended in order and no
other is left, that connection is given up, which ends whatever BlueZ still thinks we scan.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from typing import Any, Literal, NoReturn

from devices.beacons.advert import Advert, Hear
from devices.beacons.link import GattSession, LinkError, LinkProblem
from edge.errors import DeviceError, MissingExtraError

try:
    from bleak import BleakClient, BleakScanner
    from bleak.args.bluez import BlueZScannerArgs, OrPattern
    from bleak.assigned_numbers import AdvertisementDataType
    from bleak.backends.bluezdbus import manager as bleak_manager
    from bleak.backends.characteristic import BleakGATTCharacteristic
    from bleak.backends.client import BaseBleakClient
    from bleak.backends.device import BLEDevice
    from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
    from bleak.exc import (
        BleakBluetoothNotAvailableError,
        BleakBluetoothNotAvailableReason,
        BleakDBusError,
        BleakDeviceNotFoundError,
        BleakError,
        BleakGATTProtocolError,
    )
except ImportError as error:
    raise MissingExtraError("a Bluetooth radio", "ble") from error

Mode = Literal["active", "passive"]
START_S = 10.0
"""BlueZ answers in milliseconds, or hangs."""
STOP_S = 5.0
STEP_S = 15.0
"""One read or write; a beacon that sleeps between connection events needs some."""
NO_STRENGTH = -127
"""bleak's word for a change of the device that was no advertisement."""
MAX_WAITING = 2_000
"""Adverts or notifications that nobody took yet; later ones are dropped."""
_ADDRESS = re.compile(r"[0-9A-Fa-f]{2}([:_-][0-9A-Fa-f]{2}){5}")
_scans = 0


class ScanError(DeviceError):
    """A scan did not start. `reason` is one of the recovery's; `lasting`: no recovery helps, a person must."""

    def __init__(self, reason: str, message: str, *, hint: str = "", lasting: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        self.lasting = lasting


@asynccontextmanager
async def scan(
    adapter: str, mode: Mode, hear: Hear, *, backend: type[BaseBleakScanner] | None = None
) -> AsyncIterator[None]:
    """Hears while the block lasts: `hear` is called for each advertisement, on the loop. Raises ScanError."""
    async with _scanning(adapter, mode, hear, backend):
        yield


@asynccontextmanager
async def _scanning(
    adapter: str, mode: Mode, hear: Hear, backend: type[BaseBleakScanner] | None
) -> AsyncIterator[BleakScanner]:
    global _scans  # noqa: PLW0603 - bleak's connection to the bus is the process's, so is the count of who uses it
    clock = asyncio.get_running_loop().time

    def detected(device: BLEDevice, data: AdvertisementData) -> None:
        if data.rssi > NO_STRENGTH:
            hear(
                Advert(
                    adapter,
                    device.address,
                    data.rssi,
                    clock(),
                    data.manufacturer_data,
                    data.service_data,
                    tuple(data.service_uuids),
                    data.local_name or "",
                )
            )

    scanner = BleakScanner(detected, scanning_mode=mode, bluez=_arguments(adapter, mode), backend=backend)
    _scans += 1
    clean = False
    try:
        await _whole(_started(scanner, adapter), undo=lambda: _stopped(scanner))
        try:
            yield scanner
        finally:
            clean = await asyncio.shield(asyncio.ensure_future(_stopped(scanner)))
    finally:
        _scans -= 1
        if not clean and not _scans and backend is None:
            leave()


def _arguments(adapter: str, mode: Mode) -> BlueZScannerArgs:
    if mode == "active":
        return {"adapter": adapter, "filters": {"DuplicateData": True, "RSSI": -120}}
    manufacturer, service = AdvertisementDataType.MANUFACTURER_SPECIFIC_DATA, AdvertisementDataType.SERVICE_DATA_UUID16
    ibeacon, altbeacon = OrPattern(0, manufacturer, b"\x4c\x00\x02\x15"), OrPattern(2, manufacturer, b"\xbe\xac")
    return {"adapter": adapter, "or_patterns": [ibeacon, altbeacon, OrPattern(0, service, b"\xaa\xfe")]}


async def _whole(start: Coroutine[Any, Any, None], *, undo: Callable[[], Coroutine[Any, Any, bool]]) -> None:
    """Runs to its end even when we are cancelled, and is undone then."""
    task = asyncio.ensure_future(start)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        with suppress(ScanError):
            await task
            await undo()
        raise


async def _started(scanner: BleakScanner, adapter: str) -> None:
    try:
        async with asyncio.timeout(START_S):
            await scanner.start()
    except TimeoutError as error:
        hint = "sudo systemctl restart bluetooth; journalctl -u bluetooth says more"
        raise ScanError("error", f"{adapter}: BlueZ does not answer", hint=hint) from error
    except (BleakError, OSError, EOFError, AttributeError, AssertionError) as error:
        # the last two: bleak and dbus-fast, when the bus closes under a call
        raise _scan_error(adapter, error) from error


async def _stopped(scanner: BleakScanner) -> bool:
    """False: BlueZ may think that it goes on."""
    try:
        async with asyncio.timeout(STOP_S):
            await scanner.stop()
    except (BleakError, OSError, EOFError, TimeoutError, AttributeError, AssertionError):
        return False
    return True


def _scan_error(adapter: str, error: Exception) -> ScanError:
    name = error.dbus_error if isinstance(error, BleakDBusError) else ""
    text = _ADDRESS.sub("…", str(error))
    if "passive scanning" in text:
        hint = 'add --experimental to bluetoothd (systemctl edit bluetooth), or set scan = "active"'
        text = f"{adapter}: passive scanning needs bluetoothd --experimental"
        return ScanError("error", text, hint=hint, lasting=True)
    if name.endswith("InProgress"):
        return ScanError("in_progress", f"{adapter}: BlueZ says a scan of ours is under way already")
    if name.endswith("NotReady") or _off(error):
        hint = "rfkill unblock bluetooth; bluetoothctl power on"
        return ScanError("powered_off", f"{adapter} is switched off", hint=hint)
    if "not found" in text or name.endswith(("UnknownObject", "UnknownMethod")):
        return ScanError("adapter_removed", f"there is no adapter {adapter}", hint="bluetoothctl list shows which are")
    if isinstance(error, BleakDBusError) and not name.endswith(("ServiceUnknown", "NameHasNoOwner", "NoReply")):
        return ScanError("error", f"{adapter}: BlueZ refuses to scan: {text}")
    hint = "sudo systemctl restart bluetooth; is dbus running, and may our user use it?"
    return ScanError("bus_lost", f"{adapter}: BlueZ can't be reached: {text or type(error).__name__}", hint=hint)


def _off(error: Exception) -> bool:
    return (
        isinstance(error, BleakBluetoothNotAvailableError)
        and error.reason is BleakBluetoothNotAvailableReason.POWERED_OFF
    )


def leave() -> None:
    """Gives up bleak's connection to the bus; the next scan or connect makes a new one."""
    instance = bleak_manager._global_instances.get(asyncio.get_running_loop())  # noqa: SLF001 - bleak offers no way
    bus = instance._bus if instance is not None else None  # noqa: SLF001
    if bus is not None and bus.connected:
        bus.disconnect()


class BleakRadio:
    """A `link.Radio` on one adapter."""

    def __init__(
        self,
        adapter: str,
        *,
        mode: Mode = "active",
        scanner: type[BaseBleakScanner] | None = None,
        client: type[BaseBleakClient] | None = None,
    ) -> None:
        self.adapter = adapter
        self._mode: Mode = mode
        self._scanner_backend, self._client_backend = scanner, client
        self._scanner: BleakScanner | None = None

    @asynccontextmanager
    async def hear(self) -> AsyncIterator[AsyncIterator[Advert]]:
        heard: asyncio.Queue[Advert] = asyncio.Queue(MAX_WAITING)

        def put(advert: Advert) -> None:
            if not heard.full():
                heard.put_nowait(advert)

        async with _scanning(self.adapter, self._mode, put, self._scanner_backend) as scanner:
            self._scanner = scanner
            try:
                yield _taken(heard)
            finally:
                self._scanner = None

    @asynccontextmanager
    async def connect(self, address: str, *, timeout_s: float) -> AsyncIterator[GattSession]:
        """A connection while the block lasts. Raises LinkError, and ScanError when there is no radio."""
        lost = asyncio.Event()
        with _translated("the connection"):
            async with asyncio.timeout(timeout_s):
                device = await self._found(address, timeout_s)
                client = BleakClient(
                    device,
                    lambda _: lost.set(),
                    bluez={"adapter": self.adapter},
                    timeout=timeout_s,
                    backend=self._client_backend,
                )
                try:
                    await client.connect()
                except BleakDBusError as error:
                    if error.dbus_error.endswith(("UnknownObject", "DoesNotExist")):
                        raise
                    hint = "is it in its time for settings, and nobody else connected? then move it nearer"
                    raise LinkError(LinkProblem.REFUSED, "the beacon takes no connection", hint=hint) from None
        try:
            yield _Session(client, lost)
        finally:
            with suppress(BleakError, OSError, EOFError, TimeoutError, AssertionError):
                async with asyncio.timeout(STOP_S):
                    await client.disconnect()

    async def _found(self, address: str, timeout_s: float) -> BLEDevice:
        """While we scan ourselves, out of that: BlueZ allows a client one scan at a time."""
        if self._scanner is None:
            found = await _seen(address, timeout_s, self.adapter, self._scanner_backend)
        else:
            while (found := self._known(address)) is None:  # noqa: ASYNC110 - bleak keeps the list
                await asyncio.sleep(0.05)
        if found is None:
            raise BleakDeviceNotFoundError("…", "not heard")
        return found

    def _known(self, address: str) -> BLEDevice | None:
        seen = self._scanner.discovered_devices if self._scanner is not None else []
        return next((device for device in seen if device.address.upper() == address.upper()), None)


async def _seen(
    address: str, timeout_s: float, adapter: str, backend: type[BaseBleakScanner] | None
) -> BLEDevice | None:
    done = asyncio.Event()

    def heard(advert: Advert) -> None:
        if advert.address.upper() == address.upper():
            done.set()

    async with _scanning(adapter, "active", heard, backend) as scanner:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s * 0.6):  # the rest is for connecting
                await done.wait()
        known = (device for device in scanner.discovered_devices if device.address.upper() == address.upper())
        return next(known, None)


async def _taken(queue: asyncio.Queue[Advert]) -> AsyncIterator[Advert]:
    while True:
        yield await queue.get()


class _Session:
    """A GattSession."""

    def __init__(self, client: BleakClient, lost: asyncio.Event) -> None:
        self._client = client
        self._lost = lost
        self._found: dict[str, BleakGATTCharacteristic] = {}
        for characteristic in client.services.characteristics.values():
            self._found.setdefault(characteristic.uuid.lower(), characteristic)

    @property
    def characteristics(self) -> frozenset[str]:
        return frozenset(self._found)

    async def read(self, characteristic: str) -> bytes:
        with _translated(characteristic, self._lost):
            async with asyncio.timeout(STEP_S):
                return bytes(await self._client.read_gatt_char(self._of(characteristic)))

    async def write(self, characteristic: str, data: bytes, *, response: bool = True) -> None:
        with _translated(characteristic, self._lost):
            async with asyncio.timeout(STEP_S):
                await self._client.write_gatt_char(self._of(characteristic), data, response=response)

    def notifications(self, characteristic: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        return self._notifications(characteristic)

    @asynccontextmanager
    async def _notifications(self, characteristic: str) -> AsyncIterator[AsyncIterator[bytes]]:
        told: asyncio.Queue[bytes] = asyncio.Queue(MAX_WAITING)

        def put(_: BleakGATTCharacteristic, data: bytearray) -> None:
            if not told.full():
                told.put_nowait(bytes(data))

        found = self._of(characteristic)
        with _translated(characteristic, self._lost):
            async with asyncio.timeout(STEP_S):
                await self._client.start_notify(found, put)
        try:
            yield self._told(told)
        finally:
            with suppress(BleakError, OSError, EOFError, TimeoutError, AssertionError):
                async with asyncio.timeout(STOP_S):
                    await self._client.stop_notify(found)

    async def _told(self, queue: asyncio.Queue[bytes]) -> AsyncIterator[bytes]:
        lost = asyncio.ensure_future(self._lost.wait())
        try:
            while True:
                getting = asyncio.ensure_future(queue.get())
                try:
                    await asyncio.wait({getting, lost}, return_when=asyncio.FIRST_COMPLETED)
                    if not getting.done():
                        raise LinkError(LinkProblem.LOST, "the beacon went away")
                    yield getting.result()
                finally:
                    getting.cancel()
        finally:
            lost.cancel()

    def _of(self, characteristic: str) -> BleakGATTCharacteristic:
        if self._lost.is_set():
            raise LinkError(LinkProblem.LOST, "the beacon went away")
        found = self._found.get(characteristic.lower())
        if found is None:
            hint = "is it the model that the profile is for?"
            raise LinkError(LinkProblem.NO_CHARACTERISTIC, f"the beacon has no {characteristic}", hint=hint)
        return found


@contextmanager
def _translated(what: str, lost: asyncio.Event | None = None) -> Iterator[None]:
    """Errors of bleak as LinkErrors, unchained: their texts hold addresses."""
    try:
        yield
    except TimeoutError:
        raise LinkError(LinkProblem.TIMEOUT, f"{what}: no answer in time", hint="move it nearer, try again") from None
    except BleakGATTProtocolError as error:
        text = f"{what} was refused by the beacon (ATT error 0x{int(error.code):02x})"
        raise LinkError(LinkProblem.NOT_PERMITTED, text, hint="is it unlocked?") from None
    except BleakDeviceNotFoundError:
        hint = "is its battery good, is it near, and does it take connections now?"
        raise LinkError(LinkProblem.NOT_FOUND, "the beacon is not heard", hint=hint) from None
    except (BleakError, OSError, EOFError, AttributeError, AssertionError) as error:
        _raise(what, error, gone=lost is not None and lost.is_set())


def _raise(what: str, error: Exception, *, gone: bool) -> NoReturn:
    name = error.dbus_error if isinstance(error, BleakDBusError) else ""
    if not gone and name.endswith(("NotPermitted", "NotAuthorized", "NotSupported", "InvalidArguments")):
        problem, text = LinkProblem.NOT_PERMITTED, f"{what} was refused by the beacon"
        raise LinkError(problem, text, hint="is it unlocked?") from None
    raise LinkError(LinkProblem.LOST, f"{what}: the beacon went away", hint="move it nearer, try again") from None


def _hide_addresses(record: logging.LogRecord) -> bool:
    """It names devices in its warnings; addresses are personal data."""
    record.msg, record.args = _ADDRESS.sub("…", record.getMessage()), ()
    return True


for _name in ("client", "manager", "scanner"):
    logging.getLogger(f"bleak.backends.bluezdbus.{_name}").addFilter(_hide_addresses)
