"""In by a code that an SMS brings. The code is made and kept here, by MAC; the cloud only sends it.

A phone's small browser may close while its owner reads the SMS: the page asks again for the code, not for the number.
Whoever pays for the SMS is protected by what a number, a phone and the shop may cost in a day; a code, by five tries.
All of it is in memory: a restart forgets codes and begins the day anew, so the cloud has budgets of its own.
"""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping

import msgspec

from edge.access_answers import AccessWhy, Way
from edge.clock import Clock
from edge.cloud_asks import Asks, Done, SmsWanted, UnansweredError
from edge.config_wifi import SmsSection
from edge.errors import CloudError
from edge.ids import Mac
from edge.keys import GatewayKeys
from edge.portal.asks import Guest, Proven, Step
from edge.portal.ways.budget import DayBudget
from edge.portal.ways.phone_numbers import digits_of, e164, masked

CODE_DIGITS = 6
GOOD_MS = 300_000
TRIES = 5
PAUSE_MS = 60_000
"""Between two SMS to one number, and of one phone."""
PER_MAC_DAY = 5
ASK_S = 8.0
"""A guest looks at a page that loads: longer than a slow line, shorter than patience."""
MAX_SENT = 5_000
WHY = {"number": AccessWhy.NUMBER_WRONG, "too_often": AccessWhy.TOO_OFTEN}
NOT_DONE = frozenset({AccessWhy.OFFLINE, AccessWhy.UNSENT})
"""The guest may try again at once, and it costs no budget. If the cloud sent it all the same, its own count holds."""


def random_code() -> str:
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"


class _Sent(msgspec.Struct, kw_only=True):
    number: str
    code: str
    end_ms: int
    """Monotonic, as the next one."""
    again_ms: int
    tries: int = 0

    def __repr__(self) -> str:
        return "_Sent(…)"


class SmsWay:
    way = Way.SMS

    def __init__(
        self,
        settings: SmsSection,
        *,
        asks: Asks,
        keys: GatewayKeys,
        clock: Clock,
        new_code: Callable[[], str] = random_code,
    ) -> None:
        self._settings = settings
        self._asks = asks
        self._keys = keys
        self._clock = clock
        self._new_code = new_code
        self._sent: OrderedDict[Mac, _Sent] = OrderedDict()
        self._of_shop = DayBudget(settings.per_shop_day)
        self._of_number = DayBudget(settings.per_number_day, pause_ms=PAUSE_MS)
        self._of_mac = DayBudget(PER_MAC_DAY, pause_ms=PAUSE_MS)

    def ready(self) -> AccessWhy | None:
        if not self._settings.per_shop_day or not self._asks.private:
            return AccessWhy.NOT_OFFERED
        return None if self._asks.online or self._any_waits() else AccessWhy.OFFLINE

    def _any_waits(self) -> bool:
        """Who has a code needs no line. The last one sent is the last to end."""
        return bool(self._sent) and self._now_ms() < next(reversed(self._sent.values())).end_ms

    async def prove(self, guest: Guest, form: Mapping[str, str]) -> Proven | Step | AccessWhy:
        """Fields: `number`, or `again` (to the same one), or `code`."""
        sent = self._waiting(guest.mac)
        if form.get("code"):
            return AccessWhy.CODE_OVER if sent is None else self._tried(guest.mac, sent, digits_of(form["code"]))
        if form.get("number"):
            number = e164(form["number"], country=self._settings.country_code)
            return AccessWhy.NUMBER_WRONG if number is None else await self._send(guest, number)
        if sent is None:
            return AccessWhy.CODE_OVER if form.get("again") else AccessWhy.NUMBER_WRONG
        return await self._send(guest, sent.number) if form.get("again") else _step(sent)

    def _waiting(self, mac: Mac) -> _Sent | None:
        sent = self._sent.get(mac)
        if sent is not None and self._now_ms() >= sent.end_ms:
            del self._sent[mac]
            return None
        return sent

    def _tried(self, mac: Mac, sent: _Sent, code: str) -> Proven | Step | AccessWhy:
        sent.tries += 1
        if hmac.compare_digest(code.encode(), sent.code.encode()):
            del self._sent[mac]
            return Proven(holder=self._holder(sent.number), account=sent.number)
        if sent.tries < TRIES:
            return _step(sent, AccessWhy.CODE_WRONG)
        del self._sent[mac]
        return AccessWhy.CODE_OVER

    async def _send(self, guest: Guest, number: str) -> Step | AccessWhy:
        """Everything is charged and noted before the cloud is asked: many requests at once are as one."""
        now_ms = self._now_ms()
        before = self._waiting(guest.mac)
        holder = self._holder(number)
        charges = ((self._of_mac, guest.mac.colons), (self._of_number, holder), (self._of_shop, ""))
        if not all(budget.has(who, monotonic_ms=now_ms) for budget, who in charges):
            return AccessWhy.TOO_OFTEN if before is None else _step(before, AccessWhy.TOO_OFTEN)
        if not self._asks.private:
            return AccessWhy.NOT_OFFERED
        for budget, who in charges:
            budget.take(who, monotonic_ms=now_ms)
        sent = self._note(guest.mac, number, before, now_ms)
        wanted = SmsWanted(
            number=number,
            code=sent.code,
            language="en" if guest.language == "en" else "zh-CN",
            minutes=GOOD_MS // 60_000,
        )
        why = await self._asked(wanted)
        if why is None:
            return _step(sent)
        if why in NOT_DONE:
            for budget, who in charges:
                budget.give_back(who)
        other = before is not None and before.number != number
        if self._sent.get(guest.mac) is sent and (other or why is not AccessWhy.UNSENT):
            del self._sent[guest.mac]
            if before is not None and before.tries < TRIES:
                self._sent[guest.mac] = before
        return why

    def _note(self, mac: Mac, number: str, before: _Sent | None, now_ms: int) -> _Sent:
        """The same code again while it is good, for both SMS may come; its tries go on."""
        same = before is not None and before.number == number
        sent = _Sent(
            number=number,
            code=before.code if before is not None and same else self._new_code(),
            end_ms=now_ms + GOOD_MS,
            again_ms=now_ms + PAUSE_MS,
            tries=before.tries if before is not None and same else 0,
        )
        self._sent[mac] = sent
        self._sent.move_to_end(mac)
        if len(self._sent) > MAX_SENT:
            self._sent.popitem(last=False)
        return sent

    async def _asked(self, wanted: SmsWanted) -> AccessWhy | None:
        """None: it is sent. UNSENT: nobody said so, and the code is kept: the next SMS brings the same one."""
        try:
            answer = await self._asks.ask(wanted, timeout_s=ASK_S)
        except UnansweredError:
            return AccessWhy.UNSENT
        except CloudError:
            return AccessWhy.OFFLINE
        return None if isinstance(answer, Done) else WHY.get(answer.why, AccessWhy.REFUSED)

    def _holder(self, number: str) -> str:
        return self._keys.holder("phone", number)

    def _now_ms(self) -> int:
        return self._clock.now().monotonic_ms


def _step(sent: _Sent, why: AccessWhy | None = None) -> Step:
    fields = {
        "number": masked(sent.number),
        "digits": str(CODE_DIGITS),
        "minutes": str(GOOD_MS // 60_000),
        "tries": str(TRIES - sent.tries),
        "pause_s": str(PAUSE_MS // 1000),
    }
    return Step(part="sms_code", fields=fields, why=why)
