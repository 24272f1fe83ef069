"""Which reads are believed: given looks, expect codes."""

from __future__ import annotations

from devices.scanners.decode import Read
from devices.scanners.trust import Tally


def read(text: str, symbology: str = "EAN-13", x: int = 0) -> Read:
    return Read(text, symbology, "]E0", ((x, 0), (x + 100, 0), (x + 100, 40), (x, 40)))


def believed(*looks: tuple[str, Read]) -> list[str]:
    tally = Tally()
    for look, one in looks:
        tally.add([one], look=look, plain=look == "plain")
    return [one.text for one in tally.trusted()]


def test_a_linear_code_needs_two_looks() -> None:
    assert believed(("plain", read("6901234567892"))) == []
    assert believed(("plain", read("6901234567892")), ("plain", read("6901234567892"))) == []
    assert believed(("plain", read("6901234567892")), ("twice", read("6901234567892"))) == ["6901234567892"]


def test_a_corrected_matrix_code_needs_one() -> None:
    assert believed(("sharp", read("hello", "QR Code"))) == ["hello"]


def test_a_small_matrix_code_from_a_changed_picture_needs_two() -> None:
    assert believed(("sharp", read("7", "Micro QR Code"))) == []
    assert believed(("plain", read("7", "Micro QR Code"))) == ["7"]


def test_two_texts_in_one_place_are_both_doubted() -> None:
    one, other = read("6901234567892"), read("6909876543214")
    assert believed(("a", one), ("b", one), ("c", other), ("d", other)) == []


def test_clearly_more_looks_win() -> None:
    one, other = read("6901234567892"), read("6909876543214")
    looks = [(name, one) for name in "abcdef"] + [(name, other) for name in "xy"]
    assert believed(*looks) == ["6901234567892"]


def test_two_codes_side_by_side_are_two_codes() -> None:
    one, other = read("6901234567892"), read("6909876543214", x=300)
    assert believed(("a", one), ("b", one), ("a", other), ("b", other)) == ["6901234567892", "6909876543214"]


def test_a_part_of_a_code_is_no_code() -> None:
    whole, part = read("16901234567899", "ITF"), read("901234", "ITF")
    assert believed(("a", whole), ("b", whole), ("a", part), ("b", part)) == ["16901234567899"]


def test_zbar_alone_is_not_believed_without_a_check_character() -> None:
    tally = Tally()
    for look in "abcd":
        tally.add([read("0829220876", "ITF"), read("6901234567892", x=300)], look=look, firsthand=False)
    assert [one.text for one in tally.trusted()] == ["6901234567892"]


def test_what_its_own_place_does_not_show_again_needs_four_looks() -> None:
    tally, cola = Tally(), read("6901234567892")
    tally.add([cola], look="plain", plain=True)
    tally.suspect(cola)
    for count, look in enumerate("abc", 2):
        assert tally.trusted() == (), count
        tally.add([cola], look=look)
    assert tally.trusted() == (cola,)


def test_very_short_unchecked_codes_are_never_believed() -> None:
    short = read("1234", "ITF")
    assert believed(*((name, short) for name in "abcdef")) == []
