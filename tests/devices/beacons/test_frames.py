"""Frames that makers print or beacons sent, read and built byte for byte."""

from __future__ import annotations

import pytest

from devices.beacons import frames
from devices.beacons.advert import APPLE, EDDYSTONE, Advert
from devices.beacons.frames import Frame, ad, altbeacon, eddystone, ibeacon
from devices.beacons.frames.altbeacon import AltBeacon
from devices.beacons.frames.eddystone import Eid, EncryptedTlm, Tlm, Uid, Url
from devices.beacons.frames.ibeacon import IBeacon
from tests.devices.beacons.given_frames import CATCHES, caught, heard

SOME = bytes.fromhex("E2C56DB5DFFB48D2B060D0F5A71096E0")
KKM_MORE = "00002080-0000-1000-8000-00805f9b34fb"


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        ("kontakt", IBeacon(bytes.fromhex("F7826DA64FA24E988024BC5B71E0893E"), 0xFAE3, 0xE1AB, -77)),
        ("estimote", IBeacon(bytes.fromhex("B9407F30F5F8466EAFF925556B57FE6D"), 849, 3, -74)),
        ("flags-1a", IBeacon(SOME, 1, 2, -59)),
        ("no-flags", IBeacon(SOME, 1, 2, -59)),
        ("oem-battery", IBeacon(SOME, 1, 2, -59, b"\x5f")),
        ("uncalibrated", IBeacon(SOME, 1, 2, None)),
        ("bluecharm-ibeacon", IBeacon(b"BlueCharmBeacons", 0x0EFE, 0x1355, -59)),
        ("bluecharm-uid", Uid(-18, b"bluecharm1", b"\0\0\0\0\0\1")),
        ("bluecharm-tlm", Tlm(3056, 23.0, 0x88748, 6_681_890.0)),
        ("uid-short", Uid(-25, bytes(range(10)), bytes(range(1, 7)))),
        ("url", Url(-4, "https://www.reelyactive.com")),
        ("tlm", Tlm(3144, 21.125, 69, 60.0)),
        ("tlm-bare", Tlm(None, None, 0, 0.0)),
        (
            "etlm",
            EncryptedTlm(bytes.fromhex("D5D89979AE79EBEE4E385FA5"), bytes.fromhex("F683"), bytes.fromhex("0EFB")),
        ),
        ("eid", Eid(-21, bytes.fromhex("DF8E76BBFEC4EFC5"))),
        ("altbeacon", AltBeacon(0x0118, bytes.fromhex("2F234454CF6D4A0FADF2F4911BA9FFA600010002"), -59, 9)),
    ],
)
def test_what_was_caught_is_read(name: str, frame: Frame) -> None:
    assert frames.read(caught(name)) == frame


def test_every_catch_has_its_meaning() -> None:
    assert [name for name in CATCHES if frames.read(caught(name)) is None] == []


@pytest.mark.parametrize("name", ["kontakt", "estimote", "flags-1a", "no-flags", "oem-battery", "uncalibrated"])
def test_an_ibeacon_is_built_as_it_was_caught(name: str) -> None:
    whole = bytes.fromhex(CATCHES[name])
    flags = next((data[0] for kind, data in ad.structures(whole) if kind == ad.FLAGS), None)
    beacon = frames.read(caught(name))
    assert isinstance(beacon, IBeacon)
    assert ibeacon.advertising_data(built(beacon), flags=flags) == whole


def built(beacon: IBeacon) -> bytes:
    return ibeacon.build(beacon.uuid, beacon.major, beacon.minor, beacon.measured_power_dbm, extra=beacon.extra)


@pytest.mark.parametrize("name", ["url", "tlm", "tlm-bare", "etlm", "eid"])
def test_an_eddystone_is_built_as_it_was_caught(name: str) -> None:
    frame = frames.read(caught(name))
    assert isinstance(frame, eddystone.Frame)
    assert eddystone.advertising_data(frame) == bytes.fromhex(CATCHES[name])


def test_a_uid_is_built_with_its_reserved_bytes() -> None:
    frame = frames.read(caught("bluecharm-uid"))
    assert isinstance(frame, Uid)
    assert eddystone.advertising_data(frame) == bytes.fromhex(CATCHES["bluecharm-uid"])[:31]


def test_an_altbeacon_is_built_as_it_was_caught() -> None:
    frame = frames.read(caught("altbeacon"))
    assert isinstance(frame, AltBeacon)
    assert altbeacon.advertising_data(frame, flags=0x1A) == bytes.fromhex(CATCHES["altbeacon"])


