"""An ESP32 with ESPHome: nothing is sent, a piece of its YAML is made. From esphome.io/components/esp32_ble_beacon."""

from __future__ import annotations

from devices.beacons.profile import Setting
from devices.beacons.provisioning.values import Settings

SETTABLE = frozenset({
    Setting.UUID, Setting.MAJOR, Setting.MINOR, Setting.MEASURED_POWER, Setting.INTERVAL, Setting.TX_POWER,
})  # fmt: skip


def rendered(settings: Settings) -> str:
    """What belongs into the device's file. `settings` are `values.fitted`."""
    lines = ["esp32_ble_beacon:", "  type: iBeacon", f"  uuid: '{str(settings[Setting.UUID]).upper()}'"]
    lines += [f"  {setting}: {settings[setting]}" for setting in (Setting.MAJOR, Setting.MINOR) if setting in settings]
    if Setting.INTERVAL in settings:
        interval = round(float(settings[Setting.INTERVAL]))
        lines += [f"  min_interval: {interval}ms", f"  max_interval: {interval}ms"]
    if Setting.MEASURED_POWER in settings:
        lines.append(f"  measured_power: {settings[Setting.MEASURED_POWER]}")
    if Setting.TX_POWER in settings:
        lines.append(f"  tx_power: {settings[Setting.TX_POWER]}dBm")
    return "\n".join(lines) + "\n"
