"""Product look-up over 100,000 made-up products: each kind of query, beside LIKE, FTS5 trigram and TinyDB.

Milliseconds of one thread's processor time for one search, 20 hits asked, products read included: a search waits for
nothing (the file is in the page cache), so on an idle machine that is its time, and a busy one does not blur it.
"""

from __future__ import annotations

import csv
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from bench import synthetic_catalogue
from bench.row import Row
from edge.catalogue import FILE_NAME, Catalogue, Product, import_file
from edge.ids import Gtin

PRODUCTS = 100_000
HOLD_SEARCH_MS, HOLD_BARCODE_MS, HOLD_IMPORT_S = 5.0, 0.1, 60.0
QUERIES = {
    "one character": "茶 酒 糖 盐 奶 水",
    "two characters": "可乐 牛奶 酱油 薯片 抽纸 啤酒 汽水 面粉 牙膏 茉莉",
    "four characters": "可口可乐 农夫山泉 云南白药 方便面 洗衣液 橄榄油 矿泉水 葡萄酒 三只松鼠 功能饮料",
    "several words": "蒙牛_酸奶 可乐_330ml 海天_生抽 无糖_可乐 儿童_牙膏 可乐无糖 330ml_500ml",
    "mixed": "无糖kele330ml 无糖_kele_330ml kekoukele_330ml mengniu_250ml_酸奶",
    "pinyin": "kele kekoukele niunai jiangyou shupian kuangquanshui yagao xifashui haitian nongfu shui jiang zhuang",
    "pinyin, partial": "k ke kek keko n ni niu j ji jia shu s sh z x y",
    "pinyin, spaced": "ke_kou_ke_le nong_fu_shan_quan shu_pian xi_fa_shui",
    "initials": "kl kkkl nn jy kq kqs yg xfs nfsq jlyg",
    "abbreviated": "nongfsq kekkl xifs yunnby",
    "typo": "kelle keel niuanai shupain 可口可了 农夫三泉 矿泉誰 xifashiu 云南百药 nongfushanquna mengiu jinagyou",
    "no hit": "xxqqzz qwertyuiop zzzzzz 龘龘 饕餮魍魉 kkkkkkkk 可乐_zzz k_q_z_x_y_w 水_乐_茶_酒_奶_米 1l_2l_5l_kele",
    "digits": "0018 1234 69000 6900000 S000123 330 500 2l 24",
}
"""Kind → queries; `_` stands for a blank."""


def rows() -> Iterator[Row]:
    goods = [row.product for row in synthetic_catalogue.products(PRODUCTS)]
    codes = [product.gtin for product in random.Random(3).sample(goods, 50)]
    with tempfile.TemporaryDirectory() as folder:
        yield from _ours(Path(folder), goods, codes)
        yield from _sqlite(Path(folder), goods, codes)
        yield from _tinydb(Path(folder), goods, codes)


def _ours(folder: Path, goods: Sequence[Product], codes: Sequence[str]) -> Iterator[Row]:
    source = folder / "products.csv"
    columns = ("gtin", "sku", "name_zh", "brand", "category", "price_fen", "unit", "stock")
    with source.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([getattr(product, column) for column in columns] for product in goods)
    sys.stderr.write("importing 100,000 products\n")
    began = time.perf_counter()
    import_file(source, folder / FILE_NAME, progress=lambda _done, _total: None)
    took = time.perf_counter() - began
    yield Row(part="catalogue", what="import of 100,000 products", value=took, unit="s", hold=HOLD_IMPORT_S)
    size = (folder / FILE_NAME).stat().st_size / 1e6
    yield Row(part="catalogue", what="file of 100,000 products", value=size, unit="MB")
    shop = Catalogue(folder / FILE_NAME)
    found = _timed(lambda code: shop.product(Gtin(code)), codes, 20)
    yield from _figures("barcode", "storegate", found, HOLD_BARCODE_MS)
    for kind, queries in QUERIES.items():
        found = _timed(shop.search, [query.replace("_", " ") for query in queries.split()], 30)
        yield from _figures(f"search, {kind}", "storegate", found, HOLD_SEARCH_MS)


