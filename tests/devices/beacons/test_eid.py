"""Ephemeral ids and sealed telemetry: known answers, and what a stranger learns (nothing)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.beacons.frames import eid
from devices.beacons.frames.eddystone import EncryptedTlm, Tlm
from devices.beacons.frames.eid import ephemeral_id, seal, unseal
from tests.devices.beacons.test_frames_any import TLMS

KEY = bytes(range(16))
TIMES = st.integers(0, 0xFFFF_FFFF)
EXPONENTS = st.integers(0, 15)


@pytest.mark.parametrize(
    ("exponent", "time_s", "said"),
    [
        (10, 0, "df8e76bbfec4efc5"),
        (10, 0x10000, "ec31ae4cb8abc2d8"),
        (10, 0x12345678, "dbb4dc143e0cf3f3"),
        # by PyCryptodome, laid out as the specification's eidtools.py does it
        (0, 0xFFFF_FFFF, "ce8b1fbf76c53f8c"),
        (15, 0xFFFF_FFFF, "2b0a5389efad8131"),
    ],
)
def test_known_ids(exponent: int, time_s: int, said: str) -> None:
    assert ephemeral_id(KEY, exponent=exponent, time_s=time_s).hex() == said


@pytest.mark.parametrize(
    ("plain", "key", "nonce", "header", "sealed"),
    [
        (
            "", "233952DEE4D5ED5F9B9C6D6FF80FF478", "62EC67F9C3A4A407FCB2A8C49031A8B3", "6BFB914FD07EAE6B",
            "E037830E8389F27B025A2D6527E79D01",
        ),
        (
            "F7FB", "91945D3F4DCBEE0BF45EF52255F095A4", "BECAF043B0A23D843194BA972C66DEBD", "FA3BFD4806EB53FA",
            "19DD5C4C9331049D0BDAB0277408F67967E5",
        ),
        (
            "1A47CB4933", "01F74AD64077F2E704C0F60ADA3DD523", "70C3DB4F0D26368400A10ED05D2BFF5E", "234A3463C1264AC6",
            "D851D5BAE03A59F238A23E39199DC9266626C40F80",
        ),
    ],
)  # fmt: skip
def test_eax_as_its_authors_give_it(plain: str, key: str, nonce: str, header: str, sealed: str) -> None:
    data, tag = eid._eax(*(bytes.fromhex(part) for part in (key, nonce, plain, header)))
    assert (data + tag).hex().upper() == sealed


def test_known_telemetry() -> None:
    """Key, nonce and plain text that a maker's firmware is tried with; sealed by PyCryptodome."""
    key = bytes.fromhex("589417B0324B1B71D7A6751852867AE8")
    frame = EncryptedTlm(bytes.fromhex("d5d89979ae79ebee4e385fa5"), bytes.fromhex("F683"), bytes.fromhex("0efb"))
    tlm = Tlm(None, 28.25, 72, 11.5)
    assert seal(key, tlm, exponent=10, time_s=0x10000 + 1023, salt=b"\xf6\x83") == frame
    assert unseal(key, frame, exponent=10, time_s=0x10000) == tlm


@given(st.binary(min_size=16, max_size=16), TLMS, EXPONENTS, TIMES, st.binary(min_size=2, max_size=2))
def test_sealed_and_unsealed(key: bytes, tlm: Tlm, exponent: int, time_s: int, salt: bytes) -> None:
    frame = seal(key, tlm, exponent=exponent, time_s=time_s, salt=salt)
    assert unseal(key, frame, exponent=exponent, time_s=time_s) == tlm
    wrong = frame._replace(mic=bytes(byte ^ 1 for byte in frame.mic))
    assert unseal(key, wrong, exponent=exponent, time_s=time_s) is None


def test_telemetry_of_another_time_or_beacon_stays_sealed() -> None:
    """The check has 16 bits: of many, next to none pass by accident."""
    tlm = Tlm(3000, 20.0, 1, 1.0)
    frame = seal(KEY, tlm, exponent=4, time_s=1600, salt=b"ab")
    others = [unseal(KEY, frame, exponent=4, time_s=16 * step) for step in range(1000) if step != 100]
    others += [unseal(bytes((number,)) * 16, frame, exponent=4, time_s=1600) for number in range(200)]
    assert sum(other is not None for other in others) <= 1
    assert unseal(KEY, frame._replace(data=b"short"), exponent=4, time_s=1600) is None


@pytest.mark.parametrize(
    ("key", "exponent", "time_s"),
    [(bytes(15), 10, 0), (bytes(17), 10, 0), (KEY, -1, 0), (KEY, 16, 0), (KEY, 10, -1), (KEY, 10, 1 << 32)],
)
def test_what_does_not_fit(key: bytes, exponent: int, time_s: int) -> None:
    with pytest.raises(ValueError, match="wanted"):
        ephemeral_id(key, exponent=exponent, time_s=time_s)


def test_a_short_salt_does_not_fit() -> None:
    with pytest.raises(ValueError, match="wanted 2"):
        seal(KEY, Tlm(3000, None, 0, 0), exponent=1, time_s=0, salt=b"a")
