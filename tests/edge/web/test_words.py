"""Every text exists in both languages, and every text that a page asks for exists."""

from __future__ import annotations

import re
import string
from importlib import resources

import pytest

from edge.web.words import PARTS, Words, package_of

WORDS = Words.load()
USED = re.compile(r"""(?:\bt\(|\bsay\(request, )["']([a-z]+\.[a-z0-9_]+)["']\s*[,)]""")


def fields_of(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize(("key", "texts"), list(WORDS.items()))
def test_both_languages_with_the_same_fields(key: str, texts: dict[str, str]) -> None:
    assert set(texts) == {"zh", "en"}
    assert all(texts.values())
    assert fields_of(texts["zh"]) == fields_of(texts["en"])
    assert not re.search(r"[\u4e00-\u9fff]", texts["en"]) or key == "web.switch"


def sources() -> dict[str, str]:
    found = {}
    for part in PARTS:
        folder = resources.files(package_of(part))
        for place in (folder, folder / "templates"):
            for file in place.iterdir() if place.is_dir() else ():
                if file.name.endswith((".jinja", ".py")):
                    found[f"{part}/{file.name}"] = file.read_text("utf-8")
    return found


def test_every_text_a_page_asks_for_exists() -> None:
    pages = {name: text for name, text in sources().items() if name != "web/words.py"}
    missing = {f"{name}: {key}" for name, text in pages.items() for key in USED.findall(text) if key not in WORDS}
    assert not missing


def test_no_template_has_inline_script_or_style() -> None:
    for name, text in sources().items():
        if name.endswith(".jinja"):
            assert not re.search(r"\sstyle=|\son[a-z]+=|<style|<script(?![^>]*src=)", text), name


def test_the_kiosks_script_stays_small() -> None:
    assert len((resources.files("edge.web") / "static" / "kiosk.js").read_bytes()) < 15_000


def test_no_text_is_left_over() -> None:
    text = "\n".join(sources().values())
    notices = ("payment", "member", "cart", "pickup", "unknown", "coupon", "again")
    made = ("shop.shelf_", "web.", *(f"shop.{about}_" for about in notices))
    unused = [key for key, _ in WORDS.items() if key.startswith(("shop.", "web.")) and f'"{key}"' not in text]
    assert [key for key in unused if not key.startswith(made)] == []


def test_every_page_has_a_title_and_stands_in_the_frame_that_says_its_language() -> None:
    for name, text in sources().items():
        if name.endswith(".jinja") and "<html" in text:
            assert name == "web/base.jinja"
            assert '<html lang="{{ lang }}"' in text
        if "{% extends" in text and not name.endswith("frame.jinja"):
            title = re.search(r"{% block title %}(.+?){% endblock %}", text)
            assert title, name
            assert "{{" in title[1], name