def _sqlite(folder: Path, goods: Sequence[Product], codes: Sequence[str]) -> Iterator[Row]:
    with closing(sqlite3.connect(folder / "peer.sqlite")) as db:
        db.execute("CREATE TABLE p (id INTEGER PRIMARY KEY, gtin TEXT UNIQUE, name TEXT, price INT)")
        db.executemany("INSERT INTO p VALUES (?, ?, ?, ?)", _plain(goods))
        db.execute("CREATE VIRTUAL TABLE f USING fts5(name, tokenize='trigram', content='', columnsize=0)")
        db.execute("INSERT INTO f (rowid, name) SELECT id, name FROM p")
        db.commit()
        like = "SELECT * FROM p WHERE name LIKE ? LIMIT 20"
        trigram = "SELECT p.* FROM f JOIN p ON p.id = f.rowid WHERE f MATCH ? ORDER BY rank LIMIT 20"
        code = _timed(lambda text: db.execute("SELECT * FROM p WHERE gtin = ?", (text,)).fetchall(), codes, 20)
        yield from _figures("barcode", "SQLite index", code)
        for kind in ("two characters", "four characters", "no hit"):
            queries = [query.replace("_", " ") for query in QUERIES[kind].split()]
            times = _timed(lambda text: db.execute(like, (f"%{text}%",)).fetchall(), queries, 3)
            yield from _figures(f"search, {kind}", "SQLite LIKE", times, note="no pinyin, no initials, no typos")
            times = _timed(lambda text: db.execute(trigram, (f'"{text}"',)).fetchall(), queries, 3)
            note = "finds nothing: needs three characters" if kind == "two characters" else "no pinyin, no typos"
            yield from _figures(f"search, {kind}", "FTS5 trigram", times, note=note)


def _tinydb(folder: Path, goods: Sequence[Product], codes: Sequence[str]) -> Iterator[Row]:
    from tinydb import TinyDB, where  # noqa: PLC0415 - the peer's cost is not ours
    from tinydb.queries import QueryInstance  # noqa: PLC0415

    sys.stderr.write("the same in TinyDB\n")
    with TinyDB(folder / "peer.json", ensure_ascii=False) as db:
        db.insert_multiple({"gtin": gtin, "name": name, "price": price} for _, gtin, name, price in _plain(goods))

        def asked(condition: QueryInstance) -> object:
            db.clear_cache()  # else it only shows that a dict is fast
            return db.search(condition)

        yield from _figures("barcode", "TinyDB", _timed(lambda code: asked(where("gtin") == code), codes[:3], 1))
        found = _timed(lambda text: asked(where("name").search(text)), QUERIES["two characters"].split()[:3], 1)
        yield from _figures("search, two characters", "TinyDB", found, note="no pinyin, no initials, no typos")


def _plain(goods: Sequence[Product]) -> Iterator[tuple[int, str, str, int]]:
    return ((number, one.gtin, one.name_zh, one.price_fen) for number, one in enumerate(goods, 1))


def _timed(ask: Callable[[str], object], texts: Iterable[str], repeats: int) -> list[float]:
    """Milliseconds, sorted; each text is asked once before, to warm the page cache as a shop's day does."""
    listed = list(texts)
    for text in listed:
        ask(text)
    times: list[float] = []
    for _ in range(repeats):
        for text in listed:
            began = time.thread_time_ns()
            ask(text)
            times.append((time.thread_time_ns() - began) / 1e6)
    return sorted(times)


def _figures(what: str, by: str, times: Sequence[float], hold: float | None = None, *, note: str = "") -> Iterator[Row]:
    yield Row(part="catalogue", what=f"{what}: p50", by=by, value=times[len(times) // 2], unit="ms", note=note)
    p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
    yield Row(part="catalogue", what=f"{what}: p99", by=by, value=p99, unit="ms", hold=hold, note=note)
