"""The door to bumble: an air without radios, beacons in it, and the one who listens and connects."""

from __future__ import annotations

import asyncio
import contextlib
import uuid as uuids
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Self

from devices.beacons.advert import Advert
from devices.beacons.emulator.air_data import Heard
from devices.beacons.emulator.sham import Gone, Refused, Sham
from devices.beacons.link import LinkError, LinkProblem
from edge.errors import MissingExtraError

try:
    from bumble import att, controller, core, device, gatt, hci, host, link, ll
except ImportError as error:  # only developers need it
    raise MissingExtraError("emulating beacons", "dev") from error

MTU = 247
LISTENER = "C0:00:00:00:00:FE"
REPORT = hci.HCI_LE_Advertising_Report_Event
LOSSES = (core.BaseError, core.InvalidStateError, core.TimeoutError, asyncio.CancelledError, asyncio.TimeoutError)
"""How bumble says that a peer is gone: requests that wait for it are cancelled."""


class Air:
    """One room: everybody hears everybody, each beacon as strong as it says."""

    def __init__(self) -> None:
        self.link: Any = link.LocalLink()  # type: ignore[no-untyped-call]
        self.strengths: dict[str, int] = {}
        """Address → dBm at the listener."""


class _Sender(controller.LegacyAdvertiser):  # type: ignore[misc, unused-ignore]
    """Sends what its beacon says now, several frames in turn; bumble's own sends one, and only if connectable."""

    beacon: Beacon

    def send_advertising_data(self) -> None:
        if self.enabled:
            for frame in self.beacon.sham.frames():
                self.controller.send_advertising_pdu(ll.AdvInd(advertiser_address=self.address, data=frame))

    def _on_timer_fired(self) -> None:
        self.send_advertising_data()
        wait_s = self.beacon.pace_s or self.beacon.sham.interval_s
        self.timer_handle = asyncio.get_running_loop().call_later(wait_s, self._on_timer_fired)


class _Tower(controller.Controller):  # type: ignore[misc, unused-ignore]
    """bumble's controller without its quirks: one report for one PDU, with a strength; no extended advertising."""

    le_features = controller.Controller.le_features & ~hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
    deaf = False
    """Takes no connections."""

    def __init__(self, name: str, air: Air) -> None:
        super().__init__(name, link=air.link)
        self._air = air

    def send_hci_packet(self, packet: Any) -> None:
        """Without the log line that bumble words for each packet, log or no log: half of its time."""
        if self.host:
            asyncio.get_running_loop().call_soon(self.host.on_packet, bytes(packet))

    def on_hci_packet(self, packet: Any) -> None:
        if isinstance(packet, hci.HCI_Command):
            self.on_hci_command_packet(packet)
        else:
            self.on_hci_acl_data_packet(packet)

    def on_advertising_pdu(self, pdu: Any) -> None:
        if self.le_scan_enable:
            address = pdu.advertiser_address
            report = REPORT.Report(
                event_type=REPORT.EventType.ADV_NONCONN_IND,  # bumble's host waits for no scan response then
                address_type=address.address_type,
                address=address,
                data=pdu.data,
                rssi=self._air.strengths.get(str(address).partition("/")[0], -60),
            )
            self.send_hci_packet(REPORT([report]))
        scanning, self.le_scan_enable = self.le_scan_enable, False  # what follows there is about connections
        super().on_advertising_pdu(pdu)
        self.le_scan_enable = scanning

    def create_le_connection(self, peer_address: Any) -> None:
        for other in self._air.link.controllers:
            if other.random_address == peer_address and getattr(other, "deaf", False):
                return  # the request goes unheard, and is repeated at the next advertisement
        super().create_le_connection(peer_address)


def _device(name: str, address: str, tower: _Tower) -> Any:
    configuration = device.DeviceConfiguration(name=name, address=hci.Address(address), gap_service_enabled=False)
    return device.Device(config=configuration, host=host.Host(tower, tower))


