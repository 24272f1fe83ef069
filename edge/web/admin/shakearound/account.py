"""account/*: a shop's own gateway asks nobody; fields are checked, and the account is approved at once."""

from __future__ import annotations

from edge.clock import Clock
from edge.web.admin.shakearound.call import Answer, data
from edge.web.admin.shakearound.codes import CallError, Code
from edge.web.admin.shakearound.fields import Body, text

APPROVED = 2
MAX_REASON = 500


class Account:
    def __init__(self, clock: Clock) -> None:
        self._since_s = clock.now().at_ms // 1000

    async def register(self, body: Body) -> Answer:
        """Nothing of it is kept: who has the admin token is the shop."""
        for key, code in (
            ("name", Code.CONTACT_NAME),
            ("phone_number", Code.CONTACT_PHONE),
            ("email", Code.CONTACT_EMAIL),
        ):
            if not text(body, key, code, default="", most=100):
                raise CallError(code, f"{key} is missing")
        text(body, "apply_reason", Code.APPLY_REASON, default="", most=MAX_REASON)
        return data()

    async def status(self, _: Body) -> Answer:
        comment = "approved: this gateway belongs to the shop"
        return data(apply_time=self._since_s, audit_status=APPROVED, audit_comment=comment, audit_time=self._since_s)
