"""How the portal speaks and looks, without a server: times, sizes, terms, colours."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.access_answers import AccessWhy, Way
from edge.policies import load
from edge.web.guest.portal import look, wording
from edge.web.words import Words

WORDS = Words.load(["portal"])
ZONE = "Asia/Shanghai"
NOON_MS = 1_795_147_200_000
"""Friday, 2026-11-20 12:00 in Shanghai."""
HOUR_MS = 3_600_000


def say(lang: str) -> wording.Say:
    return lambda key, **fields: WORDS.say(f"portal.{key}", lang, **fields)


@pytest.mark.parametrize(
    ("ahead_ms", "words"),
    [
        (HOUR_MS, "13:00"),
        (-HOUR_MS, "11:00"),
        (12 * HOUR_MS, "tomorrow 00:00"),
        (35 * HOUR_MS, "tomorrow 23:00"),
        (44 * HOUR_MS, "Sunday 08:00"),
    ],
)
def test_a_time_is_told_as_people_say_it(ahead_ms: int, words: str) -> None:
    told = wording.clock_time(NOON_MS + ahead_ms, now_ms=NOON_MS, timezone=ZONE, say=say("en"))
    assert told == words


@pytest.mark.parametrize(
    ("ms", "words"),
    [(0, "1 min"), (59_000, "1 min"), (60_001, "2 min"), (HOUR_MS, "1 h 00 min"), (HOUR_MS + 300_000, "1 h 05 min")],
)
def test_how_long(ms: int, words: str) -> None:
    assert wording.span(ms, say("en")) == words


def test_how_much() -> None:
    assert [wording.size(count) for count in (0, 300_000_000, 1_500_000_000)] == ["0 MB", "300 MB", "1.5 GB"]


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
@pytest.mark.parametrize("why", list(AccessWhy))
def test_every_refusal_has_its_words(why: AccessWhy, lang: str) -> None:
    told = wording.refusal(why, None, now_ms=NOON_MS, timezone=ZONE, say=say(lang))
    assert told != f"why_{why}"
    assert "portal." not in told


@given(st.integers(-(10**20), 10**20))
def test_any_time_to_come_back_at_is_taken(again_ms: int) -> None:
    told = wording.refusal(AccessWhy.CLOSED, again_ms, now_ms=NOON_MS, timezone=ZONE, say=say("en"))
    assert ("Again from" in told) is (NOON_MS < again_ms < NOON_MS + wording.WHEN_MS)


@pytest.mark.parametrize("way", [way for way in Way if way is not Way.PASS])
def test_every_way_that_rests_says_so(way: Way) -> None:
    assert f"portal.resting_{way}" in WORDS


def test_what_is_kept_comes_from_the_policy() -> None:
    assert wording.logged_of(load("cn"), say("en")) == (
        "Kept, encrypted: when you were on, your device's network address (MAC), your IP address, your account (phone "
        "number or WeChat identity). Deleted after 183 days. That you were here before is known by a pseudonym only, "
        "for 400 days at most."
    )
    assert wording.logged_of(load("none"), say("zh-CN")).startswith("本店不留存上网日志。")


# --- colours -----------------------------------------------------------------------------------------------


def contrast(one: str, other: str) -> float:
    lights = sorted((look.light(one), look.light(other)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


@given(st.integers(0, 0xFFFFFF).map(lambda number: f"{number:06x}"))
def test_text_is_read_on_any_colour_of_a_shop(colour: str) -> None:
    made = look.sheet(colour)
    button = re.search(r"\n\.button {.*?background: #(\w+);\s+color: #(\w+);", made, re.DOTALL)
    link = re.search(r"\na { color: #(\w+); }", made)
    assert button
    assert link
    assert button[1] == colour
    assert contrast(colour, button[2] * 2) >= 4.5
    assert contrast(link[1], "fbf5ea") >= 4.5
    assert "0c0c0" not in made.replace(colour, "").partition("*/")[2]


def test_only_a_colour_gets_into_the_sheets_address() -> None:
    assert look.look_url("#C8102E").startswith("/portal/look.css?c=c8102e&v=")
    for wrong in ("", "red", "#12345", "#12345g", "#123456;}"):
        assert look.look_url(wrong).startswith(f"/portal/look.css?c={look.OURS}&")


def test_old_webviews_can_lay_it_out() -> None:
    """Android 5's has neither custom properties nor grid; what it does not know stands in media queries only."""
    rules = look.sheet(look.OURS).partition("@media")[0]
    for modern in ("var(", "grid", "flex", "clamp(", ":is(", ":where(", "gap:", "inset", "min(", "max(", "calc("):
        assert modern not in rules, modern
