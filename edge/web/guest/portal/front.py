"""What all pages of the portal stand on: who asks, how often they may, where the portal is reached now."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from aiohttp import web

from edge.access_answers import Way
from edge.board import Board
from edge.catalogue.desk import CatalogueDesk
from edge.clock import Clock
from edge.config import Config
from edge.coupon_desk import CouponDesk
from edge.keys import GatewayKeys
from edge.portal.asks import Guest, WayIn
from edge.portal.desk import PortalDesk
from edge.web import pages
from edge.web.faults import WebError
from edge.web.guest.identity import Identity
from edge.web.guest.portal.hosts import OurHosts
from edge.web.guest.rates import AddressRate
from edge.web.proxies import at_the_box

WAIT_S = 3
"""Retry-After of who asks too often: the next one is due soon."""


def came_from(request: web.Request) -> tuple[str, int]:
    """Address and port; 0: not known, or the connection is over."""
    peer = request.get_extra_info("peername")
    return request.remote or "", peer[1] if isinstance(peer, tuple) and len(peer) >= 2 else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    desk: PortalDesk
    coupons: CouponDesk
    catalogue: CatalogueDesk
    keys: GatewayKeys
    clock: Clock
    board: Board
    settings: Config
    ways: Mapping[Way, WayIn]
    """The desk's: apps call some of them back."""
    plain_url: Callable[[], str] = str
    """Where these pages are reached without TLS when the gate is a fake: nothing leads port 80 of an address to us."""
    shakes: Callable[[], bool] = lambda: False
    """Whether there is anything to shake for."""
    posts: AddressRate = field(default_factory=lambda: AddressRate(burst=20, each_s=3))
    """Forms of one phone; the desk holds guesses to less."""
    looks: AddressRate = field(default_factory=lambda: AddressRate(burst=120, each_s=0.5))
    searches: AddressRate = field(default_factory=lambda: AddressRate(burst=20, each_s=2))
    identity: Identity = field(init=False)
    ours: OurHosts = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "identity", Identity(self.keys, days=self.settings.coupons.wallet_days))
        gate, public = self.settings.gate, urlsplit(self.settings.listen.public_url).hostname
        names = (self.settings.portal.name, public or "")
        object.__setattr__(self, "ours", OurHosts(names, (gate.address4, gate.address6, public or "")))

    def url(self) -> str:
        """Where a phone is led to, without a slash at the end: by name while its certificate is good, else by address,
        which browsers let pass without a warning. One address, or the wallet's cookie would be in one family's only.
        """
        days, gate = self.board.wifi.tls_days_left, self.settings.gate
        if self.settings.portal.name and days is not None and days > 0:
            return f"https://{self.settings.portal.name}"
        if gate.driver == "fake" and (own := self.plain_url().rstrip("/")):
            return own
        return f"http://{ipaddress.ip_interface(gate.address4).ip}"

    @property
    def offline(self) -> bool:
        return self.board.wifi.uplink is False

    async def guest(self, request: web.Request) -> Guest | None:
        """Who asks; None: nobody of the guest network. The wallet counts where its cookie came back, for mini-browsers
        forget it, and would be somebody else at each login.
        """
        number = self.identity.of(request)
        wallet = self.identity.holder(number) if number else ""
        return await self.desk.guest(*came_from(request), language=pages.chosen(request), wallet=wallet)

    def hold_to(self, rate: AddressRate, request: web.Request) -> None:
        """Raises WebError 429."""
        if not self.within(rate, request):
            raise WebError(
                429, "too_many", "That was a little too often.", hint="Please wait a moment.", retry_s=WAIT_S
            )

    def within(self, rate: AddressRate, request: web.Request) -> bool:
        now_ms = self.clock.now().monotonic_ms
        return at_the_box(request) or rate.take(request.remote or "unknown", monotonic_ms=now_ms)
