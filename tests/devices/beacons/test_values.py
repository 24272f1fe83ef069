"""Settings as bytes: every table there and back; what does not fit is said once, clearly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.beacons.profile import Field, Setting
from devices.beacons.provisioning import values
from devices.beacons.provisioning.dialects import esphome, kkm_frames
from devices.beacons.provisioning.dialects.kkm_frames import Assembly, Kind
from devices.beacons.provisioning.fitting import fitted
from devices.beacons.provisioning.values import DoesNotFitError, NotUnderstoodError
from edge.errors import UsageError
from tests.devices.beacons.given_gatt import PROFILES, UUID, WANTED, profile

PLACE = "955a1524-0fe2-f5aa-a094-84b8d4f3e8ad"
hexes = st.binary(max_size=3).map(bytes.hex)


@given(
    number=st.integers(0, 0xFFFF), power=st.integers(-128, 127), who=st.uuids(), prefix=hexes, suffix=hexes,
    endian=st.sampled_from(["big", "little"]),
)  # fmt: skip
def test_there_and_back(number: int, power: int, who: object, prefix: str, suffix: str, endian: str) -> None:
    field = Field(
        settings=(Setting.UUID, Setting.MAJOR, Setting.MEASURED_POWER), characteristic=PLACE, prefix=prefix,
        suffix=suffix, endian=endian,  # type: ignore[arg-type]
    )  # fmt: skip
    settings = {Setting.UUID: str(who), Setting.MAJOR: number, Setting.MEASURED_POWER: power}
    data = values.encoded(field, settings)
    assert len(data) == 19 + (len(prefix) + len(suffix)) // 2
    assert values.decoded(field, data) == settings


@given(steps=st.integers(0, 0xFFFF), offset=st.integers(0, 100), scale=st.sampled_from([0.625, 1.0, 100.0]))
def test_a_scaled_and_shifted_one_there_and_back(steps: int, offset: int, scale: float) -> None:
    field = Field(settings=(Setting.INTERVAL,), characteristic=PLACE, scale=scale, offset=offset)
    if steps < offset:
        return
    interval = (steps - offset) * scale
    assert values.decoded(field, values.encoded(field, {Setting.INTERVAL: interval})) == {Setting.INTERVAL: interval}


@given(st.text(max_size=20))
def test_a_name_there_and_back_or_refused(name: str) -> None:
    field = Field(settings=(Setting.NAME,), characteristic=PLACE, length=20, pad=True)
    try:
        data = values.encoded(field, {Setting.NAME: name})
    except (DoesNotFitError, UnicodeEncodeError):
        return
    assert len(data) == 20
    assert values.decoded(field, data)[Setting.NAME] == name.rstrip("\0")


@given(st.binary(max_size=40), st.sampled_from([field for one in PROFILES.values() for field in one.field]))
def test_any_bytes_are_read_or_refused(data: bytes, field: Field) -> None:
    try:
        found = values.decoded(field, data)
    except NotUnderstoodError:
        return
    assert set(found) == set(field.settings)


def test_golden_bytes() -> None:
    """RadBeacon's F5: major, minor, power at one metre."""
    (field,) = (one for one in profile("radbeacon-dot").field if Setting.MAJOR in one.settings)
    settings = {Setting.MAJOR: 0x0102, Setting.MINOR: 0xFFFE, Setting.MEASURED_POWER: -59}
    assert values.encoded(field, settings).hex() == "0102fffec5"
    (field,) = profile("eddystone-url").field[:1]
    assert values.encoded(field, {Setting.URL: "https://www.example.com/"}).hex() == "01" + b"example".hex() + "00"


