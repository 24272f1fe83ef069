"""Power cuts under the real journal, the documents and the catalogue, on a disk that forgets what was not fsync'd."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from edge.catalogue import FILE_NAME, Catalogue
from edge.clock import Clock
from edge.documents import Documents
from edge.journal import Journal
from tests.soak.box import GTINS, shop, with_check
from tests.soak.conftest import Told
from tests.soak.disk import Names
from tests.soak.history import History
from tests.soak.power import WAYS, Way, cut_power, need_fuse

pytestmark = pytest.mark.soak
CUTS_A_LIFE = 5
"""A box that lost its power five times begins its sixth start on what five cuts left."""
OPENING = 150
"""Operations until a new journal is open: one cut in four falls in there, or in a later start's recovery."""
BUSY = 2500
BAD_SYNCS = 0.1


@pytest.fixture(autouse=True)
def fuse() -> None:
    need_fuse()


def test_a_power_cut_loses_nothing_that_was_acknowledged(folder: Path, seed: int, cuts: int, told: Told) -> None:
    random = Random(seed)
    promises = early = 0
    told.begin("power cuts", cuts)
    history, begin = History(), None
    for number in range(cuts):
        way = WAYS[number // CUTS_A_LIFE % len(WAYS)]
        if number % CUTS_A_LIFE == 0:
            promises += history.promises
            history, begin = History(), None
        place = folder / f"{number:04}"
        place.mkdir()
        again = place / "again.json"
        again.write_bytes(msgspec.json.encode(history.unanswered))
        cut_at = random.randint(1, OPENING) if random.random() < 0.25 else random.randint(OPENING, BUSY)
        box = ["journal", "{mount}", f"--seed={number + 1}", f"--again={again}"]
        cut = cut_power(place / "cut", box, begin=begin, cut_at=cut_at, way=way, seed=seed + number)
        problems = history.hear(cut.said) + history.problems(cut.survivors, place / "looked-at")
        assert not problems, f"cut {number} at operation {cut_at} ({way}): {problems[:10]}"
        early += cut.early
        begin = cut.survivors
        told.step(number + 1, cuts, f"power cuts, {promises + history.promises} promises kept")
    promises += history.promises
    told.say(
        f"power: {cuts} cuts ({early} while at work), {promises} acknowledged events checked, lost 0, "
        f"told twice 0, journals put aside 0; seed {seed}"
    )
    assert promises


def test_a_sync_that_fails_costs_only_those_who_were_refused(folder: Path, seed: int, cuts: int, told: Told) -> None:
    """One fsync in fifty fails; the power goes later. What was acknowledged in between is on the disk."""
    random = Random(seed)
    promises = failed = 0
    for number in range(max(1, cuts // 5)):
        history, place = History(), folder / f"{number:04}"
        way, cut_at = WAYS[number % len(WAYS)], random.randint(OPENING, BUSY)
        box = ["journal", "{mount}", f"--seed={number + 1}"]
        cut = cut_power(place / "cut", box, begin=None, cut_at=cut_at, way=way, seed=seed + number, bad_syncs=BAD_SYNCS)
        problems = history.hear(cut.said) + history.problems(cut.survivors, place / "looked-at")
        assert not problems, f"cut {number} at operation {cut_at} ({way}): {problems[:10]}"
        promises += history.promises
        failed += cut.failed_syncs
    told.say(f"power: {number + 1} cuts, {failed} syncs failed before, {promises} promises kept; seed {seed}")
    assert failed


def test_a_first_start_that_is_cut_off_is_no_damage(folder: Path, seed: int, cuts: int, told: Told) -> None:
    """The power goes at each step of it in turn."""
    for number in range(max(4, cuts // 2)):
        history, place, way = History(), folder / f"{number:04}", WAYS[number % len(WAYS)]
        box = ["journal", "{mount}", "--rounds=0"]
        cut = cut_power(place / "cut", box, begin=None, cut_at=number + 1, way=way, seed=seed + number)
        problems = history.hear(cut.said) + history.problems(cut.survivors, place / "looked-at")
        assert not problems, f"cut at operation {number + 1} ({way}): {problems}"
    told.say(f"power: no damage was told after {number + 1} cuts of a first start; seed {seed}")


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_journal_that_was_replaced_is_told_once(folder: Path, seed: int, way: Way, told: Told, cuts: int) -> None:
    """The power goes while a broken journal is put aside: at the end the cloud hears of it, once."""
    begin = folder / "broken"
    begin.mkdir()
    first = Journal.open(begin / "journal.sqlite", shop=shop(), clock=Clock())
    asyncio.run(first.close())
    (begin / "journal.sqlite").write_bytes(b"not a database, not even nearly" * 400)
    for number in range(max(2, cuts // 5)):
        place = folder / f"{number:04}"
        box = ["journal", "{mount}", "--rounds=0"]
        cut = cut_power(place / "cut", box, begin=begin, cut_at=number + 1, way=way, seed=seed + number)
        shutil.copytree(cut.survivors, place / "looked-at")
        path = place / "looked-at" / "journal.sqlite"
        asyncio.run(Journal.open(path, shop=shop(), clock=Clock()).close())
        with closing(sqlite3.connect(path)) as db:
            rows = db.execute("SELECT body FROM outbox WHERE type = 'journal.replaced.v1'").fetchall()
        epochs = [msgspec.json.decode(body)["old_epoch"] for (body,) in rows]
        assert epochs == [first.epoch], f"cut at operation {number + 1} ({way}): told {epochs}"
    told.say(f"power: a broken journal was told once, after {number + 1} cuts ({way}); seed {seed}")


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_keys_are_made_once(folder: Path, seed: int, way: Way, told: Told) -> None:
    """A coupon that was signed must be readable for ever: no later start may find another key."""
    for cut_at in range(1, 40, 3):
        begin, heard = None, None
        for again in range(3):
            place = folder / f"{cut_at}-{again}"
            cut = cut_power(place, ["keys", "{mount}"], begin=begin, cut_at=cut_at, way=way, seed=seed + cut_at)
            opened = [line for line in cut.said if line["did"] == "opened"]
            assert heard is None or not opened or opened[0] == heard, f"other keys after a cut at {cut_at}"
            heard = heard or (opened[0] if opened else None)
            begin = cut.survivors
    told.say(f"power: keys are the same after every cut ({way}); seed {seed}")


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_documents_are_the_old_or_the_new_ones(folder: Path, seed: int, way: Way, told: Told, cuts: int) -> None:
    random, begin, first, kept = Random(seed), None, 1, 0
    for number in range(max(1, cuts // 10)):
        box = ["documents", "{mount}", f"--first={first}", "--rounds=50"]
        cut_at = random.randint(1, 200)
        cut = cut_power(folder / f"{number}", box, begin=begin, cut_at=cut_at, way=way, seed=seed + number)
        found = Documents.open(cut.survivors)
        put, putting = last(cut.said, "put", kept), last(cut.said, "putting", kept)
        generations = {item["title_en"] for item in documents(found)}
        assert not found.problem, f"cut at {cut_at}: {found.problem}"
        assert not [line for line in cut.said if line["did"] == "opened" and line["problem"]]
        kept = int(generations.pop().removeprefix("generation ")) if generations else 0
        assert not generations
        assert put <= kept <= putting, f"cut at {cut_at}: {put} was promised, {kept} is there"
        begin, first = cut.survivors, putting + 1
    told.say(f"power: documents whole after {number + 1} cuts ({way}); seed {seed}")


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_the_catalogue_is_the_old_or_the_new_one(folder: Path, seed: int, way: Way, told: Told, cuts: int) -> None:
    random, begin, first, kept = Random(seed), None, 1, 0
    work = folder / "lists"
    work.mkdir()
    for number in range(max(1, cuts // 20)):
        box = ["catalogue", "{mount}", f"--first={first}", "--rounds=4", f"--work={work}"]
        cut_at = random.randint(1, 250)
        cut = cut_power(folder / f"{number}", box, begin=begin, cut_at=cut_at, way=way, seed=seed + number)
        put, putting = last(cut.said, "put", kept), last(cut.said, "putting", kept)
        prices = catalogue_prices(cut.survivors / FILE_NAME)
        assert len(prices) <= 1, f"cut at {cut_at}: prices of {prices}"
        kept = prices.pop() if prices else 0
        assert put <= kept <= putting, f"cut at {cut_at}: {put} was promised, {kept} is there"
        begin, first = cut.survivors, putting + 1
    told.say(f"power: catalogue whole after {number + 1} cuts ({way}); seed {seed}")


def test_the_harness_sees_losses_where_there_are_some(folder: Path, seed: int, told: Told) -> None:
    """SQLite that does not sync each commit loses acknowledged rows; with FULL, on the same disk, it does not."""
    lost = {mode: sum(lost_by(folder / f"{mode}-{n}", mode, seed + n) for n in range(3)) for mode in MODES}
    told.say(f"power: acknowledged rows lost in 3 cuts of plain SQLite, by synchronous: {lost}; seed {seed}")
    assert lost["FULL"] == 0
    assert lost["NORMAL"] > 0
    assert lost["OFF"] > 0


MODES = ("OFF", "NORMAL", "FULL")


def lost_by(folder: Path, synchronous: str, seed: int) -> int:
    box = ["sqlite", "{mount}", "--rounds=3000", f"--synchronous={synchronous}"]
    cut_at = Random(seed).randint(600, 1800)
    cut = cut_power(folder, box, begin=None, cut_at=cut_at, way=Way(Names.ANY_SYNC, torn=False), seed=seed)
    assert cut.early
    promised = last(cut.said, "put", 0)
    try:
        with closing(sqlite3.connect(cut.survivors / "plain.sqlite")) as db:
            kept = {number for (number,) in db.execute("SELECT number FROM kept")}
    except sqlite3.DatabaseError:
        kept = set()
    return len(set(range(1, promised + 1)) - kept)


def last(said: list[dict[str, Any]], did: str, otherwise: int) -> int:
    return max((line["number"] for line in said if line["did"] == did), default=otherwise)


def documents(found: Documents) -> list[dict[str, Any]]:
    # in memory already: no loop needed to look
    return msgspec.to_builtins(found._kinds.get("slides", ()))


def catalogue_prices(path: Path) -> set[int]:
    """Of all products, read as a kiosk reads them; empty without a catalogue."""
    catalogue = Catalogue(path)
    if catalogue.info() is None:
        assert not path.exists(), "there is a catalogue that can't be read"
        return set()
    products = [catalogue.product(f"0{with_check(gtin)}") for gtin in GTINS]
    assert all(products)
    assert catalogue.search("goods").products
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as db:
        assert db.execute("PRAGMA quick_check").fetchone()[0] == "ok"
    return {product.price_fen for product in products if product}
