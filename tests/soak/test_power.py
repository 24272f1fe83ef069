"""Power cuts under the real journal, the documents and the catalogue, on a disk that forgets what was not fsync'd."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from edge.catalogue import FILE_NAME, Catalogue
from edge.documents import Documents
from tests.soak.box import GTINS, with_check
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
