"""A coupon's text: one spelling, checked before it is believed."""

from __future__ import annotations

import hashlib

import pytest
import segno
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from edge import tokens
from edge.tokens import Token, TokenError, TokenWhy, Verify

KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"gateway 1").digest())
KEY_ID = b"\x01\x02\x03\x04"
SECRET = b"s" * 32
SERIAL = tokens.serial_text(bytes(range(10)))


def verify(signature: bytes, body: bytes) -> bool:
    try:
        KEY.public_key().verify(signature, body)
    except InvalidSignature:
        return False
    return True


KEYS: dict[bytes, Verify] = {KEY_ID: verify}
TOKEN = Token(
    key_id=KEY_ID,
    campaign_tag=tokens.campaign_tag("milk"),
    serial=SERIAL,
    from_hour=498_600,
    life_hours=240,
    holder_tag=tokens.holder_tag("somebody"),
)
TEXT = tokens.encode(TOKEN, KEY.sign)


def refused(text: str) -> TokenWhy:
    with pytest.raises(TokenError) as caught:
        tokens.decode(text, KEYS)
    return caught.value.why


def test_a_token_is_152_characters_of_alphanumeric_mode_and_a_version_6_code() -> None:
    assert len(TEXT) == 152
    code = segno.make(TEXT, error="m", boost_error=False)
    assert (code.version, code.mode) == (6, "alphanumeric")


@given(
    st.binary(min_size=10, max_size=10),
    st.integers(0, 2**24 - 1),
    st.integers(0, 2**24 - 1),
    st.text(max_size=20),
)
def test_what_was_put_in_comes_out(raw: bytes, hour: int, life: int, holder: str) -> None:
    token = Token(
        key_id=KEY_ID,
        campaign_tag=tokens.campaign_tag("c"),
        serial=tokens.serial_text(raw),
        from_hour=hour,
        life_hours=life,
        holder_tag=tokens.holder_tag(holder),
    )
    assert tokens.decode(tokens.encode(token, KEY.sign), KEYS) == token


@given(st.integers(0, 151), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
def test_no_changed_character_is_believed(place: int, letter: str) -> None:
    forged = TEXT[:place] + letter + TEXT[place + 1 :]
    if forged != TEXT:
        assert refused(forged) in {TokenWhy.SIGNATURE, TokenWhy.UNKNOWN_KEY, TokenWhy.VERSION}


@settings(max_examples=300)
@given(st.text(max_size=400))
def test_any_text_is_a_typed_refusal(text: str) -> None:
    refused(text)
    with pytest.raises(TokenError):
        tokens.serial_of_short(text, SECRET)
    tokens.looks_like_coupon(text)
    tokens.tidy(text)


def test_each_refusal_has_its_reason() -> None:
    assert refused("") is TokenWhy.LENGTH
    assert refused(TEXT + "A") is TokenWhy.LENGTH
    assert refused(TEXT.lower()) is TokenWhy.ALPHABET
    assert refused("A" * 152) is TokenWhy.VERSION
    with pytest.raises(TokenError) as caught:
        tokens.decode(TEXT, {})
    assert caught.value.why is TokenWhy.UNKNOWN_KEY


def test_a_short_code_is_26_characters_and_good_only_where_it_was_issued() -> None:
    short = tokens.short_code(SERIAL, SECRET)
    assert len(short) == 26
    assert tokens.serial_of_short(short, SECRET) == SERIAL
    with pytest.raises(TokenError):
        tokens.serial_of_short(short, b"another shop's secret")


@given(st.binary(min_size=10, max_size=10), st.integers(0, 25), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
def test_a_mistyped_short_code_is_refused(raw: bytes, place: int, letter: str) -> None:
    short = tokens.short_code(tokens.serial_text(raw), SECRET)
    typed = short[:place] + letter + short[place + 1 :]
    if typed != short:
        with pytest.raises(TokenError):
            tokens.serial_of_short(typed, SECRET)


def test_people_and_scanners_give_it_in_many_ways() -> None:
    short = tokens.short_code(SERIAL, SECRET)
    spelled = "-".join(short[i : i + 4] for i in range(0, 26, 4)).lower().replace("o", "0")
    assert tokens.tidy(spelled) == short
    assert tokens.tidy(f"http://192.168.7.1:8080/c/{TEXT}?x=1") == TEXT
    assert tokens.tidy(f" {TEXT.swapcase()}\r") == TEXT
    assert tokens.tidy("x" * 5000) == ""


def test_the_form_of_a_coupon_is_told_from_other_codes() -> None:
    short = tokens.short_code(SERIAL, SECRET)
    for text in (TEXT, TEXT.lower(), short, f"HTTP://SHOP.LAN/C/{TEXT}", f"https://shop.lan/c/{TEXT}"):
        assert tokens.looks_like_coupon(text), text
    for text in ("", "6901234567892", "SGM1ABCDEF", "A" * 152, short[:-1] + "B", "x" * 5000, "https://shop.lan/p/1"):
        assert not tokens.looks_like_coupon(text), text
