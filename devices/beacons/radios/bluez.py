"""BlueZ's own side of an adapter: is it there and on, and what may it send. The one file that imports dbus_fast.

bleak hears and connects; what it has no way for is here: switching an adapter, seeing bluetoothd and adapters come
and go, and LEAdvertisement1, which puts the gateway's own beacons on the air. An adapter's address is never read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

from devices.beacons.advert import APPLE
from devices.beacons.radios.own import Sent
from edge.errors import DeviceError, MissingExtraError

try:
    from dbus_fast import AuthError, BusType, InvalidAddressError, Message, MessageType, Variant, unpack_variants
    from dbus_fast.aio import MessageBus
except ImportError as error:
    raise MissingExtraError("Bluetooth", "ble") from error

BLUEZ = "org.bluez"
ADAPTER = "org.bluez.Adapter1"
SENDER = "org.bluez.LEAdvertisingManager1"
ADVERT = "org.bluez.LEAdvertisement1"
MONITORS = "org.bluez.AdvertisementMonitorManager1"
PROPERTIES = "org.freedesktop.DBus.Properties"
OBJECTS = "org.freedesktop.DBus.ObjectManager"
DBUS = "org.freedesktop.DBus"
CALL_S = 10.0
"""Switching a controller on may take seconds."""
OFF_S = 1.0
"""Of a power cycle: shorter, and some controllers do not notice."""
LEGACY_INTERVAL_MS = 100
"""A controller before Bluetooth 5 sends what can't be connected to no faster."""
RESTART = "sudo systemctl restart bluetooth; journalctl -u bluetooth says more"


