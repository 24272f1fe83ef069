"""Fields of a body as SDKs write them: numbers as strings, null for what was left out, one thing for a list of one."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from edge.web.admin.shakearound.codes import CallError, Code

Body = Mapping[str, object]
MAX_NUMBER = 2**53
MAX_DIGITS = 16


def given(body: Body, key: str) -> bool:
    """Whether it says anything: null and an empty string are how SDKs leave out."""
    return body.get(key) not in (None, "")


def whole(
    body: Body,
    key: str,
    code: Code,
    *,
    default: int | None = None,
    low: int = 0,
    high: int = MAX_NUMBER,
    what: str = "",
) -> int:
    """A whole number, also as a string. Raises CallError with `code`; without a default it must be there."""
    number = default if not given(body, key) else _number(body[key])
    if number is None or not low <= number <= high:
        bounds = f"{low} to {high}" if high < MAX_NUMBER else f"{low} or more"
        raise CallError(code, f"{what or key}: wanted a whole number, {bounds}")
    return number


def text(body: Body, key: str, code: Code, *, default: str | None = None, most: int, wide: bool = False) -> str:
    """At most so many characters; `wide`: Han count as two, as WeChat counts them."""
    value = body.get(key)
    if value is None:
        value = default
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise CallError(code, f"{key}: wanted text")
    value = value.strip()
    if (width(value) if wide else len(value)) > most:
        han = f", {most // 2} Chinese ones" if wide else ""
        raise CallError(code, f"{key}: too long, at most {most} letters{han}")
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in value):
        raise CallError(code, f"{key}: holds a control character")
    return value


def numbers(body: Body, key: str, code: Code, *, most: int, too_many: Code) -> tuple[int, ...]:
    """A list of ids, or one; each once, in the order given."""
    found = dict.fromkeys(_number(value) for value in _items(body, key, code, most=most, too_many=too_many))
    if None in found:
        raise CallError(code, f"{key}: wanted a list of ids")
    return tuple(number for number in found if number is not None)


def objects(body: Body, key: str, code: Code, *, most: int, too_many: Code) -> tuple[Body, ...]:
    items = _items(body, key, code, most=most, too_many=too_many)
    found = tuple(item for item in items if isinstance(item, dict))
    if len(found) != len(items):
        raise CallError(code, f"{key}: wanted a list of objects")
    return found


def span(body: Body, *, most: int, too_many: Code) -> tuple[int, int]:
    """`begin` and `count`."""
    begin = whole(body, "begin", Code.BEGIN, default=0)
    return begin, whole(body, "count", too_many, default=most, low=1, high=most)


def width(value: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in value)


def _items(body: Body, key: str, code: Code, *, most: int, too_many: Code) -> list[object]:
    value = body.get(key)
    if isinstance(value, dict | int | str) and value != "":
        value = [value]
    if not isinstance(value, list):
        raise CallError(code, f"{key}: wanted a list")
    if len(value) > most:
        raise CallError(too_many, f"{key}: at most {most}")
    return value


def _number(value: object) -> int | None:
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < MAX_NUMBER:
        return int(value)
    if isinstance(value, str) and len(value := value.strip()) <= MAX_DIGITS and value.isascii() and value.isdecimal():
        return int(value)
    return None
