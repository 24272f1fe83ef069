"""The demo's guests against the true pages: they are led to the portal, let in, gone, and known again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import msgspec
import pytest

from edge.board import State
from edge.demo import day, shop, wifi
from edge.documents import check
from edge.shop import KINDS, Hours
from tests.edge.guest.given_portal import Cafe, cafe


def surfers(made: Cafe) -> tuple[wifi.Surfers, Counter[str], Counter[str]]:
    done: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    return wifi.Surfers(guest_url=made.url, random=Random(3), refused=refused, done=done), done, refused


async def told(made: Cafe, kind: str) -> list[dict[str, object]]:
    return await made.news(f"guest.{kind}.v1")


async def test_they_come_by_their_own_addresses_and_go(tmp_path: Path) -> None:
    async with cafe(tmp_path, policy="eu") as made:
        guests, done, refused = surfers(made)
        for shopper in range(4):
            await guests.join(shopper)
        assert (len(await told(made, "admitted")), len(set(made.opened))) == (4, 4)
        await guests.leave(0)
        await guests.leave(0)  # gone already
        assert len(await told(made, "left")) == 1
        assert refused == Counter()
        assert done["wifi: came back"] == 0


async def test_some_come_back_and_are_known_whatever_their_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wifi, "RETURNS", 1.0)
    monkeypatch.setattr(wifi, "NEW_MAC", 1.0)
    async with cafe(tmp_path) as made:
        guests, done, _ = surfers(made)
        for shopper in range(3):
            await guests.join(shopper)
            await guests.leave(shopper)
        _, second, third = await told(made, "admitted")  # the first had no cookie yet
        assert second["visitor"] == third["visitor"]
        assert len(set(made.opened)) == 3
        assert done["wifi: came back"] == 2


async def test_a_no_is_counted_with_its_reason(tmp_path: Path) -> None:
    async with cafe(tmp_path) as made:
        guests, _, refused = surfers(made)
        made.board.wifi.gate = State.DOWN
        await guests.join(1)
        assert refused == Counter({"wifi: no way in just now": 1})
        made.board.wifi.gate = State.UP
        made.set(hours=(Hours(days=(1, 2, 3, 4, 5, 6, 7), opens="03:00", closes="03:01"),))
        await guests.join(1)
        assert refused.total() == 2
        await guests.leave(1)
        assert await told(made, "admitted") == []


def test_the_day_has_them_and_the_portal_passes() -> None:
    acts = day.acts(seed=7, codes=["1"], words=["kele"])
    kinds = Counter(act.kind for act in acts)
    assert 0.8 < kinds[day.Kind.LEAVE] / kinds[day.Kind.JOIN] < 0.9
    joined = {act.shopper for act in acts if act.kind is day.Kind.JOIN}
    assert {act.shopper for act in acts if act.kind is day.Kind.LEAVE} <= joined
    for kind, items in shop.documents().items():
        assert kind in KINDS
        assert check(kind, msgspec.json.decode(msgspec.json.encode(items)))
