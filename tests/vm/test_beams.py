"""A pair of beams as two keys of a real input device: who breaks the outer one first comes in."""

from __future__ import annotations

import asyncio

import pytest
from evdev import UInput, ecodes

from devices.footfall.beam import BeamCounter
from edge import events as ev
from edge.clock import Clock
from edge.config import FootfallSection
from tests.vm import gadget

pytestmark = pytest.mark.vm
OUTER, INNER = ecodes.KEY_1, ecodes.KEY_2
STEP_S = 0.15


async def test_the_order_of_the_beams_is_the_direction() -> None:
    await asyncio.to_thread(gadget.load_modules)
    told: list[ev.Event] = []

    async def submit(event: ev.Event) -> None:
        told.append(event)

    with UInput({ecodes.EV_KEY: [OUTER, INNER]}, name="beams of a door") as door:
        await asyncio.sleep(2)  # udev names the device
        section = FootfallSection(id="door", zone="door", source="beam", device=door.device.path, interval_s=20)
        life = asyncio.create_task(BeamCounter(section, clock=Clock()).run(submit))
        async with asyncio.timeout(gadget.WAIT_S):
            while not any(isinstance(event, ev.DeviceFound) for event in told):
                await asyncio.sleep(0.1)
        for first, second in ((OUTER, INNER), (OUTER, INNER), (INNER, OUTER)):
            await passed(door, first, second)
        async with asyncio.timeout(gadget.WAIT_S + 20):
            while not (counts := [event for event in told if isinstance(event, ev.FootfallCounted)]):
                await asyncio.sleep(0.2)
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)
    assert (sum(count.entered for count in counts), sum(count.exited for count in counts)) == (2, 1)
    assert all(count.source == "beam" for count in counts)
    assert counts[0].covered_s > 0


async def passed(door: UInput, first: int, second: int) -> None:
    """Both beams are broken one after the other, and are free again in the same order."""
    for key, value in ((first, 1), (second, 1), (first, 0), (second, 0)):
        door.write(ecodes.EV_KEY, key, value)
        door.syn()
        await asyncio.sleep(STEP_S)
    await asyncio.sleep(1)
