from __future__ import annotations

import re

import pytest

from edge import shake_answers
from edge.shake_answers import ShakeRefusal, ShakeWhy, WhyEmpty, in_words
from tests.given import NOON_MS


@pytest.mark.parametrize("no", [*ShakeWhy, *WhyEmpty], ids=str)
def test_every_no_is_said_in_both_languages(no: ShakeWhy | WhyEmpty) -> None:
    refusal = ShakeRefusal(why=no, again_ms=NOON_MS) if isinstance(no, ShakeWhy) else no
    zh = in_words(refusal, language="zh-CN", timezone="Asia/Shanghai")
    en = in_words(refusal, language="en", timezone="Asia/Shanghai")
    assert re.search(r"[\u4e00-\u9fff]", zh)
    assert en.isascii()
    assert not re.search(r"[{}]", zh + en)


def test_when_it_goes_on_is_said_in_the_shops_time() -> None:
    full = ShakeRefusal(why=ShakeWhy.DAY_FULL, again_ms=NOON_MS)
    assert "2026-11-18 19:06" not in in_words(full, language="en", timezone="UTC")
    assert "2026-11-18 19:06" in in_words(full, language="en", timezone="Asia/Shanghai")


def test_words_are_there_for_nothing_else() -> None:
    assert set(shake_answers.REFUSALS) == set(ShakeWhy)
    assert set(shake_answers.EMPTY) == set(WhyEmpty)
