"""What a scanned text means. Pure, total: it never raises, and a payment code's text never leaves it.

The order decides: payment codes first, unless the symbol or one of the shop's own patterns says otherwise; then GS1
data, our own tokens, goods, what is left.
"""

from __future__ import annotations

from collections.abc import Callable

from devices.scanners import aim as aims
from devices.scanners import embedded, gs1, upc_e
from edge import gtin, payment
from edge.config import CodesSection
from edge.events import Code, CodeKind
from edge.tokens import looks_like_coupon, tidy

Classify = Callable[[str, str], Code]
"""(text, AIM identifier or empty) → meaning."""

MAX_CHARS = 512
MAX_READ = 4096
"""Characters that are looked at; more than a full QR code holds."""
_OURS = {"SGM1": CodeKind.MEMBER, "SGC1": CodeKind.CART, "SGP1": CodeKind.PICKUP}
_MAX_OURS = 256
_BASE32 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


def classifier(codes: CodesSection) -> Classify:
    """The classifier of a shop: its embedded patterns bound."""

    def classified(text: str, aim: str = "") -> Code:
        return classify(text, aim=aim, patterns=codes.embedded)

    return classified


def classify(text: str, *, aim: str = "", patterns: tuple[str, ...] = CodesSection().embedded) -> Code:
    text = text[:MAX_READ]
    if not aims.is_aim(aim):
        aim, text = aims.split(text)
    plain = _plain(text)
    if _is_payment(plain, aim, patterns):
        return Code(kind=CodeKind.PAYMENT, aim=aim)
    return (
        _gs1(text, aim)
        or _token(plain, aim)
        or _goods(plain, aim, patterns)
        or Code(kind=CodeKind.UNKNOWN, value=plain[:MAX_CHARS], aim=aim)
    )


def _plain(text: str) -> str:
    """Without control, format and other unprintable characters: it may be shown on a screen."""
    return "".join(char for char in text if char.isprintable()).strip()


def _is_payment(plain: str, aim: str, patterns: tuple[str, ...]) -> bool:
    if aim in aims.GS1 or aim in aims.RETAIL or not payment.is_payment(plain):
        return False
    return embedded.read(plain, patterns, aim=aim) is None


def _gs1(text: str, aim: str) -> Code | None:
    if aim in aims.RETAIL:
        return None
    return gs1.read("".join(char for char in text if char.isprintable() or char == gs1.GS).strip(), aim=aim)


def _token(plain: str, aim: str) -> Code | None:
    if looks_like_coupon(plain):
        return Code(kind=CodeKind.COUPON, value=tidy(plain), aim=aim)
    kind = _OURS.get(plain[:4])
    if kind and 4 < len(plain) <= _MAX_OURS and _BASE32.issuperset(plain[4:]):
        return Code(kind=kind, value=plain, aim=aim)
    return None


def _goods(plain: str, aim: str, patterns: tuple[str, ...]) -> Code | None:
    digits = _retail_digits(plain, aim)
    if made_here := embedded.read(digits, patterns, aim=aim):
        return made_here
    found = gtin.gtin_of(digits)
    return Code(kind=CodeKind.GTIN, value=found, gtin=found, aim=aim) if found else None


def _retail_digits(plain: str, aim: str) -> str:
    """The digits that carry the GTIN: UPC-E expanded, an add-on of two or five digits (magazines) cut off."""
    if aim == aims.EAN_13 and len(plain) == 8:
        return upc_e.expanded(plain)
    if aim in {aims.EAN_13, aims.EAN_WITH_ADDON} and len(plain) in {15, 18}:
        return plain[:13]
    return plain
