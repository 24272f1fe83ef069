"""What the shop manages, kept and checked: a set of one kind is replaced whole, or not at all.

Few hundred records that people edit and the cloud can send again; money, counts and news are in the journal.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from edge import policies
from edge.checked import check as check_value
from edge.checked import nearest
from edge.config import Config
from edge.documents_file import DocumentsFile, Items
from edge.errors import DocumentError, Mistake, StoregateError, UsageError
from edge.shop import KINDS, Document, Shop, clashes

MAX_ITEMS = 5_000
MAX_BYTES = 4 * 1024 * 1024
"""Of one set as JSON: it is rewritten at every change, and one command carries it."""
MAX_MISTAKES = 100
"""Told at once; a file of another kind would otherwise tell thousands."""


class Changed(msgspec.Struct, frozen=True):
    """What a `put` came to."""

    kind: str
    count: int
    sha256: str
    """Of the set's canonical form: the same documents have the same sum, wherever they came from."""
    changed: bool
    """False when the same set was in force already."""


class Documents:
    """All sets, in memory as checked structs and on disk. Made by `open`."""

    def __init__(self, file: DocumentsFile, kinds: dict[str, tuple[Document, ...]], problem: str) -> None:
        self._file = file
        self._kinds = kinds
        self._writing = asyncio.Lock()
        self._shop: tuple[Config, dict[str, tuple[Document, ...]], Shop] | None = None
        self.problem = problem
        """What a person should know of the files as they were found, or empty."""

    @classmethod
    def open(cls, state_dir: Path) -> Documents:
        """Blocking. A broken file does not stop the shop: the last good copy is used, and `problem` says so."""
        file = DocumentsFile(state_dir)
        raw = file.load()
        try:
            kinds = _checked(raw)
        except StoregateError as error:
            kinds = _checked_or_nothing(file, str(error))
        return cls(file, kinds, file.problem)

    async def get(self, kind: str) -> tuple[Document, ...]:
        """One set, in the order it was put. Raises UsageError for a kind that does not exist."""
        return self._kinds.get(known(kind), ())

    def sha256(self, kind: str) -> str:
        return _sha256(self._kinds.get(known(kind), ()))

    async def put(self, kind: str, items: list[object], *, by: str) -> Changed:
        """Replaces a set; returns when it is on the disk. Raises DocumentError and changes nothing when it is wrong.

        `by` is who asked: cli | admin | cloud.
        """
        checked = check(kind, items, where=f"{kind} ({by})")
        async with self._writing:
            same = self._kinds.get(kind, ()) == checked
            if not same:
                after = {**self._kinds, kind: checked}
                await asyncio.to_thread(self._file.save, {name: _plain(each) for name, each in after.items()})
                self._kinds = after
        return Changed(kind, len(checked), _sha256(checked), not same)

    def shop(self, config: Config) -> Shop:
        """What the rules read: the settings of the box and all documents."""
        if (
            self._shop is not None and self._shop[0] is config and self._shop[1] is self._kinds
        ):  # both are replaced, never changed
            return self._shop[2]
        policy = config.portal.policy
        sets = {kind: {str(each.id): each for each in self._kinds.get(kind, ())} for kind in KINDS}
        box = Shop(
            timezone=config.gateway.timezone,
            occupancy_reset_at=config.zones.occupancy_reset_at,
            reserve_s=config.coupons.reserve_s,
            unset_clock=config.coupons.unset_clock,
            outbox_max_bytes=int(config.outbox.max_mb * 1024 * 1024),
            shake_cooldown_s=config.shake.cooldown_s,
            shakes_per_day=config.shake.per_day,
            ticket_s=config.shake.ticket_s,
            guest_devices=config.portal.devices,
            most_guests=config.portal.most_guests,
            policy=policies.in_force(policy).policy.consent,
            log_days=policies.kept_days(policy),
        )
        shop = msgspec.structs.replace(box, **sets)
        self._shop = (config, self._kinds, shop)
        return shop


