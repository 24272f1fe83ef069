"""A coupon desk over a true journal in a folder: what the till, wallet and command-line tests stand on."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge import grants
from edge.board import Board
from edge.config import Config, parse
from edge.coupon_answers import Granted, Shown
from edge.coupon_desk import CouponDesk
from edge.events import TimePassed
from edge.grants import Grant
from edge.journal import Journal
from edge.keys import GatewayKeys, public_bytes
from edge.pump import Pump
from edge.shop import Campaign, Shop
from tests.edge.coupons.given_coupons import DAY_MS, campaign
from tests.given import NOON_MS, HandClock

CLOUD = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"cloud").digest())
SOURCE = "/storegate/acme/s1/g1"


def config(state_dir: Path, **peers: str) -> Config:
    peer_lines = "\n".join(f'{name} = "{key}"' for name, key in peers.items())
    return parse(
        f"""
[gateway]
tenant = "acme"
store = "s1"
id = "g1"
state_dir = "{state_dir}"
[stations.till-1]
kind = "till"
key = "till-one-key"
[stations.till-2]
kind = "till"
key = "till-two-key"
[stations.kiosk-1]
key = "kiosk-key"
[coupons.issuer_keys]
cloud = "{base64.b64encode(public_bytes(CLOUD)).decode()}"
[coupons.peer_keys]
{peer_lines}
""",
        where="test",
    )


def grant_bytes(units: int = 10, *, campaign: str = "milk", seq: int = 1, **changes: object) -> bytes:
    wanted: dict[str, object] = {
        "grant_id": f"g-{campaign}-{seq}",
        "campaign": campaign,
        "gateway": SOURCE,
        "units": units,
        "not_after_ms": NOON_MS + 30 * DAY_MS,
        "seq": seq,
    }
    return msgspec.json.encode(grants.sign(Grant(**(wanted | changes)), key_id="cloud", key=CLOUD))  # type: ignore[arg-type]


@dataclass
class Counter:
    """All of a shop that coupons need."""

    desk: CouponDesk
    journal: Journal
    pump: Pump
    hand: HandClock
    keys: GatewayKeys
    config: Config

    async def token(self, name: str = "milk", *, member: str = "") -> str:
        """A fresh coupon's QR text."""
        shown = await self.desk.issue_to(name, member=member)
        assert isinstance(shown, Shown), shown
        return shown.token

    async def tick(self, ms: int) -> None:
        self.hand.forward(ms)
        await self.pump.submit(TimePassed(at=self.hand.clock.now()))

    async def redeemed(self) -> int:
        report = await self.desk.ledger()
        assert report.ok, report.faults
        return sum(each.units.get("redeemed", 0) for each in report.campaigns)


@asynccontextmanager
async def counter(
    folder: Path, *campaigns: Campaign, units: int = 10, hand: HandClock | None = None, **peers: str
) -> AsyncIterator[Counter]:
    """Opens the folder's journal; `units` 0: no grant is given (the journal has one already)."""
    hand = hand or HandClock()
    known = campaigns or (campaign(),)
    shop = Shop(campaigns={one.id: one for one in known})
    box = await asyncio.to_thread(config, folder, **peers)
    keys = await asyncio.to_thread(GatewayKeys.open, folder)
    path = folder / "journal.sqlite"
    journal = await asyncio.to_thread(Journal.open, path, shop=shop, clock=hand.clock, free_floor_bytes=0)
    try:
        pump = Pump(journal, Board())
        desk = CouponDesk(pump=pump, journal=journal, clock=hand.clock, keys=keys, config=box, shop=lambda: shop)
        for one in known if units else ():
            assert isinstance(await desk.grant(grant_bytes(units, campaign=one.id)), Granted)
        yield Counter(desk=desk, journal=journal, pump=pump, hand=hand, keys=keys, config=box)
    finally:
        await journal.close()
