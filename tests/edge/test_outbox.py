"""The outbox's one promise: produced = still waiting + received + recorded as lost, by number, exactly."""

from __future__ import annotations

import sqlite3

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import telemetry as tm
from edge.clock import Stamp
from edge.errors import JournalRefusedError, Refusal
from edge.journal import spans
from edge.journal.file import migrate
from edge.journal.folding import HOUR_MS
from edge.journal.outbox import SPAN_BYTES, Outbox, Row
from edge.journal.spans import Span
from tests.given import NOON_MS, stamp

NOON = NOON_MS // HOUR_MS * HOUR_MS


def ledger(size: int = 10) -> tm.Telemetry:
    return tm.GatewayStarted(version="v" * size)


def diagnostic(size: int = 10) -> tm.Telemetry:
    return tm.DeviceFound(device="d" * size, kind="scanner")


def counted(entered: int = 1, exited: int = 0, *, zone: str = "door", **more: float) -> tm.FootfallCounted:
    return tm.FootfallCounted(
        zone=zone,
        device="c1",
        source="fake",
        entered=entered,
        exited=exited,
        occupancy=int(more.get("occupancy", 0)),
        interval_s=more.get("interval_s", 900.0),
        coverage=more.get("coverage", 1.0),
    )


class Cloud:
    """An outbox in memory, a reader of it, and what both add up to."""

    def __init__(self, max_bytes: int) -> None:
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        migrate(self.db)
        self.outbox = Outbox(self.db, last_seq=0, max_bytes=max_bytes)
        self.received: dict[int, Row] = {}
        self.refused = 0

    def tell(self, news: tm.Telemetry, at: Stamp | None = None) -> int | None:
        tally = self.outbox.tally()
        self.db.execute("SAVEPOINT event")
        try:
            return self.outbox.tell(news, at=at or stamp())
        except JournalRefusedError as error:
            assert error.reason is Refusal.OUTBOX_FULL  # noqa: PT017 - either outcome is right
            self.db.execute("ROLLBACK TO event")
            self.outbox.restore(tally)
            self.refused += 1
            return None
        finally:
            self.db.execute("RELEASE event")

    def hand_out(self, limit: int = 100, after_seq: int = 0) -> list[Row]:
        self.outbox.tell_losses(stamp())
        return self.outbox.hand_out(after_seq=after_seq, up_to_seq=2**62, limit=limit, max_bytes=2**20)

    def receive(self, rows: list[Row], *, acknowledged: bool = True) -> None:
        for row in rows:
            assert self.received.setdefault(row.seq, row).body == row.body, "one number, two contents"
            if acknowledged:
                self.outbox.forget(row.seq, row.seq)

    def reopen(self) -> None:
        """A new process: what was in memory is read again."""
        self.outbox.save()
        before = self.outbox
        self.outbox = Outbox(self.db, last_seq=before.last_seq, max_bytes=before.limit, handed=before.handed)
        assert (self.outbox.bytes, self.outbox.depth, self.outbox.lost_total) == (
            before.bytes,
            before.depth,
            before.lost_total,
        )

    @property
    def waiting(self) -> set[int]:
        return {seq for (seq,) in self.db.execute("SELECT seq FROM outbox")}

    def losses(self) -> list[tm.RecordsLost]:
        rows = [row for row in self.received.values() if row.type == tm.RecordsLost.TYPE]
        return [msgspec.json.decode(row.body, type=tm.RecordsLost) for row in rows]

    def counts(self) -> tuple[int, int]:
        """What a reader sums up: each count it received, but not those that went on in another row."""
        rows = [row for row in self.received.values() if row.type == tm.FootfallCounted.TYPE]
        news = [msgspec.json.decode(row.body, type=tm.FootfallCounted) for row in rows]
        return sum(each.entered for each in news), sum(each.exited for each in news)


def recorded(losses: list[tm.RecordsLost]) -> set[int]:
    return {seq for loss in losses for each in loss.ranges for seq in range(each.first, each.last + 1)}


def test_diagnostics_go_first_and_the_oldest_of_them() -> None:
    cloud = Cloud(2000)
    for n in range(30):
        assert cloud.tell(diagnostic() if n % 2 else ledger())
    assert cloud.outbox.bytes <= 2000
    kept = {row.seq: row.kept for row in cloud.hand_out(limit=99)}
    ledgers = [seq for seq, kind in kept.items() if kind is tm.Kept.LEDGER and seq <= 30]
    assert ledgers == list(range(1, 31, 2))
    left = [seq for seq, kind in kept.items() if kind is tm.Kept.DIAGNOSTIC]
    assert left == sorted(set(range(2, 31, 2)) - set(range(2, 32 - 2 * len(left), 2)))


def test_what_may_never_go_is_refused_when_nothing_else_can_go() -> None:
    cloud = Cloud(1000)
    told = [cloud.tell(ledger()) for _ in range(20)]
    assert 5 < sum(seq is not None for seq in told) < 20
    assert cloud.refused
    assert cloud.waiting == {seq for seq in told if seq}
    assert cloud.tell(diagnostic()), "a diagnostic is taken, and lost at once"
    cloud.outbox.forget(1, 3)
    assert cloud.tell(ledger())
    cloud.receive(cloud.hand_out())
    [loss] = cloud.losses()
    assert (loss.kept, loss.reason, loss.count) == (tm.Kept.DIAGNOSTIC, "outbox_full", 1)


