"""`/`, `/portal/accept`, `/portal/welcome`, `/portal/leave`, `/portal/terms`: in by a form, and out.

Forms are posted and answered with 303: iOS looks for the internet again after a whole page only. Nothing is kept in
the browser but the wallet's cookie, and nothing hangs on that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from aiohttp import web

from edge.access_answers import AccessRefusal, AccessWhy, Admitted, Way
from edge.portal.asks import Guest
from edge.portal.desk import View
from edge.web import pages
from edge.web.bodies import form_of
from edge.web.faults import WebError
from edge.web.guest import faces
from edge.web.guest.portal import wording
from edge.web.guest.portal.api import left_bytes
from edge.web.guest.portal.front import Front
from edge.web.guest.portal.shell import said, shell_of, terms_of, to
from edge.web.guest.portal.typed import WRONG, Typed

MAX_FIELD = 512
OFFERS = 3
"""Coupons on the welcome page; the wallet has all."""
SOON_MS = 600_000
"""With less time left the welcome page offers more."""
STEP_PAGES = {"sms_code": "/portal/sms", "member_code": "/portal/member", "wechat": "/portal/wechat"}
OVER = frozenset({AccessWhy.CODE_OVER, AccessWhy.NUMBER_WRONG})
"""The step has nothing left to offer: from the start again."""
FILLED = {"code": Way.SMS, "voucher": Way.VOUCHER, "number": Way.SMS, "staff": Way.STAFF}
"""Somebody pressed Enter in a field: which way that is."""


AUTO = "auto"
"""The button that Enter in a field presses."""


class PortalPages:
    def __init__(self, front: Front) -> None:
        self._front = front
        self._typed = Typed()

    async def start(self, request: web.Request) -> web.Response:
        """The splash page; who is on, or half-way in, is taken to where they were."""
        self._front.hold_to(self._front.looks, request)
        guest = await self._front.guest(request)
        if guest is None:
            return self.stranger(request)
        if "again" not in request.query:
            if is_on(guest):
                raise web.HTTPFound(to(request, "/portal/welcome"))
            if (begun := self._front.desk.begun(guest)) is not None and begun[1].part in STEP_PAGES:
                raise web.HTTPFound(to(request, STEP_PAGES[begun[1].part]))
        return self._splash(request, guest)

    async def accept(self, request: web.Request) -> web.Response:
        """The form of every way in."""
        self._front.hold_to(self._front.posts, request)
        form = await small_form(request)
        guest = await self._front.guest(request)
        if guest is None:
            return self.stranger(request, status=403)
        way = way_of(form, self._front.desk.view())
        answer = await self._front.desk.enter(way, guest, form)
        if isinstance(answer, AccessRefusal):
            if guest.sure:
                self._typed.keep(guest.mac, way, form, monotonic_ms=self._front.clock.now().monotonic_ms)
            raise web.HTTPSeeOther(self._back(request, guest, way, answer))
        self._typed.forget(guest.mac)
        if isinstance(answer, Admitted):
            return self._let_in(request)
        no = answer.why.value if answer.why else ""
        raise web.HTTPSeeOther(to(request, STEP_PAGES.get(answer.part, "/"), no=no))

    async def welcome(self, request: web.Request) -> web.Response:
        """How long, how much, and what the shop gives."""
        front = self._front
        front.hold_to(front.looks, request)
        guest = await front.guest(request)
        if guest is None:
            return self.stranger(request)
        standing = guest.standing
        if standing is None or standing.way is Way.PASS:
            raise web.HTTPFound(to(request, "/"))
        lang, view, now_ms = pages.chosen(request), front.desk.view(), front.clock.now().at_ms
        number = front.identity.of(request) or front.identity.fresh()
        offers = await front.coupons.offers(front.identity.holder(number))
        left, say = left_bytes(standing), said(request)
        at = {"now_ms": now_ms, "timezone": front.desk.timezone, "say": say}
        response = pages.page(
            request,
            "portal/welcome.jinja",
            shell=shell_of(request, view),
            until=wording.clock_time(standing.to_ms, **at),  # type: ignore[arg-type]
            left=wording.span(standing.to_ms - now_ms, say),
            bytes_left="" if left is None else wording.size(left),
            more=standing.to_ms - now_ms < SOON_MS,
            token=front.desk.token(guest),
            offers=[offer for offer in offers if offer.takable][:OFFERS],
            worth=lambda campaign: faces.worth(campaign, lang),
            form_tag=front.identity.form_tag(number),
            shakes=front.shakes(),
            landing=view.portal.landing,
            to=partial(to, request),
        )
        front.identity.keep(response, number)
        return response

    async def leave(self, request: web.Request) -> web.Response:
        self._front.hold_to(self._front.posts, request)
        form = await small_form(request)
        guest = await self._front.guest(request)
        if guest is None:
            return self.stranger(request, status=403)
        if not self._front.desk.token_is(guest, form.get("token", "")):
            raise WebError(403, "other_site", "This may only be asked from our own pages.")
        if not await self._front.desk.leave(guest):
            raise web.HTTPSeeOther(to(request, "/", no=AccessWhy.GATE_DOWN.value, again="1"))
        raise web.HTTPSeeOther(to(request, "/", left="1"))

    async def terms(self, request: web.Request) -> web.Response:
        """For everybody, on the network or not."""
        self._front.hold_to(self._front.looks, request)
        shell, terms = shell_of(request, view := self._front.desk.view()), terms_of(request, view)
        return pages.page(request, "portal/terms.jinja", shell=shell, terms=terms, to=partial(to, request))

    def stranger(self, request: web.Request, *, status: int = 200) -> web.Response:
        """Somebody who is not on the guest network: nothing to let in, but the shop's pages work."""
        response = pages.page(
            request,
            "portal/stranger.jinja",
            status=status,
            shell=shell_of(request, self._front.desk.view()),
            shakes=self._front.shakes(),
            to=partial(to, request),
        )
        response.force_close()  # with a connection of its own the next try may tell who it is
        return response

    def _splash(self, request: web.Request, guest: Guest) -> web.Response:
        front = self._front
        view, lang, now_ms = front.desk.view(), pages.chosen(request), front.clock.now().at_ms
        at = {"now_ms": now_ms, "timezone": front.desk.timezone, "say": said(request)}
        opens = view.opens_ms if not view.is_open else None
        usable = [way for way, why in view.ways if why is None and (view.is_open or way is Way.STAFF)]
        no, wanted = self.told(request), wanted_of(request)
        shoppers = sorted((way for way in usable if way is not Way.STAFF), key=lambda way: way is not wanted)
        response = pages.page(
            request,
            "portal/splash.jinja",
            shell=shell_of(request, view),
            terms=terms_of(request, view),
            welcome=view.portal.welcome_en if lang == "en" else view.portal.welcome_zh,
            ways=[way.value for way in shoppers] if view.gate_up else [],
            staff=Way.STAFF in usable and view.gate_up,
            main=first_of(shoppers, wanted),
            resting=[way.value for way, why in view.ways if why is AccessWhy.OFFLINE],
            is_open=view.is_open,
            opens="" if opens is None else wording.clock_time(opens, **at),  # type: ignore[arg-type]
            gate_up=view.gate_up,
            no=no,
            wrong=wanted.value if wanted and no and is_wrong(request) else "",
            left="left" in request.query,
            asked=wanted.value if wanted else "",
            typed=self._again(guest, wanted, request),
            token=front.desk.token(guest),
            shakes=front.shakes(),
            to=partial(to, request),
        )
        if front.identity.of(request) is None:  # so that the first login is theirs already
            front.identity.keep(response, front.identity.fresh())
        return response

    def _again(self, guest: Guest, wanted: Way | None, request: web.Request) -> dict[str, str]:
        """What stands in the fields: what a link brought, or what was typed and did not do."""
        given = {Way.VOUCHER.value: request.query.get("voucher", "")[:64]}
        if wanted is None or not guest.sure or "no" not in request.query:
            return given
        kept = self._typed.of(guest.mac, wanted, monotonic_ms=self._front.clock.now().monotonic_ms)
        return given | ({wanted.value: kept} if kept else {})

    def told(self, request: web.Request) -> str:
        """Why the last try did not work, out of `?no=`: only our own words are ever shown."""
        no, at = request.query.get("no", ""), request.query.get("at", "")
        if no not in set(AccessWhy):
            return ""
        return wording.refusal(
            AccessWhy(no),
            int(at) if at.isascii() and at.isdecimal() and len(at) < 16 else None,
            now_ms=self._front.clock.now().at_ms,
            timezone=self._front.desk.timezone,
            say=said(request),
        )

    def _let_in(self, request: web.Request) -> web.Response:
        """By a cookie, the next login is theirs too, whatever address their phone makes up."""
        number = self._front.identity.of(request) or self._front.identity.fresh()
        response = web.Response(status=303, headers={"Location": to(request, "/portal/welcome")})
        self._front.identity.keep(response, number)
        return response

    def _back(self, request: web.Request, guest: Guest, way: Way, refused: AccessRefusal) -> str:
        """To the page that asked, with the reason."""
        told = {"no": refused.why.value, "at": "" if refused.again_ms is None else str(refused.again_ms)}
        begun = self._front.desk.begun(guest)
        if begun is not None and begun[0] is way and begun[1].part in STEP_PAGES and refused.why not in OVER:
            return to(request, STEP_PAGES[begun[1].part], **told)
        again = "1" if is_on(guest) or begun is not None else ""
        return to(request, "/", **told, way=way.value, again=again)