def test_only_some_can_be_chosen() -> None:
    field = Field(settings=(Setting.TX_POWER,), characteristic=PLACE, values={"-30": 0, "-20": 1, "4": 7})
    assert values.encoded(field, {Setting.TX_POWER: 4}) == b"\7"
    with pytest.raises(DoesNotFitError, match="tx_power_dbm: 5 can't be chosen") as caught:
        values.encoded(field, {Setting.TX_POWER: 5})
    assert caught.value.hint == "what fits: -30, -20, 4"
    with pytest.raises(NotUnderstoodError):
        values.decoded(field, b"\3")


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("nordic-beacon-kit", {Setting.INTERVAL: 50}, ("interval_ms: 50 ms", "100 to 10240 ms")),
        ("kkm-kbeacon", {Setting.TX_POWER: 1}, ("tx_power_dbm: 1 dBm", "-40 dBm, -20 dBm")),
        ("nordic-beacon-kit", {Setting.MAJOR: -1}, ("major: -1", "0 to 65535")),
        ("nordic-beacon-kit", {Setting.MEASURED_POWER: 200}, ("measured_power_dbm: 200", "-128 to 127")),
        ("hm-10", {Setting.TX_POWER: 1}, ("tx_power_dbm: 1 dBm can't be chosen", "-23 dBm, -6 dBm")),
        ("eddystone-gatt", {Setting.MEASURED_POWER: -10}, ("measured_power_dbm: -10", "-141 to -21")),
        ("kkm-kbeacon", {Setting.NAME: "x" * 19}, ("name", "18 bytes")),
        ("radbeacon-dot", {Setting.NAME: "x" * 21}, ("name: 21 bytes", "20 bytes")),
    ],
)
def test_what_does_not_fit_is_said_with_what_would(
    name: str, more: dict[Setting, object], words: tuple[str, str]
) -> None:
    with pytest.raises(DoesNotFitError) as caught:
        fitted(profile(name), {**WANTED, **more}, unverified=True)  # type: ignore[dict-item]
    assert words[0] in str(caught.value)
    assert words[1] in caught.value.hint


def test_a_url_beacon_needs_a_url_that_is_short() -> None:
    one = profile("eddystone-url")
    with pytest.raises(DoesNotFitError, match="part of the frame"):
        fitted(one, WANTED)
    with pytest.raises(DoesNotFitError, match="shorter"):
        fitted(one, {Setting.URL: "https://a-name-that-is-much-too-long.example/"})
    assert fitted(one, {Setting.URL: "https://s.cn/1"}).settings == {Setting.URL: "https://s.cn/1"}


def test_an_unsure_profile_is_refused_and_an_unsure_field_left_out() -> None:
    with pytest.raises(UsageError, match="byte order") as caught:
        fitted(profile("ibks-105"), WANTED)
    assert "--unverified" in caught.value.hint
    assert Setting.INTERVAL in fitted(profile("nordic-beacon-kit"), WANTED).left_out
    assert Setting.INTERVAL in fitted(profile("nordic-beacon-kit"), WANTED, unverified=True).settings


def test_a_few_intervals_are_met_as_near_as_can_be() -> None:
    assert fitted(profile("hm-10"), WANTED).settings[Setting.INTERVAL] == 318.75


def test_esphome_is_given_its_yaml() -> None:
    given_ = fitted(profile("esphome"), {**WANTED, Setting.TX_POWER: -3}).settings
    assert esphome.rendered(given_) == (
        "esp32_ble_beacon:\n  type: iBeacon\n"
        f"  uuid: '{UUID.upper()}'\n  major: 258\n  minor: 772\n"
        "  min_interval: 350ms\n  max_interval: 350ms\n  measured_power: -61\n  tx_power: -3dBm\n"
    )
    with pytest.raises(DoesNotFitError):
        fitted(profile("esphome"), {**WANTED, Setting.TX_POWER: -2})


@given(st.binary(min_size=1, max_size=kkm_frames.MAX_BYTES), st.integers(1, 240))
def test_pieces_make_the_whole_again(payload: bytes, room: int) -> None:
    whole, last = Assembly(), False
    while not last:
        frame = kkm_frames.piece_at(payload, len(whole.data), kind=Kind.JSON, room=room)
        assert kkm_frames.kind_of(frame) == Kind.JSON
        piece = kkm_frames.read_piece(frame)
        assert piece is not None
        taken, last = whole.take(piece)
        assert taken
    assert whole.data == payload


@given(st.lists(st.binary(max_size=30), max_size=30))
def test_any_frames_are_taken_or_refused_and_never_too_much_kept(frames: list[bytes]) -> None:
    whole = Assembly()
    for frame in frames:
        kkm_frames.kind_of(frame)
        kkm_frames.read_ack(frame)
        piece = kkm_frames.read_piece(frame)
        if piece is not None:
            whole.take(piece)
    assert len(whole.data) <= kkm_frames.MAX_BYTES
