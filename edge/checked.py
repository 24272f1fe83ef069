"""Untyped data (TOML, JSON) → frozen structs, with every mistake at once.

msgspec stops at the first mistake; a person who edits a file wants all of them, each with its path,
what it got, what it wanted and what was probably meant. So the walk over structs, lists and tables is
ours and each single value is msgspec's.
"""

from __future__ import annotations

import difflib
import json
import re
import types
import typing
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec.structs import FieldInfo, fields

from edge.errors import Mistake

T = TypeVar("T")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
MAX_SHOWN = 60
"""Characters of a wrong value that are repeated to the person."""


class Secret(str):
    """A string that never shows itself: not in a log, a page, a dump or an error."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def reveal(self) -> str:
        """The value, for the one line that needs it."""
        return str.__str__(self)

    def __str__(self) -> str:
        return "***"


def check(data: object, kind: type[T]) -> tuple[T | None, tuple[Mistake, ...]]:
    """The value, or None and all mistakes. `kind` is a msgspec Struct."""
    mistakes = tuple(_walk(data, kind, ""))
    if mistakes:
        return None, mistakes
    try:
        return msgspec.convert(data, kind, dec_hook=_hook), ()
    except msgspec.ValidationError as error:
        return None, (_mistake("", error, data),)


class UnreadableError(ValueError):
    """Bytes from outside are not the JSON that was wanted."""


def decoded(raw: bytes, kind: type[T]) -> T:
    """JSON from outside as a value of a type. Raises UnreadableError, whatever the bytes are.

    Broken UTF-8 and deep nesting come out of msgspec as errors that are not its own.
    """
    try:
        return msgspec.json.decode(raw, type=kind)
    except RecursionError as error:
        raise UnreadableError("nested too deeply") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableError(str(error)) from error


def nearest(word: str, words: typing.Iterable[str]) -> str:
    """The right word a wrong one was probably meant to be, or empty."""
    known = list(words)
    if same := [each for each in known if each.casefold() == word.strip().casefold()]:
        return same[0]
    found = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return found[0] if found else ""


def masked(value: object) -> Any:
    """A struct as plain data, each Secret as `***`: fit for people and logs."""
    return msgspec.to_builtins(value, enc_hook=str) if not isinstance(value, Secret) else "***"


def _hook(kind: type, value: object) -> object:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise TypeError(f"expected {kind.__name__}")


def _walk(data: object, kind: Any, path: str) -> Iterator[Mistake]:
    kind = _without_none(kind, data)
    if kind is None:
        return
    bare = kind.__origin__ if get_origin(kind) is Annotated else kind
    origin, args = get_origin(bare), get_args(bare)
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct) and not bare.__struct_config__.tag:
        if isinstance(data, Mapping):
            yield from _walk_struct(data, bare, path)
        else:
            yield Mistake(path or "(top)", f"got {_shown(data)}, wanted a table")
    elif origin in {tuple, list} and isinstance(data, list) and (origin is list or args[-1] is ...):
        wrong = [mistake for index, item in enumerate(data) for mistake in _walk(item, args[0], f"{path}[{index}]")]
        yield from wrong
        if bare is not kind and not wrong:  # each is right by itself; now how many they are
            yield from _value(data, kind, path)
    elif origin is dict and isinstance(data, Mapping):
        for key, item in data.items():
            yield from _value(key, args[0], join(path, str(key)))
            yield from _walk(item, args[1], join(path, str(key)))
    else:
        yield from _value(data, kind, path)


def _walk_struct(data: Mapping[str, Any], kind: type[msgspec.Struct], path: str) -> Iterator[Mistake]:
    known: dict[str, FieldInfo] = {field.encode_name: field for field in fields(kind)}
    before = 0
    for key, value in data.items():
        if key in known:
            for mistake in _walk(value, known[key].type, join(path, key)):
                before += 1
                yield mistake
        else:
            before += 1
            yield Mistake(join(path, key), "no such key", nearest(key, known))
    for name, field in known.items():
        if name not in data and field.required:
            before += 1
            yield Mistake(join(path, name), "is missing")
    if not before:  # every field is right by itself; now the rules between fields (__post_init__)
        yield from _value(dict(data), kind, path)


def _value(data: object, kind: Any, path: str) -> Iterator[Mistake]:
    try:
        msgspec.convert(data, kind, dec_hook=_hook)
    except msgspec.ValidationError as error:
        yield _mistake(path, error, data, kind)
    else:
        if isinstance(data, str) and (some := _extra(kind, "choices")) and data not in some:
            yield Mistake(path, f"got {_shown(data)}, wanted one of {', '.join(some)}", nearest(data, some))


def _mistake(path: str, error: msgspec.ValidationError, data: object, kind: Any = None) -> Mistake:
    text, _, inside = str(error).partition(" - at `$")
    wanted = text[:1].lower() + text[1:]
    where = path + inside.rstrip("`") or "(top)"
    choices = _choices(kind)
    if choices and isinstance(data, str):
        return Mistake(where, f"got {_shown(data)}, wanted one of {', '.join(choices)}", nearest(data, choices))
    if isinstance(data, Mapping):
        return Mistake(where or "(top)", wanted)
    if "regex" in wanted and (words := _wanted(kind)):
        return Mistake(where or "(top)", f"got {_shown(data, kind)}, wanted {words}")
    return Mistake(where or "(top)", f"got {_shown(data, kind)}: {wanted}")


def _wanted(kind: Any) -> str:
    """A pattern in words: `Meta(extra={"wanted": …})`."""
    return str(_extra(kind, "wanted") or "")


def _extra(kind: Any, name: str) -> Any:
    metas = [each for each in getattr(kind, "__metadata__", ()) if isinstance(each, msgspec.Meta)]
    return next((meta.extra[name] for meta in metas if meta.extra and name in meta.extra), None)


def _choices(kind: Any) -> list[str]:
    """Of an enum or literals; `Meta(extra={"choices": …})`: not all of them."""
    if some := _extra(kind, "choices"):
        return [str(choice) for choice in some]
    if get_origin(kind) is typing.Literal:
        return [str(choice) for choice in get_args(kind)]
    return [str(member.value) for member in kind] if isinstance(kind, type) and issubclass(kind, Enum) else []


def _without_none(kind: Any, data: object) -> Any:
    """`X | None` → X, or None where the data is null and may be."""
    if get_origin(kind) in {Union, types.UnionType}:
        args = [arg for arg in get_args(kind) if arg is not types.NoneType]
        if data is None and len(args) < len(get_args(kind)):
            return None
        return args[0] if len(args) == 1 else kind
    return kind


def _shown(value: object, kind: Any = None) -> str:
    if kind is Secret:
        return "a value"
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def join(path: str, key: str) -> str:
    """The path of a key in a table, as TOML writes it."""
    key = key if _BARE_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)
    return f"{path}.{key}" if path else key


def salvaged(data: object, kind: type[T]) -> T:
    """What is right in wrong data; elsewhere defaults, and where there is none the empty string.

    For rules that leave alone whatever `check` found wrong.
    """
    struct: T = _salvaged(data, kind)
    return struct


def _salvaged(data: object, kind: Any) -> Any:
    kind = _without_none(kind, data)
    origin, args = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _salvaged_struct(data if isinstance(data, Mapping) else {}, kind)
    if origin in {tuple, list} and isinstance(data, list):
        return origin(_or_empty(_salvaged(item, args[0])) for item in data)
    if origin is dict and isinstance(data, Mapping):
        return {str(key): _or_empty(_salvaged(item, args[1])) for key, item in data.items()}
    try:
        return msgspec.convert(data, kind, dec_hook=_hook)
    except msgspec.ValidationError:
        return msgspec.UNSET


def _salvaged_struct(data: Mapping[str, Any], kind: type[msgspec.Struct]) -> msgspec.Struct:
    values: dict[str, Any] = {}
    for field in fields(kind):
        value = _salvaged(data.get(field.encode_name, {} if field.required else msgspec.UNSET), field.type)
        if value is not msgspec.UNSET or field.required:
            values[field.name] = _or_empty(value)
    return kind(**values)


def _or_empty(value: Any) -> Any:
    return "" if value is msgspec.UNSET else value
