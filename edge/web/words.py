"""Every text of every page, in zh-CN and English, from the parts' `words.toml`.

    # edge/web/shop/words.toml
    [finish]
    zh = "结束"
    en = "Finish"

is `t("shop.finish")` in a template. Texts may hold `{name}` fields: `t("shop.hits", count=3)`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources

from aiohttp import web

PARTS = ("web", "guest", "portal", "shop", "admin")
"""A part's folder below edge/web; `web` is edge/web itself, `portal` a part of the guest side."""
LANGUAGES = ("zh-CN", "en")
COOKIE = "lang"
"""Session cookie: gone when the browser closes."""


class Words:
    """All texts, read once at the start."""

    def __init__(self, texts: Mapping[str, Mapping[str, str]]) -> None:
        self._texts = texts

    @classmethod
    def load(cls, parts: Iterable[str] = PARTS) -> Words:
        """Blocking. A part without words.toml has no words."""
        texts: dict[str, Mapping[str, str]] = {}
        for part in parts:
            file = resources.files(package_of(part)) / "words.toml"
            if file.is_file():
                for key, text in tomllib.loads(file.read_text("utf-8")).items():
                    texts[f"{part}.{key}"] = text
        return cls(texts)

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def items(self) -> Iterable[tuple[str, Mapping[str, str]]]:
        return self._texts.items()

    def say(self, key: str, language: str, **fields: object) -> str:
        """The text; the key itself where there is none, which a test keeps from happening."""
        text = self._texts.get(key, {}).get(short(language), key)
        return text.format(**fields) if fields else text


def package_of(part: str) -> str:
    folders = {"web": "edge.web", "portal": "edge.web.guest.portal"}
    return folders.get(part, f"edge.web.{part}")


def short(language: str) -> str:
    """`zh-CN` → `zh`: how words.toml and field names (`name_zh`) call it."""
    return "en" if language == "en" else "zh"


def language_of(request: web.Request, *, default: str) -> str:
    """`?lang=`, then the session cookie, then Accept-Language, then the gateway's own."""
    for wish in (request.query.get("lang", ""), request.cookies.get(COOKIE, "")):
        if found := _known(wish):
            return found
    for wish in request.headers.get("Accept-Language", "")[:200].split(","):
        if found := _known(wish.partition(";")[0].strip()):
            return found
    return default


def _known(wish: str) -> str:
    """The language of ours that a tag means, or empty."""
    head = wish[:2].lower()
    return {"zh": "zh-CN", "en": "en"}.get(head, "") if wish[2:3] in {"", "-", "_"} else ""
