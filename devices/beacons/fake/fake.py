"""A BlueZ without radios: `org.bluez` on a D-Bus of its own, for tests, the demo and a desk without hardware.

    python -m devices.beacons.fake --bus unix:path=/tmp/bus --adapters hci0,hci1

Reads JSON lines from its standard input: beacons (see fake_air), and faults
    {"fault": "stall", "adapter": "hci0", "cure": "power_cycle"}    silent until cured (`never`, `restart_scan`, …)
    {"fault": "in_progress", "adapter": "hci0", "times": 2}         refuses to scan; -1: until it was off
    {"fault": "powered_off"} {"fault": "blocked"} {"fault": "powered_on"} {"fault": "removed"} {"fault": "added"}
    {"fault": "restart", "away_s": 0.5}                             bluetoothd ends and begins again
    {"disconnect": "C1:…"}  {"notify": "C1:…", "characteristic": "6e40…", "value": "4f4b"}
and writes one for each advertisement that a client begins, changes or ends:
    {"advertising": {"adapter": "hci0", "uuid": "…", "major": 1, "minor": 2, "power": -59, "on": true, …}}
It keeps BlueZ's traps: small changes of strength are told only to who filters for strength, repeated data only with
DuplicateData, a second scan of one client is InProgress, and a legacy controller has one advertisement at a time.
What it sends is paced: dbus-fast closes its bus when the socket is full.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any, Self

from dbus_fast import Message, MessageType, NameFlag, RequestNameReply, Variant, unpack_variants
from dbus_fast.aio import MessageBus

from devices.beacons.fake import tree
from devices.beacons.fake.air import Air, matches, said
from devices.beacons.fake.gatt import Answer, FakeGatt
from devices.beacons.fake.pace import Paced
from devices.beacons.fake.tree import BluezError
from edge.errors import UsageError

NAME = "org.bluez"
OBJECTS = "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"
Tell = Callable[[dict[str, Any]], None]


class FakeBluez:
    """`async with` it, then `await bluez.tell({...})` takes the lines that the command would read."""

    def __init__(self, bus: str, adapters: Mapping[str, tree.Adapter], *, said_by_clients: Tell) -> None:
        self._address = bus
        self.adapters = dict(adapters)
        self._unplugged: dict[str, tree.Adapter] = {}
        self._said = said_by_clients
        self.air = Air()
        self._gatt = FakeGatt(added=self._added, removed=self._removed, changed=self._changed)
        self.sent = 0
        """Signals of advertisements."""
        self.refuse = self.hang = ""  # a method that fails, one that is done and never answered
        self.calls: list[str] = []  # `hci0 StartDiscovery`, in order; the last thousand
        self._bus: MessageBus | None = None
        self._paced: Paced | None = None
        self._work: asyncio.Task[None] | None = None
        self._later: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._begin()
        self._work = asyncio.create_task(self._speak())
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in (self._work, *self._later):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await self._end()

    async def tell(self, line: Mapping[str, Any]) -> None:
        """Raises UsageError for a line that makes no sense."""
        if fault := line.get("fault"):
            await self._fault(str(fault), line)
        elif "disconnect" in line:
            for adapter in self.adapters.values():
                self._gatt.disconnect(adapter, str(line["disconnect"]))
        elif "notify" in line:
            for adapter in self.adapters.values():
                value = bytes.fromhex(line["value"])
                self._gatt.notify(adapter, str(line["notify"]), str(line["characteristic"]), value)
        elif self.air.place(line, time.monotonic()) is None:
            for adapter in self.adapters.values():
                self._forget(adapter, str(line["address"]).upper())

    # -- the bus

    async def _begin(self) -> None:
        bus = MessageBus(bus_address=self._address)
        await bus.connect()
        bus.add_message_handler(self._taken)
        self._bus, self._paced = bus, Paced(bus)
        for rule in (
            "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg2=''",
            f"type='signal',member='PropertiesChanged',arg0='{tree.ADVERTISEMENT}'",
        ):
            await bus.call(_method("org.freedesktop.DBus", "/org/freedesktop/DBus", "AddMatch", "s", [rule]))
        if await bus.request_name(NAME, NameFlag.DO_NOT_QUEUE) is not RequestNameReply.PRIMARY_OWNER:
            bus.disconnect()
            raise UsageError("somebody is org.bluez on this bus already", hint="give --bus a bus of its own")
        for adapter in self.adapters.values():
            self._added(adapter.path, adapter.interfaces())

    async def _end(self) -> None:
        bus, self._bus, self._paced = self._bus, None, None
        for adapter in self.adapters.values():
            for key in list(adapter.adverts):
                self._unregister(adapter, key)
            adapter.sessions.clear()
            adapter.monitors.clear()
            adapter.devices.clear()
        if bus is not None:
            bus.disconnect()
            with contextlib.suppress(OSError, EOFError):
                await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    def _send(self, message: Message) -> None:
        if self._paced is not None:
            self._paced.send(message)

    async def _room(self) -> None:
        while self._paced is not None and self._paced.full:  # noqa: ASYNC110 - the reader is slow
            await asyncio.sleep(0.001)

    def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        self._send(Message.new_signal(path, interface, member, signature, body))

    def _added(self, path: str, interfaces: Mapping[str, tree.Properties]) -> None:
        shown = {name: _variants(properties) for name, properties in interfaces.items()}
        self._signal("/", OBJECTS, "InterfacesAdded", "oa{sa{sv}}", [path, shown])

    def _removed(self, path: str, interfaces: list[str]) -> None:
        self._signal("/", OBJECTS, "InterfacesRemoved", "oas", [path, interfaces])

    def _changed(self, path: str, interface: str, changed: tree.Properties, gone: tuple[str, ...] = ()) -> None:
        body = [interface, _variants(changed), list(gone)]
        self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", body)

    # -- what is on the air

    async def _speak(self) -> None:
        while True:
            now_s = time.monotonic()
            for beacon, rssi in self.air.due(now_s):
                for adapter in self.adapters.values():
                    if beacon.adapter in {"", adapter.name} and beacon.deaf != adapter.name and adapter.hears():
                        self._hear(
                            adapter, beacon.address, max(-127, rssi - round(beacon.weaker.get(adapter.name, 0))), now_s
                        )
                await self._room()
            await asyncio.sleep(min(0.02, max(0.0005, self.air.next_s(time.monotonic()))))

    def _hear(self, adapter: tree.Adapter, address: str, rssi: int, now_s: float) -> None:
        beacon = self.air.beacons[address]
        if not adapter.discovering and not any(matches(beacon, wanted) for wanted in adapter.monitors.values()):
            return
        device = adapter.devices.get(address)
        path = tree.device_path(adapter, address)
        if device is None:
            device = adapter.devices[address] = tree.Device(beacon, rssi)
            tree.heard(adapter, device, rssi)
            self._added(path, {tree.DEVICE: tree.device_properties(adapter, device)})
        elif changed := tree.heard(adapter, device, rssi):
            self._changed(path, tree.DEVICE, changed)
        else:
            return
        device.heard_s = now_s
        beacon.heard += 1
        self.sent += 1

    def _forget(self, adapter: tree.Adapter, address: str) -> None:
        if adapter.devices.pop(address, None) is not None:
            self._removed(tree.device_path(adapter, address), [tree.DEVICE])

    # -- faults

    async def _fault(self, fault: str, line: Mapping[str, Any]) -> None:
        name = str(line.get("adapter", "hci0"))
        if fault == "restart":
            await self._end()
            await asyncio.sleep(float(line.get("away_s", 0.2)))
            await self._begin()
            return
        if fault == "added" and name in self._unplugged:
            adapter = self.adapters[name] = self._unplugged.pop(name)
            self._added(adapter.path, adapter.interfaces())
            return
        if name not in self.adapters:
            raise UsageError(f"there is no adapter {name!r}")
        adapter = self.adapters[name]
        match fault:
            case "stall":
                adapter.stalled = str(line.get("cure", "restart_scan"))
            case "in_progress":
                adapter.busy = int(line.get("times", 1))
            case "powered_off" | "blocked":
                adapter.stuck_off = fault == "blocked"
                self._power(adapter, on=False)
            case "powered_on":
                adapter.stuck_off = False
                self._power(adapter, on=True)
            case "removed":
                self._remove(adapter)
            case _:
                raise UsageError(f"there is no fault {fault!r}")

    def _remove(self, adapter: tree.Adapter) -> None:
        del self.adapters[adapter.name]
        self._unplugged[adapter.name] = adapter
        for client, path in list(adapter.adverts):
            self._send(_method(client, path, "Release", interface=tree.ADVERTISEMENT))
            self._unregister(adapter, (client, path))
        for address in list(adapter.devices):
            self._forget(adapter, address)
        adapter.sessions.clear()
        adapter.monitors.clear()
        adapter.stalled, adapter.busy = "" if adapter.stalled != "never" else "never", 0
        self._removed(adapter.path, list(adapter.interfaces()))

    def _power(self, adapter: tree.Adapter, *, on: bool) -> None:
        if on and adapter.stuck_off:
            raise BluezError("Failed", "Failed")
        connected = [address for address, device in adapter.devices.items() if device.connected]
        for address in connected if not on else ():
            self._gatt.disconnect(adapter, address)
        adapter.switch(on=on)
        shown = adapter.adapter()
        self._changed(adapter.path, tree.ADAPTER, {key: shown[key] for key in ("Powered", "Discovering")})

    # -- calls of clients

    def _taken(self, message: Message) -> bool:
        if message.message_type is MessageType.SIGNAL:
            if message.member == "NameOwnerChanged":
                self._client_left(message.body[0])
            if message.member == "PropertiesChanged" and message.body[0] == tree.ADVERTISEMENT:
                self._advert_changed(str(message.sender), str(message.path), unpack_variants(message.body[1]))
        if message.message_type is not MessageType.METHOD_CALL:
            return False
        try:
            answer = self._answer(message)
        except BluezError as error:
            self._send(Message.new_error(message, error.name, str(error)))
            return True
        if isinstance(answer, asyncio.Task):
            self._later.add(answer)
            answer.add_done_callback(self._later.discard)
        elif message.member != self.hang:
            self._send(Message.new_method_return(message, *answer))
        return True

    def _answer(self, message: Message) -> Answer | asyncio.Task[None]:
        path, member, body = str(message.path), str(message.member), message.body
        if member == "GetManagedObjects":
            shown = tree.objects(self.adapters.values())
            return "a{oa{sa{sv}}}", [{path: {n: _variants(v) for n, v in all_.items()} for path, all_ in shown.items()}]
        if message.interface == PROPERTIES:
            return self._properties(path, member, body)
        adapter = self.adapters.get(path.split("/")[3]) if path.count("/") >= 3 else None
        if adapter is None:
            raise BluezError("org.freedesktop.DBus.Error.UnknownObject", f"no object {path}")
        self.calls = [*self.calls[-999:], f"{adapter.name} {member}"]
        if member == self.refuse:
            raise BluezError("Failed", "refused for the test")
        if message.interface == tree.ADAPTER:
            return self._scan(adapter, member, body, str(message.sender))
        if message.interface in {tree.DEVICE, tree.CHARACTERISTIC}:
            return self._gatt.called(adapter, path, member, body)
        return self._client_object(adapter, message)

    def _client_object(self, adapter: tree.Adapter, message: Message) -> Answer | asyncio.Task[None]:
        """Advertisements and monitors: objects that live on the client's side."""
        key = (str(message.sender), str(message.body[0]))
        match message.interface, message.member:
            case tree.ADVERTISING, "RegisterAdvertisement":
                return asyncio.create_task(self._register(adapter, message))
            case tree.ADVERTISING, _ if key in adapter.adverts:
                self._unregister(adapter, key)
            case tree.ADVERTISING, _:
                raise BluezError("DoesNotExist")
            case tree.MONITORS, "RegisterMonitor" if adapter.experimental:
                adapter.monitors[key] = []
                return asyncio.create_task(self._watch(adapter, message))
            case tree.MONITORS, _ if adapter.experimental:
                adapter.monitors.pop(key, None)
            case _:
                raise BluezError("org.freedesktop.DBus.Error.UnknownMethod", f"no {message.interface}")
        return ()

    def _properties(self, path: str, member: str, body: list[Any]) -> Answer:
        shown = tree.objects(self.adapters.values()).get(path, {}).get(body[0])
        if shown is None:
            raise BluezError("org.freedesktop.DBus.Error.UnknownObject", f"no {body[0]} at {path}")
        if member == "GetAll":
            return "a{sv}", [_variants(shown)]
        if member == "Get":
            return "v", [_variants(shown)[body[1]]]
        adapter = self.adapters[path.split("/")[3]]
        if body[1] == "Powered":
            self.calls = [*self.calls[-999:], f"{adapter.name} Powered={body[2].value}"]
            self._power(adapter, on=body[2].value)
        return ()

    def _scan(self, adapter: tree.Adapter, member: str, body: list[Any], client: str) -> Answer:
        if member == "RemoveDevice":
            self._forget(adapter, body[0].rpartition("dev_")[2].replace("_", ":"))
            return ()
        tree.scan(adapter, client, member, unpack_variants(body[0]) if body else {})
        if member == "StopDiscovery":
            for address in adapter.devices:
                self._changed(tree.device_path(adapter, address), tree.DEVICE, {}, ("RSSI",))
        return ()

    # -- what clients put on the air

    async def _register(self, adapter: tree.Adapter, message: Message) -> None:
        client, path = str(message.sender), message.body[0]
        shown = await self._asked(client, path, tree.ADVERTISEMENT)
        if error := tree.refused(adapter, (client, path), shown):
            self._send(Message.new_error(message, f"org.bluez.Error.{error}", error))
            return
        adapter.adverts[client, path] = shown
        self._send(Message.new_method_return(message))
        self._instances_changed(adapter)
        self._say(adapter, (client, path), on=True)

    def _unregister(self, adapter: tree.Adapter, key: tuple[str, str]) -> None:
        self._say(adapter, key, on=False)
        del adapter.adverts[key]
        self._instances_changed(adapter)

    def _instances_changed(self, adapter: tree.Adapter) -> None:
        self._changed(adapter.path, tree.ADVERTISING, tree.instances(adapter))

    def _advert_changed(self, client: str, path: str, changed: dict[str, Any]) -> None:
        for adapter in self.adapters.values():
            if (client, path) in adapter.adverts:
                adapter.adverts[client, path] |= changed
                self._say(adapter, (client, path), on=True)

    def _say(self, adapter: tree.Adapter, key: tuple[str, str], *, on: bool) -> None:
        shown = adapter.adverts[key]
        for line in tree.on_air(adapter, key, shown, on=on):
            if self.air.place(line, time.monotonic()) is None:
                for ears in self.adapters.values():
                    self._forget(ears, line["address"])
        for data in shown.get("ManufacturerData", {}).values():
            told = {"adapter": adapter.name, **(said(bytes(data)) or {"data": bytes(data).hex()}), "on": on}
            told |= {"interval_ms": shown.get("MinInterval"), "tx_power_dbm": shown.get("TxPower")}
            self._said({"advertising": told})

    async def _watch(self, adapter: tree.Adapter, message: Message) -> None:
        """An advertisement monitor: the client exports it after it was registered, as BlueZ wants it."""
        client, path = str(message.sender), message.body[0]
        self._send(Message.new_method_return(message))
        for _ in range(50):
            if shown := await self._asked(client, path, "org.bluez.AdvertisementMonitor1"):
                adapter.monitors[client, path] = [(a, b, bytes(c)) for a, b, c in shown["Patterns"]]
                self._send(_method(client, path, "Activate", interface="org.bluez.AdvertisementMonitor1"))
                return
            await asyncio.sleep(0.01)

    async def _asked(self, client: str, path: str, interface: str) -> dict[str, Any]:
        await self._room()
        assert self._bus is not None
        call = _method(client, path, "GetAll", "s", [interface], interface=PROPERTIES)
        reply = await self._bus.call(call)
        return unpack_variants(reply.body[0]) if reply.message_type is MessageType.METHOD_RETURN else {}

    def _client_left(self, client: str) -> None:
        for adapter in self.adapters.values():
            adapter.sessions.pop(client, None)
            for key in [key for key in adapter.monitors if key[0] == client]:
                del adapter.monitors[key]
            for key in [key for key in adapter.adverts if key[0] == client]:
                self._unregister(adapter, key)


def _method(
    to: str, path: str, member: str, signature: str = "", body: list[Any] | None = None, *, interface: str = ""
) -> Message:
    return Message(
        destination=to, path=path, interface=interface or to, member=member, signature=signature, body=body or []
    )


def _variants(properties: tree.Properties) -> dict[str, Variant]:
    return {name: Variant(signature, _value(signature, value)) for name, (signature, value) in properties.items()}


def _value(signature: str, value: Any) -> Any:
    return {key: Variant(*item) for key, item in value.items()} if signature.endswith("v}") else value
