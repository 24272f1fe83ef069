"""The status page in a real browser: both languages, phone and desk, renewing itself without being loaded again."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.board import State
from edge.events import DeviceLost
from edge.ids import DeviceId
from tests.edge.web.given_admin import admin, config, counted
from tests.edge.web.given_air import furnish, radio_config
from tests.edge.web.given_wifi import furnish as furnish_wifi
from tests.edge.web.given_wifi import let_in, wifi_config, worsen
from tests.given import HandClock
from tests.peers.chromium import PHONE, SMALL, WIDE, chromium, flaws, needs_chromium, tab

DESK = (1280, 900)
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


async def test_the_plan_is_readable_everywhere_and_a_folded_table_stays_open(
    tmp_path: Path, hand_clock: HandClock
) -> None:
    async with admin(radio_config(tmp_path), hand_clock) as gateway, chromium() as browser:
        await furnish(gateway, many=300)
        for language in ("zh-CN", "en"):
            for size in (SMALL, PHONE, DESK):
                async with tab(browser, f"{gateway.url}/?lang={language}", size) as page:
                    assert await flaws(page, target_px=24) == [], (language, size)
                    plan = page.get_by_role("img", name="310")
                    box = await plan.bounding_box()
                    assert box is not None
                    assert box["width"] > 0.75 * min(size[0], 900)
        async with tab(browser, f"{gateway.url}/?lang=en", DESK) as page:
            await page.get_by_text("298 more").click()
            gateway.board.beacon("shelf-5").problems = ("moved",)
            await page.get_by_text("Beacons were moved: shelf-5").wait_for(timeout=15_000)
            assert await page.locator("#more-beacons").get_attribute("open") is not None


async def test_the_guest_wifi_is_readable_everywhere_well_and_unwell(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(wifi_config(tmp_path), hand_clock) as gateway, chromium() as browser:
        await furnish_wifi(gateway)
        await let_in(gateway, click=7, member=2)
        for unwell in (False, True):
            if unwell:
                worsen(gateway)
            for language, name in (("zh-CN", "访客 Wi-Fi"), ("en", "Guest Wi-Fi")):
                for size in (SMALL, PHONE, DESK):
                    async with tab(browser, f"{gateway.url}/?lang={language}", size) as page:
                        assert await flaws(page, target_px=24) == [], (language, size)
                        card = page.locator("section.card", has=page.get_by_role("heading", name=name))
                        assert await card.first.is_visible()
                        assert await card.first.locator(".trouble").count() == unwell
        async with tab(browser, f"{gateway.url}/?lang=en", DESK) as page:
            gateway.board.wifi.gate, gateway.board.wifi.gate_problem = State.UP, ""
            await page.get_by_text("lets guests in").wait_for(timeout=15_000)