def test_the_id_is_uuid_major_and_minor() -> None:
    data = caught("kontakt").manufacturer[APPLE]
    beacon = ibeacon.parse(data)
    assert beacon is not None
    assert beacon.id == bytes.fromhex("F7826DA64FA24E988024BC5B71E0893EFAE3E1AB")
    assert beacon.id == ibeacon.id_of("f7826da6-4FA2-4E98-8024-BC5B71E0893E", 0xFAE3, 0xE1AB)


def test_an_eddystones_id_is_that_of_the_ibeacon_without_the_middle_of_its_uuid() -> None:
    uid = eddystone.uid_of("f7826da6-4FA2-4E98-8024-BC5B71E0893E", 0xFAE3, 0xE1AB)
    assert uid == bytes.fromhex("F7826DA6 BC5B71E0893E 0000 FAE3 E1AB")
    assert Uid(-20, uid[:10], uid[10:]).id == uid


@pytest.mark.parametrize(
    "other",
    ["10050B1C6F3F91", "0215", "1219" + "00" * 25, "02 14" + "00" * 21, "09", ""],
    ids=["nearby", "head alone", "find my", "another length", "one byte", "nothing"],
)
def test_apples_other_frames_are_no_ibeacons(other: str) -> None:
    assert ibeacon.parse(bytes.fromhex(other)) is None


def test_the_id_comes_before_the_telemetry_and_both_are_there() -> None:
    """BlueZ keeps the newest of each kind for a beacon that sends several."""
    tlm, beacon = caught("tlm"), caught("kontakt")
    both = tlm._replace(manufacturer=beacon.manufacturer)
    assert [type(frame) for frame in frames.all_of(both)] == [IBeacon, Tlm]
    assert isinstance(frames.read(both), IBeacon)


@pytest.mark.parametrize(
    ("name", "power"),
    [("kontakt", -77), ("uncalibrated", None), ("altbeacon", -59), ("url", -45), ("eid", -62), ("tlm", None)],
)
def test_power_at_one_metre(name: str, power: int | None) -> None:
    """Eddystone says it at 0 m, 41 dB above."""
    frame = frames.read(caught(name))
    assert frame is not None
    assert frames.measured_power_dbm(frame) == power


@pytest.mark.parametrize(
    ("url", "data"),
    [
        ("http://www.example.com", "00" + b"example".hex() + "07"),
        ("https://www.example.org/", "01" + b"example".hex() + "01"),
        ("http://example.edu/a.info/b", "02" + b"example".hex() + "02" + b"a".hex() + "04" + b"b".hex()),
        ("https://goo.gl/Aq18zF", "03" + b"goo.gl/Aq18zF".hex()),
        ("https://a.biz.gov", "03" + b"a".hex() + "0C0D"),
    ],
)
def test_urls_as_short_as_they_get(url: str, data: str) -> None:
    assert eddystone.encode_url(url) == bytes.fromhex(data)
    assert eddystone.decode_url(bytes.fromhex(data)) == url


@pytest.mark.parametrize("code", range(14))
def test_every_expansion_both_ways(code: int) -> None:
    endings = ["com", "org", "edu", "net", "info", "biz", "gov"]
    url = f"https://x.{endings[code % 7]}{'/' if code < 7 else ''}"
    assert eddystone.decode_url(bytes((3, ord("x"), code))) == url
    assert eddystone.encode_url(url) == bytes((3, ord("x"), code))


@pytest.mark.parametrize(
    "url", ["", "ftp://a", "www.a.cn", "https://", "https://a b", "https://店", f"https://{'a' * 18}"]
)
def test_urls_that_cannot_be_sent(url: str) -> None:
    with pytest.raises(ValueError, match="the URL"):
        eddystone.encode_url(url)


@pytest.mark.parametrize(
    "data", ["04" + "61", "03" + "0E", "03" + "20", "03" + "7F", "03" + "FF", "03", "03" + "61" * 18]
)
def test_urls_that_mean_nothing(data: str) -> None:
    assert eddystone.decode_url(bytes.fromhex(data)) is None


