"""The oracle of the kills must see what it is there to see."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import msgspec

from cloud_bridge.consumer.tables import Tables
from tests.soak.cloud import Verdict, judge
from tests.soak.load import Load

SOURCE, EPOCH = "/storegate/t/s/g", "e1"


def given_verdict(folder: Path, *cloud: tuple[int, str, str], last_seq: int, **heard: dict[str, str]) -> Verdict:
    """`cloud` is (sequence number, type, serial) of what arrived; `heard` what callers were answered."""
    with closing(sqlite3.connect(folder / "journal.sqlite")) as db:
        db.executescript("CREATE TABLE journal (epoch, last_seq); CREATE TABLE outbox (seq);")
        db.execute("INSERT INTO journal VALUES (?, ?)", (EPOCH, last_seq))
        db.commit()
    with closing(sqlite3.connect(folder / "cloud.sqlite")) as db:
        Tables(db, mark="?", blob="BLOB")
        for seq, kind, serial in cloud:
            data = msgspec.json.encode({"serial": serial}).decode()
            values = (SOURCE, EPOCH, seq, f"storegate.{kind}.v1", "", "", "", "", "", data)
            db.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        db.execute(
            "INSERT INTO stream (source, epoch, received, last_seq, base) VALUES (?, ?, ?, ?, 0)",
            (SOURCE, EPOCH, len(cloud), last_seq),
        )
        db.commit()
    load = Load(None, Random(0))  # type: ignore[arg-type]
    load.issued, load.redeemed = heard.get("issued", {}), heard.get("redeemed", {})
    return judge(folder / "journal.sqlite", folder / "cloud.sqlite", load)


ISSUED, REDEEMED = "coupon.issued", "coupon.redeemed"


def test_all_is_well(tmp_path: Path) -> None:
    verdict = given_verdict(
        tmp_path, (1, ISSUED, "A"), (2, REDEEMED, "A"), last_seq=2, issued={"k": "A"}, redeemed={"t": "A"}
    )
    assert verdict.good, verdict.details
    assert (verdict.produced, verdict.received) == (2, 2)


def test_an_acknowledged_coupon_that_never_arrived_is_lost(tmp_path: Path) -> None:
    verdict = given_verdict(tmp_path, (1, ISSUED, "A"), last_seq=1, issued={"k": "A", "l": "B"})
    assert (verdict.good, verdict.lost, verdict.missing) == (False, 1, 0)


def test_a_gap_in_the_numbers_is_missing(tmp_path: Path) -> None:
    verdict = given_verdict(tmp_path, (1, ISSUED, "A"), (3, ISSUED, "B"), last_seq=3, issued={"k": "A", "l": "B"})
    assert (verdict.good, verdict.lost, verdict.missing) == (False, 0, 1)


def test_a_second_effect_of_one_question_is_doubled(tmp_path: Path) -> None:
    verdict = given_verdict(tmp_path, (1, ISSUED, "A"), (2, ISSUED, "B"), last_seq=2, issued={"k": "B"})
    assert (verdict.good, verdict.doubled) == (False, 1)


def test_a_coupon_redeemed_twice_is_seen(tmp_path: Path) -> None:
    arrived = (1, ISSUED, "A"), (2, REDEEMED, "A"), (3, REDEEMED, "A")
    verdict = given_verdict(tmp_path, *arrived, last_seq=3, issued={"k": "A"}, redeemed={"t": "A"})
    assert (verdict.good, verdict.redeemed_twice) == (False, 1)


def test_what_the_journal_says_beyond_the_cloud_is_seen(tmp_path: Path) -> None:
    verdict = given_verdict(tmp_path, (1, ISSUED, "A"), last_seq=1, issued={"k": "A"})
    assert verdict.good
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as db:
        db.execute("UPDATE journal SET last_seq = 5")
        db.commit()
    load = Load(None, Random(0))  # type: ignore[arg-type]
    load.issued = {"k": "A"}
    assert not judge(tmp_path / "journal.sqlite", tmp_path / "cloud.sqlite", load).good
