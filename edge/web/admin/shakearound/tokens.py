"""Who may call: `access_token`, as `/cgi-bin/token` gives it for the admin token, or the admin token itself.

SDKs first ask for a token with appid and secret. The secret is `listen.admin_token`; the appid may be anything. What
they get is no stored thing: it proves the secret and the hour, and is worth nothing two hours later or elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac

from aiohttp import web

from edge.clock import Clock
from edge.web.admin.access import Access
from edge.web.admin.shakearound.codes import CallError, Code
from edge.web.faults import WebError
from edge.web.guard import same_secret

STEP_S = 3600
MAX_LENGTH = 512


class Tokens:
    def __init__(self, access: Access, secret: str, clock: Clock) -> None:
        self._access = access
        self._secret = secret
        self._clock = clock

    def issue(self) -> tuple[str, int]:
        """A token and for how many seconds it is good: one to two hours."""
        now_s = self._clock.now().at_ms // 1000
        return self._of(now_s // STEP_S), 2 * STEP_S - now_s % STEP_S

    async def check(self, request: web.Request) -> None:
        """Raises CallError 40001 unless the call may be made."""
        if not self._access.needed:
            return
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        given = request.query.get("access_token", "") or (bearer if scheme.lower() == "bearer" else "")
        if not given:
            raise CallError(Code.CREDENTIAL, "access_token is missing; /cgi-bin/token gives one")
        step = self._clock.now().at_ms // 1000 // STEP_S
        fresh = [self._of(step), self._of(step - 1)]
        if not (self._secret and any([same_secret(given, each) for each in fresh])):  # noqa: C419 - looks at all
            await self.prove(given, Code.CREDENTIAL, "access_token is wrong or over; /cgi-bin/token gives a new one")

    async def prove(self, secret: str, code: Code, words: str) -> None:
        """Raises CallError unless this is the admin token, or none is needed."""
        try:
            right = await self._access.opens(secret[:MAX_LENGTH])
        except WebError as error:
            raise CallError(Code.TOO_OFTEN, str(error)) from error
        if not right:
            raise CallError(code, words)

    def _of(self, step: int) -> str:
        return hmac.new(self._secret.encode(), b"storegate shakearound token 1/%d" % step, hashlib.sha256).hexdigest()
