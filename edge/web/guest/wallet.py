"""`/wallet` and `/c/{token}`: take a coupon, show it at the till. No script; nothing is kept but a cookie."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from markupsafe import Markup

from edge import qr
from edge.clock import Clock
from edge.config import CouponsSection
from edge.coupon_answers import Issued, Refused, Why, in_words
from edge.coupon_desk import CouponDesk
from edge.keys import GatewayKeys
from edge.web import pages
from edge.web.bodies import form_of
from edge.web.faults import WebError
from edge.web.guest import faces
from edge.web.guest.brand import Branding, unbranded
from edge.web.guest.identity import Identity
from edge.web.guest.rates import AddressRate, Rate
from edge.web.proxies import at_the_box
from edge.web.refusals import STATUS

NO_COOKIES = "no_cookies"


def routes(
    desk: CouponDesk,
    *,
    keys: GatewayKeys,
    clock: Clock,
    settings: CouponsSection,
    given: AddressRate,
    shakes: Callable[[], bool] = lambda: False,
    home: bool = True,
    brand: Branding = unbranded,
) -> list[web.AbstractRouteDef]:
    """`given`: `rates.coupons_given()`, which shakes share. `shakes`: whether there is anything to shake for, so that
    the wallet leads to it. `home`: `/` is ours; without it, the portal's.
    """
    identity = Identity(keys, days=settings.wallet_days)
    wallet = Wallet(desk, identity, clock, given=given, shakes=shakes, brand=brand)
    return [
        *([web.get("/", wallet.start)] if home else []),
        web.get("/wallet", wallet.open),
        web.post("/wallet/claim", wallet.claim),
        web.get("/c/{token}", wallet.coupon),
    ]


def kiosk_view(desk: CouponDesk) -> Callable[[web.Request, str], Awaitable[str]]:
    """What a kiosk shows when a coupon was scanned there: worth and state. No code: the screen is everybody's."""

    async def view(request: web.Request, code: str) -> str:
        found = await desk.show(code)
        lang = pages.chosen(request)
        if isinstance(found, Refused):
            why = in_words(found, language=lang, timezone=desk.timezone)
            return pages.text(request, "guest/kiosk.jinja", face=None, why=why)
        face = faces.face(found, lang=lang, timezone=desk.timezone)
        return pages.text(request, "guest/kiosk.jinja", face=face, why=face.why)

    return view


class Wallet:
    def __init__(
        self,
        desk: CouponDesk,
        identity: Identity,
        clock: Clock,
        *,
        given: AddressRate,
        shakes: Callable[[], bool],
        brand: Branding,
    ) -> None:
        self._desk = desk
        self._brand = brand
        self._shakes = shakes
        self._identity = identity
        self._clock = clock
        self._claims_of_browser = Rate(burst=10, each_s=60)
        self._claims_of_address = given
        """A claim that is refused counts too: it costs as much."""
        self._looks_of_address = AddressRate(burst=120, each_s=0.5)

    async def open(self, request: web.Request) -> web.Response:
        self._hold_to(self._looks_of_address, request)
        lang, zone = pages.chosen(request), self._desk.timezone
        number = self._identity.of(request) or self._identity.fresh()
        holder = self._identity.holder(number)
        mine = [faces.face(shown, lang=lang, timezone=zone) for shown in await self._desk.wallet(holder)]
        response = pages.page(
            request,
            "guest/wallet.jinja",
            offers=await self._desk.offers(holder),
            worth=lambda campaign: faces.worth(campaign, lang),
            live=[face for face in mine if face.state in {"ready", "held", "soon", "closed"}],
            ended=[face for face in mine if face.state in {"used", "expired", "voided"}],
            form_tag=self._identity.form_tag(number),
            no=_told(request, lang, zone),
            shakes=self._shakes(),
            brand=self._brand(),
        )
        self._identity.keep(response, number)
        return response

    async def start(self, _: web.Request) -> web.Response:
        """The bare address, typed off a poster."""
        raise web.HTTPFound("/wallet")

    async def claim(self, request: web.Request) -> web.Response:
        """A form: `campaign`, `got` (how many there were before), `tag`. Pressed twice, it is one coupon."""
        self._hold_to(self._claims_of_address, request)
        number = self._identity.of(request)
        if number is None:
            raise web.HTTPSeeOther(f"/wallet?no={NO_COOKIES}")
        form = await form_of(request)
        if not self._identity.form_is_ours(number, form.get("tag", "")):
            raise WebError(403, "other_site", "This may only be asked from our own pages.")
        self._hold_to(self._claims_of_browser, request, number)
        campaign, got = form.get("campaign", "")[:32], form.get("got", "")
        if not got.isdecimal() or len(got) > 4:
            raise WebError(400, "bad_request", "The form is not as our page made it.")
        holder = self._identity.holder(number)
        key = f"wallet/{holder}/{campaign}/{int(got)}"
        answer = await self._desk.issue(campaign, holder=holder, request_key=key, via="wallet")
        raise web.HTTPSeeOther(await self._after(answer))

    async def _after(self, answer: Issued | Refused) -> str:
        if isinstance(answer, Refused):
            return f"/wallet?no={answer.why}"
        shown = await self._desk.show(answer.serial, serial_too=True)
        token = "" if isinstance(shown, Refused) else shown.token
        return f"/c/{token}" if token else "/wallet"

    async def coupon(self, request: web.Request) -> web.Response:
        """Whoever has the token has the coupon: that is what a QR code on a phone means."""
        self._hold_to(self._looks_of_address, request)
        lang, zone = pages.chosen(request), self._desk.timezone
        found = await self._desk.show(request.match_info["token"])
        if isinstance(found, Refused):
            why = in_words(found, language=lang, timezone=zone)
            status = STATUS[found.why]
            return pages.page(request, "guest/refused.jinja", status=status, why=why, brand=self._brand())
        face = faces.face(found, lang=lang, timezone=zone)
        return pages.page(
            request,
            "guest/coupon.jinja",
            face=face,
            picture=Markup(qr.svg(found.token)) if found.token else "",  # noqa: S704 - our own drawing
            short_code=faces.grouped(found.short_code),
            brand=self._brand(),
        )

    def _hold_to(self, rate: Rate | AddressRate, request: web.Request, who: str = "") -> None:
        who = who or request.remote or "unknown"
        if not at_the_box(request) and not rate.take(who, monotonic_ms=self._clock.now().monotonic_ms):
            raise WebError(429, "too_many", "That was a little too often.", hint="Please wait a minute.")


def _told(request: web.Request, lang: str, timezone: str) -> str:
    """Why the last claim did not work, out of `?no=`: only our own words are ever shown."""
    no = request.query.get("no", "")
    if no == NO_COOKIES:
        return pages.say(request, "guest.no_cookies")
    return in_words(Refused(why=Why(no)), language=lang, timezone=timezone) if no in set(Why) else ""
