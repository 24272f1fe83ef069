"""The guest Wi-Fi for everybody who asks: its pages, the API of phones, kiosks' scanners, the staff.

Here it is told whose request it is, whether the form is ours and the terms were accepted, and the way in is asked for
its proof; who is let in, and for how long, is the store's to decide (`edge.store.access`). When `enter` says yes, the
session is on the disk and the gate has been told.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress

import msgspec

from edge import events as ev
from edge.access_answers import AccessRefusal, AccessWhy, Admitted, LeftReason, Standing, Way
from edge.board import Board, State
from edge.clock import Clock, ClockState, Stamp
from edge.errors import JournalRefusedError
from edge.events import Code
from edge.ids import Mac, StationId
from edge.journal import Journal
from edge.keys import GatewayKeys
from edge.policies import Policy
from edge.portal import record, tokens
from edge.portal.asks import Callers, Guest, Proven, Step, WayIn
from edge.portal.begun import GOOD_MS, Beginnings, Begun
from edge.portal.names import Names
from edge.portal.office import Office
from edge.pump import Pump
from edge.rates import Rate
from edge.shop import Portal, Shop
from edge.shop.hours import Door, door
from edge.store import access_rows

__all__ = ["MEMBER_CODE", "PortalDesk", "View"]

MEMBER_CODE = "member_code"
"""`part` of the step whose page shows the QR code."""
CODE_MINUTES = 3
MAX_FIELD = 512
PLAIN = Portal(id="plain", name_zh="免费无线网络", name_en="Free Wi-Fi")
"""What guests of a shop that set up no portal see."""


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What the splash page shows."""

    portal: Portal
    policy: Policy
    ways: tuple[tuple[Way, AccessWhy | None], ...]
    """In the order of the portal; None: may be used now."""
    is_open: bool
    opens_ms: int | None
    """Closed: when it opens; None: it does not."""
    closes_ms: int | None
    """Open: when it closes; None: it does not."""
    offline: bool
    """The line is cut: what is on this box can be had."""
    gate_up: bool


