"""What each key types, by keyboard layout. Data; pure.

A wedge scanner presses keys by position; the layout it was set to says which. Rows are those of a 105-key keyboard,
keys by their number in linux/input-event-codes.h. The layouts are those of Windows, which scanners imitate (checked
against xkeyboard-config).
"""

from __future__ import annotations

import msgspec

ROWS = (
    (41, *range(2, 14)),  # ` 1 … 0 - =
    tuple(range(16, 28)),  # q … p [ ]
    (*range(30, 41), 43),  # a … ; ' \
    (86, *range(44, 54)),  # the key beside left shift, z … /
)


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Key → character, for each level."""

    plain: dict[int, str]
    shift: dict[int, str]
    altgr: dict[int, str]
    dead: frozenset[str] = frozenset()
    """Characters that wait for the next one (`^` then `e` is `ê`, `^` then space is `^`)."""


def _layout(plain: tuple[str, ...], shift: tuple[str, ...], altgr: dict[str, str], dead: str = "") -> Layout:
    plain_keys, shift_keys = _level(plain), _level(shift)
    by_char = {char: key for key, char in plain_keys.items()}
    return Layout(
        plain=plain_keys,
        shift=shift_keys,
        altgr={by_char[char]: typed for char, typed in altgr.items()},
        dead=frozenset(dead),
    )


def _level(rows: tuple[str, ...]) -> dict[int, str]:
    return {key: char for keys, chars in zip(ROWS, rows, strict=True) for key, char in zip(keys, chars, strict=True)}


LAYOUTS: dict[str, Layout] = {
    "us": _layout(
        ("`1234567890-=", "qwertyuiop[]", "asdfghjkl;'\\", "<zxcvbnm,./"),
        ("~!@#$%^&*()_+", "QWERTYUIOP{}", 'ASDFGHJKL:"|', ">ZXCVBNM<>?"),
        {},
    ),
    "gb": _layout(
        ("`1234567890-=", "qwertyuiop[]", "asdfghjkl;'#", "\\zxcvbnm,./"),
        ('¬!"£$%^&*()_+', "QWERTYUIOP{}", "ASDFGHJKL:@~", "|ZXCVBNM<>?"),
        {"`": "¦", "4": "€"},
    ),
    "de": _layout(
        ("^1234567890ß´", "qwertzuiopü+", "asdfghjklöä#", "<yxcvbnm,.-"),
        ('°!"§$%&/()=?`', "QWERTZUIOPÜ*", "ASDFGHJKLÖÄ'", ">YXCVBNM;:_"),
        {"2": "²", "3": "³", "7": "{", "8": "[", "9": "]", "0": "}", "ß": "\\", "q": "@", "e": "€", "+": "~",
         "<": "|", "m": "µ"},
        dead="^´`",
    ),
    "fr": _layout(
        ("²&é\"'(-è_çà)=", "azertyuiop^$", "qsdfghjklmù*", "<wxcvbn,;:!"),
        ("~1234567890°+", "AZERTYUIOP¨£", "QSDFGHJKLM%µ", ">WXCVBN?./§"),
        {"é": "~", '"': "#", "'": "{", "(": "[", "-": "|", "è": "`", "_": "\\", "ç": "^", "à": "@", ")": "]",
         "=": "}", "e": "€", "$": "¤"},
        dead="^¨",
    ),
    "es": _layout(
        ("º1234567890'¡", "qwertyuiop`+", "asdfghjklñ´ç", "<zxcvbnm,.-"),
        ('ª!"·$%&/()=?¿', "QWERTYUIOP^*", "ASDFGHJKLÑ¨Ç", ">ZXCVBNM;:_"),
        {"º": "\\", "1": "|", "2": "@", "3": "#", "4": "~", "6": "¬", "e": "€", "`": "[", "+": "]", "´": "{", "ç": "}"},
        dead="`^´¨",
    ),
    "it": _layout(
        ("\\1234567890'ì", "qwertyuiopè+", "asdfghjklòàù", "<zxcvbnm,.-"),
        ('|!"£$%&/()=?^', "QWERTYUIOPé*", "ASDFGHJKLç°§", ">ZXCVBNM;:_"),
        {"e": "€", "è": "[", "+": "]", "ò": "@", "à": "#"},
    ),
}  # fmt: skip
"""The first is the factory setting of every scanner we know of."""
