"""What `storegate beacon` did to a beacon, told to the running daemon: it goes into the journal, and to the cloud."""

from __future__ import annotations

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from edge.clock import Clock
from edge.events.radio import BeaconConfigured
from edge.ids import BeaconId, Name
from edge.pump import Pump
from edge.web.bodies import body_of

Word = Annotated[
    str, Meta(pattern=r"^[a-z0-9_]{0,40}\Z", extra={"wanted": "a word of a to z, 0 to 9 and _, at most 40 of them"})
]
"""Words from lists, never sentences: a sentence could carry an address."""


class ConfiguredAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    beacon: Name
    profile: Name
    ok: bool
    step: Word = ""
    problem: Word = ""
    rolled_back: bool = False


def routes(pump: Pump, clock: Clock) -> list[web.AbstractRouteDef]:
    async def configured(request: web.Request) -> web.Response:
        asked = await body_of(request, ConfiguredAsked)
        await pump.submit(
            BeaconConfigured(
                at=clock.now(),
                beacon=BeaconId(asked.beacon),
                profile=asked.profile,
                ok=asked.ok,
                step=asked.step,
                problem=asked.problem,
                rolled_back=asked.rolled_back,
            )
        )
        return web.json_response({"ok": True})

    return [web.post("/api/v1/beacons/configured", configured)]
