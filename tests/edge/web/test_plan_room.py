"""Texts of zones on the plan stand where nothing else does."""

from __future__ import annotations

from edge.web.admin.plan_room import CARRIED, NAME, Box, Taken, place, width

ZONE = Box(100, 100, 500, 300)


def test_an_empty_zone_has_its_texts_in_their_usual_corners() -> None:
    taken = Taken([], [])
    assert place("Door", ZONE, taken, sizes=NAME, low=False) == (114, 114)
    x, y = place("staff: 1", ZONE, taken, sizes=CARRIED, low=True)
    assert (x, y > 250) == (114, True)


def test_a_text_makes_room_for_a_mark_and_its_name() -> None:
    taken = Taken([], [])
    taken.mark(160, 250, "gateway-1", "middle", bad=False)
    x, y = place("staff: 1 · carts: 1", ZONE, taken, sizes=CARRIED, low=True)
    box = Box(x, y, x + width("staff: 1 · carts: 1", 19), y + 19)
    assert all(box.covers(other) == 0 for other in taken.desk[:-1])
    assert (box.left >= ZONE.left, box.right <= ZONE.right, box.bottom <= ZONE.bottom) == (True, True, True)


def test_two_texts_of_one_zone_do_not_meet() -> None:
    small, taken = Box(0, 0, 120, 90), Taken([], [])
    first = place("收银区", small, taken, sizes=NAME, low=False)
    second = place("店员 2", small, taken, sizes=CARRIED, low=True)
    assert second[1] >= first[1] + NAME[0] or second[0] >= first[0] + width("收银区", NAME[0])


def test_a_zone_without_any_room_still_has_its_name() -> None:
    tiny, taken = Box(0, 0, 10, 5), Taken([], [])
    taken.mark(5, 2, "x", "middle", bad=True)
    assert place("a name that is much too long", tiny, taken, sizes=NAME, low=False) == (14, 14)
