"""Forms' tokens, member codes, vouchers' codes, records: what is ours is read back, and nothing else is."""

from __future__ import annotations

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.access_answers import Way
from edge.clock import Stamp
from edge.ids import Mac
from edge.policies import Logs, load
from edge.portal import codes, record, tokens
from edge.portal.asks import Guest
from tests.given import NOON_MS, stamp

KEY, OTHER = b"k" * 32, b"o" * 32
PHONE, ANOTHER = Mac("02:00:00:00:00:01"), Mac("02:00:00:00:00:02")
TOKEN = tokens.form_token(KEY, PHONE, now=stamp(), random=bytes(tokens.FORM_RANDOM_BYTES))
CODE = tokens.MemberCode(
    mac=PHONE,
    holder="wallet-" + "0a" * 16,
    consent=tokens.terms_tag("none/1"),
    marketing=True,
    end_minute=NOON_MS // 60_000 + 3,
)
SEALED = tokens.member_code(KEY, CODE, nonce=bytes(tokens.CODE_NONCE_BYTES))


def later(ms: int, *, boot_id: str = "boot0") -> Stamp:
    return msgspec.structs.replace(stamp(NOON_MS + ms), boot_id=boot_id)


def test_a_form_token_is_one_phones_half_an_hour_long() -> None:
    def good(token: str = TOKEN, *, key: bytes = KEY, mac: Mac = PHONE, now: Stamp | None = None) -> bool:
        return tokens.form_token_is(key, mac, token, now=now or stamp())

    assert good()
    assert good(now=later(tokens.FORM_MS))
    assert not good(now=later(tokens.FORM_MS + 1))
    assert not good(now=later(-1))
    assert not good(key=OTHER)
    assert not good(mac=ANOTHER)
    assert "02" * 3 not in base64.urlsafe_b64decode(TOKEN).hex()


def test_a_clock_that_is_set_spoils_no_form_and_a_restart_asks_the_wall_clock() -> None:
    jumped = msgspec.structs.replace(stamp(NOON_MS + 86_400_000), monotonic_ms=1_000_001)
    assert tokens.form_token_is(KEY, PHONE, TOKEN, now=jumped)
    assert tokens.form_token_is(KEY, PHONE, TOKEN, now=later(60_000, boot_id="boot1"))
    assert not tokens.form_token_is(KEY, PHONE, TOKEN, now=later(tokens.FORM_MS + 1, boot_id="boot1"))


@given(st.one_of(st.text(), st.text("ABCabc012-_=+/", min_size=56, max_size=56), st.binary().map(repr)))
def test_no_other_text_is_a_token_or_a_code(text: str) -> None:
    assert not tokens.form_token_is(KEY, PHONE, text, now=stamp())
    assert tokens.member_code_of(KEY, text, at_ms=NOON_MS) is None


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from("ABCabc012-_"))
def test_a_changed_token_is_none(place: int, letter: str) -> None:
    changed = TOKEN[:place] + letter + TOKEN[place + 1 :]
    assert tokens.form_token_is(KEY, PHONE, changed, now=stamp()) is (changed == TOKEN)


def test_a_member_code_is_read_back_until_its_minute() -> None:
    assert tokens.looks_like_member_code(SEALED)
    assert tokens.member_code_of(KEY, SEALED, at_ms=NOON_MS) == CODE
    assert tokens.member_code_of(KEY, SEALED, at_ms=CODE.end_minute * 60_000 - 1) == CODE
    assert tokens.member_code_of(KEY, SEALED, at_ms=CODE.end_minute * 60_000) is None
    assert tokens.member_code_of(OTHER, SEALED, at_ms=NOON_MS) is None
    for hidden in (bytes.fromhex("020000000001"), bytes.fromhex("0a" * 8)):
        assert hidden not in base64.b32decode(SEALED[4:])


@given(st.integers(4, len(SEALED) - 1), st.sampled_from("ABCXYZ234567"))
def test_a_changed_member_code_is_none(place: int, letter: str) -> None:
    changed = SEALED[:place] + letter + SEALED[place + 1 :]
    assert (tokens.member_code_of(KEY, changed, at_ms=NOON_MS) is not None) is (changed == SEALED)


@pytest.mark.parametrize("holder", ["", "wallet", "wallet-xyz", "nobody-" + "0" * 32, "wallet-" + "0" * 33])
def test_a_code_is_made_for_a_holder_only(holder: str) -> None:
    with pytest.raises(ValueError, match="holder"):
        tokens.member_code(KEY, CODE._replace(holder=holder), nonce=bytes(tokens.CODE_NONCE_BYTES))


@pytest.mark.parametrize("kind", tokens.KINDS)
def test_every_kind_of_holder_fits(kind: str) -> None:
    code = CODE._replace(holder=f"{kind}-{'5c' * 16}")
    text = tokens.member_code(KEY, code, nonce=bytes(tokens.CODE_NONCE_BYTES))
    assert tokens.member_code_of(KEY, text, at_ms=NOON_MS) == code


# --- vouchers' codes -------------------------------------------------------------------------------------


@given(st.binary(min_size=8, max_size=8))
def test_a_code_is_read_as_people_type_it(random: bytes) -> None:
    code = codes.code(random)
    assert len(code) == 12
    typed = codes.grouped(code).lower().replace("o", "0").replace("i", "1").replace("b", "8")
    assert codes.tidy(f"  {typed} ") == code
    assert codes.hashed(KEY, code) != codes.hashed(OTHER, code)


@given(st.text())
def test_what_looks_like_no_code_is_none(text: str) -> None:
    found = codes.tidy(text)
    assert found is None or (len(found) == 12 and found.isascii())


# --- records ---------------------------------------------------------------------------------------------

GUEST = Guest(address="10.64.0.7", mac=PHONE)


def test_a_record_holds_what_the_policy_names_and_opens_for_its_session_alone() -> None:
    policy = load("cn")
    sealed = record.seal(KEY, policy, session="s1", guest=GUEST, way=Way.SMS, account="138" + "0" * 8)
    assert record.opened(KEY, sealed, session="s1") == record.Record(
        way="sms", mac=PHONE.colons, address="10.64.0.7", account="138" + "0" * 8
    )
    assert record.opened(KEY, sealed, session="s2") is None
    assert record.opened(OTHER, sealed, session="s1") is None
    some = msgspec.structs.replace(policy, logs=Logs(keep_days=1, fields=("address",)))
    sealed = record.seal(KEY, some, session="s1", guest=GUEST, way=Way.SMS, account="x")
    assert record.opened(KEY, sealed, session="s1") == record.Record(way="sms", address="10.64.0.7")


def test_a_policy_that_names_nothing_seals_nothing() -> None:
    policy = msgspec.structs.replace(load("none"), logs=Logs())
    assert record.seal(KEY, policy, session="s", guest=GUEST, way=Way.CLICK, account="") == b""


@given(st.binary(max_size=80))
def test_damage_is_no_record(sealed: bytes) -> None:
    assert record.opened(KEY, sealed, session="s") is None
