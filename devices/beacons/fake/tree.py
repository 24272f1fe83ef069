"""What the fake BlueZ shows on the bus: its adapters, the devices they heard, and their properties. Pure.

A property is (D-Bus signature, value); the names are BlueZ's.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from devices.beacons.fake.air import Placed

ADAPTER = "org.bluez.Adapter1"
DEVICE = "org.bluez.Device1"
SERVICE = "org.bluez.GattService1"
CHARACTERISTIC = "org.bluez.GattCharacteristic1"
ADVERTISING = "org.bluez.LEAdvertisingManager1"
ADVERTISEMENT = "org.bluez.LEAdvertisement1"
MONITORS = "org.bluez.AdvertisementMonitorManager1"
Property = tuple[str, Any]
Properties = dict[str, Property]
RSSI_STEP_DB = 8
"""BlueZ tells a smaller change only to those who set a filter on strength."""


class BluezError(Exception):
    """An error reply."""

    def __init__(self, name: str, text: str = "") -> None:
        super().__init__(text or name)
        self.name = name if "." in name else f"org.bluez.Error.{name}"


@dataclass(slots=True)
class Session:
    """One client's discovery."""

    filters: dict[str, Any] = field(default_factory=dict)
    on: bool = False

    @property
    def every_strength(self) -> bool:
        return "RSSI" in self.filters or "Pathloss" in self.filters

    @property
    def duplicates(self) -> bool:
        return bool(self.filters.get("DuplicateData", True))


@dataclass(slots=True)
class Device:
    """A beacon as one adapter knows it."""

    beacon: Placed
    rssi: int
    told: tuple[object, ...] = ()
    connected: bool = False
    notifying: set[str] = field(default_factory=set)
    """Paths of characteristics."""
    heard_s: float = 0.0


@dataclass(slots=True)
class Adapter:
    name: str
    address: str
    instances: int = 1
    """Advertisements at once."""
    extended: bool = False
    """Bluetooth 5's advertising sets; without, several take turns of 2 s."""
    experimental: bool = True
    powered: bool = True
    sessions: dict[str, Session] = field(default_factory=dict)
    """Client → its discovery."""
    monitors: dict[tuple[str, str], list[tuple[int, int, bytes]]] = field(default_factory=dict)
    """(client, path) → patterns."""
    adverts: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """(client, path) → properties of its LEAdvertisement1."""
    devices: dict[str, Device] = field(default_factory=dict)
    stalled: str = ""
    """Silent although it scans, until: restart_scan | power_cycle | usb_reset | never."""
    busy: int = 0
    """So many more starts of a scan are refused with InProgress; negative: until it was off."""
    stuck_off: bool = False
    """Blocked by rfkill: can't be switched on."""

    @property
    def path(self) -> str:
        return f"/org/bluez/{self.name}"

    @property
    def discovering(self) -> bool:
        return self.powered and any(session.on for session in self.sessions.values())

    def hears(self) -> bool:
        return self.powered and not self.stalled and (self.discovering or bool(self.monitors))

    def switch(self, *, on: bool) -> None:
        if not on:
            for session in self.sessions.values():
                session.on = False
            self.busy = max(self.busy, 0)
            if self.stalled == "power_cycle":
                self.stalled = ""
            for device in self.devices.values():
                device.connected = False
        self.powered = on

    def interfaces(self) -> dict[str, Properties]:
        found = {ADAPTER: self.adapter(), ADVERTISING: self.advertising()}
        return found | ({MONITORS: {"SupportedMonitorTypes": ("as", ["or_patterns"])}} if self.experimental else {})

    def adapter(self) -> Properties:
        return {
            "Address": ("s", self.address),
            "AddressType": ("s", "public"),
            "Name": ("s", "fake"),
            "Alias": ("s", "fake"),
            "Class": ("u", 0),
            "Powered": ("b", self.powered),
            "Discoverable": ("b", False),
            "Pairable": ("b", False),
            "Discovering": ("b", self.discovering),
            "UUIDs": ("as", []),
            "Roles": ("as", ["central", "peripheral"]),
        }

    def advertising(self) -> Properties:
        active = len(self.adverts)
        found: Properties = {
            "ActiveInstances": ("y", active),
            "SupportedInstances": ("y", self.instances - active),
            "SupportedIncludes": ("as", ["tx-power", "appearance", "local-name"]),
            "SupportedCapabilities": (
                "a{sv}",
                {"MaxAdvLen": ("y", 31), "MaxScnRspLen": ("y", 31), "MinTxPower": ("n", -34), "MaxTxPower": ("n", 7)},
            ),
            "SupportedFeatures": ("as", ["CanSetTxPower"] if self.extended else []),
        }
        return found | ({"SupportedSecondaryChannels": ("as", ["1M", "2M"])} if self.extended else {})


def instances(adapter: Adapter) -> Properties:
    """What changes when an advertisement comes or goes."""
    shown = adapter.advertising()
    return {key: shown[key] for key in ("ActiveInstances", "SupportedInstances")}


def device_path(adapter: Adapter, address: str) -> str:
    return f"{adapter.path}/dev_{address.replace(':', '_')}"


def device_properties(adapter: Adapter, device: Device) -> Properties:
    beacon = device.beacon
    shown: Properties = {
        "Address": ("s", beacon.address),
        "AddressType": ("s", "random"),
        "Alias": ("s", beacon.name or beacon.address.replace(":", "-")),
        "Adapter": ("o", adapter.path),
        "Paired": ("b", False),
        "Trusted": ("b", False),
        "Blocked": ("b", False),
        "Connected": ("b", device.connected),
        "ServicesResolved": ("b", device.connected),
    }
    if beacon.name:
        shown["Name"] = ("s", beacon.name)
    return shown | frame(device)


