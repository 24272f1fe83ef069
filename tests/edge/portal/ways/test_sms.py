"""In by SMS: who asks, how often, what a code is worth, what a closed browser costs."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.access_answers import AccessWhy
from edge.cloud_asks import Done, RefusedByCloud
from edge.config_wifi import SmsSection
from edge.portal.asks import Proven, Step
from edge.portal.ways import sms
from edge.portal.ways.sms import GOOD_MS, PAUSE_MS, TRIES, SmsWay, random_code
from tests.edge.portal.ways.given_ways import Cloud, keys, phone
from tests.given import HandClock

NUMBER = "138 1234 5678"
E164 = "+8613812345678"
OTHER = "13900000001"


class Given:
    def __init__(self, *, new_code: Callable[[], str] = random_code, **section: object) -> None:
        self.cloud = Cloud()
        self.hand = HandClock()
        self.keys = keys()
        self.way = SmsWay(
            SmsSection(**({"per_shop_day": 100} | section)),  # type: ignore[arg-type]
            asks=self.cloud,
            keys=self.keys,
            clock=self.hand.clock,
            new_code=new_code,
        )

    async def post(self, who: int = 1, **form: str) -> Proven | Step | AccessWhy:
        return await self.way.prove(phone(who), form)

    @property
    def code(self) -> str:
        return self.cloud.sms[-1].code


@pytest.fixture
def given_sms() -> Given:
    return Given()


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


async def test_number_code_in(given_sms: Given) -> None:
    step = await given_sms.post(number=NUMBER)
    assert isinstance(step, Step)
    assert (step.part, step.why, step.fields["number"], step.fields["tries"]) == ("sms_code", None, "••• 5678", "5")
    (wanted,) = given_sms.cloud.sms
    assert (wanted.number, wanted.language, wanted.minutes) == (E164, "zh-CN", 5)
    assert len(wanted.code) == 6
    proven = await given_sms.post(code=f" {wanted.code[:3]} {wanted.code[3:]}")
    assert proven == Proven(holder=given_sms.keys.holder("phone", E164), account=E164)
    assert "1381234" not in proven.holder
    assert await given_sms.post(code=wanted.code) is AccessWhy.CODE_OVER


async def test_the_page_shows_neither_number_nor_code(given_sms: Given) -> None:
    step = await given_sms.post(number=NUMBER)
    assert "12345678" not in repr(step)
    assert given_sms.code not in repr(step)
    assert given_sms.code not in repr(given_sms.way._sent)


async def test_a_closed_browser_resumes_at_the_code(given_sms: Given) -> None:
    first = await given_sms.post(number=NUMBER)
    assert await given_sms.post() == first
    assert len(given_sms.cloud.sms) == 1
    given_sms.hand.forward(GOOD_MS)
    assert await given_sms.post() is AccessWhy.NUMBER_WRONG


async def test_codes_differ_and_are_not_another_phone_s(given_sms: Given) -> None:
    await given_sms.post(number=NUMBER)
    await given_sms.post(2, number=OTHER)
    first, second = given_sms.cloud.sms
    assert await given_sms.post(2, code=first.code) != Proven(holder="", account=first.number)
    assert await given_sms.post(3, code=second.code) is AccessWhy.CODE_OVER
    assert isinstance(await given_sms.post(2, code=second.code), Proven)


async def test_five_tries(given_sms: Given) -> None:
    await given_sms.post(number=NUMBER)
    for left in range(TRIES - 1, 0, -1):
        step = await given_sms.post(code=wrong(given_sms.code))
        assert isinstance(step, Step)
        assert (step.why, step.fields["tries"]) == (AccessWhy.CODE_WRONG, str(left))
    assert await given_sms.post(code=wrong(given_sms.code)) is AccessWhy.CODE_OVER
    assert await given_sms.post(code=given_sms.code) is AccessWhy.CODE_OVER


async def test_guessing_with_all_of_a_day_s_codes() -> None:
    """A phone that never stops: so many SMS to one number, so many tries each, and never more."""
    world = Given(per_number_day=5)
    tries = 0
    for second in range(0, 23 * 3600, 30):
        answer = await world.post(second % 40 + 1, number=NUMBER)  # another MAC costs nothing
        while isinstance(answer, Step):
            tries += 1
            answer = await world.post(second % 40 + 1, code=wrong(world.code))
            assert not isinstance(answer, Proven)
        world.hand.forward(30_000)
    assert len(world.cloud.sms) == 5
    assert tries == 5 * TRIES


async def test_five_minutes(given_sms: Given) -> None:
    await given_sms.post(number=NUMBER)
    given_sms.hand.forward(GOOD_MS)
    assert await given_sms.post(code=given_sms.code) is AccessWhy.CODE_OVER


async def test_again_after_a_pause_brings_the_same_code_and_no_new_tries(given_sms: Given) -> None:
    await given_sms.post(number=NUMBER)
    await given_sms.post(code=wrong(given_sms.code))
    step = await given_sms.post(again="1")
    assert isinstance(step, Step)
    assert step.why is AccessWhy.TOO_OFTEN
    given_sms.hand.forward(PAUSE_MS)
    step = await given_sms.post(again="1")
    assert isinstance(step, Step)
    assert (step.why, step.fields["tries"]) == (None, "4")
    first, second = given_sms.cloud.sms
    assert first == second
    given_sms.hand.forward(GOOD_MS - 1)
    assert isinstance(await given_sms.post(code=first.code), Proven)


async def test_another_number_brings_another_code() -> None:
    codes = itertools.count(100_000)
    world = Given(new_code=lambda: str(next(codes)))
    await world.post(number=NUMBER)
    world.hand.forward(PAUSE_MS)
    await world.post(number=OTHER)
    assert [each.code for each in world.cloud.sms] == ["100000", "100001"]
    assert isinstance(await world.post(code="100000"), Step)
    proven = await world.post(code="100001")
    assert isinstance(proven, Proven)
    assert proven.account == "+8613900000001"


async def test_again_without_a_code_under_way(given_sms: Given) -> None:
    assert await given_sms.post(again="1") is AccessWhy.CODE_OVER


async def test_budgets_of_number_phone_and_shop() -> None:
    world = Given(per_shop_day=8, per_number_day=2)
    for who in (1, 2, 3):
        answer = await world.post(who, number=NUMBER)
        assert isinstance(answer, Step) is (who < 3)
        world.hand.forward(PAUSE_MS)
    for n in range(9):  # one phone, many numbers: its day is five
        answer = await world.post(9, number=f"1390000000{n}")
        world.hand.forward(GOOD_MS)
        assert (answer is AccessWhy.TOO_OFTEN) is (n >= sms.PER_MAC_DAY)
    assert len(world.cloud.sms) == 7
    answers = [await world.post(20 + n, number=f"1391111111{n}") for n in range(5)]
    assert [isinstance(each, Step) for each in answers] == [True, False, False, False, False]
    world.hand.forward(86_400_000)
    assert isinstance(await world.post(30, number=OTHER), Step)


async def test_pumping_with_any_number_of_addresses() -> None:
    world = Given(per_shop_day=50)
    for n in range(3000):
        await world.post(n + 1, number=f"138{n:08}")
        world.hand.forward(1000)
    assert len(world.cloud.sms) == 50


async def test_a_pause_of_the_number_whoever_asks(given_sms: Given) -> None:
    await given_sms.post(1, number=NUMBER)
    assert await given_sms.post(2, number=NUMBER) is AccessWhy.TOO_OFTEN
    given_sms.hand.forward(PAUSE_MS)
    assert isinstance(await given_sms.post(2, number=NUMBER), Step)


async def test_many_at_once_are_as_one(given_sms: Given) -> None:
    given_sms.cloud.waits = asyncio.Event()
    asking = [asyncio.create_task(given_sms.post(number=NUMBER)) for _ in range(20)]
    await asyncio.sleep(0)
    given_sms.cloud.waits.set()
    answers = await asyncio.gather(*asking)
    assert len(given_sms.cloud.sms) == 1
    assert all(isinstance(each, Step) for each in answers)


async def test_a_wrong_number_costs_nothing(given_sms: Given) -> None:
    for _ in range(50):
        assert await given_sms.post(number="+1 900 555 0100") is AccessWhy.NUMBER_WRONG
    assert isinstance(await given_sms.post(number=NUMBER), Step)
    assert len(given_sms.cloud.sms) == 1


@pytest.mark.parametrize(
    ("why", "wanted"),
    [("number", AccessWhy.NUMBER_WRONG), ("too_often", AccessWhy.TOO_OFTEN), ("failed", AccessWhy.REFUSED)],
)
async def test_the_cloud_says_no(given_sms: Given, why: str, wanted: AccessWhy) -> None:
    given_sms.cloud.answer = RefusedByCloud(why=why)
    assert await given_sms.post(number=NUMBER) is wanted
    assert await given_sms.post(code=given_sms.code) is AccessWhy.CODE_OVER
    given_sms.hand.forward(PAUSE_MS)
    for _ in range(10):
        await given_sms.post(number=NUMBER)
        given_sms.hand.forward(PAUSE_MS)
    assert len(given_sms.cloud.sms) == 5  # what was refused counts too


async def test_no_line_costs_nothing_and_the_earlier_code_stays(given_sms: Given) -> None:
    await given_sms.post(number=NUMBER)
    code = given_sms.code
    given_sms.hand.forward(PAUSE_MS)
    given_sms.cloud.online = False
    for _ in range(10):
        assert await given_sms.post(number=NUMBER) is AccessWhy.OFFLINE
        assert await given_sms.post(2, number=OTHER) is AccessWhy.OFFLINE
    assert isinstance(await given_sms.post(code=code), Proven)
    given_sms.cloud.online = True
    assert isinstance(await given_sms.post(2, number=OTHER), Step)


async def test_no_answer_costs_nothing_and_the_next_sms_brings_the_same_code(given_sms: Given) -> None:
    given_sms.cloud.answer = None
    for _ in range(10):
        assert await given_sms.post(number=NUMBER) is AccessWhy.UNSENT
    given_sms.cloud.answer = Done()
    assert isinstance(await given_sms.post(number=NUMBER), Step)
    assert len({wanted.code for wanted in given_sms.cloud.sms}) == 1
    assert isinstance(await given_sms.post(code=given_sms.code), Proven)


async def test_no_answer_and_it_was_sent_all_the_same(given_sms: Given) -> None:
    given_sms.cloud.answer = None
    assert await given_sms.post(number=NUMBER) is AccessWhy.UNSENT
    assert isinstance(await given_sms.post(code=given_sms.code), Proven)


async def test_no_answer_for_another_number_leaves_the_earlier_code(given_sms: Given) -> None:
    await given_sms.post(number=NUMBER)
    code = given_sms.code
    given_sms.hand.forward(PAUSE_MS)
    given_sms.cloud.answer = None
    assert await given_sms.post(number=OTHER) is AccessWhy.UNSENT
    proven = await given_sms.post(code=code)
    assert isinstance(proven, Proven)
    assert proven.account == E164


async def test_when_it_is_offered() -> None:
    assert Given(per_shop_day=0).way.ready() is AccessWhy.NOT_OFFERED
    world = Given()
    assert world.way.ready() is None
    world.cloud.online = False
    assert world.way.ready() is AccessWhy.OFFLINE
    world.cloud.online, world.cloud.private = True, False
    assert world.way.ready() is AccessWhy.NOT_OFFERED
    assert await world.post(number=NUMBER) is AccessWhy.NOT_OFFERED
    assert not world.cloud.asked


async def test_who_has_a_code_needs_no_line(given_sms: Given) -> None:
    await given_sms.post(number=NUMBER)
    given_sms.cloud.online = False
    assert given_sms.way.ready() is None
    given_sms.hand.forward(GOOD_MS)
    assert given_sms.way.ready() is AccessWhy.OFFLINE


async def test_state_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sms, "MAX_SENT", 10)
    world = Given(per_shop_day=1000)
    for n in range(50):
        await world.post(n + 1, number=f"138{n:08}")
    assert len(world.way._sent) == 10
    assert await world.post(1) is AccessWhy.NUMBER_WRONG
    assert isinstance(await world.post(50), Step)


async def test_the_guest_s_language(given_sms: Given) -> None:
    await given_sms.way.prove(phone(1, language="en"), {"number": NUMBER})
    await given_sms.way.prove(phone(2, language="<script>"), {"number": OTHER})
    assert [each.language for each in given_sms.cloud.sms] == ["en", "zh-CN"]


FIELDS = st.dictionaries(st.sampled_from(["number", "code", "again", "x"]), st.text(max_size=512), max_size=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(FIELDS, max_size=8))
def test_any_form_is_answered(forms: list[Mapping[str, str]]) -> None:
    async def post() -> None:
        world = Given(new_code=lambda: "x")  # no digits: nobody can type it
        await world.post(number=NUMBER)
        for form in forms:
            answer = await world.way.prove(phone(1), form)
            assert isinstance(answer, Step | AccessWhy)
        assert len(world.cloud.asked) == 1

    asyncio.run(post())
