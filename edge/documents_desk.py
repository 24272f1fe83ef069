"""Changing documents in a running gateway: on the disk, in force for the next event, told to the cloud."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import msgspec

from edge.clock import Clock
from edge.config import Config
from edge.documents import Changed, Documents
from edge.events import DocumentsChanged
from edge.journal import Journal
from edge.pump import Pump
from edge.shop import Document, Shop


class DocumentsDesk:
    """The one way into the documents for the admin page, the command line and the cloud."""

    def __init__(self, documents: Documents, journal: Journal, pump: Pump, clock: Clock, config: Config) -> None:
        self.documents = documents
        self._journal = journal
        self._pump = pump
        self._clock = clock
        self._config = config
        self._changing = asyncio.Lock()

    async def put(self, kind: str, items: list[object], *, by: str) -> Changed:
        """Raises DocumentError when a document is wrong; then the old set stays in force.

        Raises JournalRefusedError when it is in force but could not be told: the same put again tells it.
        """
        async with self._changing:
            return await self._put(kind, items, by=by)

    async def edit(self, kind: str, change: Callable[[Shop], Iterable[Document]], *, by: str) -> Changed:
        """Puts what `change` makes of the documents in force, with no other change in between.

        What `change` raises goes to the caller, and nothing changed. Else as `put`.
        """
        async with self._changing:
            after = change(self.documents.shop(self._config))
            return await self._put(kind, msgspec.to_builtins(list(after)), by=by)

    async def _put(self, kind: str, items: list[object], *, by: str) -> Changed:
        changed = await self.documents.put(kind, items, by=by)
        self._journal.set_shop(self.documents.shop(self._config))
        await self._pump.submit(
            DocumentsChanged(at=self._clock.now(), kind=kind, count=changed.count, sha256=changed.sha256, by=by)
        )
        return changed
