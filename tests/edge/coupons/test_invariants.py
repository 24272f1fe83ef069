"""Random dialogues: whatever tills, guests, clocks and the cloud do, the book stays whole and answers stay the same."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from edge.clock import ClockState
from edge.coupon_answers import AnyAnswer, Granted, Issued, Redeemed, Refused, Released, Reserved, Why
from edge.shop import CouponKind
from tests.edge.coupons.given_coupons import DAY_MS, Dialogue, budget_campaign, campaign
from tests.given import NOON_MS

CAMPAIGNS = (
    campaign(stock=40, per_member=2, valid_days=1),
    budget_campaign(id="bread", kind=CouponKind.DISCOUNT, value=200, stock=30, budget_units=2, budget_fen=500),
)
NAMES = st.sampled_from(["milk", "bread"])
TILLS = st.sampled_from(["t1", "t2"])
FEN = st.sampled_from([0, 100, 300, 400])


class Shop(RuleBasedStateMachine):
    """Keeps what was answered, and asks again."""

    serials = Bundle("serials")
    keys = Bundle("keys")

    @initialize(target=serials, cap=st.sampled_from([0, 2000]))
    def open(self, cap: int) -> object:
        self.shop = Dialogue.start(*CAMPAIGNS, units=8, value_cap_fen=cap)
        self.grants = 1
        self.reserved: dict[str, tuple[str, AnyAnswer]] = {}
        self.committed: dict[str, tuple[int, Redeemed]] = {}
        self.released: dict[str, Released] = {}
        self.asked: dict[str, dict[str, object]] = {}
        self.redeemed: list[str] = []
        mine = [self.shop.issued(campaign=name) for name in ("milk", "bread")]
        return multiple(*mine, self.shop.fresh(), self.shop.fresh(), self.shop.fresh())

    def teardown(self) -> None:
        if hasattr(self, "shop"):
            self.shop.tx.close()

    @rule(name=NAMES, units=st.integers(1, 20), life_ms=st.sampled_from([1000, DAY_MS, 40 * DAY_MS]))
    def grant(self, name: str, units: int, life_ms: int) -> None:
        self.grants += 1
        wanted = {"campaign": name, "units": units, "seq": self.grants, "not_after_ms": self.shop.at_ms + life_ms}
        answer = self.shop.grant(**wanted)  # type: ignore[arg-type]
        if isinstance(answer, Granted):
            assert self.shop.grant(**wanted) == answer  # type: ignore[arg-type]

    @rule(target=serials, name=NAMES, holder=st.sampled_from(["", "wallet-a", "member-b"]), key=st.integers(0, 30))
    def issue(self, name: str, holder: str, key: int) -> str:
        asked = {"key": f"k{key}-{name}-{holder}", "campaign": name, "holder": holder}
        answer = self.shop.ask(**asked)  # type: ignore[arg-type]
        if not isinstance(answer, Issued):
            return ""
        assert self.shop.ask(**asked) == answer  # type: ignore[arg-type]
        return answer.serial

    @rule(target=serials)
    def foreign(self) -> str:
        return self.shop.fresh()

    @rule(target=keys, serial=serials, till=TILLS, fen=FEN, holder=st.sampled_from(["", "", "member-c"]))
    def scan(self, serial: str, till: str, fen: int, holder: str) -> str:
        key = f"{till}/r/{len(self.reserved)}"
        self.reserve(serial, key, fen, holder)
        return key

    @rule(target=keys, serial=serials, till=TILLS, fen=FEN, again=st.booleans())
    def sell(self, serial: str, till: str, fen: int, again: bool) -> str:
        key = self.scan(serial, till, fen, "")
        self.commit(key, fen)
        if again:
            self.commit(self.scan(serial, till, fen, ""), fen)
        return key

    @rule(serial=serials, key=keys, fen=FEN)
    def scan_under_an_old_key(self, serial: str, key: str, fen: int) -> None:
        self.reserve(serial, key, fen, "")

    def reserve(self, serial: str, key: str, fen: int, holder: str) -> None:
        if not serial:
            return
        here = self.shop.tx.db.execute("SELECT here FROM coupon WHERE serial = ?", (serial,)).fetchone()
        more = {"value_fen": fen, "holder": holder, "issued_here": bool(here and here[0]), "campaign": "bread"}
        more |= {"from_ms": NOON_MS - DAY_MS, "to_ms": NOON_MS + 5 * DAY_MS}
        answer = self.shop.reserve(serial, key, **more)
        if key not in self.reserved:
            self.reserved[key] = (serial, answer)
            self.asked[key] = more
        elif (self.reserved[key][0], self.asked[key]["value_fen"], self.asked[key]["holder"]) != (serial, fen, holder):
            assert isinstance(answer, Refused)
            assert answer.why == "key_reused"
        else:
            self.same_as_before(key, answer)

    def same_as_before(self, key: str, answer: AnyAnswer) -> None:
        if key in self.released:
            assert answer == Refused(why=Why.RELEASED, at_ms=self.released[key].at_ms)
        else:
            assert answer == self.reserved[key][1]

    @rule(key=keys, fen=FEN)
    def commit(self, key: str, fen: int) -> None:
        answer = self.shop.commit(key, value_fen=fen)
        if not isinstance(answer, Redeemed):
            return
        if key in self.committed:
            assert (fen, answer) == self.committed[key]
            return
        assert key not in self.released
        assert isinstance(self.reserved[key][1], Reserved)
        assert answer.serial == self.reserved[key][0]
        assert answer.serial not in self.redeemed, "redeemed twice"
        self.committed[key] = (fen, answer)
        self.redeemed.append(answer.serial)

    @rule(key=keys)
    def release(self, key: str) -> None:
        answer = self.shop.release(key)
        if isinstance(answer, Released) and isinstance(self.reserved[key][1], Reserved):
            assert key not in self.committed
            assert self.released.setdefault(key, answer) == answer

    @rule()
    def ask_everything_again(self) -> None:
        for key, (fen, answer) in self.committed.items():
            assert self.shop.commit(key, value_fen=fen) == answer
        for key, answer in self.released.items():
            assert self.shop.release(key) == answer
        for key, (serial, _) in self.reserved.items():
            self.same_as_before(key, self.shop.reserve(serial, key, **self.asked[key]))

    @rule(serial=serials)
    def void(self, serial: str) -> None:
        if serial:
            for name in ("milk", "bread"):
                self.shop.void(serial, campaign=name)

    @rule(name=NAMES, _=consumes(serials))
    def void_all(self, name: str, _: str) -> None:
        self.shop.void(campaign=name)

    @rule(ms=st.sampled_from([500, 60_000, 121_000, DAY_MS]))
    def wait(self, ms: int) -> None:
        self.shop.later(ms)

    @rule(ms=st.sampled_from([0, 121_000]))
    def reboot(self, ms: int) -> None:
        self.shop.boot_id += "x"
        self.shop.at_ms += ms

    @rule(state=st.sampled_from(list(ClockState)))
    def clock(self, state: ClockState) -> None:
        self.shop.state = state

    @invariant()
    def the_book_is_whole(self) -> None:
        if not hasattr(self, "shop"):
            return
        report = self.shop.book()
        assert report.ok, report.faults
        assert not any(sum(each.units.values()) for each in report.campaigns)
        ended = sum(each.units.get("redeemed", 0) + each.units.get("honoured", 0) for each in report.campaigns)
        assert ended == len(self.redeemed)

    @invariant()
    def budgets_hold(self) -> None:
        if not hasattr(self, "shop"):
            return
        for each in self.shop.book().campaigns:
            assert each.units.get("honoured", 0) <= 2
            assert each.value_fen.get("honoured", 0) <= 500
        (caps,) = self.shop.tx.db.execute(
            "SELECT count(*) FROM coupon_grant WHERE value_cap_fen > 0 AND (fen_left < 0 OR fen_left > value_cap_fen)"
        ).fetchone()
        assert caps == 0


TestShop = Shop.TestCase
TestShop.settings = settings(
    max_examples=40, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
