"""What a password becomes, and the arithmetic of each lock, against values worked out by hand."""

from __future__ import annotations

import hashlib

import pytest

from devices.beacons.profile import Unlock
from devices.beacons.provisioning import unlocks
from edge.errors import UsageError


def test_a_password_as_bytes() -> None:
    assert (
        unlocks.secret_bytes(Unlock(scheme="pin-on-commit", max_bytes=8, pad="zero"), "1234").hex()
        == "3132333400000000"
    )
    assert unlocks.secret_bytes(Unlock(encoding="uint", max_bytes=2), "258") == b"\1\2"
    assert unlocks.secret_bytes(Unlock(encoding="hex", min_bytes=4, max_bytes=4), "01020304") == b"\1\2\3\4"


@pytest.mark.parametrize(
    ("unlock", "secret"),
    [
        (Unlock(encoding="hex", max_bytes=4), "not-hexadecimal"),
        (Unlock(encoding="hex", min_bytes=16, max_bytes=16), "0badcafe"),
        (Unlock(encoding="uint", max_bytes=2), "70000"),
        (Unlock(encoding="ascii", max_bytes=8), "пароль-пароль"),
        (Unlock(encoding="ascii", max_bytes=8), "much-too-long-for-it"),
        (Unlock(default="000000"), "000000"),
        (Unlock(default="ffff", encoding="hex"), "FFFF"),
        (Unlock(), ""),
    ],
)
def test_one_that_will_not_do_is_refused_and_not_shown(unlock: Unlock, secret: str) -> None:
    with pytest.raises(UsageError) as caught:
        unlocks.new_secret(unlock, secret)
    assert caught.value.hint
    assert not secret or secret not in f"{caught.value} {caught.value.hint}"


def test_aes_as_in_fips_197() -> None:
    key, block = bytes.fromhex("000102030405060708090a0b0c0d0e0f"), bytes.fromhex("00112233445566778899aabbccddeeff")
    assert unlocks.encrypt(key, block).hex() == "69c4e0d86a7b0430d8cdb78070b4c55a"


def test_kkm_takes_the_address_from_its_end() -> None:
    reversed_address = bytes.fromhex("0605040302c1")
    whole = hashlib.md5(reversed_address + b"\xa9\xb1" + b"abcd" + b"0" * 16).digest()
    assert unlocks.kkm_proof("C1:02:03:04:05:06", b"abcd", b"0" * 16) == whole
    short = unlocks.kkm_proof("C1:02:03:04:05:06", b"abcd", b"0" * 16, short=True)
    assert short == bytes(whole[n] ^ whole[n + 8] for n in range(8))
