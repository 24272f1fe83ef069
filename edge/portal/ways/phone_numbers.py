"""Mobile numbers as people type them → E.164, of one country only: an SMS abroad is what pumping is done with. Pure."""

from __future__ import annotations

import re
import unicodedata

MAX_TYPED = 40
MOBILE = {
    "1": r"[2-9][0-9]{2}[2-9][0-9]{6}",
    "33": r"[67][0-9]{8}",
    "44": r"7[0-9]{9}",
    "49": r"1[567][0-9]{8,9}",
    "65": r"[89][0-9]{7}",
    "81": r"[789]0[0-9]{8}",
    "82": r"1[0-9]{7,9}",
    "86": r"1[3-9][0-9]{9}",
    "852": r"[4-9][0-9]{7}",
    "853": r"6[0-9]{7}",
    "886": r"9[0-9]{8}",
}
"""Country → its mobile numbers, without the leading 0 that some are dialled with at home."""
OTHERS = r"[1-9][0-9]{5,11}"
_DRESS = re.compile(r"[\s().\-\u2010-\u2015\u2212/]")
_TYPED = re.compile(r"(\+|00)?([0-9]{5,20})")


def e164(typed: str, *, country: str) -> str | None:
    """None: no mobile number of this country."""
    if len(typed) > MAX_TYPED:
        return None
    found = _TYPED.fullmatch(_DRESS.sub("", unicodedata.normalize("NFKC", typed)))
    if found is None:
        return None
    abroad, digits = found[1], found[2]
    spellings = [digits.removeprefix(country)] if digits.startswith(country) else []
    if not abroad:
        spellings.insert(0, digits)
    pattern = re.compile(MOBILE.get(country, OTHERS))
    for each in spellings:
        for national in (each, each.removeprefix("0")):
            if pattern.fullmatch(national):
                return f"+{country}{national}"
    return None


def masked(number: str) -> str:
    """For the page: its owner knows it, who looks over their shoulder need not."""
    return f"••• {number[-4:]}"


def digits_of(typed: str) -> str:
    """A code as an input method may write it; empty: it is none."""
    if len(typed) > MAX_TYPED:
        return ""
    bare = _DRESS.sub("", unicodedata.normalize("NFKC", typed))
    return bare if re.fullmatch(r"[0-9]+", bare) else ""
