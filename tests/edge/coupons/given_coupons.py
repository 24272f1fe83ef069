"""Where the dialogues about coupons start: a campaign, a grant, and the events in short."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import count

from edge import events as ev
from edge.clock import ClockState, Stamp
from edge.coupon_answers import AnyAnswer, Issued
from edge.ids import CampaignId, Serial, StationId
from edge.shop import Campaign, CouponKind, RiskClass, Shop
from edge.store import ledger_check
from edge.tokens import serial_text
from tests.given import NOON_MS, stamp
from tests.given_store import MemoryTx, memory_tx

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


def campaign(**changes: object) -> Campaign:
    wanted: dict[str, object] = {
        "id": "milk",
        "name_zh": "牛奶减三元",
        "name_en": "3 yuan off milk",
        "kind": CouponKind.CASH,
        "value": 300,
        "starts_ms": NOON_MS - DAY_MS,
        "ends_ms": NOON_MS + 30 * DAY_MS,
        "stock": 1000,
        "per_member": 2,
    }
    return Campaign(**(wanted | changes))  # type: ignore[arg-type]


def budget_campaign(**changes: object) -> Campaign:
    return campaign(**({"risk": RiskClass.BUDGET, "budget_units": 2} | changes))


@dataclass
class Dialogue:
    """Says events in short and hears the answers; time moves by `at_ms`."""

    tx: MemoryTx
    at_ms: int = NOON_MS
    state: ClockState = ClockState.SYNCED
    boot_id: str = "boot0"
    serials: count[int] = field(default_factory=lambda: count(1))

    @classmethod
    def start(cls, *campaigns: Campaign, units: int = 10, shop: Shop | None = None, **grant: int) -> Dialogue:
        known = campaigns or (campaign(),)
        made = cls(memory_tx(shop or Shop(campaigns={one.id: one for one in known})))
        if units:
            for one in known:
                made.grant(campaign=one.id, units=units, **grant)
        return made

    @property
    def now(self) -> Stamp:
        made = stamp(self.at_ms, state=self.state)
        return Stamp(at_ms=made.at_ms, monotonic_ms=made.monotonic_ms, boot_id=self.boot_id, state=made.state)

    def say(self, event: ev.Event) -> AnyAnswer:
        return self.tx.handle(event).reply  # type: ignore[return-value]

    def grant(
        self,
        *,
        campaign: str = "milk",
        units: int = 10,
        grant_id: str = "",
        seq: int = 1,
        value_cap_fen: int = 0,
        not_after_ms: int = NOON_MS + 30 * DAY_MS,
    ) -> AnyAnswer:
        return self.say(
            ev.GrantReceived(
                at=self.now,
                grant_id=grant_id or f"g-{campaign}-{seq}",
                campaign=CampaignId(campaign),
                units=units,
                value_cap_fen=value_cap_fen,
                not_after_ms=not_after_ms,
                seq=seq,
            )
        )

    def ask(self, key: str = "", *, campaign: str = "milk", holder: str = "", via: str = "cli") -> AnyAnswer:
        serial = self.fresh()
        return self.say(
            ev.CouponAsked(
                at=self.now,
                request_key=key or f"r-{serial}",
                campaign=CampaignId(campaign),
                serial=serial,
                holder=holder,
                via=via,
            )
        )

    def issued(self, **asked: str) -> Serial:
        answer = self.ask(**asked)
        assert isinstance(answer, Issued), answer
        return answer.serial

    def reserve(self, serial: str, key: str = "t1/r1/1", **more: object) -> AnyAnswer:
        wanted: dict[str, object] = {
            "at": self.now,
            "key": key,
            "serial": Serial(serial),
            "campaign": CampaignId("milk"),
            "till": StationId(key.partition("/")[0]),
        }
        return self.say(ev.ReserveAsked(**(wanted | more)))  # type: ignore[arg-type]

    def commit(self, key: str = "t1/r1/1", *, value_fen: int = 0) -> AnyAnswer:
        till = StationId(key.partition("/")[0])
        return self.say(ev.CommitAsked(at=self.now, key=key, till=till, value_fen=value_fen))

    def release(self, key: str = "t1/r1/1") -> AnyAnswer:
        return self.say(ev.ReleaseAsked(at=self.now, key=key, till=StationId(key.partition("/")[0])))

    def void(self, serial: str | None = None, *, campaign: str = "milk") -> AnyAnswer:
        return self.say(
            ev.VoidAsked(
                at=self.now, campaign=CampaignId(campaign), serial=Serial(serial) if serial else None, reason="test"
            )
        )

    def later(self, ms: int, *, ticks: int = 1) -> None:
        self.at_ms += ms
        for _ in range(ticks):
            self.say(ev.TimePassed(at=self.now))

    def fresh(self) -> Serial:
        return serial_text(hashlib.sha256(b"%d" % next(self.serials)).digest()[:10])

    def book(self) -> ledger_check.LedgerReport:
        return ledger_check.verify(self.tx.db)

    def units(self, campaign: str = "milk") -> dict[str, int]:
        """Accounts that hold something, by a verified book."""
        report = self.book()
        assert report.ok, report.faults
        sums = {each.campaign: each.units for each in report.campaigns}.get(campaign, {})
        return {account: units for account, units in sums.items() if units and account != "stock"}
