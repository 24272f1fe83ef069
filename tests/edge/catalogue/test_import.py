"""The importer's process: whole or nothing, swapped in under searching kiosks, safe against power cuts."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from edge.catalogue import FILE_NAME, Catalogue, CatalogueDesk, CatalogueInfo, import_file, worker
from edge.errors import CatalogueError, StoregateError
from tests.edge.catalogue.given_rows import book, gtin, row

HEADER = "gtin,sku,name_zh,price_fen,stock,keywords\n"


def sheet(folder: Path, *lines: str, name: str = "p.csv") -> Path:
    path = folder / name
    path.write_text(HEADER + "\n".join(lines) + "\n", "utf-8")
    return path


def quiet(_done: int, _total: int) -> None:
    pass


def test_a_file_becomes_a_catalogue_and_says_what_it_is(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    source = sheet(tmp_path, f"{gtin(1)},A1,可口可乐 330ml,280,5,汽水", f"{gtin(2)},A2,雪碧,300,,")
    os.utime(source, (1_700_000_000, 1_700_000_000))
    info = import_file(source, tmp_path / FILE_NAME, progress=lambda done, total: seen.append((done, total)))
    assert (info.products, info.priced_at_ms, len(info.sha256)) == (2, 1_700_000_000_000, 64)
    assert seen[-1] == (2, 2)
    shop = Catalogue(tmp_path / FILE_NAME)
    assert shop.info() == info
    assert shop.search("kele").products[0].priced_at_ms == 1_700_000_000_000


def test_wrong_rows_change_nothing_unless_asked(tmp_path: Path) -> None:
    target = book(tmp_path, row(1, "可乐"))
    before = target.read_bytes()
    source = sheet(tmp_path, f"{gtin(2)},,雪碧,3.50,,", f"{gtin(3)},,芬达,300,,")
    with pytest.raises(CatalogueError, match=r"line 2, column price_fen: .* 350 fen"):
        import_file(source, target, progress=quiet)
    assert target.read_bytes() == before
    info = import_file(source, target, progress=quiet, skip_bad=True)
    assert (info.products, info.skipped) == (1, 1)


def test_a_missing_source_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoregateError, match="can't read"):
        import_file(tmp_path / "none.csv", tmp_path / FILE_NAME, progress=quiet)
    assert sorted(path.name for path in tmp_path.iterdir()) in ([], [f"{FILE_NAME}.lock"])


def test_an_update_replaces_and_adds_and_keeps_the_rest(tmp_path: Path) -> None:
    target = tmp_path / FILE_NAME
    first = sheet(tmp_path, f"{gtin(1)},,可乐 330ml,280,5,汽水", f"{gtin(2)},,雪碧,300,,", ",101,红苹果,798,3,")
    import_file(first, target, progress=quiet, priced_at_ms=1000)
    lines = (f"{gtin(1)},,可乐新装 330ml,250,0,", f"{gtin(3)},,芬达橙味,310,,", ",101,青苹果,698,3,")
    second = sheet(tmp_path, *lines, name="d.csv")
    info = import_file(second, target, progress=quiet, update=True, priced_at_ms=2000)
    shop = Catalogue(target)
    assert (info.products, info.priced_at_ms) == (4, 2000)
    assert shop.info() == info
    changed, kept, apple = shop.product(gtin(1)), shop.product(gtin(2)), shop.by_item("101")
    assert changed is not None
    assert kept is not None
    assert apple is not None
    assert (changed.price_fen, changed.priced_at_ms, kept.priced_at_ms) == (250, 2000, 1000)
    assert apple.name_zh == "青苹果"
    assert [product.name_zh for product in shop.search("kele").products] == ["可乐新装 330ml"]
    assert shop.search("汽水").products == ()
    assert [product.name_zh for product in shop.search("fenda").products] == ["芬达橙味"]
    assert [product.name_zh for product in shop.search("hongpingguo").products if "红" in product.name_zh] == []


def test_an_update_without_a_catalogue_makes_one(tmp_path: Path) -> None:
    info = import_file(sheet(tmp_path, f"{gtin(1)},,可乐,280,5,"), tmp_path / FILE_NAME, progress=quiet, update=True)
    assert info.products == 1


def test_an_update_of_a_broken_catalogue_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"not a catalogue" * 1000)
    with pytest.raises(StoregateError, match="can't be read") as caught:
        import_file(sheet(tmp_path, f"{gtin(1)},,可乐,280,5,"), tmp_path / FILE_NAME, progress=quiet, update=True)
    assert "without --update" in caught.value.hint


def test_the_leftover_of_a_killed_import_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / f"{FILE_NAME}.new-1").write_bytes(b"half")
    import_file(sheet(tmp_path, f"{gtin(1)},,可乐,280,5,"), tmp_path / FILE_NAME, progress=quiet)
    assert [path.name for path in tmp_path.glob("*.new-*")] == []


def test_a_killed_importer_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(StoregateError, match=r"was cut off \(exit code 1\)"):
        import_file(sheet(tmp_path, f"{gtin(1)},,可乐,280,5,"), tmp_path / FILE_NAME, progress=quiet)


def test_bytes_are_synced_before_the_name_and_the_name_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh, target = tmp_path / "new", tmp_path / FILE_NAME
    fresh.write_bytes(b"x")
    deeds: list[str] = []
    rename, sync = os.replace, os.fsync

    def seen_sync(number: int) -> None:
        deeds.append(f"fsync {Path(f'/proc/self/fd/{number}').readlink().name}")
        sync(number)

    def seen_rename(old: Path, new: Path) -> None:
        deeds.append("rename")
        rename(old, new)

    monkeypatch.setattr(os, "fsync", seen_sync)
    monkeypatch.setattr(os, "replace", seen_rename)
    worker.publish(fresh, target)
    assert deeds == ["fsync new", "rename", f"fsync {tmp_path.name}"]


def test_kiosks_search_on_while_catalogues_are_swapped(tmp_path: Path) -> None:
    path = book(tmp_path, row(1, "可乐0号"))
    stop = threading.Event()
    wrong: list[object] = []
    seen: set[str] = set()

    def kiosk() -> None:
        shop = Catalogue(path)
        while not stop.is_set():
            found = shop.search("kele")
            seen.update(product.name_zh for product in found.products)
            if len(found.products) != 1 or shop.problem or shop.product(gtin(1)) is None:
                wrong.append((found, shop.problem))

    threads = [threading.Thread(target=kiosk) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(1, 6):
        book(tmp_path, row(1, f"可乐{number}号"))
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(seen) >= 2


async def test_the_desk_answers_from_its_own_thread_and_sees_a_new_file(tmp_path: Path) -> None:
    desk = CatalogueDesk(tmp_path / FILE_NAME)
    assert await desk.info() is None
    assert "no catalogue yet" in desk.problem
    source = await asyncio.to_thread(sheet, tmp_path, f"{gtin(1)},,可乐,280,5,", ",101,苹果,798,3,")
    info = await asyncio.to_thread(import_file, source, tmp_path / FILE_NAME, progress=quiet)
    assert isinstance(info, CatalogueInfo)
    found = await asyncio.gather(*(desk.search("kele") for _ in range(20)))
    assert all(answer.products[0].gtin == gtin(1) for answer in found)
    product = await desk.product(gtin(1))
    assert product is not None
    assert await desk.by_item("101") is not None
    assert await desk.alternatives(product) == (await desk.by_item("101"),)
    assert desk.problem == ""
    await desk.close()


def test_the_reading_side_never_loads_pinyin() -> None:
    code = "import sys, edge.catalogue; assert 'pypinyin' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_import_that_is_called_off_leaves_nothing(tmp_path: Path) -> None:
    source = sheet(tmp_path, *(f"{gtin(number)},,可乐{number}号,280,5," for number in range(6000)))
    command = [sys.executable, "-m", "edge.catalogue.worker", str(source), str(tmp_path / FILE_NAME)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert '"total":6000' in process.stdout.readline()
        assert '"done":2000' in process.stdout.readline()
        second = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.terminate()
        assert process.wait(10) == 128 + 15
        assert process.stdout.read().count("info") == 0  # also: the second process let go of it
    assert second
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{FILE_NAME}.lock", "p.csv"]
