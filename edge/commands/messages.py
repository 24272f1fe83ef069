"""What the cloud may ask of a gateway, as types. Pure: bytes in, a command or all of its mistakes out.

There is no remote shell and no code among them. A command names itself in its topic (`cmd/{name}`) and carries an
`id` of the cloud's making.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, NamedTuple

import msgspec
from msgspec import Meta

from edge.checked import UnreadableError, check, decoded, nearest
from edge.errors import CommandError, Mistake
from edge.ids import Name

MAX_BYTES = 1024 * 1024
"""Of one command; documents of a few thousand items fit."""
MAX_MISTAKES = 50
"""Repeated in an answer."""
MAX_MISTAKE_CHARS = 400
Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.:-]{1,64}\Z")]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Url = Annotated[str, Meta(pattern=r"^https?://[^\s/]+", max_length=2000)]


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all."""

    NAME: ClassVar[str]
    id: Id
    """Of the cloud's making, new for each command: a repeat of it is answered, not done."""


class Ping(Command, frozen=True, kw_only=True):
    """Is anybody there? Answers with version, boot id and time."""

    NAME = "ping"


class DocumentsPut(Command, frozen=True, kw_only=True):
    """Replaces all documents of one kind, or none of them when one is wrong."""

    NAME = "documents.put"
    kind: Name
    """zones | campaigns | slides …"""
    items: list[Any]
    """As in docs/documents.md."""


class CatalogueRefresh(Command, frozen=True, kw_only=True):
    """Fetches a catalogue (CSV or JSON lines), checks it, and swaps it in. The one in use stays until then."""

    NAME = "catalogue.refresh"
    url: Url
    """http or https; its path ends in .csv or .jsonl."""
    sha256: Sha256
    """Of the file, lower-case hexadecimal."""


class CouponVoid(Command, frozen=True, kw_only=True):
    """Ends one coupon, or all outstanding ones of a campaign."""

    NAME = "coupon.void"
    campaign: Name
    serial: Annotated[str, Meta(pattern=r"^[A-Z2-7]{16}\Z")] | None = None
    """Absent: all that are outstanding."""
    reason: Annotated[str, Meta(max_length=200)] = ""


class KioskReload(Command, frozen=True, kw_only=True):
    """Kiosks fetch their page anew."""

    NAME = "kiosk.reload"
    station: Name | None = None
    """Absent: every station."""


KINDS: tuple[type[Command], ...] = (Ping, DocumentsPut, CatalogueRefresh, CouponVoid, KioskReload)


class CommandReply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer, on the command's response topic and on `rsp/{name}`."""

    id: str
    """The command's; empty where even that could not be read."""
    name: str
    ok: bool
    code: str
    """done | bad_command | unknown_command | unknown_station | too_large | expired | rejected | download | failed"""
    text: str = ""
    """For people."""
    mistakes: tuple[str, ...] = ()
    """All of them, each with its path."""
    facts: dict[str, str | int] = {}
    """What came of it: `version`, `count`, `sha256`, …"""


class Asked(NamedTuple):
    """A command as it arrived."""

    name: str
    payload: bytes
    not_after_s: float | None
    """On the monotonic clock: the cloud does not want it done later."""


class BadCommandError(CommandError):
    """Nothing was done; every mistake is listed."""

    def __init__(self, code: str, message: str, *, command_id: str = "", mistakes: tuple[str, ...] = ()) -> None:
        super().__init__(code, message)
        self.command_id = command_id
        self.mistakes = mistakes


def parse(name: str, payload: bytes) -> Command:
    """Raises BadCommandError with all that is wrong."""
    if len(payload) > MAX_BYTES:
        raise BadCommandError("too_large", f"{len(payload)} bytes; at most {MAX_BYTES} are read")
    known = {kind.NAME: kind for kind in KINDS}
    try:
        data = decoded(payload, object)
    except UnreadableError as error:
        raise BadCommandError("bad_command", f"not JSON: {error}") from error
    command_id = _id_of(data)
    if name not in known:
        meant = nearest(name, known)
        text = f"no such command {name[:64]!r}" + (f"; did you mean {meant!r}?" if meant else "")
        raise BadCommandError("unknown_command", text, command_id=command_id)
    try:
        command, mistakes = check(data, known[name])
    except RecursionError as error:
        raise BadCommandError("bad_command", "nested too deeply", command_id=command_id) from error
    if command is None:
        raise BadCommandError(
            "bad_command", f"{len(mistakes)} mistakes", command_id=command_id, mistakes=listed(mistakes)
        )
    return command


def listed(mistakes: Sequence[Mistake]) -> tuple[str, ...]:
    """The first ones, short: a key may be as long as its command, and an answer must fit any broker."""
    return tuple(str(mistake)[:MAX_MISTAKE_CHARS] for mistake in mistakes[:MAX_MISTAKES])


def _id_of(data: Any) -> str:
    value = data.get("id") if isinstance(data, dict) else None
    try:
        return msgspec.convert(value, Id)
    except msgspec.ValidationError:
        return ""
