"""The status page in a real browser: both languages, phone and desk, renewing itself without being loaded again."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.board import State
from edge.events import DeviceLost
from edge.ids import DeviceId
from tests.edge.web.given_admin import admin, config, counted
from tests.given import HandClock
from tests.peers.chromium import PHONE, WIDE, chromium, flaws, needs_chromium, tab

pytestmark = [pytest.mark.peer, needs_chromium]


async def test_it_is_readable_everywhere_and_renews_itself(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(config(tmp_path), hand_clock) as gateway, chromium() as browser:
        await gateway.pump.submit(counted(gateway.clock, 7, 3))
        gateway.board.service("bridge to the cloud").state = State.UP
        gateway.board.kiosks["kiosk-1"] = gateway.clock.now()
        for language in ("zh-CN", "en"):
            for size in (PHONE, WIDE):
                async with tab(browser, f"{gateway.url}/?lang={language}", size) as page:
                    assert await flaws(page, target_px=24) == [], (language, size)
        async with tab(browser, f"{gateway.url}/?lang=en", WIDE) as page:
            await page.evaluate("window.still_here = true")
            lost = DeviceLost(at=gateway.clock.now(), device=DeviceId("dock-1"), kind="scanner", problem="unplugged")
            await gateway.pump.submit(lost)
            await page.get_by_text("Device dock-1 is not usable").wait_for(timeout=15_000)
            assert await page.evaluate("window.still_here")