@pytest.mark.parametrize("data", ["2002" + "00" * 16, "21" + "00" * 18, "40" + "00" * 18, "F0" * 20, "01" * 20])
def test_reserved_kinds_of_eddystone_are_left_alone(data: str) -> None:
    assert eddystone.parse(bytes.fromhex(data)) is None


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ibeacon.build(b"short", 1, 2),
        lambda: ibeacon.build(SOME, 65_536, 2),
        lambda: ibeacon.build(SOME, 1, -1),
        lambda: ibeacon.build(SOME, 1, 2, -129),
        lambda: ibeacon.build(SOME, 1, 2, extra=bytes(9)),
        lambda: altbeacon.build(AltBeacon(1, bytes(19), -59)),
        lambda: altbeacon.build(AltBeacon(1, bytes(20), -59, 256)),
        lambda: altbeacon.advertising_data(AltBeacon(65_536, bytes(20), -59)),
        lambda: eddystone.build(Uid(-20, bytes(9), bytes(6))),
        lambda: eddystone.build(Uid(128, bytes(10), bytes(6))),
        lambda: eddystone.build(Eid(-20, bytes(7))),
        lambda: eddystone.build(Tlm(65_536, None, 0, 0)),
        lambda: eddystone.build(Tlm(3000, 128.0, 0, 0)),
        lambda: eddystone.build(EncryptedTlm(bytes(12), b"", bytes(2))),
        lambda: ad.structure(0xFF, bytes(255)),
        lambda: ibeacon.advertising_data(ibeacon.build(SOME, 1, 2, extra=b"ab")),
    ],
)
def test_what_does_not_fit_is_a_value_error(wrong: object) -> None:
    assert callable(wrong)
    with pytest.raises(ValueError, match=r"wanted|has 31|go from|goes from|has 16 bits"):
        wrong()


def test_raw_data_is_taken_apart() -> None:
    advert = caught("bluecharm-uid")
    assert advert.name == "BlueCharm_169685"
    assert advert.service_uuids == (EDDYSTONE,)
    assert advert.service_data[KKM_MORE] == bytes.fromhex("691E0EFE1355")
    long = heard("11 07 9ECADC240EE5A9E093F3A3B50100406E 05 20 78563412 AA".replace("05 20", "06 20"))
    assert long.service_uuids == ("6e400001-b5a3-f393-e0a9-e50e24dcca9e",)
    assert long.service_data == {"12345678-0000-1000-8000-00805f9b34fb": b"\xaa"}


@pytest.mark.parametrize(
    ("data", "kinds"),
    [
        ("", []),
        ("00", []),
        ("0201", []),
        ("020106", [1]),
        ("020106 1AFF4C", [1]),
        ("020106 00 020106", [1]),
        ("0109", [9]),
    ],
)
def test_a_structure_that_claims_too_much_ends_it(data: str, kinds: list[int]) -> None:
    assert [kind for kind, _ in ad.structures(bytes.fromhex(data))] == kinds


@pytest.mark.parametrize(
    ("advert", "percent"),
    [
        (caught("bluecharm-uid"), 100),  # KKM's further data says 0x69: more than full is full
        (heard("09 16 8020 2A 1E 0EFE1355"), 42),
        (caught("tlm"), 100),
        (caught("tlm-bare"), None),
        (caught("oem-battery"), 95),
        (heard("1BFF4C000215E2C56DB5DFFB48D2B060D0F5A71096E000010002C500"), None),  # padding
        (heard("1BFF4C000215E2C56DB5DFFB48D2B060D0F5A71096E000010002C5FF"), None),
        (caught("kontakt"), None),
        (heard("0E 16 AAFE 22 03 2A BC5729000001 0102"), 42),  # KKM's system frame
        (heard("0E FF 530A 22 03 FF BC5729000001 0102"), 100),
        (heard("0D 16 AAFE 22 03 2A BC5729000001 01"), None),
        (heard("04 16 0F18 51"), 81),
        (heard("04 16 0F18 65"), None),
        (heard("03 16 0F18"), None),
        (heard(""), None),
    ],
)
def test_batteries(advert: Advert, percent: int | None) -> None:
    assert frames.battery_percent(advert) == percent


@pytest.mark.parametrize(
    ("mv", "percent"),
    [
        (3600, 100),
        (3000, 100),
        (2999, 99),
        (2950, 71),
        (2900, 42),
        (2740, 18),
        (2590, 12),
        (2440, 6),
        (2100, 0),
        (1, 0),
    ],
)
def test_a_coin_cell_by_its_voltage(mv: int, percent: int) -> None:
    assert frames.percent_of_mv(mv) == percent


def test_an_emptying_cell_never_seems_to_fill() -> None:
    curve = [frames.percent_of_mv(mv) for mv in range(1500, 3700)]
    assert curve == sorted(curve)
