"""Payment codes, so that they can be refused: who holds the digits for a minute can take money. Pure.

WeChat Pay: 18 digits that begin with 10 to 15. Alipay: 16 to 24 digits that begin with 25 to 30. UnionPay: 19 digits
that begin with 62. All three are shown as QR and as Code 128.
"""

from __future__ import annotations

import re
import unicodedata

_PAYMENT = re.compile(r"(?<![0-9])(?:1[0-5][0-9]{16}|(?:2[5-9]|30)[0-9]{14,22}|62[0-9]{17})(?![0-9])")
_GAPS = re.compile(r"[\s-]")
_STRAY_CHARS = 12
"""A prefix or suffix that nobody told us of is this long at most."""


def is_payment(text: str) -> bool:
    """Whether a text is a payment code: also in groups, in full-width digits, or wrapped in a few characters by a
    scanner.
    """
    bare = _GAPS.sub("", unicodedata.normalize("NFKC", text))
    found = _PAYMENT.search(bare)
    return found is not None and len(bare) - len(found.group()) <= _STRAY_CHARS