def frame(device: Device) -> Properties:
    """What an advertisement changes."""
    beacon = device.beacon
    shown: Properties = {"RSSI": ("n", device.rssi), "UUIDs": ("as", list(beacon.services))}
    if beacon.manufacturer:
        shown["ManufacturerData"] = ("a{qv}", {key: ("ay", data) for key, data in beacon.manufacturer.items()})
    if beacon.service_data:
        shown["ServiceData"] = ("a{sv}", {key: ("ay", data) for key, data in beacon.service_data.items()})
    return shown


def heard(adapter: Adapter, device: Device, rssi: int) -> Properties:
    """What BlueZ would signal of this advertisement to its clients; empty: nothing (its traps are kept)."""
    sessions = [session for session in adapter.sessions.values() if session.on]
    every = bool(adapter.monitors) or any(session.every_strength for session in sessions)
    again = bool(adapter.monitors) or any(session.duplicates for session in sessions)
    beacon = device.beacon
    now = (tuple(beacon.manufacturer.items()), tuple(beacon.service_data.items()), beacon.services, beacon.name)
    told = every or abs(rssi - device.rssi) >= RSSI_STEP_DB
    if told:
        device.rssi = rssi
    shown = frame(device) if again or now != device.told else {}
    device.told = now
    if not told:
        shown.pop("RSSI", None)
    elif not shown:
        shown["RSSI"] = ("n", rssi)
    return shown


def gatt(path: str, device: Device) -> dict[str, tuple[str, Properties]]:
    """Path → (interface, properties) of everything below a connected device."""
    found: dict[str, tuple[str, Properties]] = {}
    handle = 1
    for service, characteristics in device.beacon.gatt.items():
        service_path = f"{path}/service{handle:04x}"
        found[service_path] = (SERVICE, {"UUID": ("s", service), "Device": ("o", path), "Primary": ("b", True)})
        for uuid, item in characteristics.items():
            handle += 2
            char_path = f"{service_path}/char{handle:04x}"
            flags = list(item.get("flags", ["read", "write"]))
            shown: Properties = {
                "UUID": ("s", uuid),
                "Service": ("o", service_path),
                "Flags": ("as", flags),
                "Value": ("ay", bytes.fromhex(item.get("value", ""))),
                "Notifying": ("b", char_path in device.notifying),
                "MTU": ("q", 185),
            }
            found[char_path] = (CHARACTERISTIC, shown)
        handle += 2
    return found


def objects(adapters: Iterable[Adapter]) -> dict[str, dict[str, Properties]]:
    """All there is: path → interface → properties."""
    found: dict[str, dict[str, Properties]] = {}
    for adapter in adapters:
        found[adapter.path] = adapter.interfaces()
        for address, device in adapter.devices.items():
            path = device_path(adapter, address)
            found[path] = {DEVICE: device_properties(adapter, device)}
            if device.connected:
                found |= {below: {name: shown} for below, (name, shown) in gatt(path, device).items()}
    return found


def scan(adapter: Adapter, client: str, member: str, filters: dict[str, Any]) -> None:
    """SetDiscoveryFilter, StartDiscovery, StopDiscovery. Raises BluezError as BlueZ does."""
    session = adapter.sessions.setdefault(client, Session())
    if member == "SetDiscoveryFilter":
        session.filters = filters
    elif not adapter.powered:
        raise BluezError("NotReady", "Resource Not Ready")
    elif member == "StartDiscovery":
        if session.on or adapter.busy:
            adapter.busy -= adapter.busy > 0
            raise BluezError("InProgress", "Operation already in progress")
        session.on = True
        if adapter.stalled == "restart_scan":
            adapter.stalled = ""
    elif member != "StopDiscovery" or not session.on:
        raise BluezError("Failed", "No discovery started")
    else:
        session.on = False


def refused(adapter: Adapter, key: tuple[str, str], shown: dict[str, Any]) -> str:
    """Why BlueZ would not take this LEAdvertisement1 (unpacked); empty: it does."""
    if key in adapter.adverts:
        return "AlreadyExists"
    if len(adapter.adverts) >= adapter.instances:
        return "NotPermitted"
    size = sum(4 + len(bytes(data)) for data in shown.get("ManufacturerData", {}).values())
    interval = 20 <= shown.get("MinInterval", 20) <= shown.get("MaxInterval", 10_485_000)
    return "" if shown.get("Type") in {"broadcast", "peripheral"} and interval and size <= 31 else "InvalidArguments"


def on_air(adapter: Adapter, key: tuple[str, str], shown: dict[str, Any], *, on: bool) -> list[dict[str, Any]]:
    """The lines that let the other adapters hear it; its address is random but its own."""
    number = zlib.crc32("/".join((adapter.name, *key)).encode())
    address = ":".join(f"{byte:02X}" for byte in b"\xc0\x00" + number.to_bytes(4, "big"))
    if not on:
        return [{"address": address, "rssi": None}]
    interval_ms = shown.get("MinInterval", 1280)
    frames = [
        b"\xff" + company.to_bytes(2, "little") + bytes(data) for company, data in shown["ManufacturerData"].items()
    ]
    data = b"".join(bytes([len(part)]) + part for part in frames)
    line = {"address": address, "rssi": -50, "deaf": adapter.name, "data": data.hex(), "interval_ms": interval_ms}
    return [line]
