"""Whose shop the guest pages are, where there is a guest Wi-Fi: its name, its colour, and the way back to its page."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from edge.portal.desk import PLAIN
from edge.shop import Portal
from edge.web.guest.portal.look import TINT, look_url


class Brand(msgspec.Struct, frozen=True, kw_only=True):
    name_zh: str
    name_en: str
    sheet: str
    """Where the style sheet in the shop's colour is; empty: it has none."""


Branding = Callable[[], Brand | None]
"""None: there is no guest Wi-Fi to go back to, and nobody set a colour."""


def brand_of(portal: Portal | None) -> Brand:
    portal = portal or PLAIN
    sheet = look_url(portal.colour, TINT) if portal.colour else ""
    return Brand(name_zh=portal.name_zh, name_en=portal.name_en, sheet=sheet)


def unbranded() -> Brand | None:
    return None
