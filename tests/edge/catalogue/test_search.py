"""What shoppers type, over the demo shop: the first hits are the ones they meant."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import edge.demo
from edge.catalogue import Catalogue, Found
from edge.catalogue.table import read
from tests.edge.catalogue.given_rows import PRICED_MS, book, gtin, row

PRODUCTS = Path(next(iter(edge.demo.__path__))) / "products.csv"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return Catalogue(book(tmp_path_factory.mktemp("shop"), *read(PRODUCTS, priced_at_ms=PRICED_MS).rows))


def names(found: Found) -> list[str]:
    return [product.name_zh for product in found.products]


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("可乐", "可口可乐汽水"),
        ("kele", "可口可乐汽水"),
        ("KELE", "可口可乐汽水"),
        ("ｋｅｌｅ", "可口可乐汽水"),
        ("kl", "可口可乐汽水"),
        ("kekoukele", "可口可乐汽水"),
        ("ke kou ke le", "可口可乐汽水"),
        ("kekouk", "可口可乐汽水"),
        ("kkkl", "可口可乐汽水"),
        ("coca", "可口可乐汽水"),
        ("Coca-Cola", "可口可乐汽水"),
        ("cocacola", "可口可乐汽水"),
        ("无糖 kele 500ml", "百事可乐无糖生可乐 500ml"),
        ("无糖kele", "百事可乐无糖生可乐 500ml"),
        ("可乐无糖", "百事可乐无糖生可乐 500ml"),
        ("nongfu", "农夫山泉"),
        ("nongfsq", "农夫山泉"),
        ("nfsq", "农夫山泉"),
        ("lvcha", "统一绿茶"),
        ("lucha", "统一绿茶"),
        ("重庆", ""),
        ("oreo", "奥利奥"),
        ("haagen", "哈根达斯"),
        ("7up", "七喜"),
        ("lajiao", "青椒"),
        ("啤酒 500ml", "燕京U8啤酒 500ml"),
    ],
)
def test_what_was_typed_finds(shop: Catalogue, typed: str, wanted: str) -> None:
    found = shop.search(typed)
    assert not found.corrected
    if wanted:
        assert names(found)[0].startswith(wanted)
    else:
        assert not found.products


@pytest.mark.parametrize(
    ("typed", "meant", "wanted"),
    [
        ("kelle", "可乐", "可口可乐汽水"),
        ("keel", "可乐", "可口可乐汽水"),
        ("niuanai", "牛奶", "伊利纯牛奶"),
        ("shupain", "薯片", "上好佳田园薯片"),
        ("可口可了", "可口可乐", "可口可乐汽水"),
        ("可口可樂", "可口可乐", "可口可乐汽水"),
        ("农夫三泉", "农夫山泉", "农夫山泉"),
        ("云南百药", "云南白药", "云南白药"),
        ("nongfushanquna", "农夫山泉", "农夫山泉"),
        ("xifashiu", "洗发水", "海飞丝"),
        ("啤九", "啤酒", "燕京U8啤酒"),
        ("orea", "oreo", "奥利奥"),
    ],
)
def test_typos_are_repaired_by_sound_and_letters(shop: Catalogue, typed: str, meant: str, wanted: str) -> None:
    found = shop.search(typed)
    assert found.corrected == meant
    assert found.suggestions[0] == meant
    assert any(name.startswith(wanted) for name in names(found)[:6])


def test_kq_is_mineral_water_first_and_cola_soda_below(tmp_path: Path) -> None:
    shop = Catalogue(book(tmp_path, row(1, "可乐汽水"), row(2, "娃哈哈矿泉水 550ml"), row(3, "酱油")))
    assert names(shop.search("kq")) == ["娃哈哈矿泉水 550ml", "可乐汽水"]


def test_order_whole_words_then_beginnings_then_short_names_and_what_is_there_first(tmp_path: Path) -> None:
    rows = (row(1, "大可乐汽水饮料"), row(2, "可乐鸡翅", stock=0), row(3, "可乐糖"), row(4, "百事可乐"))
    shop = Catalogue(book(tmp_path, *rows, row(5, "小可乐", stock=0), row(6, "柯南")))
    assert names(shop.search("kele")) == ["百事可乐", "小可乐", "可乐糖", "可乐鸡翅", "大可乐汽水饮料"]
    assert names(shop.search("可乐")) == ["可乐糖", "可乐鸡翅", "百事可乐", "大可乐汽水饮料", "小可乐"]


def test_polyphones_are_read_by_phrase_first_and_otherwise_too(tmp_path: Path) -> None:
    shop = Catalogue(book(tmp_path, row(1, "重庆小面"), row(2, "乐器")))
    for typed in ("chongqing", "cqxm", "zhongqing", "xiaomian"):
        assert names(shop.search(typed)) == ["重庆小面"], typed
    assert names(shop.search("yueqi")) == ["乐器"]


@pytest.mark.parametrize("typed", ["06902000002678", "6902000002678", "2678", "69020000026", "DR001", "dr001"])
def test_numbers(shop: Catalogue, typed: str) -> None:
    assert shop.search(typed).products[0].gtin == "06902000002678"


def test_a_whole_barcode_finds_itself_alone_and_an_unknown_one_nothing(shop: Catalogue) -> None:
    assert len(shop.search("6902000002678").products) == 1
    assert shop.search("4006381333931").products == ()


def test_goods_weighed_in_the_shop_by_item_number(shop: Catalogue) -> None:
    apple = shop.by_item("00101")
    assert apple is not None
    assert apple.name_zh == "红富士苹果 散装"
    assert shop.by_item("101") == shop.product(apple.gtin) == apple
    assert shop.by_item("99999") is None
    assert shop.by_item("") is None


def test_suggestions_are_words_of_this_catalogue(shop: Catalogue) -> None:
    assert shop.search("kel").suggestions[0] == "可乐"
    assert "牛奶" in shop.search("niu").suggestions
    assert "矿泉水" in shop.search("kq").suggestions
    assert "薯片" in shop.search("薯").suggestions


def test_alternatives_are_there_and_of_the_same_kind(shop: Catalogue) -> None:
    cola = shop.search("可口可乐零度").products[0]
    others = shop.alternatives(cola, 4)
    assert len(others) == 4
    assert all(other.in_stock and other.category == "drinks" and other.gtin != cola.gtin for other in others)
    assert all("汽水" in other.name_zh for other in others)


def test_the_demo_shop_is_whole(shop: Catalogue) -> None:
    rows = read(PRODUCTS, priced_at_ms=0).rows
    assert len(rows) >= 320
    assert len({one.product.category for one in rows}) >= 12
    assert any(one.product.stock == 0 for one in rows)
    assert all(shop.product(one.product.gtin) for one in rows)
    for name in (one.product.name_zh for one in rows):
        assert name in names(shop.search(name))


BITS = ["可乐", "k", "330ml", '"', "*", "NEAR(", "龘", "aaaa", "69", "쎄"]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    typed=st.text(max_size=80)
    | st.text(alphabet="\"'*():^-+AND OR NOT NEAR{}_%.\0可乐kq1 龘𠮷\ud800é", max_size=80)
    | st.lists(st.sampled_from(BITS), max_size=12).map(" ".join),
    limit=st.integers(-5, 500),
)
def test_any_text_is_answered(shop: Catalogue, typed: str, limit: int) -> None:
    found = shop.search(typed, limit)
    assert len(found.products) <= max(1, min(limit, 100))
    assert not shop.problem


def test_long_text_is_cut(shop: Catalogue) -> None:
    assert names(shop.search("可乐" + " " * 10_000)) == names(shop.search("可乐"))
    shop.search("可" * 1_000_000)
    shop.search("k " * 100_000)


def test_a_missing_catalogue_is_a_state(tmp_path: Path) -> None:
    shop = Catalogue(tmp_path / "none.sqlite")
    assert (shop.search("可乐"), shop.product(gtin(1)), shop.info()) == (Found(), None, None)
    assert "there is no catalogue yet" in shop.problem


def test_a_broken_new_file_is_said_and_the_old_one_stays(tmp_path: Path) -> None:
    path = book(tmp_path, row(1, "可乐"))
    shop = Catalogue(path)
    assert names(shop.search("可乐")) == ["可乐"]
    for data in (b"not a database at all, but long enough to be read as one" * 100, b""):
        (tmp_path / "bad").write_bytes(data)
        (tmp_path / "bad").replace(path)
        assert names(shop.search("可乐")) == ["可乐"]
        assert "the one before stays in use" in shop.problem
    book(tmp_path, row(2, "雪碧"))
    assert names(shop.search("xuebi")) == ["雪碧"]
    assert not shop.problem


def test_another_format_is_refused_in_words(tmp_path: Path) -> None:
    path = book(tmp_path, row(1, "可乐"))
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    shop = Catalogue(path)
    assert shop.info() is None
    assert "format 99" in shop.problem


def test_a_page_gone_bad_is_an_empty_answer_not_a_crash(tmp_path: Path) -> None:
    path = book(tmp_path, *(row(number, f"可乐{number}号") for number in range(1, 800)))
    data = bytearray(path.read_bytes())
    shop = Catalogue(path)
    assert shop.info() is not None
    data[4096 * 8 :] = b"\xff" * (len(data) - 4096 * 8)
    path.write_bytes(data)
    shop.close()
    shop.search("可乐")
    shop.product(gtin(5))
    assert shop.problem