class Beacon:
    """A sham on the air. Used as `async with`."""

    def __init__(self, air: Air, sham: Sham, address: str, *, rssi_dbm: int = -60, pace_s: float = 0.0) -> None:
        self.sham = sham
        self.address = address.upper()
        self.pace_s = pace_s
        """Between advertisements; 0: as its settings say."""
        self._air = air
        self._tower = _Tower(address, air)
        self._tower.deaf = sham.faults.closed
        self._device = _device(address, address, self._tower)
        self._connection: Any = None
        self._rows: dict[str, Any] = {}
        self._window: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        air.strengths[self.address] = rssi_dbm

    async def __aenter__(self) -> Self:
        sender = _Sender(self._tower)
        sender.beacon = self
        self._tower.le_legacy_advertiser = sender
        for uuid, characteristics in self.sham.services.items():
            made = {one.uuid: self._made(one.uuid, one.properties) for one in characteristics}
            self._rows |= made
            self._device.add_service(gatt.Service(uuid, list(made.values())))
        self.sham.notify = self._notify
        self._device.on("connection", self._connected)
        await self._device.power_on()
        await self._advertise()
        self.power_cycle()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        if self._window:
            self._window.cancel()
        self._tower.le_legacy_advertiser.stop()
        await self._device.power_off()
        self._air.link.remove_controller(self._tower)

    def power_cycle(self) -> None:
        """Its battery out and in: the connectable window begins again, a block after wrong passwords is forgotten."""
        faults = self.sham.faults
        self.sham.connectable, self._tower.deaf = True, faults.closed
        if self._window:
            self._window.cancel()
        if faults.window_s:
            self._window = asyncio.get_running_loop().call_later(faults.window_s, self._close)

    def _close(self) -> None:
        self._tower.deaf = True

    def _made(self, uuid: str, properties: str) -> Any:
        flags = gatt.Characteristic.Properties.from_string(properties)
        value: Any = gatt.CharacteristicValue(
            read=lambda _connection: self._answered(self.sham.asked(uuid)),
            write=lambda _connection, data: self._answered(self.sham.told(uuid, bytes(data))),  # type: ignore[arg-type]
        )
        return gatt.Characteristic(uuid, flags, gatt.Characteristic.READABLE | gatt.Characteristic.WRITEABLE, value)

    async def _answered(self, work: Coroutine[None, None, bytes]) -> bytes:
        try:
            answer = await work
        except Refused as error:
            if self.sham.hangs_up:
                self._later(self._hang_up())
            raise att.ATT_Error(error.code) from error
        except Gone:
            await self._hang_up()
            raise att.ATT_Error(att.ErrorCode.UNLIKELY_ERROR) from None
        if self.sham.hangs_up:
            self._later(self._hang_up())
        return answer

    def _notify(self, uuid: str, data: bytes) -> None:
        if self._connection is not None:
            self._later(self._device.notify_subscribers(self._rows[uuid], data, force=True))

    def _connected(self, connection: Any) -> None:
        self._connection = connection
        self.sham.connected()
        connection.on("disconnection", self._disconnected)

    def _disconnected(self, _: object) -> None:
        self._connection = None
        self.sham.disconnected()
        self._tower.deaf = self._tower.deaf or not self.sham.connectable
        self._later(self._advertise())

    async def _hang_up(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(*LOSSES):
                await self._connection.disconnect()

    async def _advertise(self) -> None:
        await self._device.start_advertising(advertising_data=b"", advertising_interval_min=100)

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class VirtualRadio:
    """`link.Radio` in an Air. Used as `async with`."""

    def __init__(self, air: Air, *, name: str = "hci0", clock: Callable[[], float] | None = None) -> None:
        self.name = name
        self._air = air
        self._clock = clock
        self._tower = _Tower(name, air)
        self._device = _device(name, LISTENER, self._tower)

    async def __aenter__(self) -> Self:
        await self._device.power_on()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._device.power_off()
        self._air.link.remove_controller(self._tower)

    @contextlib.asynccontextmanager
    async def connect(self, address: str, *, timeout_s: float) -> AsyncIterator[VirtualSession]:
        try:
            connection = await self._device.connect(hci.Address(address), timeout=timeout_s)
        except LOSSES as error:
            self._tower.pending_le_connection, self._device.le_connecting = None, False  # bumble would wait on
            if _cancelled():
                raise
            problem = LinkProblem.REFUSED if address.upper() in self._air.strengths else LinkProblem.NOT_FOUND
            raise LinkError(problem, "it takes no connection") from error
        lost = asyncio.Event()
        connection.on("disconnection", lambda _: lost.set())
        try:
            with _translated():
                session = await VirtualSession.over(connection, lost, timeout_s)
            yield session
        finally:
            if not lost.is_set():  # bumble waits for ever for the end of what has ended
                with contextlib.suppress(*LOSSES):
                    await asyncio.wait_for(connection.disconnect(), timeout_s)

    @contextlib.asynccontextmanager
    async def hear(self) -> AsyncIterator[AsyncIterator[Advert]]:
        queue: asyncio.Queue[Advert] = asyncio.Queue(10_000)
        heard = Heard(self.name)
        clock = self._clock or asyncio.get_running_loop().time

        def on_advertisement(report: Any) -> None:
            address = str(report.address).partition("/")[0]
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(heard.advert(address, report.rssi, report.data_bytes, clock()))

        self._device.on("advertisement", on_advertisement)
        await self._device.start_scanning(active=False)
        try:
            yield _drained(queue)
        finally:
            self._device.remove_listener("advertisement", on_advertisement)
            await self._device.stop_scanning()


async def _drained(queue: asyncio.Queue[Advert]) -> AsyncIterator[Advert]:
    while True:
        yield await queue.get()


class VirtualSession:
    """`link.GattSession`."""

    def __init__(self, proxies: dict[str, Any], lost: asyncio.Event, timeout_s: float) -> None:
        self._proxies = proxies
        self._lost = lost
        self._timeout_s = timeout_s

    @classmethod
    async def over(cls, connection: Any, lost: asyncio.Event, timeout_s: float) -> VirtualSession:
        peer = device.Peer(connection)
        await peer.request_mtu(MTU)
        await peer.discover_services()
        proxies: dict[str, Any] = {}
        for service in peer.services:
            for one in await peer.discover_characteristics(service=service):
                proxies[str(uuids.UUID(bytes=one.uuid.to_bytes(force_128=True)[::-1]))] = one
        return cls(proxies, lost, timeout_s)

    @property
    def characteristics(self) -> frozenset[str]:
        return frozenset(self._proxies)

    async def read(self, characteristic: str) -> bytes:
        proxy = self._proxy(characteristic)
        with _translated():
            return bytes(await asyncio.wait_for(proxy.read_value(), self._timeout_s))

    async def write(self, characteristic: str, data: bytes, *, response: bool = True) -> None:
        proxy = self._proxy(characteristic)
        with _translated():
            await asyncio.wait_for(proxy.write_value(data, with_response=response), self._timeout_s)

    @contextlib.asynccontextmanager
    async def notifications(self, characteristic: str) -> AsyncIterator[AsyncIterator[bytes]]:
        proxy, queue = self._proxy(characteristic), asyncio.Queue[bytes]()
        subscriber: Callable[[bytes], None] = queue.put_nowait
        with _translated():
            await asyncio.wait_for(proxy.subscribe(subscriber), self._timeout_s)
        try:
            yield self._until_lost(queue)
        finally:
            with contextlib.suppress(*LOSSES):
                if not self._lost.is_set():
                    await asyncio.wait_for(proxy.unsubscribe(subscriber), self._timeout_s)

    async def _until_lost(self, queue: asyncio.Queue[bytes]) -> AsyncIterator[bytes]:
        while True:
            got, lost = asyncio.ensure_future(queue.get()), asyncio.ensure_future(self._lost.wait())
            try:
                await asyncio.wait({got, lost}, return_when=asyncio.FIRST_COMPLETED)
                if not got.done():
                    raise LinkError(LinkProblem.LOST, "the connection was lost")
                data = got.result()
            finally:
                got.cancel()
                lost.cancel()
            yield bytes(data)

    def _proxy(self, characteristic: str) -> Any:
        if self._lost.is_set():
            raise LinkError(LinkProblem.LOST, "the connection was lost")
        try:
            return self._proxies[characteristic]
        except KeyError:
            problem = LinkProblem.NO_CHARACTERISTIC
            raise LinkError(problem, f"it has no characteristic {characteristic}") from None


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except att.ATT_Error as error:
        problem = LinkProblem.NOT_PERMITTED
        raise LinkError(problem, f"it refused: error {error.error_code:#04x}") from error
    except (TimeoutError, core.TimeoutError) as error:
        raise LinkError(LinkProblem.TIMEOUT, "it did not answer in time") from error
    except LOSSES as error:
        if _cancelled():
            raise
        raise LinkError(LinkProblem.LOST, "the connection was lost") from error


def _cancelled() -> bool:
    """We ourselves, not what we waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
