"""The staff's codes, guessed at; the page of the member code, which proves nothing by itself."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.access_answers import AccessWhy
from edge.checked import Secret
from edge.portal.asks import Proven, Step
from edge.portal.ways.member import MemberWay
from edge.portal.ways.staff import StaffWay
from tests.edge.portal.ways.given_ways import keys, phone
from tests.given import HandClock

STAFF = {"ma": Secret("correct-horse-1"), "li": Secret("相信我就是店员本人啊朋友们")}


class Given:
    def __init__(self) -> None:
        self.hand = HandClock()
        self.way = StaffWay(STAFF, keys=keys(), clock=self.hand.clock)

    async def post(self, code: str, who: int = 1) -> Proven | AccessWhy:
        return await self.way.prove(phone(who), {"staff": code})


async def test_each_has_a_code_of_their_own() -> None:
    shop = Given()
    assert await shop.post("correct-horse-1") == Proven(holder=keys().holder("staff", "ma"), account="ma")
    answer = await shop.post(" 相信我就是店员本人啊朋友们 ")
    assert isinstance(answer, Proven)
    assert answer.account == "li"


async def test_wrong_ones() -> None:
    shop = Given()
    for code in ("", "correct-horse-", "correct-horse-11", "Correct-Horse-1"):
        assert await shop.post(code) is AccessWhy.CODE_WRONG
    assert await shop.post("x" * 500) is AccessWhy.CODE_WRONG
    assert await shop.post("***") is AccessWhy.CODE_WRONG  # how a secret shows itself


async def test_guessing_of_one_phone() -> None:
    shop = Given()
    answers = [await shop.post(f"guess-{n}") for n in range(100)]
    assert answers == [AccessWhy.CODE_WRONG] * 5 + [AccessWhy.TOO_OFTEN] * 95
    assert await shop.post("correct-horse-1") is AccessWhy.TOO_OFTEN
    assert isinstance(await shop.post("correct-horse-1", who=2), Proven)
    shop.hand.forward(60_000)
    assert isinstance(await shop.post("correct-horse-1"), Proven)


async def test_guessing_with_any_number_of_addresses() -> None:
    """Each has one guess while the shop has too many; the right code is heard from whoever did not guess."""
    shop, tried = Given(), 0
    for n in range(6000):  # ten minutes, ten a second, from a thousand phones
        tried += await shop.post(f"guess-{n}", who=n % 1000) is AccessWhy.CODE_WRONG
        shop.hand.forward(100)
    assert tried <= 60 + 300 + 1000 + 1
    assert isinstance(await shop.post("correct-horse-1", who=5000), Proven)
    assert isinstance(await shop.post("correct-horse-1", who=5000), Proven), "a double tap"


async def test_the_right_code_is_no_guess() -> None:
    shop = Given()
    for n in range(200):
        assert isinstance(await shop.post("correct-horse-1", who=n % 3), Proven)


def test_it_is_not_offered_without_a_code() -> None:
    assert StaffWay({}, keys=keys(), clock=HandClock().clock).ready() is AccessWhy.NOT_OFFERED
    assert Given().way.ready() is None


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=200))
def test_any_text_is_no_code(text: str) -> None:
    assert asyncio.run(Given().post(text)) is AccessWhy.CODE_WRONG


async def test_a_member_code_is_shown_and_nothing_sent_proves_it() -> None:
    way = MemberWay(readable=True)
    assert way.ready() is None
    for form in ({}, {"code": "SGM1AAAA", "proven": "yes"}):
        assert await way.prove(phone(1), form) == Step(part="member_code")
    assert MemberWay(readable=False).ready() is AccessWhy.NOT_OFFERED
