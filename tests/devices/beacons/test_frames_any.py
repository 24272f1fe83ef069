"""Whatever the air brings: nothing but a frame or None, and what was built is read again."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devices.beacons import frames
from devices.beacons.advert import APPLE, EDDYSTONE
from devices.beacons.frames import ad, altbeacon, eddystone, ibeacon
from devices.beacons.frames.altbeacon import AltBeacon
from devices.beacons.frames.eddystone import Eid, EncryptedTlm, Tlm, Uid, Url
from tests.devices.beacons.given_frames import CATCHES, caught, heard

UINT16, UINT32 = st.integers(0, 0xFFFF), st.integers(0, 0xFFFF_FFFF)
BELOW = st.none() | st.integers(-128, -1)
POWER = st.integers(-128, 127)


def some(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


REST = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=17)
URLS = st.tuples(st.sampled_from(eddystone.SCHEMES), REST, st.sampled_from(("", *eddystone.EXPANSIONS))).map("".join)
TEMPERATURES = st.none() | st.integers(-0x7FFF, 0x7FFF).map(lambda value: value / 256)
TLMS = st.builds(
    Tlm,
    battery_mv=st.none() | st.integers(1, 0xFFFF),
    temperature_c=TEMPERATURES,
    adverts=UINT32,
    uptime_s=UINT32.map(lambda tenths: tenths / 10),
)
EDDYSTONES = st.one_of(
    st.builds(Uid, tx_power_dbm=POWER, namespace=some(10), instance=some(6)),
    st.builds(EncryptedTlm, data=some(12), salt=some(2), mic=some(2)),
    st.builds(Eid, tx_power_dbm=POWER, eid=some(8)),
    TLMS,
)


@given(some(16), UINT16, UINT16, BELOW, st.binary(max_size=8))
def test_ibeacons_there_and_back(uuid: bytes, major: int, minor: int, power: int | None, extra: bytes) -> None:
    data = ibeacon.build(uuid, major, minor, power, extra=extra)
    beacon = ibeacon.parse(data)
    assert beacon == (uuid, major, minor, power, extra)
    assert beacon.id == ibeacon.id_of(str(UUID(bytes=uuid)), major, minor) == data[2:22]


@given(some(16), UINT16, UINT16, BELOW, st.none() | st.integers(0, 255))
def test_ibeacons_through_the_air(uuid: bytes, major: int, minor: int, power: int | None, flags: int | None) -> None:
    data = ibeacon.build(uuid, major, minor, power)
    assert heard(ibeacon.advertising_data(data, flags=flags)).manufacturer == {APPLE: data}


@given(UINT16, some(20), BELOW, st.integers(0, 255))
def test_altbeacons_there_and_back(company: int, beacon_id: bytes, power: int | None, reserved: int) -> None:
    beacon = AltBeacon(company, beacon_id, power, reserved)
    assert altbeacon.parse(company, altbeacon.build(beacon)) == beacon
    assert beacon in frames.all_of(heard(altbeacon.advertising_data(beacon)))


@given(EDDYSTONES)
def test_eddystones_there_and_back(frame: eddystone.Frame) -> None:
    assert eddystone.parse(eddystone.build(frame)) == frame
    assert frames.read(heard(eddystone.advertising_data(frame))) == frame


@given(POWER, URLS)
@example(power=0, url="https://www.a.com.cn/.com")
@example(power=0, url="http://www..org/")
def test_urls_there_and_back(power: int, url: str) -> None:
    try:
        data = eddystone.build(Url(power, url))
    except ValueError:  # too long; see test_urls_that_cannot_be_sent
        assert len(url) > 17
    else:
        assert eddystone.parse(data) == Url(power, url)


@given(st.binary(max_size=20))
def test_a_url_that_was_heard_gets_no_longer(data: bytes) -> None:
    if (url := eddystone.decode_url(data)) is not None:
        again = eddystone.encode_url(url)
        assert len(again) <= len(data)
        assert eddystone.decode_url(again) == url


READERS: list[Callable[[bytes], object]] = [
    ibeacon.parse,
    lambda data: altbeacon.parse(0x0118, data),
    eddystone.parse,
    eddystone.decode_url,
    lambda data: list(ad.structures(data)),
]
HEADS = st.sampled_from([b"", b"\x02\x15", b"\xbe\xac", b"\0", b"\x10\0\3", b"\x20\0", b"\x20\1", b"\x30", b"\x22"])


@given(HEADS, st.binary(max_size=60))
def test_nothing_that_is_heard_raises(head: bytes, tail: bytes) -> None:
    data = head + tail
    for reader in READERS:
        reader(data)
    advert = heard(data)
    whole = advert._replace(
        manufacturer={APPLE: data, frames.KKM: data, 0x0118: data},
        service_data={EDDYSTONE: data, **advert.service_data},
    )
    for one in (advert, whole):
        percent = frames.battery_percent(one)
        assert percent is None or 0 <= percent <= 100
        for frame in frames.all_of(one):
            frames.measured_power_dbm(frame)


@pytest.mark.parametrize("name", CATCHES)
def test_a_frame_that_was_cut_is_no_frame_or_the_same(name: str) -> None:
    """At every length, also of the fields inside."""
    whole, data = caught(name), bytes.fromhex(CATCHES[name])
    frame = frames.read(whole)
    for length in range(len(data)):
        assert frames.read(heard(data[:length])) in {None, frame}
    for company, field in whole.manufacturer.items():
        for length in range(len(field)):
            cut = frames.read(whole._replace(manufacturer={company: field[:length]}, service_data={}))
            assert cut is None or cut[:4] == (frame or ())[:4]
            assert (cut is None) == (length < (24 if name == "altbeacon" else 23))
    field = whole.service_data.get(EDDYSTONE, b"")
    least = {0x00: 18, 0x10: 4, 0x20: 18 if field[1:2] == b"\1" else 14, 0x30: 10}.get(field[0], 0) if field else 0
    for length in range(len(field)):
        cut = eddystone.parse(field[:length])
        assert (cut is None) == (length < least)
        if not isinstance(cut, Url):
            assert cut in {None, frame}


def test_no_more_than_eight_bytes_are_kept_of_what_follows() -> None:
    beacon = ibeacon.parse(ibeacon.build(bytes(16), 1, 2) + bytes(range(100)))
    assert beacon is not None
    assert beacon.extra == bytes(range(8))


def test_raw_data_ends_somewhere() -> None:
    assert len(list(ad.structures(b"\1\x09" * 5000))) == ad.MAX_BYTES // 2
