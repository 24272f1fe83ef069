"""What stands on every page of the portal, and how its links keep the language."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode

from aiohttp import web

from edge.portal.desk import View
from edge.web import pages
from edge.web.guest.portal import wording
from edge.web.guest.portal.look import look_url


class Shell(NamedTuple):
    shop: str
    offline: bool
    look: str
    """The style sheet in the shop's colour."""


class Terms(NamedTuple):
    title: str
    paragraphs: list[str]
    logged: str
    """What is written down and how long, in a sentence."""
    consent: str
    """Policy and version: what a form sends back."""
    ticked: bool
    """Whether a box must be ticked: somebody's data are asked for or kept."""
    marketing: str


def shell_of(request: web.Request, view: View) -> Shell:
    english = pages.chosen(request) == "en"
    name = view.portal.name_en if english else view.portal.name_zh
    return Shell(shop=name, offline=view.offline, look=look_url(view.portal.colour))


def terms_of(request: web.Request, view: View) -> Terms:
    lang, policy = pages.chosen(request), view.policy
    return Terms(
        title=wording.title_of(policy, lang),
        paragraphs=wording.paragraphs_of(policy, lang),
        logged=wording.logged_of(policy, said(request)),
        consent=policy.consent,
        ticked=bool(policy.ways or policy.log_days),
        marketing=wording.marketing_of(policy, lang),
    )


def said(request: web.Request) -> wording.Say:
    return lambda key, **fields: pages.say(request, f"portal.{key}", **fields)


def to(request: web.Request, path: str, **query: str) -> str:
    """A path of ours, with the language that this page was asked for: where no cookie keeps it."""
    asked = {"lang": pages.chosen(request)} if request.query.get("lang", "") else {}
    told = urlencode({key: text for key, text in (query | asked).items() if text})
    return f"{path}?{told}" if told else path
