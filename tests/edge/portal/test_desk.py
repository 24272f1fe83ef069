"""What the portal's desk takes from phones, kiosks and staff: whose form it is, what was accepted, who is let in."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from edge import events as ev
from edge.access_answers import AccessRefusal, AccessWhy, Admitted, LeftReason, Way
from edge.board import State
from edge.errors import JournalRefusedError
from edge.events import Code, CodeKind
from edge.ids import StationId
from edge.policies import Logs, load
from edge.portal.asks import Proven, Step
from edge.shop import Hours, Limit
from tests.edge.portal.given_portal_desk import wifi

PHONE1 = "02:00:00:00:00:01"


async def test_a_click_lets_in_and_the_gate_knows_before_the_guest_does(tmp_path: Path) -> None:
    async with wifi(tmp_path) as shop:
        answer = await shop.let_in(marketing="yes")
        assert answer.way is Way.CLICK
        guest = await shop.phone()
        assert guest.standing is not None
        assert guest.standing.session == answer.session
        assert shop.gate == {PHONE1: guest.standing.mark}
        ((kind, news),) = await shop.news()
        assert (kind, news["consent"], news["marketing"], news["way"]) == ("guest.admitted.v1", "none/1", True, "click")
        assert shop.board.wifi.admitted == {"click": 1}
        assert "02:00" not in str(news)


async def test_a_stranger_is_nobodys_guest(tmp_path: Path) -> None:
    async with wifi(tmp_path) as shop:
        assert await shop.desk.guest("192.168.1.5", 40_000, language="en") is None


async def test_a_form_is_one_phones_and_half_an_hour_good(tmp_path: Path) -> None:
    async with wifi(tmp_path) as shop:
        one, two = await shop.phone(1), await shop.phone(2)
        form = shop.form(one)
        for wrong in ({**form, "token": ""}, {**form, "token": "x" * 56}, {**form, "token": form["token"][:-1] + "."}):
            answer = await shop.desk.enter(Way.CLICK, one, wrong)
            assert answer == AccessRefusal(why=AccessWhy.STALE)
        assert await shop.desk.enter(Way.CLICK, two, form) == AccessRefusal(why=AccessWhy.STALE)
        shop.hand.forward(1_800_001)
        assert await shop.desk.enter(Way.CLICK, one, form) == AccessRefusal(why=AccessWhy.STALE)
        assert isinstance(await shop.desk.enter(Way.CLICK, one, shop.form(one)), Admitted)
        assert shop.board.wifi.refused == {"stale": 5}


async def test_the_terms_in_force_must_be_accepted(tmp_path: Path) -> None:
    async with wifi(tmp_path) as shop:
        guest = await shop.phone()
        for consent in ("", "none/0", "cn/1", "n" * 600):
            answer = await shop.desk.enter(Way.CLICK, guest, {**shop.form(guest), "consent": consent})
            assert answer == AccessRefusal(why=AccessWhy.NO_CONSENT)


async def test_what_the_shop_does_not_offer_or_the_policy_forbids_is_no_way_in(tmp_path: Path) -> None:
    async with wifi(tmp_path, policy=load("cn")) as shop:
        assert await shop.why(1, Way.CLICK) is AccessWhy.NOT_OFFERED
        assert [way for way, _ in shop.desk.view().ways] == [Way.SMS, Way.STAFF]
        shop.set(ways=(Way.CLICK,))
        assert await shop.why(1, Way.STAFF) is AccessWhy.NOT_OFFERED
        assert await shop.why(1, Way.PASS) is AccessWhy.NOT_OFFERED
        assert shop.desk.view().ways == ()


async def test_while_the_gate_is_down_nobody_new_gets_in(tmp_path: Path) -> None:
    async with wifi(tmp_path) as shop:
        shop.board.wifi.gate = State.WAITING
        assert not shop.desk.view().gate_up
        assert await shop.why() is AccessWhy.GATE_DOWN
        shop.sms.is_ready = AccessWhy.OFFLINE
        shop.board.wifi.gate = State.UP
        assert await shop.why(1, Way.SMS) is AccessWhy.OFFLINE
        shop.board.wifi.uplink = False
        view = shop.desk.view()
        assert (view.offline, dict(view.ways)[Way.SMS], dict(view.ways)[Way.CLICK]) == (True, AccessWhy.OFFLINE, None)


async def test_out_of_hours_only_staff_come_in(tmp_path: Path) -> None:
    async with wifi(tmp_path) as shop:
        at = shop.desk.now().at
        day = (at.weekday() + 2) % 7 + 1  # the day after tomorrow, whatever the timezone
        shop.set(hours=(Hours(days=(day,), opens="09:00", closes="21:00"),))
        view = shop.desk.view()
        assert (view.is_open, view.closes_ms) == (False, None)
        answer = await shop.enter()
        assert answer == AccessRefusal(why=AccessWhy.CLOSED, again_ms=view.opens_ms)
        assert isinstance(await shop.let_in(1, Way.STAFF), Admitted)
        shop.hand.synced = False
        shop.hand.wall_ms -= 10_000_000  # behind what is known to be past: unset
        assert shop.desk.view().is_open


async def test_a_gate_that_refuses_is_no_yes_and_nothing_is_left_of_it(tmp_path: Path) -> None:
    async with wifi(tmp_path, guest_devices=1) as shop:
        shop.gate_refuses = True
        assert await shop.why() is AccessWhy.GATE_DOWN
        shop.sms.says = Step(part="wechat", pass_s=90)
        assert await shop.why(2, Way.SMS) is AccessWhy.GATE_DOWN
        assert await shop.office.guests() == ()
        shop.gate_refuses = False
        await shop.let_in()
        shop.gate_refuses = True
        assert isinstance(await shop.let_in(), Admitted), "who is in the kernel stays in"
        assert len(await shop.office.guests()) == 1
        shop.gate.clear()  # the gate lost them: not on, until they are put back
        assert (await shop.phone()).standing is None


async def test_a_step_is_found_again_and_forgotten_when_it_is_done(tmp_path: Path) -> None:
    async with wifi(tmp_path) as shop:
        shop.sms.says = Step(part="sms_code", fields={"number": "138****0000"})
        assert await shop.enter(1, Way.SMS, number="13800000000") == shop.sms.says
        guest = await shop.phone()
        assert shop.desk.begun(guest) == (Way.SMS, shop.sms.says)
        wrong = Step(part="sms_code", why=AccessWhy.CODE_WRONG)
        shop.sms.says = wrong
        assert await shop.enter(1, Way.SMS, code="1") == wrong
        begun = shop.desk.begun(guest)
        assert begun is not None
        assert begun[1].why is None
        assert shop.desk.begun(await shop.phone(2)) is None
        shop.sms.says = Proven(holder="phone-" + "a" * 32, account="13800000000")
        await shop.let_in(1, Way.SMS, code="123456")
        assert shop.desk.begun(guest) is None


async def test_a_step_is_over_after_ten_minutes_or_at_a_word(tmp_path: Path) -> None:
    async with wifi(tmp_path) as shop:
        await shop.enter(1, Way.SMS)
        guest = await shop.phone()
        shop.desk.forget(guest)
        assert shop.desk.begun(guest) is None
        await shop.enter(1, Way.SMS)
        shop.hand.forward(600_000)
        assert shop.desk.begun(guest) is None


async def test_a_step_to_an_app_gets_a_pass_first(tmp_path: Path) -> None:
    async with wifi(tmp_path) as shop:
        shop.sms.says = Step(part="wechat", pass_s=90)
        for _ in range(3):
            assert isinstance(await shop.enter(1, Way.SMS), Step)
            assert list(shop.gate) == [PHONE1]
            shop.hand.forward(90_000)
            await shop.pump.submit(ev.TimePassed(at=shop.hand.clock.now()))
            assert shop.gate == {}
        answer = await shop.enter(1, Way.SMS)
        assert isinstance(answer, AccessRefusal)
        assert answer.why is AccessWhy.TOO_OFTEN
        assert await shop.news() == []
        assert shop.board.wifi.admitted == {}


async def test_ways_see_no_field_that_is_too_long(tmp_path: Path) -> None:
    async with wifi(tmp_path) as shop:
        await shop.enter(1, Way.SMS, number="1" * 513, other="x" * 512)
        assert "number" not in shop.sms.forms[0]
        assert shop.sms.forms[0]["other"] == "x" * 512


async def test_one_phone_is_bounded_and_another_is_not(tmp_path: Path) -> None:
    async with wifi(tmp_path) as shop:
        shop.sms.says = AccessWhy.CODE_WRONG
        found = [await shop.why(1, Way.SMS) for _ in range(31)]
        assert found[:30] == [AccessWhy.CODE_WRONG] * 30
        assert found[30] is AccessWhy.TOO_OFTEN
        await shop.let_in(2)


async def test_out_by_themselves_and_by_the_staff(tmp_path: Path) -> None:
    async with wifi(tmp_path) as shop:
        for number in (1, 2, 3):
            await shop.let_in(number)
        await shop.desk.leave(await shop.phone(1))
        await shop.desk.leave(await shop.phone(1))
        guests = await shop.office.guests()
        assert len(guests) == 2
        assert await shop.desk.end(guests[0].session) == 1
        assert await shop.desk.end("nobody") == 0
        assert await shop.desk.end(None) == 1
        assert shop.gate == {}
        reasons = [news["reason"] for kind, news in await shop.news() if kind == "guest.left.v1"]
        assert reasons == [LeftReason.LOGOUT, LeftReason.STAFF, LeftReason.STAFF]


async def test_a_phone_that_says_it_is_another_one_is_nobody(tmp_path: Path) -> None:
    async with wifi(tmp_path) as shop:
        await shop.let_in(1)
        shop.network.sure = False
        assert await shop.desk.guest("10.64.0.1", 40_000, language="en") is None


async def test_while_nobody_can_tell_whose_request_it_is_nothing_is_done_in_a_guests_name(tmp_path: Path) -> None:
    """The gate is away: pages are shown by what neighbours say, and that is all."""
    async with wifi(tmp_path) as shop:
        await shop.let_in(1)
        shop.member.says = Step(part="member_code")
        await shop.enter(2, Way.MEMBER)
        shop.network.sure = None
        guest, half_way = await shop.phone(1), await shop.phone(2)
        assert guest.standing is not None
        assert not await shop.desk.leave(guest)
        for _ in range(40):  # and nothing is counted against the phone
            answer = await shop.desk.enter(Way.CLICK, guest, shop.form(guest))
            assert answer == AccessRefusal(why=AccessWhy.GATE_DOWN)
        assert shop.desk.begun(half_way) is None
        shop.desk.forget(half_way)
        assert await shop.desk.member_code(half_way) == ""
        assert len(shop.gate) == 1
        shop.network.sure = True
        assert shop.desk.begun(half_way) is None, "who was not sure once does not become so"
        again = await shop.phone(2)
        assert shop.desk.begun(again) is not None
        assert await shop.desk.leave(await shop.phone(1))
        assert shop.gate == {}


async def test_who_has_a_wallet_comes_back_and_a_phone_alone_is_another_tomorrow(tmp_path: Path) -> None:
    async with wifi(tmp_path, guest_devices=1) as shop:
        wallet = "wallet-" + "b" * 32
        await shop.let_in(1, Way.CLICK, wallet)
        await shop.let_in(2)
        shop.hand.forward(26 * 3_600_000)
        await shop.pump.submit(ev.TimePassed(at=shop.hand.clock.now()))
        assert (await shop.let_in(9, Way.CLICK, wallet)).returning  # a new MAC
        assert not (await shop.let_in(2)).returning
        told = [news["visitor"] for kind, news in await shop.news() if kind == "guest.admitted.v1"]
        assert len(set(told)) == 4  # days can't be joined


async def test_a_full_disk_is_said_and_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with wifi(tmp_path) as shop:

        async def full(_: object) -> object:
            raise JournalRefusedError("disk_full", "full")  # type: ignore[arg-type]

        monkeypatch.setattr(shop.pump, "submit", full)
        assert await shop.why() is AccessWhy.OTHER
        assert shop.gate == {}


# --- member codes ----------------------------------------------------------------------------------------


def scanned(text: str) -> Code:
    return Code(kind=CodeKind.MEMBER, value=text)


async def test_a_code_shown_to_a_kiosk_lets_the_phone_in_that_shows_it(tmp_path: Path) -> None:
    async with wifi(tmp_path) as shop:
        wallet = "wallet-" + "b" * 32
        guest = await shop.phone(1, wallet=wallet)
        assert await shop.desk.member_code(guest) == ""  # nothing was accepted yet
        step = await shop.enter(1, Way.MEMBER, wallet, marketing="yes")
        assert isinstance(step, Step)
        code = step.fields["code"]
        again = await shop.desk.member_code(guest)
        assert again not in {"", code}
        assert not any(part in code for part in ("020000000001", "B" * 8))
        answer = await shop.desk.shown(scanned(code), StationId("kiosk-1"))
        assert isinstance(answer, Admitted)
        assert list(shop.gate) == [PHONE1]
        assert await shop.desk.shown(scanned(again), StationId("kiosk-2")) == answer
        ((_, news),) = await shop.news()
        assert (news["way"], news["marketing"]) == ("member", True)
        assert await shop.desk.member_code(guest) == ""


async def test_an_old_code_one_of_other_terms_and_a_forged_one_are_refused(tmp_path: Path) -> None:
    async with wifi(tmp_path) as shop:
        step = await shop.enter(1, Way.MEMBER)
        assert isinstance(step, Step)
        code = step.fields["code"]
        for wrong in ("SGM1" + "A" * 96, code[:-1] + ("A" if code[-1] != "A" else "B"), "SGM1", "", code + "A"):
            assert await shop.desk.shown(scanned(wrong), None) == AccessRefusal(why=AccessWhy.CODE_OVER)
        shop.set(ways=(Way.CLICK,))
        assert await shop.desk.shown(scanned(code), None) == AccessRefusal(why=AccessWhy.NOT_OFFERED)
        shop.set(ways=(Way.MEMBER,))
        shop.board.wifi.gate = State.DOWN
        assert await shop.desk.shown(scanned(code), None) == AccessRefusal(why=AccessWhy.GATE_DOWN)
        shop.board.wifi.gate = State.UP
        shop.desk._policy = msgspec.structs.replace(load("none"), version=2)
        assert await shop.desk.shown(scanned(code), None) == AccessRefusal(why=AccessWhy.NO_CONSENT)
        shop.desk._policy = load("none")
        shop.hand.forward(4 * 60_000)
        assert await shop.desk.shown(scanned(code), None) == AccessRefusal(why=AccessWhy.CODE_OVER)
        assert shop.gate == {}


# --- vouchers --------------------------------------------------------------------------------------------


async def test_a_voucher_is_typed_as_people_type(tmp_path: Path) -> None:
    async with wifi(tmp_path) as shop:
        made = await shop.office.make(2, minutes=30)
        assert not isinstance(made, AccessRefusal)
        first, second = made.codes
        typed = f" {first[:4].lower()} {first[4:8]}-{first[8:]} ".replace("O", "0").replace("B", "8")
        answer = await shop.let_in(1, Way.VOUCHER, voucher=typed)
        assert answer.to_ms == shop.hand.wall_ms + 30 * 60_000
        dump = await shop.journal.read(lambda db: "\n".join(db.iterdump()))
        assert first not in dump
        assert second not in dump


async def test_guesses_are_bounded_and_write_nothing(tmp_path: Path) -> None:
    async with wifi(tmp_path) as shop:
        made = await shop.office.make(1, minutes=30)
        assert not isinstance(made, AccessRefusal)
        before = shop.journal.last_seq
        found = await asyncio.gather(*(shop.why(1, Way.VOUCHER, voucher=f"ABCDEFGHIJK{each}") for each in "ABCDEFGHIJ"))
        assert sorted(found) == [AccessWhy.TOO_OFTEN] * 2 + [AccessWhy.VOUCHER_UNKNOWN] * 8
        assert await shop.why(1, Way.VOUCHER, voucher=made.codes[0]) is AccessWhy.TOO_OFTEN
        assert shop.journal.last_seq == before
        for _ in range(12):  # the right one is no guess
            await shop.let_in(2, Way.VOUCHER, voucher=made.codes[0])
        for number in range(3, 60):
            for each in "ABCDEFGH":
                await shop.enter(number, Way.VOUCHER, voucher=f"ABCDEFGHIJK{each}")
        await shop.let_in(2, Way.VOUCHER, voucher=made.codes[0])  # whatever others guess


@pytest.mark.parametrize(
    "text", ["", "AAAA", "A" * 13, "A" * 5000, "ABCDEFGHIJK1\n!", "ÄBCDEFGHIJKL", "\0" * 12, "١" * 12]
)
async def test_what_is_no_code_costs_no_guess(tmp_path: Path, text: str) -> None:
    async with wifi(tmp_path) as shop:
        for _ in range(20):
            assert await shop.why(1, Way.VOUCHER, voucher=text) is AccessWhy.VOUCHER_UNKNOWN


# --- records ---------------------------------------------------------------------------------------------


async def test_records_are_sealed_and_hold_what_the_policy_names(tmp_path: Path) -> None:
    policy = msgspec.structs.replace(load("none"), logs=Logs(keep_days=60, fields=("mac", "account")))
    async with wifi(tmp_path, policy=policy) as shop:
        shop.sms.says = Proven(holder="phone-" + "a" * 32, account="13800000000")
        await shop.let_in(1, Way.SMS)
        shop.hand.forward(60_000)
        await shop.desk.leave(await shop.phone())
        await shop.let_in(2)
        dump = await shop.journal.read(lambda db: "\n".join(db.iterdump()))
        assert "13800000000" not in dump
        assert "02:00:00:00:00:01" not in dump
        first, second = [line async for line in shop.office.records(from_ms=0, to_ms=2**53)]
        assert (first.mac, first.address, first.account, first.way) == (PHONE1, "", "13800000000", "sms")
        assert first.since < first.until == second.since
        assert (second.until, second.way, second.readable) == ("", "click", True)


async def test_a_record_of_a_lost_key_is_told_as_that(tmp_path: Path) -> None:
    policy = msgspec.structs.replace(load("none"), logs=Logs(keep_days=60, fields=("mac",)))
    async with wifi(tmp_path, policy=policy) as shop:
        await shop.let_in()
        shop.office._record_key = bytes(32)
        (line,) = [each async for each in shop.office.records(from_ms=0, to_ms=2**53)]
        assert (line.readable, line.mac) == (False, "")


async def test_without_a_policy_that_asks_nothing_is_written_down(tmp_path: Path) -> None:
    async with wifi(tmp_path) as shop:
        await shop.let_in()
        assert [line async for line in shop.office.records(from_ms=0, to_ms=2**53)] == []


async def test_limits_of_the_document_are_what_guests_get(tmp_path: Path) -> None:
    async with wifi(tmp_path) as shop:
        shop.set(limits={Way.CLICK: Limit(minutes=5, megabytes=1)})
        answer = await shop.let_in()
        assert (answer.to_ms, answer.left_bytes) == (shop.hand.wall_ms + 300_000, 1_000_000)
