"""Every profile is read, and held to the rules that no single file can break by itself."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import get_args, get_type_hints

import msgspec
import pytest

from devices import profiles
from devices.beacons import profile as beacons
from devices.beacons.advert import Advert
from devices.beacons.profile import Act, At, BeaconProfile, Commit, Confidence, Field, Limits, Match, Setting, Unlock
from devices.beacons.provisioning import unlocks
from devices.beacons.provisioning.dialects.open import changes_secret, settable_of
from devices.beacons.provisioning.matching import best
from devices.scanners import udev
from devices.scanners.profile import FAMILY, ScannerProfile, UsbId
from edge.errors import ProfileError, UsageError

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "firmware_profiles" / FAMILY
FILES = sorted(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_profile_is_right(file: Path) -> None:
    profile = profiles.read(file, ScannerProfile)
    if file.name != profiles.EXAMPLE:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", file.stem)
        assert file.stem.startswith(profile.vendor.lower())
    assert all(usb.source for usb in profile.usb)
    assert not (profile.form == "handheld" and profile.notes.startswith("Hands-free"))


def test_there_are_enough_models() -> None:
    found = profiles.all_of(FAMILY, ScannerProfile)
    assert len(found) >= 10
    assert len({(profile.vendor, profile.model) for profile in found.values()}) == len(found)
    assert "example" not in found


def test_one_usb_number_means_one_model_unless_it_is_said_to_be_shared() -> None:
    owners: dict[tuple[str, str], list[tuple[str, UsbId]]] = {}
    for name, profile in profiles.all_of(FAMILY, ScannerProfile).items():
        for usb in profile.usb:
            owners.setdefault((usb.vendor_id, usb.product_id), []).append((name, usb))
    for number, users in owners.items():
        if len(users) > 1:
            assert all(usb.shared for _, usb in users), f"{number} is in {[name for name, _ in users]}"
        assert len({usb.transport for _, usb in users}) == 1


def test_a_vendor_has_one_usb_number() -> None:
    vendors: dict[str, set[str]] = {}
    for profile in profiles.all_of(FAMILY, ScannerProfile).values():
        for usb in profile.usb:
            vendors.setdefault(usb.vendor_id, set()).add(profile.vendor)
    assert all(len(names) == 1 for names in vendors.values())


def test_the_example_shows_every_key_and_explains_it() -> None:
    text = (FOLDER / profiles.EXAMPLE).read_text("utf-8")
    data = tomllib.loads(text)
    assert set(data) == {field.encode_name for field in msgspec.structs.fields(ScannerProfile)}
    assert set(data["usb"][0]) == {field.encode_name for field in msgspec.structs.fields(UsbId)}


def test_the_udev_rules_are_current() -> None:
    written = (ROOT / "systemd" / "70-storegate-scanners.rules").read_text("utf-8")
    assert written == udev.rules(profiles.all_of(FAMILY, ScannerProfile).values())


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    bad = tmp_path / "acme-x.toml"
    bad.write_text(
        'vendor = "Acme"\nmodle = "X"\nform = "hand"\ntransports = ["serial", "usb"]\nsymbologies = ["qr"]\n'
        'reads_screens = 1\n[[usb]]\nvendor_id = "C2E"\nproduct_id = "0b61"\ntransport = "serial"\nsource = "me"\n'
    )
    with pytest.raises(ProfileError) as caught:
        profiles.read(bad, ScannerProfile)
    assert {mistake.path for mistake in caught.value.mistakes} == {
        "modle", "form", "transports[1]", "reads_screens", "usb[0].vendor_id", "usb[0].confidence", "model",
    }  # fmt: skip
    assert "did you mean 'model'?" in str(caught.value)


STRANGE_WIRE = """
[[usb]]
vendor_id = "0c2e"
product_id = "0001"
transport = "hid-pos"
confidence = "vendor"
source = "s"
"""


@pytest.mark.parametrize(
    ("line", "word"), [('layout = "xx"', "unknown"), (STRANGE_WIRE, "hid-pos"), ("vendor = ", "TOML")]
)
def test_a_rule_between_keys(tmp_path: Path, line: str, word: str) -> None:
    bad = tmp_path / "acme-x.toml"
    bad.write_text(
        'vendor = "Acme"\nmodel = "X"\nform = "handheld"\ntransports = ["serial"]\nsymbologies = ["qr"]\n'
        f"reads_screens = true\n{line}\n"
    )
    with pytest.raises(ProfileError, match=word):
        profiles.read(bad, ScannerProfile)


def test_an_unknown_name_says_what_was_meant() -> None:
    with pytest.raises(UsageError) as caught:
        profiles.one(FAMILY, "zebra-ds2209", ScannerProfile)
    assert "zebra-ds2208" in caught.value.hint
    assert profiles.one(FAMILY, "zebra-ds2208", ScannerProfile).model == "DS2208"


BEACONS = ROOT / "firmware_profiles" / beacons.FAMILY
BEACON_FILES = sorted(BEACONS.glob("*.toml"))
ALL_BEACONS = profiles.all_of(beacons.FAMILY, BeaconProfile)


@pytest.mark.parametrize("file", BEACON_FILES, ids=lambda file: file.stem)
def test_a_beacon_s_profile_is_right(file: Path) -> None:
    profile = profiles.read(file, BeaconProfile)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", file.stem)
    assert profile.notes_zh
    assert profile.notes_en
    settable = settable_of(profile)
    if "eddystone-url" in profile.frames:
        assert Setting.URL in settable
    else:
        assert {Setting.UUID, Setting.MAJOR, Setting.MINOR} <= settable
    if any(field.confidence is Confidence.UNSURE for field in profile.field):
        assert profile.unsure
    if profile.unlock.default:
        unlocks.secret_bytes(profile.unlock, profile.unlock.default)
    if profile.unlock.scheme in {"write-secret", "aes-ecb-challenge", "pin-on-commit", "md5-two-way", "at-auth"}:
        assert changes_secret(profile), "it would keep its factory password"


def test_a_beacon_that_fits_its_own_profile_is_found_by_it() -> None:
    for name, profile in ALL_BEACONS.items():
        match = profile.match
        if not (match.services or match.names):
            continue
        for called in match.names or ("",):
            advert = Advert("hci0", "", -60, 0.0, {}, {}, match.services, called.replace("*", "1"))
            assert best(ALL_BEACONS, advert)[0].name == name


def test_the_beacons_that_were_promised_are_there() -> None:
    assert len({(profile.vendor, profile.model) for profile in ALL_BEACONS.values()}) == len(ALL_BEACONS)
    assert set(ALL_BEACONS) >= {
        "eddystone-gatt", "eddystone-url", "nordic-beacon-kit", "radbeacon-dot", "kkm-kbeacon", "espruino", "kontakt-3",
        "hm-10", "ibks-105", "ibks-card", "esphome", "gateway",
    }  # fmt: skip
    table = (BEACONS / "README.md").read_text("utf-8")
    for name, profile in ALL_BEACONS.items():
        (line,) = (line for line in table.splitlines() if line.startswith(f"| `{name}` |"))
        assert ("**unsure**" in line) == (profile.confidence is Confidence.UNSURE)


def test_the_beacons_example_shows_every_key() -> None:
    data = tomllib.loads((BEACONS / profiles.EXAMPLE).read_text("utf-8"))
    assert set(data) == _keys(BeaconProfile)
    tables = {"match": Match, "unlock": Unlock, "commit": Commit, "at": At, "select": Act, "limits": Limits}
    for key, kind in {**tables, "identify": Act}.items():
        assert set(data[key]) == _keys(kind), key
    assert set().union(*data["field"]) == _keys(Field)
    explained = (BEACONS / profiles.EXAMPLE).read_text("utf-8")
    assert all(dialect in explained for dialect in get_args(get_type_hints(BeaconProfile)["dialect"]))


def _keys(kind: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(kind)}


GOOD_BEACON = """
vendor = "Acme"
model = "X"
dialect = "fields"
confidence = "manual"
source = "its manual, 2020"
"""
UUID_FIELD = '[[field]]\nsettings = ["uuid"]\ncharacteristic = "12345678-0005-1000-8000-00805f9b34fb"\n'


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (GOOD_BEACON, "needs a table"),
        (GOOD_BEACON.replace('"fields"', '"at"'), "needs a table"),
        (GOOD_BEACON + UUID_FIELD * 2, "more than one"),
        (GOOD_BEACON.replace("manual", "unsure", 1) + UUID_FIELD, "say of what"),
        (GOOD_BEACON + UUID_FIELD + "[limits]\ninterval_ms = [900, 100]", "least comes first"),
        (GOOD_BEACON + UUID_FIELD + 'prefix = "0"', "no hex"),
        (GOOD_BEACON + UUID_FIELD.replace('"uuid"', '"name", "major"'), "of its own"),
        (GOOD_BEACON + UUID_FIELD.replace('"uuid"', '"uuuid"'), "did you mean 'uuid'"),
        (GOOD_BEACON + UUID_FIELD.replace("0005-1", "0005-"), "lower case"),
        (GOOD_BEACON + UUID_FIELD + '[unlock]\nscheme = "write-secret"', "needs a characteristic"),
        (GOOD_BEACON + UUID_FIELD + '[commit]\nhow = "write"', "needs characteristic and data"),
        (GOOD_BEACON + UUID_FIELD + '[commit]\nhow = "disconnect"', "how"),
        (GOOD_BEACON + 'frames = ["altbeacon"]\n' + UUID_FIELD, "can't be heard"),
        (GOOD_BEACON + "frames = []\n" + UUID_FIELD, "can't be heard"),
        (GOOD_BEACON + "rotates = true\n" + UUID_FIELD, "rotates"),
    ],
)
def test_a_rule_between_keys_of_a_beacon(tmp_path: Path, text: str, word: str) -> None:
    bad = tmp_path / "acme-x.toml"
    bad.write_text(text)
    with pytest.raises(ProfileError, match=word):
        profiles.read(bad, BeaconProfile)
