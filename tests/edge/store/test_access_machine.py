"""Whatever guests, clocks and restarts do: nobody is on longer, on more devices or for more bytes than they may, and
every session that was told to have begun is told to have ended, once."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge import events as ev
from edge import telemetry as tm
from edge.access_answers import AccessRefusal, AccessWhy, Admitted, LeftReason, Way
from edge.clock import ClockState
from edge.shop import Limit
from edge.store import access, access_rows, vouchers
from tests.edge.store.given_access import HOUR_MS, MINUTE_MS, Door, mac, shop

LIMIT = Limit(minutes=60, megabytes=3, day_minutes=90)
DEVICES, VOUCHER_DEVICES = 2, 2
VOUCHER_MINUTES, VOUCHER_MEGABYTES = 100, 2
MOST_GUESTS = 6
TEN_SECONDS = 900_000
"""Bytes that a phone gets between two counts."""
PHONES, HOLDERS, CODES = st.integers(1, 8), st.sampled_from(["wallet-a", "wallet-b", "phone-c"]), st.sampled_from("xy")


class Wifi(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.door = Door(shop(limit=LIMIT, guest_devices=DEVICES, most_guests=MOST_GUESTS))
        self.door.makes("x", "y", minutes=VOUCHER_MINUTES, megabytes=VOUCHER_MEGABYTES, devices=VOUCHER_DEVICES)
        self.ran_ms = 0
        """While the machine was up: what nobody's stay may exceed, whatever the clock on the wall says."""
        self.began: dict[str, int] = {}
        self.first: dict[str, int] = {}
        self.unseen: Counter[int] = Counter()
        """Of each mark, since the kernel was counted last."""
        self.spent: Counter[str] = Counter()
        """By a voucher in truth, over all sessions: what the kernel let through."""
        self.runs = 1

    def note(self, answer: object, code: str = "") -> None:
        if isinstance(answer, Admitted):
            self.began.setdefault(answer.session, self.ran_ms)
            if code:
                self.first.setdefault(code, self.ran_ms)
        else:
            assert isinstance(answer, AccessRefusal)
            assert answer.again_ms is None or answer.again_ms > self.door.at_ms - HOUR_MS

    @rule(phone=PHONES, holder=HOLDERS, way=st.sampled_from([Way.CLICK, Way.SMS]))
    def comes(self, phone: int, holder: str, way: Way) -> None:
        self.note(self.door.comes(phone, holder, way=way))

    @rule(phone=PHONES, code=CODES)
    def comes_by_voucher(self, phone: int, code: str) -> None:
        self.note(self.door.comes(phone, voucher=code), code)

    @rule(phone=PHONES)
    def passes(self, phone: int) -> None:
        self.note(self.door.comes(phone, f"pass-{phone}", way=Way.PASS, pass_s=120))

    @rule(phone=PHONES)
    def staff_comes(self, phone: int) -> None:
        self.note(self.door.comes(phone, "staff-s", way=Way.STAFF))

    @rule(phone=PHONES, reason=st.sampled_from([LeftReason.LOGOUT, LeftReason.IDLE, LeftReason.STAFF, LeftReason.TIME]))
    def goes(self, phone: int, reason: LeftReason) -> None:
        if phone in self.door.on():
            self.door.goes(phone, reason, idle_s=1800.0 if reason is LeftReason.IDLE else 0.0)

    @rule(mark=st.integers(1, 40))
    def a_stale_word(self, mark: int) -> None:
        live = {each.mark for each in access.members(self.door.tx.db)}
        if mark not in live:
            self.door.handle(ev.GuestGone(at=self.door.now, mark=mark, reason=LeftReason.IDLE, idle_s=5.0))

    @rule(phone=PHONES, down=st.integers(1, TEN_SECONDS))
    def downloads(self, phone: int, down: int) -> None:
        """As much as a line gives in ten seconds at most; then it is counted."""
        if phone not in self.door.on():
            return
        if self.unseen[self.door.standing(phone).mark] + down > TEN_SECONDS:
            self.is_counted()
        if phone in self.door.on():
            row = access_rows.by_mac(self.door.tx.db, mac(phone))
            assert row is not None
            self.door.uses(phone, down)
            self.unseen[row.mark] += down
            self.spent[row.voucher] += down

    @rule()
    def is_counted(self) -> None:
        counts = tuple(self.door.count_of(mark) for mark in self.door.gate.values() if mark in self.door.kernel)
        self.unseen.clear()
        self.door.handle(ev.GuestsCounted(at=self.door.now, counts=counts))

    @rule(
        phone=PHONES,
        code=CODES,
        rounds=st.lists(st.sampled_from(["leaves", "goes on by a click", "is ended", "changes its phone"]), max_size=8),
    )
    def takes_and_goes(self, phone: int, code: str, rounds: list[str]) -> None:
        """The cheap trick: in, a short download, out before anybody counts, and again."""
        for how in rounds:
            self.comes_by_voucher(phone, code)
            self.downloads(phone, TEN_SECONDS)
            match how:
                case "leaves":
                    self.goes(phone, LeftReason.LOGOUT)
                case "is ended":
                    self.goes(phone, LeftReason.STAFF)
                case "goes on by a click":
                    self.comes(phone, "wallet-a", Way.CLICK)
                case _:
                    phone = phone % 8 + 1

    @rule(ms=st.sampled_from([1000, 31_000, 10 * MINUTE_MS, 59 * MINUTE_MS, 5 * HOUR_MS]))
    def time_passes(self, ms: int) -> None:
        self.door.later(ms)
        self.ran_ms += ms
        self.door.ticks()

    @precondition(lambda self: self.door.state is ClockState.UNSET)
    @rule(ms=st.sampled_from([MINUTE_MS, 7 * HOUR_MS, 900 * HOUR_MS]))
    def the_clock_is_set(self, ms: int) -> None:
        self.door.jump(ms)
        self.door.state = ClockState.SYNCED
        self.door.ticks()
        self.door.handle(ev.ClockAdjusted(at=self.door.now, delta_ms=ms))
        self.at_most_their_time()

    @rule(off_ms=st.sampled_from([0, 20 * MINUTE_MS, 3 * HOUR_MS]), knows=st.booleans())
    def the_machine_restarts(self, off_ms: int, knows: bool) -> None:
        self.door.reboot(off_ms, knows=knows)
        self.unseen.clear()
        self.runs += 1
        self.door.run = f"r{self.runs}"

    @rule()
    def the_daemon_restarts(self) -> None:
        before = access.members(self.door.tx.db)
        self.door.handle(ev.GatewayStarted(at=self.door.now, version="1"))
        assert access.members(self.door.tx.db) == before

    @invariant()
    def told_once(self) -> None:
        began = Counter(one.session for one in self.door.tx.news(tm.GuestAdmitted))  # type: ignore[attr-defined]
        ended = Counter(one.session for one in self.door.tx.news(tm.GuestLeft))  # type: ignore[attr-defined]
        live = Counter(one.session for one in access.standings(self.door.tx.db) if one.way is not Way.PASS)
        assert began == ended + live
        assert set(began.values()) <= {1}

    @invariant()
    def the_gate_lets_in_whom_the_rows_have(self) -> None:
        marks = [each.mark for each in access.members(self.door.tx.db)]
        assert len(set(marks)) == len(marks) == len(self.door.on())

    @invariant()
    def vouchers_never_beyond_ten_seconds_more(self) -> None:
        """Over any number of rounds: what each device used since it was counted last is all that nobody saw."""
        for code in "xy":
            assert self.spent[code] <= VOUCHER_MEGABYTES * 1_000_000 + VOUCHER_DEVICES * TEN_SECONDS

    @invariant()
    def not_too_many(self) -> None:
        live = [one for one in access.standings(self.door.tx.db) if one.way is not Way.STAFF]
        assert len(live) <= MOST_GUESTS
        of_holder = Counter(one.holder for one in live)
        assert all(count <= DEVICES for count in of_holder.values())

    @invariant()
    def at_most_their_time(self) -> None:
        """To the tick: what a session has left is never more than it may have."""
        for one in self.rows():
            left_ms = one.left_ms(self.door.now)
            used_ms = self.ran_ms - self.began[one.session]
            most_ms = {
                Way.PASS: 120_000,
                Way.STAFF: 24 * HOUR_MS,
                Way.VOUCHER: VOUCHER_MINUTES * MINUTE_MS,
            }.get(one.way, LIMIT.minutes * MINUTE_MS)
            assert 0 < left_ms <= most_ms - used_ms

    @invariant()
    def vouchers_never_beyond_their_terms(self) -> None:
        for one in self.rows():
            if one.voucher:
                ends_ms = self.first[one.voucher] + VOUCHER_MINUTES * MINUTE_MS
                assert self.ran_ms + one.left_ms(self.door.now) <= ends_ms
                found = vouchers.voucher(self.door.tx.db, one.voucher)
                assert found is not None
                assert found.used_bytes < VOUCHER_MEGABYTES * 1_000_000
            elif one.max_bytes is not None:
                assert one.bytes < one.max_bytes

    def rows(self) -> list[access_rows.Session]:
        return access_rows.but_way(self.door.tx.db, Way.MEMBER, limit=100)

    def teardown(self) -> None:
        self.door.later(25 * HOUR_MS)
        self.door.ticks()
        assert self.door.on() == set()
        self.told_once()
        for code in self.first:
            assert self.door.refused(1, voucher=code).why in {AccessWhy.VOUCHER_OVER, AccessWhy.VOUCHER_UNKNOWN}
        self.door.tx.close()


Wifi.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestWifi = Wifi.TestCase
