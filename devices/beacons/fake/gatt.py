"""Connections to beacons of the fake BlueZ: services that hold values, as BlueZ shows them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from devices.beacons.fake import tree
from devices.beacons.fake.tree import Adapter, BluezError, Device

Added = Callable[[str, dict[str, tree.Properties]], None]
Removed = Callable[[str, list[str]], None]
Changed = Callable[[str, str, tree.Properties], None]
Answer = tuple[str, list[Any]] | tuple[()]


class FakeGatt:
    def __init__(self, *, added: Added, removed: Removed, changed: Changed) -> None:
        self._added, self._removed, self._changed = added, removed, changed

    def called(self, adapter: Adapter, path: str, member: str, body: list[Any]) -> Answer:
        """A method of Device1 or GattCharacteristic1. Raises BluezError."""
        address = path.split("/")[4].removeprefix("dev_").replace("_", ":")
        device = adapter.devices.get(address)
        if device is None:
            raise BluezError("org.freedesktop.DBus.Error.UnknownObject", "no such device")
        if member == "Connect":
            return self._connect(adapter, device)
        if member == "Disconnect":
            self.disconnect(adapter, address)
            return ()
        if not device.connected:
            raise BluezError("Failed", "Not connected")
        return self._characteristic(device, tree.device_path(adapter, address), path, member, body)

    def disconnect(self, adapter: Adapter, address: str) -> None:
        """The link is gone, whoever ended it."""
        device = adapter.devices.get(address)
        if device is None or not device.connected:
            return
        path = tree.device_path(adapter, address)
        for below, (interface, _) in tree.gatt(path, device).items():
            self._removed(below, [interface])
        device.connected = False
        device.notifying.clear()
        self._changed(path, tree.DEVICE, {"Connected": ("b", False), "ServicesResolved": ("b", False)})

    def notify(self, adapter: Adapter, address: str, characteristic: str, value: bytes) -> None:
        """A notification of the beacon, for whoever subscribed."""
        device = adapter.devices.get(address)
        if device is None or not device.connected:
            return
        for path, (_, shown) in tree.gatt(tree.device_path(adapter, address), device).items():
            if shown["UUID"][1] == characteristic and path in device.notifying:
                self._changed(path, tree.CHARACTERISTIC, {"Value": ("ay", value)})

    def _connect(self, adapter: Adapter, device: Device) -> Answer:
        if not device.beacon.gatt:
            raise BluezError("Failed", "le-connection-abort-by-remote")
        path = tree.device_path(adapter, device.beacon.address)
        device.connected = True
        self._changed(path, tree.DEVICE, {"Connected": ("b", True)})
        for below, (interface, shown) in tree.gatt(path, device).items():
            self._added(below, {interface: shown})
        self._changed(path, tree.DEVICE, {"ServicesResolved": ("b", True)})
        return ()

    def _characteristic(self, device: Device, root: str, path: str, member: str, body: list[Any]) -> Answer:
        shown = tree.gatt(root, device).get(path, ("", {}))[1]
        if not shown:
            raise BluezError("org.freedesktop.DBus.Error.UnknownObject", "no such characteristic")
        flags, uuid = shown["Flags"][1], shown["UUID"][1]
        item = next(found[uuid] for found in device.beacon.gatt.values() if uuid in found)
        match member:
            case "ReadValue" if "read" not in flags:
                raise BluezError("NotPermitted", "Read not permitted")
            case "ReadValue":
                return "ay", [bytes.fromhex(item.get("value", ""))]
            case "WriteValue" if not {"write", "write-without-response"} & set(flags):
                raise BluezError("NotPermitted", "Write not permitted")
            case "WriteValue" if len(body[0]) > item.get("max_bytes", 512):
                raise BluezError("Failed", "Operation failed with ATT error: 0x0d")
            case "WriteValue":
                item["value"] = bytes(body[0]).hex()
                return ()
            case "StartNotify" if not {"notify", "indicate"} & set(flags):
                raise BluezError("NotSupported", "Operation is not supported")
            case "StartNotify":
                device.notifying.add(path)
                return ()
            case "StopNotify":
                device.notifying.discard(path)
                return ()
        raise BluezError("org.freedesktop.DBus.Error.UnknownMethod", member)