def looked_up(state_dir: Path) -> dict[str, tuple[Document, ...]]:
    """What is on the disk, by kind. Blocking; changes nothing, whatever is wrong. Raises StoregateError."""
    return _checked(DocumentsFile(state_dir).look())


def known(kind: str) -> str:
    """The kind, if there is such. Raises UsageError with the nearest one."""
    if kind in KINDS:
        return kind
    meant = nearest(kind, KINDS)
    hint = f"did you mean {meant!r}?" if meant else ""
    raise UsageError(f"there are no documents of kind {kind!r}; wanted one of {', '.join(KINDS)}", hint=hint)


def check(kind: str, items: object, *, where: str = "") -> tuple[Document, ...]:
    """The set as structs. Raises DocumentError with every mistake, UsageError for an unknown kind."""
    struct = KINDS[known(kind)]
    where = where or kind
    if not isinstance(items, list):
        raise DocumentError(where, [Mistake("(top)", "wanted a list of documents: [{…}, {…}]")])
    if len(items) > MAX_ITEMS:
        raise DocumentError(where, [Mistake("(top)", f"got {len(items)} documents, at most {MAX_ITEMS} fit")])
    found: list[Document] = []
    mistakes: list[Mistake] = []
    try:
        found = msgspec.convert(items, list[struct])  # type: ignore[valid-type]
    except msgspec.ValidationError:  # what is right needs no walk: that would hold up the loop for a second a thousand
        found, mistakes = _walked(items, struct)
    mistakes += _twice(items)
    if not mistakes:
        mistakes += list(clashes(found))[:MAX_MISTAKES]
    if not mistakes and len(msgspec.json.encode(found)) > MAX_BYTES:
        mistakes = [Mistake("(top)", f"is larger than {MAX_BYTES // 1024} kB")]
    if mistakes:
        raise DocumentError(where, mistakes)
    return tuple(found)


def _walked(items: Sequence[object], struct: type[Document]) -> tuple[list[Document], list[Mistake]]:
    found: list[Document] = []
    mistakes: list[Mistake] = []
    for index, item in enumerate(items):
        value, wrong = check_value(item, struct)
        mistakes += [Mistake(_path(index, each.path), each.problem, each.meant) for each in wrong]
        if value is not None:
            found.append(value)
        if len(mistakes) > MAX_MISTAKES:
            mistakes[MAX_MISTAKES:] = [Mistake(f"[{index}]", "more mistakes follow; these first")]
            break
    return found, mistakes


def _path(index: int, path: str) -> str:
    return f"[{index}]" if path in {"", "(top)"} else f"[{index}].{path}"


def _twice(items: Sequence[object]) -> list[Mistake]:
    first: dict[str, int] = {}
    found: list[Mistake] = []
    for index, item in enumerate(items):
        name = item.get("id") if isinstance(item, dict) else None
        if isinstance(name, str) and first.setdefault(name, index) != index:
            found.append(Mistake(f"[{index}].id", f"{name!r} is used already, by [{first[name]}]"))
    return found[:MAX_MISTAKES]


def _checked(raw: dict[str, Items]) -> dict[str, tuple[Document, ...]]:
    return {kind: check(kind, items) for kind, items in raw.items() if kind in KINDS}


def _checked_or_nothing(file: DocumentsFile, why: str) -> dict[str, tuple[Document, ...]]:
    try:
        return _checked(file.fall_back(why))
    except StoregateError:
        file.problem += "; and the copy is wrong too: the shop has no documents until they are put again"
        return {}


def _plain(items: Sequence[Document]) -> Items:
    plain: Items = msgspec.to_builtins(list(items))
    return plain


def _sha256(items: Sequence[Document]) -> str:
    ordered = sorted(items, key=lambda each: str(each.id))
    return hashlib.sha256(msgspec.json.encode(ordered, order="sorted")).hexdigest()
