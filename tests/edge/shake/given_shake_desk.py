"""A shake desk over a true journal in a folder, and a phone that shakes at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from edge import telemetry as tm
from edge.board import Board
from edge.config import parse
from edge.coupon_answers import Granted
from edge.coupon_desk import CouponDesk
from edge.events import TimePassed
from edge.journal import Journal
from edge.keys import GatewayKeys, public_text
from edge.pump import Pump
from edge.rotation import minor_of
from edge.shake_answers import Shaken, ShakeRefusal, ShakeWhy
from edge.shake_desk import Fresh, RawBeacon, ShakeAsk, ShakeDesk
from edge.shop import Shop
from edge.store import ledger_check
from edge.telemetry import Telemetry
from tests.edge.coupons.given_desk import CLOUD, grant_bytes
from tests.edge.shake.given_shake import COOLDOWN_MS, UUID, shop
from tests.given import HandClock

SETTINGS = """
[gateway]
tenant = "acme"
store = "s1"
id = "g1"
state_dir = "{state_dir}"
[stations.till-1]
kind = "till"
key = "till-one-key"
[stations.kiosk-1]
zone = "dairy"
[stations.kiosk-2]
[coupons.issuer_keys]
cloud = "{cloud}"
[shake]
{shake}
"""
WIFI = 'wifi_zone = "entrance"\nwifi_networks = ["10.64.0.0/16"]'


@dataclass
class Hall:
    """All of a shop that shakes need."""

    desk: ShakeDesk
    coupons: CouponDesk
    journal: Journal
    pump: Pump
    hand: HandClock
    keys: GatewayKeys
    shop: Shop
    commits: dict[str, str] = field(default_factory=dict)
    """Shake → what its phone was promised."""

    def raw(self, minor: int, **more: object) -> RawBeacon:
        return RawBeacon(uuid=UUID, major=1, minor=minor, **more)  # type: ignore[arg-type]

    def turning(self, index: int, *, epochs: int = 0) -> RawBeacon:
        """What a rotating beacon says so many epochs from now."""
        epoch = self.hand.wall_ms // 300_000 + epochs
        return self.raw(minor_of(self.keys.beacon_key("rotation"), epoch=epoch, index=index))

    def ask(self, *beacons: RawBeacon, fresh: Fresh | None = None, shopper: str = "anna", **more: str) -> ShakeAsk:
        fresh = fresh or self.desk.fresh()
        return ShakeAsk(nonce=more.pop("nonce", fresh.nonce), shopper=shopper, beacons=beacons, **more)  # type: ignore[arg-type]

    async def shaken(self, *beacons: RawBeacon, wait_ms: int = COOLDOWN_MS, **more: str) -> Shaken:
        """One that is answered with yes; time goes on by the cool-down."""
        fresh = self.desk.fresh()
        answer = await self.desk.shake(self.ask(*beacons, fresh=fresh, **more))  # type: ignore[arg-type]
        assert isinstance(answer, Shaken), answer
        self.commits[answer.shake] = fresh.commit
        self.hand.forward(wait_ms)
        return answer

    async def why(self, *beacons: RawBeacon, **more: object) -> ShakeWhy:
        answer = await self.desk.shake(self.ask(*beacons, **more))  # type: ignore[arg-type]
        assert isinstance(answer, ShakeRefusal), answer
        return answer.why

    async def news(self) -> list[Telemetry]:
        """All that waits for the cloud, as types again."""
        rows = await self.journal.pending(after_seq=0, limit=100_000, max_bytes=2**30)
        kinds = {kind.TYPE: kind for kind in tm.all_types()}
        return [msgspec.json.decode(row.body, type=kinds[row.type]) for row in rows if row.type in kinds]

    async def tick(self, ms: int) -> None:
        self.hand.forward(ms)
        await self.pump.submit(TimePassed(at=self.hand.clock.now()))

    async def outstanding(self, campaign: str) -> int:
        report = await self.journal.read(ledger_check.verify)
        assert report.ok, report.faults
        return next((each.units.get("outstanding", 0) for each in report.campaigns if each.campaign == campaign), 0)


@asynccontextmanager
async def hall(
    folder: Path, of: Shop | None = None, *, units: int = 10, shake: str = "", hand: HandClock | None = None
) -> AsyncIterator[Hall]:
    """Opens the folder's journal; `units` 0: no grant is given (the journal has one already)."""
    hand, of = hand or HandClock(), of or shop()
    text = SETTINGS.format(state_dir=folder, cloud=public_text(CLOUD), shake=shake)
    config = await asyncio.to_thread(parse, text, where="test")
    keys = await asyncio.to_thread(GatewayKeys.open, folder)
    path = folder / "journal.sqlite"
    journal = await asyncio.to_thread(Journal.open, path, shop=of, clock=hand.clock, free_floor_bytes=0)
    try:
        pump = Pump(journal, Board())
        common = {"pump": pump, "journal": journal, "clock": hand.clock, "keys": keys, "config": config}
        coupons = CouponDesk(**common, shop=lambda: of)  # type: ignore[arg-type]
        for name in of.campaigns if units else ():
            assert isinstance(await coupons.grant(grant_bytes(units, campaign=name)), Granted)
        desk = ShakeDesk(**common, shop=lambda: of, coupons=coupons)  # type: ignore[arg-type]
        yield Hall(desk=desk, coupons=coupons, journal=journal, pump=pump, hand=hand, keys=keys, shop=of)
    finally:
        await journal.close()
