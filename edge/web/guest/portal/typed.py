"""What a guest typed and got wrong, so that the page can show it again. In memory, by phone, and for a few minutes:
in an address it would stand in a proxy's log.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from edge.access_answers import AccessWhy, Way
from edge.ids import Mac

FIELDS = {Way.VOUCHER: "voucher", Way.SMS: "number"}
"""No secret, and a phone number only its own phone gets to see; a code out of an SMS or a staff code is never kept."""
WRONG = frozenset(
    {
        AccessWhy.VOUCHER_UNKNOWN,
        AccessWhy.VOUCHER_OVER,
        AccessWhy.VOUCHER_BUSY,
        AccessWhy.CODE_WRONG,
        AccessWhy.NUMBER_WRONG,
    }
)
"""The entry is what is wrong, so its field is marked."""
GOOD_MS = 300_000
MAX_KEPT = 2_000
MAX_CHARS = 64


class Typed:
    def __init__(self) -> None:
        self._kept: OrderedDict[Mac, tuple[Way, str, int]] = OrderedDict()

    def keep(self, mac: Mac, way: Way, form: Mapping[str, str], *, monotonic_ms: int) -> None:
        text = form.get(FIELDS.get(way, ""), "").strip()[:MAX_CHARS]
        self._kept.pop(mac, None)
        if not text:
            return
        self._kept[mac] = (way, text, monotonic_ms + GOOD_MS)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)

    def of(self, mac: Mac, way: Way, *, monotonic_ms: int) -> str:
        kept, text, end_ms = self._kept.get(mac, (None, "", 0))
        return text if kept is way and monotonic_ms < end_ms else ""

    def forget(self, mac: Mac) -> None:
        self._kept.pop(mac, None)
