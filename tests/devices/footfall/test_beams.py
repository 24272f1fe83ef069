"""Given beams that break, expect who went which way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.footfall.beams import Beams, Side

STEPS = {"O": (Side.OUTER, True), "o": (Side.OUTER, False), "I": (Side.INNER, True), "i": (Side.INNER, False)}


def played(steps: str, *, step_s: float = 0.2) -> list[bool]:
    beams, found = Beams(), []
    for number, letter in enumerate(steps):
        side, broken = STEPS[letter]
        passed = beams.changed(side, broken=broken, time_s=number * step_s)
        if passed is not None:
            found.append(passed)
    return found


@pytest.mark.parametrize(
    ("steps", "expect"),
    [
        ("OIoi", [True]),
        ("IOio", [False]),
        ("OIio", []),  # turned round on the inner beam
        ("Oo", []),  # an arm
        ("OIoIiOio", [True]),  # hesitates, still one person; the leftover is no passage of its own
        ("OIoiOIoi", [True, True]),
        ("OIoiIOio", [True, False]),
        ("OoIi", []),  # never both: two arms, or a thing thinner than the gap
        ("oi", []),  # freed without having been broken: the start
    ],
)
def test_passages(steps: str, expect: list[bool]) -> None:
    assert played(steps) == expect


def test_what_stands_in_the_door_is_no_passage_and_makes_it_blind() -> None:
    assert played("OIoi", step_s=5.0) == []
    beams = Beams()
    beams.changed(Side.OUTER, broken=True, time_s=0.0)
    assert not beams.blind(29.0)
    assert beams.blind(31.0)


def test_lost_changes_are_not_guessed() -> None:
    beams = Beams()
    beams.changed(Side.OUTER, broken=True, time_s=0.0)
    beams.changed(Side.INNER, broken=True, time_s=0.1)
    beams.forget()
    assert beams.changed(Side.OUTER, broken=False, time_s=0.2) is None
    assert beams.changed(Side.INNER, broken=False, time_s=0.3) is None


@given(st.text(alphabet="OoIi", max_size=60))
def test_never_more_people_than_both_beams_broken(steps: str) -> None:
    assert len(played(steps)) <= min(steps.count("O"), steps.count("I"))