class PortalDesk:
    """Every answer is a typed one; only `leave` and `end` raise JournalRefusedError (not on disk: try again)."""

    def __init__(
        self,
        *,
        pump: Pump,
        journal: Journal,
        clock: Clock,
        keys: GatewayKeys,
        shop: Callable[[], Shop],
        board: Board,
        neighbours: Callers,
        lets: Callable[[Mac, int], bool],
        ways: Mapping[Way, WayIn],
        policy: Policy,
    ) -> None:
        """`shop` gives the documents in force; `lets` says whether the kernel lets a session through (MAC and mark)."""
        self._pump = pump
        self._journal = journal
        self._clock = clock
        self._shop = shop
        self._board = board
        self._neighbours = neighbours
        self._lets = lets
        self._ways = ways
        self._policy = policy
        self._office = Office(pump=pump, journal=journal, clock=clock, keys=keys)
        self._names = Names(keys)
        self._form_key = keys.wifi_key("form")
        self._code_key = keys.wifi_key("code")
        self._record_key = keys.wifi_key("record")
        self._begun = Beginnings()
        self._tries_of_phone = Rate(burst=30, each_s=10)
        """Of one MAC. Each way bounds its own guesses; this bounds what a form costs us."""

    @property
    def timezone(self) -> str:
        return self._shop().timezone

    @property
    def policy(self) -> Policy:
        return self._policy

    def now(self) -> Stamp:
        return self._clock.now()

    # --- who, and what they see --------------------------------------------------------------------------

    async def guest(self, address: str, port: int, *, language: str, wallet: str = "") -> Guest | None:
        """Who speaks from there. None: not on the guest network, its MAC is not known (yet), or it is not its own."""
        mac = await self._neighbours.mac_of(address)
        sent = None if mac is None else await self._neighbours.sent(mac, address, port)
        if mac is None or sent is False:
            return None
        standing = await self.standing(mac)
        if standing is not None and not self._lets(mac, standing.mark):
            standing = None  # on the disk, not on the network: it is put right within seconds
        return Guest(
            address=address, mac=mac, language=language, wallet=wallet, standing=standing, sure=sent is not None
        )

    async def standing(self, mac: Mac) -> Standing | None:
        return await self._journal.read(lambda db: access_rows.standing(db, mac))

    def view(self) -> View:
        portal = self._portal()
        hours = self._door(self._clock.now())
        ready = [(way, self._ways[way].ready()) for way in portal.ways if self._offers(way, portal)]
        return View(
            portal=portal,
            policy=self._policy,
            ways=tuple((way, why) for way, why in ready if why is not AccessWhy.NOT_OFFERED),
            is_open=hours.is_open,
            opens_ms=hours.opens_ms,
            closes_ms=hours.closes_ms,
            offline=self._board.wifi.uplink is False,
            gate_up=self._board.wifi.gate is State.UP,
        )

    def token(self, guest: Guest) -> str:
        """Goes into every form as `token`: good half an hour, for this phone."""
        random = secrets.token_bytes(tokens.FORM_RANDOM_BYTES)
        return tokens.form_token(self._form_key, guest.mac, now=self._clock.now(), random=random)

    def token_is(self, guest: Guest, text: str) -> bool:
        return tokens.form_token_is(self._form_key, guest.mac, text, now=self._clock.now())

    def begun(self, guest: Guest) -> tuple[Way, Step] | None:
        """The page they were at when their browser closed: a step that waits for a code, say."""
        found = self._begun.of(guest.mac, monotonic_ms=self._clock.now().monotonic_ms) if guest.sure else None
        return None if found is None else (found.way, found.step)

    def agreed(self, guest: Guest) -> bool:
        """To be written to, when they began: their browser may have closed since, and forgotten the tick."""
        found = self._begun.of(guest.mac, monotonic_ms=self._clock.now().monotonic_ms) if guest.sure else None
        return found is not None and found.marketing

    def forget(self, guest: Guest) -> None:
        """They go back to the start, and choose another way."""
        if guest.sure:
            self._begun.forget(guest.mac)

    # --- in ----------------------------------------------------------------------------------------------

    async def enter(self, way: Way, guest: Guest, form: Mapping[str, str]) -> Admitted | Step | AccessRefusal:
        """`form`: the page's fields, with `token` of `token()`, `consent` as `policy.consent` says it, `marketing`
        `yes` where the box was ticked, and what the way asks. Nothing in it is trusted.
        """
        answer = await self._enter(way, guest, {key: text for key, text in form.items() if len(text) <= MAX_FIELD})
        if isinstance(answer, Admitted):
            self._begun.forget(guest.mac)
        self._count(answer)
        return answer

    async def _enter(self, way: Way, guest: Guest, form: Mapping[str, str]) -> Admitted | Step | AccessRefusal:
        now = self._clock.now()
        why = self._not_from_here(guest, form, now) or self._not_by(way)
        if why is not None:
            return self._no(why, now)
        proof = await self._ways[way].prove(guest, form)
        now = self._clock.now()
        marketing = form.get("marketing") == "yes"
        match proof:
            case Proven():
                return await self._submit(way, guest, proof, now, marketing=marketing)
            case Step():
                begun = Begun(guest, way, proof, self._policy.consent, marketing, now.monotonic_ms + GOOD_MS)
                return await self._step(begun, now)
            case _:
                return self._no(proof, now)

    def _not_from_here(self, guest: Guest, form: Mapping[str, str], now: Stamp) -> AccessWhy | None:
        if not guest.sure:  # before anything is counted against that phone
            return AccessWhy.GATE_DOWN
        if not self._tries_of_phone.take(guest.mac.colons, monotonic_ms=now.monotonic_ms):
            return AccessWhy.TOO_OFTEN
        if not self.token_is(guest, form.get("token", "")):
            return AccessWhy.STALE
        return None if form.get("consent") == self._policy.consent else AccessWhy.NO_CONSENT

    def _not_by(self, way: Way) -> AccessWhy | None:
        """Why this way leads nowhere now, whoever asks."""
        if not self._offers(way, self._portal()):
            return AccessWhy.NOT_OFFERED
        if self._board.wifi.gate is not State.UP:
            return AccessWhy.GATE_DOWN
        if way is not Way.STAFF and not self._door(self._clock.now()).is_open:
            return AccessWhy.CLOSED
        return self._ways[way].ready()

    async def _step(self, begun: Begun, now: Stamp) -> Step | AccessRefusal:
        if begun.step.pass_s:
            passed = await self._pass(begun, now)
            if isinstance(passed, AccessRefusal):
                return passed
        if begun.step.why is None or self._begun.of(begun.guest.mac, monotonic_ms=now.monotonic_ms) is None:
            self._begun.note(begun)
        if begun.step.part == MEMBER_CODE:
            return msgspec.structs.replace(begun.step, fields={**begun.step.fields, "code": self._code(begun, now)})
        return begun.step

    async def _pass(self, begun: Begun, now: Stamp) -> Admitted | AccessRefusal:
        """A minute or two to reach an app."""
        holder = f"pass-{self._names.device(begun.guest.mac, now, self.timezone)}"
        return await self._submit(Way.PASS, begun.guest, Proven(holder=holder), now, pass_s=begun.step.pass_s)

    async def _submit(
        self, way: Way, guest: Guest, proof: Proven, now: Stamp, *, marketing: bool = False, pass_s: int = 0
    ) -> Admitted | AccessRefusal:
        session = secrets.token_hex(8)
        sealed = record.seal(
            self._record_key, self._policy, session=session, guest=guest, way=way, account=proof.account
        )
        event = ev.GuestProven(
            at=now,
            session=session,
            mac=guest.mac,
            holder=proof.holder,
            visitor=self._names.visitor(proof.holder, now, self.timezone),
            way=way,
            phone=self._names.device(guest.mac, now, self.timezone),
            voucher=proof.voucher,
            pass_s=pass_s,
            most_s=proof.most_s,
            consent=self._policy.consent,
            marketing=marketing,
            record=sealed,
        )
        try:
            answer = await self._pump.submit(event)
        except JournalRefusedError:
            return AccessRefusal(why=AccessWhy.OTHER)
        if not isinstance(answer, Admitted | AccessRefusal):
            raise TypeError(f"GuestProven was answered with {type(answer).__name__}")
        return (
            answer
            if isinstance(answer, AccessRefusal) or await self._is_in(guest.mac)
            else AccessRefusal(why=AccessWhy.GATE_DOWN)
        )

    async def _is_in(self, mac: Mac) -> bool:
        """The gate did what it was told. Else the session ends at once: somebody who hears no has used no time, takes
        no room, and is not let in behind their back when the gate is well again. A voucher's time has begun.
        """
        standing = await self.standing(mac)
        if standing is None or self._lets(mac, standing.mark):  # ended meanwhile: their next look tells them
            return True
        with suppress(JournalRefusedError):  # then the driver lets them in when it can
            await self._pump.submit(ev.GuestGone(at=self._clock.now(), mark=standing.mark, reason=LeftReason.REFUSED))
        return False

    # --- by a code that a kiosk reads --------------------------------------------------------------------

    async def member_code(self, guest: Guest) -> str:
        """For the page that shows it, fetched again: three minutes good. Empty: this phone has not begun by `enter`,
        or ten minutes ago.
        """
        now = self._clock.now()
        begun = self._begun.of(guest.mac, monotonic_ms=now.monotonic_ms)
        theirs = guest.sure and begun is not None and begun.way is Way.MEMBER
        return self._code(begun, now) if begun is not None and theirs else ""

    def _code(self, begun: Begun, now: Stamp) -> str:
        code = tokens.MemberCode(
            mac=begun.guest.mac,
            holder=self._names.holder(begun.guest, now, self.timezone),
            consent=tokens.terms_tag(begun.consent),
            marketing=begun.marketing,
            end_minute=now.at_ms // tokens.MINUTE_MS + CODE_MINUTES + 1,
        )
        return tokens.member_code(self._code_key, code, nonce=secrets.token_bytes(tokens.CODE_NONCE_BYTES))

    async def shown(self, code: Code, station: StationId | None) -> Admitted | AccessRefusal:
        """A kiosk's scanner read `tokens.looks_like_member_code`; whose phone shows it is let in, wherever it is."""
        answer = await self._shown(code.value)
        if isinstance(answer, Admitted):
            self._board.wifi.admitted[f"{Way.MEMBER.value} {station}" if station else Way.MEMBER.value] += 1
        else:
            self._count(answer)
        return answer

    async def _shown(self, text: str) -> Admitted | AccessRefusal:
        now = self._clock.now()
        code = tokens.member_code_of(self._code_key, text, at_ms=now.at_ms)
        if code is None:
            return self._no(AccessWhy.CODE_OVER, now)
        if code.consent != tokens.terms_tag(self._policy.consent):
            return self._no(AccessWhy.NO_CONSENT, now)
        if (why := self._not_by(Way.MEMBER)) is not None:
            return self._no(why, now)
        begun = self._begun.of(code.mac, monotonic_ms=now.monotonic_ms)
        guest = begun.guest if begun is not None else Guest(address="", mac=code.mac)
        proof = Proven(holder=code.holder, account=code.holder)
        answer = await self._submit(Way.MEMBER, guest, proof, now, marketing=code.marketing)
        if isinstance(answer, Admitted):
            self._begun.forget(code.mac)
        return answer

    # --- out ---------------------------------------------------------------------------------------------

    async def leave(self, guest: Guest) -> bool:
        """Logged out: running downloads are cut too. False: nothing was done, for it may be another phone that asks."""
        if not guest.sure:
            return False
        standing = await self.standing(guest.mac)
        if standing is not None:
            gone = ev.GuestGone(at=self._clock.now(), mark=standing.mark, reason=LeftReason.LOGOUT)
            await self._pump.submit(gone)
        return True

    async def end(self, session: str | None, reason: LeftReason = LeftReason.STAFF) -> int:
        """One session, or (None) all; how many there were."""
        return await self._office.end(session, reason)

    # --- the shop ----------------------------------------------------------------------------------------

    def _portal(self) -> Portal:
        return self._shop().portal or PLAIN

    def _offers(self, way: Way, portal: Portal) -> bool:
        return way in portal.ways and way in self._ways and self._policy.allows(way)

    def _door(self, now: Stamp) -> Door:
        """While the clock is unset nobody knows the hour: open. When it turns out to be late, the rules end all."""
        if now.state is ClockState.UNSET:
            return Door(is_open=True)
        return door(self._portal().hours, now.at_ms, self.timezone)

    def _no(self, why: AccessWhy, now: Stamp) -> AccessRefusal:
        return AccessRefusal(why=why, again_ms=self._door(now).opens_ms if why is AccessWhy.CLOSED else None)

    def _count(self, answer: Admitted | Step | AccessRefusal) -> None:
        match answer:
            case Admitted():
                self._board.wifi.admitted[answer.way.value] += 1
            case AccessRefusal():
                self._board.wifi.refused[answer.why.value] += 1
