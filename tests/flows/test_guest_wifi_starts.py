"""A part of the guest Wi-Fi that can't be used keeps nobody from the kiosks, the tills and the coupons."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import aiohttp
import pytest

from edge.policies import FOLDER
from tests.flows.given_daemon import daemon, settings
from tests.flows.test_damage import findings

FAKE = '[gate]\ndriver = "fake"\ntls_port = {tls}\ndns_port = {dns}\n'


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wifi(*, tls: int = 0, policy: str = "none", more: str = "") -> str:
    ports = FAKE.format(tls=tls or free_port(), dns=free_port())
    return f'{ports}[portal]\npolicy = "{policy}"\n{more}'


async def test_a_wrong_policy_closes_the_portal_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    policy = tmp_path / "mine.toml"
    text = (FOLDER / "eu.toml").read_text("utf-8").replace("version = 1", "version = 0")
    await asyncio.to_thread(policy.write_text, text, "utf-8")
    config = await settings(tmp_path, more=wifi(policy=str(policy)))
    async with daemon(config) as running, aiohttp.ClientSession() as http:
        found = await findings(running)
        assert "version" in found["wifi_policy"]
        assert not {"wifi_ways_none", "wifi_ways_staff"} & found.keys()
        assert "mine.toml" in caplog.text
        async with http.get(f"{running.shop.url}/kiosk/kiosk-1") as kiosk:
            assert kiosk.status == 200
        async with http.get(f"{running.guest.url}/") as splash:
            assert splash.status == 200
            assert "/portal/accept" not in await splash.text()


async def test_a_port_for_tls_that_is_taken_leaves_plain_http(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        files = f'name = "a.example.net"\ncert_file = "{tmp_path}/c"\nkey_file = "{tmp_path}/k"\n'
        config = await settings(tmp_path, more=wifi(tls=other.getsockname()[1], more=files))
        async with daemon(config) as running:
            assert "can't listen on" in (await findings(running))["wifi_tls_port"]
