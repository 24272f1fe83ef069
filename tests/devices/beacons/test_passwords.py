"""The file of passwords: whose, what for, and that it is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.beacons.provisioning import passwords
from edge.errors import MistakesError, UsageError
from tests.devices.beacons.given_gatt import profile


def written(path: Path, text: str, *, mode: int = 0o600) -> Path:
    file = path / "passwords.toml"
    file.write_text(text, "utf-8")
    file.chmod(mode)
    return file


def test_each_beacon_its_own_and_all_others_the_default(tmp_path: Path) -> None:
    found = passwords.load(written(tmp_path, 'default = "for-all-others"\ndoor-1 = "for-the-door"\n'))
    assert (found.of("door-1"), found.of("till-2")) == ("for-the-door", "for-all-others")
    assert found.new_for("door-1", profile("kkm-kbeacon")) == "for-the-door"
    assert found.new_for("door-1", profile("nordic-beacon-kit")) == ""
    assert "for" not in repr(found)
    assert passwords.load(written(tmp_path, 'door-1 = "for-the-door"')).of("till-2") == ""


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o660])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(UsageError, match="read by others") as caught:
        passwords.load(written(tmp_path, 'default = "secret-enough"', mode=mode))
    assert "chmod 600" in caught.value.hint


@pytest.mark.parametrize(
    "text", ['default = "secret-enough', "door = 12345678", 'door = ""', '[door]\nx = "secret-enough"', "x" * 1_000_001]
)
def test_a_broken_file_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    with pytest.raises((MistakesError, UsageError)) as caught:
        passwords.load(written(tmp_path, text))
    assert "secret-enough" not in str(caught.value) + caught.value.hint
    assert "12345678" not in str(caught.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        passwords.load(tmp_path / "none.toml")


def test_the_factory_s_is_no_new_one(tmp_path: Path) -> None:
    found = passwords.load(written(tmp_path, 'default = "0000000000000000"'))
    with pytest.raises(UsageError, match="factory"):
        found.new_for("door-1", profile("kkm-kbeacon"))