class BluezError(DeviceError):
    """BlueZ refused, or is not there. `name`: its error, without `org.bluez.Error.`."""

    def __init__(self, name: str, message: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.name = name


class Sender(NamedTuple):
    """What an adapter can send."""

    instances: int = 0
    """Advertisements at once, those of today and of others included."""
    extended: bool = False
    """Each has its own timing; without, several take turns of 2 s and are silent in between."""
    sets_power: bool = False
    power_dbm: tuple[int, int] = (-127, 20)

    @property
    def at_once(self) -> int:
        """Advertisements that are really there all the time."""
        return self.instances if self.extended else min(1, self.instances)


class AdapterFacts(NamedTuple):
    """For `storegate doctor` and the command line."""

    name: str
    powered: bool
    sender: Sender
    passive: bool
    """Scans passively: bluetoothd runs with --experimental."""


class Adapter:
    """One adapter, watched. Made by `watched`."""

    def __init__(self, name: str, bus: MessageBus) -> None:
        self.name = name
        self.daemon = False
        """bluetoothd is on the bus."""
        self.present = False
        self.powered = False
        self.life = 0
        """Grows when bluetoothd or the adapter came anew: what was registered with it is gone."""
        self.sender = Sender()
        self._bus = bus
        self._path = f"/org/bluez/{name}"
        self._news = asyncio.Event()
        self._active: dict[str, dict[str, Variant]] = {}
        """Path of an advertisement of ours → its properties."""
        self._sent: dict[str, Sent] = {}

    @property
    def lost(self) -> bool:
        """The bus is gone, and with it this object's use."""
        return not self._bus.connected

    @property
    def ready(self) -> bool:
        return self.daemon and self.present and self.powered

    async def changed(self, timeout_s: float) -> None:
        """Until something is different, or the time is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
        self._news.clear()

    async def power(self, *, on: bool) -> None:
        """Raises BluezError."""
        body = [ADAPTER, "Powered", Variant("b", on)]
        try:
            await self._call(PROPERTIES, "Set", "ssv", body)
        except BluezError as error:
            hint = "rfkill unblock bluetooth" if on else RESTART
            raise BluezError(error.name, f"{self.name} can't be switched {'on' if on else 'off'}", hint=hint) from error
        self.powered = on

    async def power_cycle(self) -> None:
        """Raises BluezError."""
        try:
            if self.powered:
                await self.power(on=False)
                await asyncio.sleep(OFF_S)
        finally:  # whoever calls us off must not leave it off
            await self.power(on=True)

    # what is sent

    async def send(self, slot: str, sent: Sent) -> None:
        """Puts it on the air, or changes what is. Raises BluezError.

        A change is a new registration: BlueZ would take it in place too, but then says nothing when it fails, and
        an id that rotates would go on under the old random address, which tells whose it is.
        """
        path = _slot_path(slot)
        if self._sent.get(path) == sent:
            return
        await self.unsend(slot)
        self._active[path], self._sent[path] = self._properties(sent), sent
        try:
            await self._call(SENDER, "RegisterAdvertisement", "oa{sv}", [path, {}])
        except BluezError:
            self._drop(path)
            raise

    async def unsend(self, slot: str) -> None:
        path = _slot_path(slot)
        if path in self._active:
            self._drop(path)
            with suppress(BluezError):  # it is gone there too, then
                await self._call(SENDER, "UnregisterAdvertisement", "o", [path])

    async def unsend_all(self) -> None:
        for slot in self.sending:
            await self.unsend(slot)

    @property
    def sending(self) -> frozenset[str]:
        """Slots on the air."""
        return frozenset(path.rpartition("/")[2] for path in self._active)

    def _drop(self, path: str) -> None:
        self._active.pop(path, None)
        self._sent.pop(path, None)

    def _properties(self, sent: Sent) -> dict[str, Variant]:
        least_ms = 20 if self.sender.extended else LEGACY_INTERVAL_MS
        interval_ms = max(least_ms, sent.interval_ms)
        shown = {
            "Type": Variant("s", "broadcast"),
            "ManufacturerData": Variant("a{qv}", {APPLE: Variant("ay", sent.data)}),
            "MinInterval": Variant("u", interval_ms),
            "MaxInterval": Variant("u", interval_ms),
        }
        if sent.tx_power_dbm is not None and self.sender.sets_power:
            low, high = self.sender.power_dbm
            shown["TxPower"] = Variant("n", max(low, min(high, sent.tx_power_dbm)))
        return shown

    # the bus

    async def begin(self) -> None:
        """Raises BluezError."""
        self._bus.add_message_handler(self._taken)
        for rule in (
            f"sender='{DBUS}',interface='{DBUS}',member='NameOwnerChanged',arg0='{BLUEZ}'",
            f"sender='{BLUEZ}',interface='{OBJECTS}',member='InterfacesAdded',arg0path='{self._path}'",
            f"sender='{BLUEZ}',interface='{OBJECTS}',member='InterfacesRemoved',arg0path='{self._path}'",
            f"sender='{BLUEZ}',interface='{PROPERTIES}',member='PropertiesChanged',path='{self._path}'",
        ):  # its path alone: below it, every advertisement on the air is a signal
            await _called(self._bus, DBUS, "/org/freedesktop/DBus", DBUS, "AddMatch", "s", [f"type='signal',{rule}"])
        owned = await _called(self._bus, DBUS, "/org/freedesktop/DBus", DBUS, "NameHasOwner", "s", [BLUEZ])
        self.daemon = bool(owned[0])
        if self.daemon:
            for interface in (ADAPTER, SENDER):
                with suppress(BluezError):  # it is not there now
                    self._taken_properties(interface, (await self._call(PROPERTIES, "GetAll", "s", [interface]))[0])

    async def _call(self, interface: str, member: str, signature: str, body: list[Any]) -> list[Any]:
        return await _called(self._bus, BLUEZ, self._path, interface, member, signature, body)

    def _taken(self, message: Message) -> Message | bool | None:
        if message.message_type is MessageType.METHOD_CALL:
            return self._asked(message)
        if message.message_type is not MessageType.SIGNAL:
            return None
        match message.member:
            case "NameOwnerChanged" if message.body[0] == BLUEZ:
                self.daemon = bool(message.body[2])
                self._gone()
            case "InterfacesAdded" if message.body[0] == self._path:
                if ADAPTER in message.body[1]:
                    self._gone()
                for interface, properties in message.body[1].items():
                    self._taken_properties(interface, properties)
            case "InterfacesRemoved" if message.body[0] == self._path and ADAPTER in message.body[1]:
                self._gone()
            case "PropertiesChanged" if message.path == self._path:
                self._taken_properties(message.body[0], message.body[1])
            case _:
                return None
        self._news.set()
        return None

    def _taken_properties(self, interface: str, properties: Mapping[str, Any]) -> None:
        shown = unpack_variants(dict(properties))
        if interface == ADAPTER:
            self.present = True
            self.powered = bool(shown.get("Powered", self.powered))
        elif interface == SENDER:
            self.sender = _sender(shown, self.sender)

    def _gone(self) -> None:
        self.present = self.powered = False
        self.life += 1
        self.sender = Sender()
        self._active.clear()
        self._sent.clear()

    def _asked(self, message: Message) -> Message | None:
        """BlueZ reads an advertisement of ours, or says that it dropped it."""
        path = str(message.path)
        if path not in self._active:
            return None
        if message.member == "Release":
            self._drop(path)
            self._news.set()
            return Message.new_method_return(message)
        if message.interface == PROPERTIES and message.body[:1] == [ADVERT]:
            if message.member == "Set":  # BlueZ tells the TxPower that it chose
                return Message.new_method_return(message)
            if message.member == "GetAll":
                return Message.new_method_return(message, "a{sv}", [self._active[path]])
            if message.member == "Get" and message.body[1] in self._active[path]:
                return Message.new_method_return(message, "v", [self._active[path][message.body[1]]])
        return None

    def bus_ended(self, _: object) -> None:
        self._gone()
        self.daemon = False
        self._news.set()


@asynccontextmanager
async def watched(name: str) -> AsyncIterator[Adapter]:
    """An adapter by name (`hci0`), whether it is there or not. Raises BluezError when there is no bus."""
    async with _connected() as (bus, ended):
        adapter = Adapter(name, bus)
        ended.add_done_callback(adapter.bus_ended)
        await adapter.begin()
        yield adapter


async def adapters() -> list[AdapterFacts]:
    """All that BlueZ has now. Raises BluezError."""
    async with _connected() as (bus, _):
        objects = (await _called(bus, BLUEZ, "/", OBJECTS, "GetManagedObjects", "", []))[0]
    return [
        AdapterFacts(
            path.rpartition("/")[2],
            bool(shown[ADAPTER]["Powered"].value),
            _sender(unpack_variants(shown.get(SENDER, {})), Sender()),
            MONITORS in shown,
        )
        for path, shown in sorted(objects.items())
        if ADAPTER in shown
    ]


def _sender(shown: Mapping[str, Any], before: Sender) -> Sender:
    """SupportedInstances is what is left of all; both counts change together."""
    found = before
    if "SupportedInstances" in shown and "ActiveInstances" in shown:
        found = found._replace(instances=int(shown["SupportedInstances"]) + int(shown["ActiveInstances"]))
    if "SupportedSecondaryChannels" in shown:
        found = found._replace(extended=bool(shown["SupportedSecondaryChannels"]))
    if "SupportedFeatures" in shown:
        found = found._replace(sets_power="CanSetTxPower" in shown["SupportedFeatures"])
    limits = shown.get("SupportedCapabilities", {})
    if "MinTxPower" in limits and "MaxTxPower" in limits:
        found = found._replace(power_dbm=(int(limits["MinTxPower"]), int(limits["MaxTxPower"])))
    return found


def _slot_path(slot: str) -> str:
    return f"/storegate/advert/{slot}"


@asynccontextmanager
async def _connected() -> AsyncIterator[tuple[MessageBus, asyncio.Future[None]]]:
    hint = "is dbus running, and may our user use the system bus?"
    try:
        bus = MessageBus(bus_type=BusType.SYSTEM)
        async with asyncio.timeout(CALL_S):
            await bus.connect()
    except (OSError, EOFError, AuthError, InvalidAddressError, TimeoutError) as error:
        raise BluezError("NoBus", f"no system bus: {str(error) or type(error).__name__}", hint=hint) from error
    ended: asyncio.Future[None] = asyncio.ensure_future(_ended(bus))
    try:
        yield bus, ended
    finally:
        if bus.connected:
            bus.disconnect()
        await asyncio.wait({ended}, timeout=1)


async def _ended(bus: MessageBus) -> None:
    with suppress(Exception):  # whatever ended it, it ended
        await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]


async def _called(
    bus: MessageBus, to: str, path: str, interface: str, member: str, signature: str, body: list[Any]
) -> list[Any]:
    message = Message(destination=to, path=path, interface=interface, member=member, signature=signature, body=body)
    try:
        async with asyncio.timeout(CALL_S):
            reply = await bus.call(message)
    except TimeoutError as error:
        raise BluezError("Timeout", f"BlueZ does not answer {member}", hint=RESTART) from error
    except (OSError, EOFError) as error:
        raise BluezError("NoBus", "the system bus is gone", hint="systemctl status dbus") from error
    if reply is None:  # dbus-fast, when the bus closes under a call
        raise BluezError("NoBus", "the system bus is gone", hint="systemctl status dbus")
    if reply.message_type is MessageType.ERROR:
        name = str(reply.error_name).rpartition(".")[2]
        text = f"BlueZ refused {member}: {name}"
        raise BluezError(name, text, hint=RESTART if name in {"ServiceUnknown", "NoReply", "NameHasNoOwner"} else "")
    return list(reply.body)
