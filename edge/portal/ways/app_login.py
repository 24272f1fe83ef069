"""In by another company's app: the page opens it, and it calls back from the phone, over the guest network.

Such a call carries nothing of ours but one word, `extend`, and anybody on the network can make one. So the word is an
HMAC over the phone's MAC and an expiry, is good once, and counts only in a call from that phone; and what the app says
its user is called is a claim, which the cloud verifies: at once while the line stands, else later, and then a no ends
the session. One module per app beside this one says how its page and its call look (`App`).
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, Protocol

from edge.access_answers import AccessRefusal, AccessWhy, Admitted, Way
from edge.clock import Clock
from edge.cloud_asks import Ask, Asks, RefusedByCloud
from edge.errors import CloudError, JournalRefusedError
from edge.ids import Mac
from edge.keys import GatewayKeys
from edge.portal.asks import Guest, Proven, Step

log = logging.getLogger(__name__)
OPEN_S = 300
"""From the page to the app's call: somebody finds the app, and reads what it asks."""
NONCE_CHARS = 32
END_CHARS = 8
TAG_CHARS = 32
EXTEND_CHARS = NONCE_CHARS + END_CHARS + TAG_CHARS
MAX_OPEN = 5_000
MAX_UNVERIFIED = 2_000
ASK_S = 5.0
"""The app waits ten seconds for all of it."""
UNVERIFIED_S = 1800
"""Whom the cloud has not vouched for is on no longer than this: what is to be asked is forgotten at a restart."""
VERIFY_S = 20.0
"""Between tries, for who came in while the cloud did not answer."""
UNSURE = frozenset({"failed", "too_often", "bad_request"})
"""Refusals of the cloud that say nothing about the user."""


class Claim(NamedTuple):
    """Who an app says that its user is."""

    user: str
    """Its name for them; goes into the holder's name and the sealed record."""
    verify: Ask


class App(Protocol):
    """One company's app."""

    @property
    def way(self) -> Way: ...

    @property
    def configured(self) -> bool:
        """Whether gateway.toml has what it needs."""

    @property
    def pass_s(self) -> int:
        """The temporary pass in which it is reached."""

    def page(self, guest: Guest, extend: str) -> Mapping[str, str]:
        """What its page needs."""

    def claim(self, query: Mapping[str, str]) -> Claim | None:
        """Of its call; None: it is none."""


class _Open(NamedTuple):
    extend: str
    form: Mapping[str, str]
    """As it was sent and accepted: the call enters with it."""
    end_ms: int


class Desk(Protocol):
    """What is used of `edge.portal.desk.PortalDesk`."""

    async def guest(self, address: str, port: int, *, language: str, wallet: str = "") -> Guest | None: ...
    async def enter(self, way: Way, guest: Guest, form: Mapping[str, str]) -> Admitted | Step | AccessRefusal: ...
    async def end(self, session: str | None) -> int: ...


