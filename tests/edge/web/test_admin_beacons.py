"""POST /api/v1/beacons/configured: what `storegate beacon` did is written down."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import ClientSession

from edge.config import Listener
from edge.errors import JournalRefusedError, Refusal
from edge.events import BeaconConfigured, Event
from edge.web.admin.beacons import routes
from edge.web.app import listen
from tests.given import HandClock

RIGHT = {"beacon": "door-1", "profile": "ibks-105", "ok": False, "step": "hear", "problem": "failed"}


class HeardPump:
    """Takes events and keeps them."""

    def __init__(self, refusal: Refusal | None = None) -> None:
        self.events: list[Event] = []
        self.refusal = refusal

    async def submit(self, event: Event) -> object:
        if self.refusal:
            raise JournalRefusedError(self.refusal, "not saved")
        self.events.append(event)
        return None


async def posted(pump: HeardPump, clock: HandClock, body: dict[str, Any]) -> int:
    api = routes(pump, clock.clock)
    async with listen("admin", Listener(), api) as bound, ClientSession() as browser:
        answer = await browser.post(f"{bound.url}/api/v1/beacons/configured", json=body)
        return answer.status


async def test_an_outcome_becomes_an_event(hand_clock: HandClock) -> None:
    pump = HeardPump()
    assert await posted(pump, hand_clock, {**RIGHT, "rolled_back": True}) == 200
    (event,) = pump.events
    assert isinstance(event, BeaconConfigured)
    assert (event.beacon, event.ok, event.step, event.rolled_back) == ("door-1", False, "hear", True)


@pytest.mark.parametrize(
    "wrong",
    [{"beacon": ""}, {"step": "C1:00:00:00:00:01"}, {"problem": "a sentence"}, {"ok": "yes"}, {"address": "x"}],
)
async def test_what_is_wrong_changes_nothing(hand_clock: HandClock, wrong: dict[str, Any]) -> None:
    pump = HeardPump()
    assert await posted(pump, hand_clock, {**RIGHT, **wrong}) == 400
    assert pump.events == []


async def test_what_can_not_be_saved_is_said(hand_clock: HandClock) -> None:
    assert await posted(HeardPump(Refusal.DISK_FULL), hand_clock, RIGHT) == 503
