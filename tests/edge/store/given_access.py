"""Guests at the door: events as the desk and the gate make them, over an in-memory journal."""

from __future__ import annotations

import itertools
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from edge import events as ev
from edge import telemetry as tm
from edge.access_answers import AccessAnswer, AccessRefusal, Admitted, LeftReason, Standing, Way
from edge.clock import ClockState, Stamp
from edge.effects import Effect, OpenGate, ShutGate
from edge.ids import Mac
from edge.shop import Hours, Limit, Portal, Shop
from edge.store import access
from tests.given import NOON_MS
from tests.given_store import MemoryTx

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
CONSENT = "none/1"
PORTAL = Portal(id="p", name_zh="店", name_en="Shop", ways=(Way.CLICK, Way.VOUCHER, Way.STAFF))


def mac(number: int) -> Mac:
    return Mac(f"02:00:00:00:{number >> 8 & 255:02x}:{number & 255:02x}")


def shop(*, hours: tuple[Hours, ...] = (), limit: Limit | None = None, **more: object) -> Shop:
    portal = msgspec.structs.replace(PORTAL, hours=hours, limit=limit or Limit())
    return msgspec.structs.replace(Shop(portals={"p": portal}, policy=CONSENT), **more)


class Door:
    """A shop's Wi-Fi and its clock, moved by hand; also the gate: who may pass is what the effects said."""

    def __init__(self, given: Shop | None = None) -> None:
        self.tx = MemoryTx(given or shop())
        self.at_ms = NOON_MS
        self.mono_ms = 1_000_000
        self.boot_id = "boot0"
        self.state = ClockState.SYNCED
        self.numbers = itertools.count(1)
        self.gate: dict[Mac, int] = {}
        """MAC → mark."""
        self.kernel: dict[int, tuple[int, int]] = {}
        """Mark → up and down, told or not."""
        self.run = "r1"
        self.answers = True
        """The gate is up, and says what was used by whom it takes out."""

    @property
    def now(self) -> Stamp:
        return Stamp(at_ms=self.at_ms, monotonic_ms=self.mono_ms, boot_id=self.boot_id, state=self.state)

    def later(self, ms: int) -> None:
        self.at_ms += ms
        self.mono_ms += ms

    def jump(self, ms: int) -> None:
        """The wall clock is set."""
        self.at_ms += ms

    def reboot(self, off_ms: int, *, knows: bool = True) -> None:
        """Off for so long; without a battery it does not know."""
        self.at_ms += off_ms if knows else 0
        self.mono_ms, self.boot_id = 5_000, f"boot{next(self.numbers)}"
        self.state = ClockState.SYNCED if knows else ClockState.UNSET
        self.handle(ev.GatewayStarted(at=self.now, version="1"))
        self.gate = {each.mac: each.mark for each in access.members(self.tx.db)}
        self.kernel.clear()

    def handle(self, event: ev.Event) -> object:
        outcome = self.tx.handle(event)
        over = [mark for effect in outcome.effects for mark in self.done(effect)]
        for mark in over if self.answers else ():
            counts = (self.count_of(mark),) if mark in self.kernel else ()
            if mark not in self.gate.values():
                self.kernel.pop(mark, None)
            self.handle(ev.GuestsCounted(at=self.now, counts=counts, over=(mark,)))
        return outcome.reply

    def done(self, effect: Effect) -> list[int]:
        """Marks whose last bytes the gate answers with."""
        match effect:
            case OpenGate():
                assert effect.left_s > 0
                again = self.gate.get(effect.mac) == effect.mark
                self.gate[effect.mac] = effect.mark
                return [effect.mark] if again else []
            case ShutGate():
                if self.gate.get(effect.mac) == effect.mark:
                    del self.gate[effect.mac]
                return [effect.mark]
            case _:
                return []

    def count_of(self, mark: int) -> ev.SessionCount:
        up, down = self.kernel[mark]
        return ev.SessionCount(mark=mark, up_bytes=up, down_bytes=down, run=self.run)

    def uses(self, phone: int, down: int) -> None:
        """And nobody has counted it yet."""
        mark = self.standing(phone).mark
        up, before = self.kernel.get(mark, (0, 0))
        self.kernel[mark] = (up, before + down)

    def comes(
        self,
        phone: int,
        holder: str = "",
        *,
        way: Way = Way.CLICK,
        voucher: str = "",
        consent: str = CONSENT,
        **more: object,
    ) -> AccessAnswer:
        who = holder or f"wallet-{phone}"
        event = ev.GuestProven(
            at=self.now,
            session=f"s{next(self.numbers)}",
            mac=mac(phone),
            holder=f"voucher-{voucher}" if voucher else who,
            visitor=f"v-{who}",
            way=Way.VOUCHER if voucher else way,
            phone=f"d{phone}",
            voucher=voucher,
            consent=consent,
            **more,  # type: ignore[arg-type]
        )
        answer = self.handle(event)
        assert isinstance(answer, AccessAnswer)
        return answer

    def let_in(self, phone: int, holder: str = "", **more: object) -> Admitted:
        answer = self.comes(phone, holder, **more)  # type: ignore[arg-type]
        assert isinstance(answer, Admitted), answer
        return answer

    def refused(self, phone: int, holder: str = "", **more: object) -> AccessRefusal:
        answer = self.comes(phone, holder, **more)  # type: ignore[arg-type]
        assert isinstance(answer, AccessRefusal), answer
        return answer

    def counts(self, *counts: tuple[int, int, int], run: str = "r1") -> None:
        """(phone, up, down) since the run of the counters began."""
        self.run = run
        self.kernel |= {self.standing(phone).mark: (up, down) for phone, up, down in counts}
        told = tuple(
            ev.SessionCount(mark=self.standing(phone).mark, up_bytes=up, down_bytes=down, run=run)
            for phone, up, down in counts
        )
        self.handle(ev.GuestsCounted(at=self.now, counts=told))

    def goes(self, phone: int, reason: LeftReason = LeftReason.LOGOUT, idle_s: float = 0.0) -> None:
        self.handle(ev.GuestGone(at=self.now, mark=self.standing(phone).mark, reason=reason, idle_s=idle_s))

    def ticks(self) -> None:
        self.handle(ev.TimePassed(at=self.now))

    def makes(self, *codes: str, minutes: int = 60, megabytes: int = 0, devices: int = 1, days: int = 30) -> object:
        return self.handle(
            ev.VouchersMade(
                at=self.now,
                batch=f"b-{codes[0]}",
                hashes=codes,
                minutes=minutes,
                megabytes=megabytes,
                devices=devices,
                valid_to_ms=self.at_ms + days * DAY_MS,
            )
        )

    def standing(self, phone: int) -> Standing:
        found = access.standing(self.tx.db, mac(phone))
        assert found is not None, f"{phone} is not on"
        return found

    def on(self) -> set[int]:
        """Phones that may pass: by the rows, and by the gate."""
        rows = {each.mac: each.mark for each in access.members(self.tx.db)}
        assert self.gate == rows
        return {int(each.colons[-5:].replace(":", ""), 16) for each in rows}


def local(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, ZoneInfo("Asia/Shanghai")).strftime("%H:%M")


def left(door: Door) -> list[tuple[str, str, int]]:
    return [(one.session, one.reason, one.seconds) for one in door.tx.news(tm.GuestLeft)]  # type: ignore[attr-defined]


def came(door: Door) -> list[tuple[bool, int | None, int]]:
    return [(one.returning, one.days_since, one.visits_today) for one in door.tx.news(tm.GuestAdmitted)]  # type: ignore[attr-defined]