def wanted_of(request: web.Request) -> Way | None:
    """Which way the guest is about: it stands first."""
    named = request.query.get("way", "") or (Way.VOUCHER.value if request.query.get("voucher") else "")
    return Way(named) if named in {way.value for way in Way} else None


def first_of(shoppers: Sequence[Way], wanted: Way | None) -> str:
    """Whose button wears the colour; empty: each may."""
    if wanted in shoppers:
        return wanted.value if wanted else ""
    return Way.CLICK.value if Way.CLICK in shoppers else ""


def is_wrong(request: web.Request) -> bool:
    """Whether what was typed is what was wrong."""
    no = request.query.get("no", "")
    return no in set(AccessWhy) and AccessWhy(no) in WRONG


def is_on(guest: Guest) -> bool:
    """Let in, and not for a minute only."""
    return guest.standing is not None and guest.standing.way is not Way.PASS


def way_of(form: Mapping[str, str], view: View) -> Way:
    """The pressed button's; else that of the first filled field, else the first on the page. Raises WebError 400."""
    if (named := form.get("way", "")) not in {"", AUTO}:
        if named not in {way.value for way in Way}:
            raise WebError(400, "bad_request", "The form is not as our page made it.")
        return Way(named)
    filled = next((way for name, way in FILLED.items() if form.get(name, "").strip()), None)
    return filled or next((way for way, why in view.ways if why is None), Way.CLICK)


async def small_form(request: web.Request) -> dict[str, str]:
    """Raises WebError 400 for a field that is longer than any of ours."""
    form = await form_of(request)
    if any(len(text) > MAX_FIELD for text in form.values()):
        raise WebError(400, "bad_request", "The form is not as our page made it.")
    return form