class AppLogin:
    """`edge.portal.asks.WayIn` for one app."""

    def __init__(self, app: App, *, asks: Asks, keys: GatewayKeys, clock: Clock) -> None:
        self._app = app
        self._asks = asks
        self._keys = keys
        self._clock = clock
        self._key = keys.wifi_key(app.way.value)
        self._open: OrderedDict[Mac, _Open] = OrderedDict()
        self._claims: dict[Mac, Claim] = {}
        """Of calls under way: from `called` to `prove` through the desk. A form can't bring one."""
        self._unsure: set[Mac] = set()
        self._unverified: OrderedDict[str, Ask] = OrderedDict()
        """Session → what the cloud is still to be asked."""

    @property
    def way(self) -> Way:
        return self._app.way

    @property
    def configured(self) -> bool:
        return self._app.configured

    def ready(self) -> AccessWhy | None:
        if not self._app.configured or not self._asks.private:
            return AccessWhy.NOT_OFFERED
        return None if self._asks.online or self._claims else AccessWhy.OFFLINE

    async def prove(self, guest: Guest, form: Mapping[str, str]) -> Proven | Step | AccessWhy:
        claim = self._claims.pop(guest.mac, None)
        if claim is not None:
            return await self._verified(guest.mac, claim)
        if not self._asks.online:
            return AccessWhy.OFFLINE
        extend = self._opened(guest.mac, form)
        return Step(part=self.way.value, fields=self._app.page(guest, extend), pass_s=self._app.pass_s)

    async def called(
        self, desk: Desk, source: tuple[str, int], query: Mapping[str, str], *, language: str = "zh-CN"
    ) -> Admitted | AccessRefusal:
        """The app's call, from an address and port. Anything but Admitted is to be answered with 403."""
        guest = await desk.guest(*source, language=language)
        if guest is None or not guest.sure:
            return AccessRefusal(why=AccessWhy.NOT_A_GUEST)
        claim = self._app.claim(query)
        form = None if claim is None else self._taken(guest.mac, query.get("extend", ""))
        if claim is None or form is None:
            return AccessRefusal(why=AccessWhy.STALE)
        self._claims[guest.mac] = claim
        try:
            answer = await desk.enter(self.way, guest, form)
            if isinstance(answer, Admitted) and guest.mac in self._unsure:
                self._later(answer.session, claim.verify)
        finally:
            self._claims.pop(guest.mac, None)
            self._unsure.discard(guest.mac)
        return AccessRefusal(why=AccessWhy.REFUSED) if isinstance(answer, Step) else answer

    async def run(self, end: Callable[[str], Awaitable[object]]) -> None:
        """Until cancelled: verifies who came in while the cloud did not answer; `end` ends a session."""
        while True:
            await asyncio.sleep(VERIFY_S)
            await self.verify_waiting(end)

    async def verify_waiting(self, end: Callable[[str], Awaitable[object]]) -> None:
        """One round; it stops where the cloud does not answer."""
        for session, ask in list(self._unverified.items()):
            try:
                if await self._is_no(ask):
                    await end(session)
            except CloudError:
                return
            except JournalRefusedError as error:
                log.warning("a session that %s does not vouch for goes on for now: %s", self.way.value, error)
                return
            self._unverified.pop(session, None)

    async def _verified(self, mac: Mac, claim: Claim) -> Proven | AccessWhy:
        try:
            if await self._is_no(claim.verify):
                return AccessWhy.REFUSED
        except CloudError:
            self._unsure.add(mac)
        most_s = UNVERIFIED_S if mac in self._unsure else 0
        return Proven(holder=self._keys.holder(self.way.value, claim.user), account=claim.user, most_s=most_s)

    async def _is_no(self, ask: Ask) -> bool:
        """Whether the cloud says that it is not so. Raises CloudError when it says neither yes nor no."""
        answer = await self._asks.ask(ask, timeout_s=ASK_S)
        if not isinstance(answer, RefusedByCloud):
            return False
        if answer.why in UNSURE:
            raise CloudError(f"the cloud could not verify a user of {self.way.value}: {answer.why}")
        return True

    def _later(self, session: str, ask: Ask) -> None:
        self._unverified[session] = ask
        if len(self._unverified) > MAX_UNVERIFIED:
            self._unverified.popitem(last=False)

    # --- the one word ------------------------------------------------------------------------------------

    def _opened(self, mac: Mac, form: Mapping[str, str]) -> str:
        """One a phone: who taps twice gets the same while half its time is left."""
        now_ms = self._clock.now().monotonic_ms
        before = self._open.get(mac)
        if before is not None and before.end_ms - now_ms > OPEN_S * 500:
            opened = _Open(before.extend, dict(form), before.end_ms)
        else:
            end_ms = now_ms + OPEN_S * 1000
            body = secrets.token_hex(NONCE_CHARS // 2) + f"{end_ms // 1000 & 0xFFFFFFFF:08x}"
            opened = _Open(body + self._tag(mac, body), dict(form), end_ms)
        self._open[mac] = opened
        self._open.move_to_end(mac)
        if len(self._open) > MAX_OPEN:
            self._open.popitem(last=False)
        return opened.extend

    def _taken(self, mac: Mac, extend: str) -> Mapping[str, str] | None:
        """The form it belongs to, once; None: forged, another phone's, over, or used."""
        if len(extend) != EXTEND_CHARS or not extend.isascii():
            return None
        body, tag = extend[:-TAG_CHARS], extend[-TAG_CHARS:]
        if not hmac.compare_digest(tag, self._tag(mac, body)):
            return None
        opened = self._open.get(mac)
        if opened is None or not hmac.compare_digest(opened.extend, extend):
            return None
        del self._open[mac]
        return opened.form if self._clock.now().monotonic_ms < opened.end_ms else None

    def _tag(self, mac: Mac, body: str) -> str:
        return hmac.digest(self._key, f"{mac.colons}/{body}".encode(), "sha256").hex()[:TAG_CHARS]
