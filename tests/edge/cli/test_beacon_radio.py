"""`storegate beacon` over real bleak, a real D-Bus and a fake BlueZ."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from edge.cli import beacon_air
from edge.cli.beacon import app
from edge.documents_file import DocumentsFile
from tests.devices.beacons.given_bluez import PrivateBus, bluez, needs_dbus, private_bus

pytestmark = needs_dbus
UUID = "fda50693-a4e2-4fb1-afcf-c6eb07647825"
BASE = "955a15{}-0fe2-f5aa-a094-84b8d4f3e8ad"


@pytest.fixture
def bus() -> Iterator[PrivateBus]:
    with private_bus() as found:
        yield found


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(beacon_air, "_on_ctrl_c", lambda _cancel: None)  # a thread has no signals
    path = tmp_path / "gateway.toml"
    path.write_text(
        f'[gateway]\ntenant = "t"\nstore = "s"\nid = "g"\nstate_dir = "{tmp_path}"\n[listen.admin]\nport = 0\n'
    )
    return path


def documents(folder: Path, **more: Any) -> None:
    beacon = {"id": "door", "uuid": UUID, "major": 1, "minor": 7, "zone": "door", **more}
    DocumentsFile(folder).save({"zones": [{"id": "door", "name_zh": "门", "name_en": "Door"}], "beacons": [beacon]})


async def ran(*words: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, app, list(words))


async def test_scan_hears_the_shops_beacon(bus: PrivateBus, config: Path) -> None:
    await asyncio.to_thread(documents, config.parent)
    async with bluez(bus) as air:
        address = await air.place(7)
        await air.place(8)
        done = await ran("scan", "--seconds", "0.5", "--json", "--config", str(config))
    assert done.exit_code == 0, done.output
    rows = {row["address"]: row for row in json.loads(done.stdout)}
    assert rows[address]["beacon"] == "door"
    assert rows[address]["says"] == {"iBeacon": f"{UUID.upper()} 1 7"}
    assert rows[address]["rssi_dbm"] == -60
    assert [row["beacon"] for row in rows.values()].count("door") == 1


async def test_watch_prints_a_list_a_second(bus: PrivateBus, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edge.cli import beacon_listen  # noqa: PLC0415

    monkeypatch.setattr(beacon_listen, "EVERY_S", 0.1)
    await asyncio.to_thread(documents, config.parent)
    async with bluez(bus) as air:
        await air.place(7)
        done = await ran("watch", "--seconds", "0.6", "--json", "--config", str(config))
    lists = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lists) >= 2, done.output
    assert lists[-1][0]["beacon"] == "door"


async def test_a_beacon_is_shown_over_bluez(bus: PrivateBus, config: Path) -> None:
    rows = {
        BASE.format(24): {"value": UUID.replace("-", ""), "flags": ["read", "write"]},
        BASE.format(25): {"value": "c5", "flags": ["read", "write"]},
        BASE.format(26): {"value": "00010007", "flags": ["read", "write"]},
        BASE.format(28): {"value": "5e01", "flags": ["read", "write"]},
    }
    async with bluez(bus) as air:
        address = await air.place(7, gatt={BASE.format(23): rows})
        await asyncio.to_thread(documents, config.parent, profile="nordic-beacon-kit", address=address)
        done = await ran("show", "door", "--json", "--config", str(config))
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["settings"] == {
        "uuid": UUID, "major": 1, "minor": 7, "measured_power_dbm": -59, "interval_ms": 350,
    }  # fmt: skip


async def test_without_bluez_the_next_step_is_told(bus: PrivateBus, config: Path) -> None:
    await asyncio.to_thread(documents, config.parent)
    done = await ran("scan", "--seconds", "0.2", "--config", str(config))
    assert done.exit_code == 1
    assert "BlueZ" in done.stderr
    assert "next:" in done.stderr
