"""The documents as this API changes them: read, changed and put with nothing in between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

import msgspec

from edge.config import Config
from edge.documents_desk import DocumentsDesk
from edge.shop import Document, Shop, number_of
from edge.web.admin.shakearound.codes import CallError, Code

D = TypeVar("D", bound=Document)


class Shelf:
    def __init__(self, desk: DocumentsDesk, config: Config) -> None:
        self._desk = desk
        self._config = config

    @property
    def shop(self) -> Shop:
        return self._desk.documents.shop(self._config)

    async def edit(self, kind: str, change: Callable[[Shop], Iterable[Document]]) -> None:
        """On the disk, in force, told to the cloud. What `change` raises goes to the caller, and nothing changed."""
        await self._desk.edit(kind, change, by="admin")


def replaced(documents: Mapping[str, D], document: D) -> Iterator[D]:
    """The set with this one in the place of its old self."""
    return (document if each.id == document.id else each for each in documents.values())


def without(documents: Mapping[str, D], gone: Iterable[str]) -> list[D]:
    names = set(gone)
    return [each for each in documents.values() if each.id not in names]


def made_id(kind: type[D], prefix: str, documents: Mapping[str, D], at_s: int, fields: dict[str, object]) -> D:
    """A new document, `page-6ac1f0e2`: named by the second, so that none gets the figures of one that is gone.

    Raises CallError when its fields do not fit together.
    """
    used = {number_of(each) for each in documents.values()}
    while True:
        name = f"{prefix}-{max(at_s, 0):x}"
        try:
            made = msgspec.convert({"id": name, **fields}, kind)
        except msgspec.ValidationError as error:
            raise CallError(Code.BODY, str(error)) from error
        if name not in documents and number_of(made) not in used:
            return made
        at_s += 1
