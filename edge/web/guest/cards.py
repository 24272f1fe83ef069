"""How the answer to a shake looks to a person. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from edge.shake_answers import Outcome, in_words
from edge.shake_desk import Result
from edge.web.guest import faces
from edge.web.guest.faces import Face

Say = Callable[[str], str]
"""A key of guest/words.toml without its part → the text."""


class Card(NamedTuple):
    glad: bool
    """Something was won or given."""
    title: str
    words: str
    face: Face | None
    coupon: str
    """The coupon's link; empty without one."""
    page: str
    about: str
    icon: str
    """Of this gateway: the browser may load no other."""
    letter: str
    """Stands where there is no icon."""
    go: str
    """Opens the page; empty where there is nothing more to see."""

    @property
    def said(self) -> str:
        """In one sentence, for who does not see the card."""
        return " ".join(filter(None, (self.title, self.face.name if self.face else "", self.page)))


def card(result: Result, *, say: Say, lang: str, timezone: str, go: str, public_url: str) -> Card:
    shaken, page = result.shaken, result.page
    face = faces.face(result.coupon, lang=lang, timezone=timezone) if result.coupon else None
    title = "" if page is None else page.title_en if lang == "en" else page.title_zh
    about = "" if page is None else page.description_en if lang == "en" else page.description_zh
    return Card(
        glad=shaken.outcome in {Outcome.WON, Outcome.COUPON},
        title=say(f"shake_{shaken.outcome}"),
        words=_words(result, say, lang, timezone),
        face=face,
        coupon=f"/c/{result.coupon.token}" if result.coupon and result.coupon.token else "",
        page=title,
        about=about,
        icon=own_path(page.icon_url, public_url) if page is not None else "",
        letter=title[:1],
        go=go if page is not None and page.page_url else "",
    )


def own_path(url: str, public_url: str) -> str:
    """The path of an address that is this gateway's; empty for any other, which a page of ours may not load."""
    here = public_url.rstrip("/")
    path = url[len(here) :] if here and url.startswith(f"{here}/") else url
    return path if path.startswith("/") and not path.startswith("//") else ""


def _words(result: Result, say: Say, lang: str, timezone: str) -> str:
    shaken = result.shaken
    if shaken.outcome is Outcome.EMPTY and shaken.why_empty is not None:
        return in_words(shaken.why_empty, language=lang, timezone=timezone)
    return say("shake_lost_text") if shaken.outcome is Outcome.LOST else ""
