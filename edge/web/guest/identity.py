"""Who a shopper is to the wallet: a random number in a signed cookie, and nothing else about them."""

from __future__ import annotations

import base64
import hmac
import re
import secrets

from aiohttp import web

from edge.keys import GatewayKeys
from edge.web.guard import same_secret

COOKIE = "wallet"
_FORM = re.compile(r"([A-Z2-7]{26})\.([0-9a-f]{32})\Z")


class Identity:
    """Reads and writes the cookie. Forging one needs the gateway's secret; guessing one, 128 bits."""

    def __init__(self, keys: GatewayKeys, *, days: int) -> None:
        self._keys = keys
        self._max_age_s = days * 86_400

    def of(self, request: web.Request) -> str | None:
        """The browser's number, or None: it has no cookie, or not one of ours."""
        return self.number_of(request.cookies.get(COOKIE, ""))

    def number_of(self, signed: str) -> str | None:
        """Back from what `signed` gave: apps and pages without cookies send it with what they ask."""
        found = _FORM.match(signed)
        if found is None or not hmac.compare_digest(found[2], self._keys.guest_tag("wallet", found[1])):
            return None
        return found[1]

    def signed(self, number: str) -> str:
        return f"{number}.{self._keys.guest_tag('wallet', number)}"

    def fresh(self) -> str:
        return base64.b32encode(secrets.token_bytes(16)).decode("ascii").rstrip("=")

    def keep(self, response: web.StreamResponse, number: str) -> None:
        """Not `Secure`: in the shop's own Wi-Fi pages are plain HTTP. Lax: a scanned link finds its wallet."""
        age_s = self._max_age_s
        response.set_cookie(COOKIE, self.signed(number), max_age=age_s, httponly=True, samesite="Lax", path="/")

    def holder(self, number: str) -> str:
        """As the ledger knows them."""
        return self._keys.holder("wallet", number)

    def form_tag(self, number: str) -> str:
        """Goes into the page's forms: another site can make a browser send the cookie, but can't read this."""
        return self._keys.guest_tag("form", number)

    def form_is_ours(self, number: str, tag: str) -> bool:
        return same_secret(tag, self.form_tag(number))
