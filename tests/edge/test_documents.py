from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config import parse
from edge.documents import Documents, check
from edge.documents_file import GOOD, NAME
from edge.errors import DocumentError, StoregateError, UsageError

DOOR = {"id": "door", "name_zh": "门口", "name_en": "Door"}
TILL = {"id": "till", "name_zh": "收银台", "name_en": "Till"}


async def opened(folder: Path) -> Documents:
    return await asyncio.to_thread(Documents.open, folder)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_set_is_replaced_whole_and_is_there_after_a_new_start(tmp_path: Path) -> None:
    documents = await opened(tmp_path)
    changed = await documents.put("zones", [DOOR, TILL], by="cli")
    assert (changed.kind, changed.count, changed.changed) == ("zones", 2, True)
    await documents.put("zones", [TILL], by="cli")
    again = await opened(tmp_path)
    assert [zone.id for zone in await again.get("zones")] == ["till"]
    assert again.problem == ""
    assert again.sha256("zones") == documents.sha256("zones")


async def test_the_same_set_in_another_order_has_the_same_sum(tmp_path: Path) -> None:
    documents = await opened(tmp_path)
    one = await documents.put("zones", [DOOR, TILL], by="cli")
    two = await documents.put("zones", [TILL, DOOR], by="cloud")
    three = await documents.put("zones", [TILL, DOOR], by="cloud")
    assert one.sha256 == two.sha256
    assert (two.changed, three.changed) == (True, False)


async def test_a_wrong_set_changes_nothing_and_tells_every_mistake(tmp_path: Path) -> None:
    documents = await opened(tmp_path)
    await documents.put("zones", [DOOR], by="cli")
    before = (tmp_path / NAME).read_bytes()
    with pytest.raises(DocumentError) as wrong:
        await documents.put("zones", [{"id": "A B", "name_zh": "", "nam_en": "x"}, TILL, TILL, 7], by="admin")
    paths = [mistake.path for mistake in wrong.value.mistakes]
    assert {"[0].id", "[0].name_zh", "[0].nam_en", "[0].name_en", "[2].id", "[3]"} <= set(paths)
    assert next(m for m in wrong.value.mistakes if m.path == "[0].nam_en").meant == "name_en"
    assert [zone.id for zone in await documents.get("zones")] == ["door"]
    assert (tmp_path / NAME).read_bytes() == before


async def test_an_unknown_kind_is_named_with_the_nearest(tmp_path: Path) -> None:
    documents = await opened(tmp_path)
    with pytest.raises(UsageError) as wrong:
        await documents.put("zone", [DOOR], by="cli")
    assert "zones" in wrong.value.hint


@pytest.mark.parametrize("broken", [b"", b"{", b"[]", b"\xff\xfe", b'{"zones": 3}', b'{"zones": {"1": {"id": "?"}}}'])
async def test_a_broken_file_is_put_aside_and_the_good_copy_used(tmp_path: Path, broken: bytes) -> None:
    documents = await opened(tmp_path)
    await documents.put("zones", [DOOR], by="cli")
    (tmp_path / NAME).write_bytes(broken)
    again = await opened(tmp_path)
    assert [zone.id for zone in await again.get("zones")] == ["door"]
    assert "good copy" in again.problem
    assert (tmp_path / f"{NAME}.broken").read_bytes() == broken


async def test_without_a_good_copy_the_shop_starts_empty_and_says_so(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("{")
    (tmp_path / GOOD).write_text("also broken")
    documents = await opened(tmp_path)
    assert await documents.get("zones") == ()
    assert "no documents" in documents.problem


async def test_a_disk_that_refuses_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = await opened(tmp_path)
    await documents.put("zones", [DOOR], by="cli")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoregateError, match="No space left"):
        await documents.put("zones", [TILL], by="cli")
    monkeypatch.undo()
    assert [zone.id for zone in await documents.get("zones")] == ["door"]
    assert [zone.id for zone in await (await opened(tmp_path)).get("zones")] == ["door"]
    assert names(tmp_path) == sorted([NAME, GOOD])


async def test_the_shop_that_rules_read_has_the_box_and_the_documents(tmp_path: Path) -> None:
    documents = await opened(tmp_path)
    await documents.put("zones", [DOOR], by="cli")
    config = parse('[gateway]\ntenant="t"\nstore="s"\nid="g"\n[outbox]\nmax_mb=2\n', where="here")
    shop = documents.shop(config)
    assert shop.zones["door"].name_en == "Door"
    assert shop.outbox_max_bytes == 2 * 1024 * 1024


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize("kind", ["zones", "campaigns", "slides"])
@given(data=JSON)
def test_whatever_json_is_put_only_document_errors_come_out(kind: str, data: object) -> None:
    try:
        found = check(kind, data)
    except DocumentError as error:
        assert error.mistakes  # noqa: PT017 - either outcome is right
        json.dumps([str(mistake) for mistake in error.mistakes])
    else:
        assert data == [] or found