def test_counts_fold_into_hours_with_exact_sums() -> None:
    cloud = Cloud(100_000)
    for quarter in range(8):
        at = stamp(NOON + (quarter + 1) * 900_000)
        cloud.tell(counted(quarter + 1, quarter, occupancy=quarter, coverage=quarter / 8), at)
        cloud.tell(counted(1, 1, zone="till", interval_s=300.0 if quarter % 2 else 900.0, coverage=quarter % 2), at)
    cloud.outbox.limit = cloud.outbox.bytes
    cloud.tell(ledger(), stamp(NOON + 3 * HOUR_MS))
    rows = [row for row in cloud.hand_out() if row.type == tm.FootfallCounted.TYPE]
    news = [msgspec.json.decode(row.body, type=tm.FootfallCounted) for row in rows]
    doors = [each for each in news if each.zone == "door"]
    assert [(each.entered, each.exited, each.occupancy, each.interval_s) for each in doors] == [
        (10, 6, 3, 3600.0),
        (26, 22, 7, 3600.0),
    ]
    assert [each.coverage for each in doors] == pytest.approx([6 / 32, 22 / 32])
    assert [each.coverage for each in news if each.zone == "till"] == pytest.approx([0.25, 0.25])
    assert [row.at.at_ms for row in rows if b"door" in row.body] == [NOON + HOUR_MS, NOON + 2 * HOUR_MS]
    cloud.receive(cloud.hand_out())
    [loss] = cloud.losses()
    assert (loss.kept, loss.reason, loss.count) == (tm.Kept.COUNT, "folded", 16)
    assert recorded([loss]) == set(range(1, 17))


def test_a_count_that_may_have_been_sent_is_never_folded() -> None:
    cloud = Cloud(100_000)
    for quarter in range(4):
        cloud.tell(counted(), stamp(NOON + (quarter + 1) * 900_000))
    cloud.hand_out(limit=3)
    cloud.outbox.limit = cloud.outbox.bytes
    assert cloud.tell(ledger()) is None
    assert cloud.waiting == {1, 2, 3, 4}


def test_losses_are_told_in_records_that_brokers_take() -> None:
    cloud = Cloud(10**9)
    for _ in range(1500):
        cloud.tell(diagnostic())
        cloud.tell(ledger())
    cloud.outbox.limit = cloud.outbox.bytes
    assert cloud.tell(ledger(cloud.outbox.bytes // 5))
    rows = cloud.hand_out(limit=10**6)
    records = [row for row in rows if row.type == tm.RecordsLost.TYPE]
    assert len(records) >= 2
    assert all(len(row.body) < 16_384 for row in records)
    cloud.receive(rows)
    assert sum(loss.count for loss in cloud.losses()) == len(recorded(cloud.losses()))


def test_what_is_remembered_of_losses_stays_small() -> None:
    cloud = Cloud(20_000)
    for n in range(20_000):
        cloud.tell(diagnostic() if n % 2 else counted(), stamp(NOON + n * 6_000))
    assert sum(cloud.outbox.lost_total.values()) > 15_000
    spans_held = [len(lost.untold) for lost in cloud.outbox._lost.values()]
    assert sum(spans_held) * SPAN_BYTES < 20_000 / 2
    assert cloud.outbox.bytes <= 20_000


KINDS = st.sampled_from(["ledger", "diagnostic", "count", "count", "hand", "ack", "reopen", "budget"])
STEPS = st.lists(st.tuples(KINDS, st.integers(0, 400)), max_size=120)


@settings(deadline=None, max_examples=150)
@given(steps=STEPS, budget=st.integers(300, 6000))
def test_produced_is_waiting_plus_received_plus_recorded(steps: list[tuple[str, int]], budget: int) -> None:
    cloud = Cloud(budget)
    entered = exited = at_ms = 0
    for kind, size in steps:
        at_ms += size * 10_000
        match kind:
            case "ledger":
                cloud.tell(ledger(size))
            case "diagnostic":
                cloud.tell(diagnostic(size))
            case "count":
                if cloud.tell(counted(size, size // 2), stamp(NOON + at_ms)):
                    entered, exited = entered + size, exited + size // 2
            case "hand":
                cloud.receive(cloud.hand_out(1 + size // 20, after_seq=size % 7), acknowledged=False)
            case "ack":
                cloud.receive(cloud.hand_out(1 + size // 20))
            case "reopen":
                cloud.reopen()
            case "budget":
                cloud.outbox.limit = max(300, size * 15)
    while rows := cloud.hand_out(1000):
        cloud.receive(rows)
    lost = recorded(cloud.losses())
    assert set(range(1, cloud.outbox.last_seq + 1)) == set(cloud.received) | lost
    assert cloud.waiting == set()
    assert cloud.outbox.bytes == 0
    assert cloud.counts() == (entered, exited)
    assert sum(loss.count for loss in cloud.losses()) == sum(cloud.outbox.lost_total.values()) == len(lost)
    diagnostics = {seq for seq, row in cloud.received.items() if row.kept is tm.Kept.DIAGNOSTIC}
    assert lost & set(cloud.received) <= diagnostics, "only a diagnostic may be both received and recorded"


@given(numbers=st.sets(st.integers(1, 60)), others=st.sets(st.integers(1, 60)))
def test_spans_hold_what_was_put_in(numbers: set[int], others: set[int]) -> None:
    others -= numbers
    mine, theirs = spans.of(numbers), spans.of(others)
    assert {n for n in range(70) if spans.holds(mine, n)} == numbers
    assert all(span.rows == span.last - span.first + 1 for span in mine)
    gone = spans.merged(mine + theirs)
    joined = spans.bridged(mine, gone)
    inside = {n for n in range(70) if spans.holds(joined, n)}
    assert numbers <= inside <= numbers | others
    assert sum(span.rows for span in joined) == len(numbers)
    assert len(joined) <= len(gone)


def test_spans_that_touch_become_one() -> None:
    assert spans.of([3, 1, 2, 7]) == (Span(1, 3, 3), Span(7, 7, 1))
