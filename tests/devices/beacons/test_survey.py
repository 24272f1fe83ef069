"""What is on the air, by sender: bounded, and whose it is."""

from __future__ import annotations

from devices.beacons.advert import APPLE, EDDYSTONE, Advert
from devices.beacons.frames import eddystone
from devices.beacons.presence.known import Known
from devices.beacons.radios.survey import MAX_SENDERS, Survey
from edge.rotation import minor_of
from edge.shop.beacons import Beacon

UUID = "FDA50693-A4E2-4FB1-AFCF-C6EB07647825"
KEY = b"k" * 32


def frame(minor: int, extra: bytes = b"") -> dict[int, bytes]:
    body = bytes.fromhex(UUID.replace("-", "")) + b"\0\1" + minor.to_bytes(2, "big") + b"\xc5"
    return {APPLE: b"\x02\x15" + body + extra}


def advert(address: str, at_s: float, minor: int = 7, **more: object) -> Advert:
    return Advert("hci0", address, -60, at_s, frame(minor), {}, ())._replace(**more)


def test_a_flood_of_addresses_is_counted_not_kept() -> None:
    survey = Survey()
    for number in range(MAX_SENDERS + 1000):
        survey.hear(advert(f"C1:00:00:{number >> 16:02X}:{number >> 8 & 255:02X}:{number & 255:02X}", 0))
    assert len(survey.senders) == MAX_SENDERS
    assert survey.strangers == 1000


def test_it_is_known_by_its_id_by_its_address_and_while_it_rotates() -> None:
    still = Beacon(id="still", uuid=UUID, major=1, minor=7)
    rotating = Beacon(id="rotating", uuid=UUID, major=1, minor=9, rotating=True)
    asleep = Beacon(id="asleep", uuid=UUID, major=1, minor=8, address="c1:00:00:00:00:03")
    beacons = (still, rotating, asleep)
    known = Known[str](KEY, rotate_s=300)
    known.documents((beacon, str(beacon.id)) for beacon in beacons)
    known.epoch(1000)
    while not known.work():
        pass
    survey = Survey(beacons, known)
    survey.hear(advert("C1:00:00:00:00:01", 0))
    survey.hear(advert("C1:00:00:00:00:02", 0, minor=minor_of(KEY, epoch=1000, index=9)))
    survey.hear(advert("C1:00:00:00:00:03", 0, minor=4711))
    survey.hear(advert("C1:00:00:00:00:04", 0, minor=4712))
    uid = eddystone.uid_of(UUID, 1, 7)
    data = eddystone.build(eddystone.Uid(-18, uid[:10], uid[10:]))
    survey.hear(advert("C1:00:00:00:00:05", 0, manufacturer={}, service_data={EDDYSTONE: data}))
    assert [sender.beacon for sender in survey.senders.values()] == ["still", "rotating", "asleep", "", "still"]


def test_strength_interval_battery_and_everything_it_ever_said() -> None:
    survey = Survey()
    for number in range(11):
        survey.hear(advert("C1:00:00:00:00:01", number * 0.5, rssi_dbm=-60 - number))
        survey.hear(advert("C1:00:00:00:00:01", number * 0.5, manufacturer={}, name="KBPro_1", rssi_dbm=-60 - number))
    telemetry = bytes.fromhex("2000") + (3000).to_bytes(2, "big") + bytes.fromhex("1680") + bytes(8)
    survey.hear(advert("C1:00:00:00:00:01", 5.0, manufacturer={}, service_data={EDDYSTONE: telemetry}))
    (sender,) = survey.strongest_first()
    assert (sender.name, sender.rssi_dbm, sender.battery_percent) == ("KBPro_1", -65, 100)
    assert sender.interval_ms == 500
    assert set(sender.says) == {"iBeacon", "Eddystone-TLM"}
    assert APPLE in sender.advert.manufacturer
