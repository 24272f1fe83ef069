"""In by a code that the phone shows to a kiosk's scanner. The page's part only: what proves it is the scanner's read
(`PortalDesk.shown`), so nothing that is sent from the phone ever does.
"""

from __future__ import annotations

from collections.abc import Mapping

from edge.access_answers import AccessWhy, Way
from edge.portal.asks import Guest, Step


class MemberWay:
    way = Way.MEMBER

    def __init__(self, *, readable: bool) -> None:
        """`readable`: whether a scanner hangs on a kiosk of this shop."""
        self._readable = readable

    def ready(self) -> AccessWhy | None:
        return None if self._readable else AccessWhy.NOT_OFFERED

    async def prove(self, guest: Guest, form: Mapping[str, str]) -> Step:  # noqa: ARG002 - nothing in it counts
        """The desk puts the code into the step."""
        return Step(part="member_code")
