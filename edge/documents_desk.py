"""Changing documents in a running gateway: on the disk, in force for the next event, told to the cloud."""

from __future__ import annotations

from edge.clock import Clock
from edge.config import Config
from edge.documents import Changed, Documents
from edge.events import DocumentsChanged
from edge.journal import Journal
from edge.pump import Pump


class DocumentsDesk:
    """The one way into the documents for the admin page, the command line and the cloud."""

    def __init__(self, documents: Documents, journal: Journal, pump: Pump, clock: Clock, config: Config) -> None:
        self.documents = documents
        self._journal = journal
        self._pump = pump
        self._clock = clock
        self._config = config

    async def put(self, kind: str, items: list[object], *, by: str) -> Changed:
        """Raises DocumentError when a document is wrong; then the old set stays in force.

        Raises JournalRefusedError when it is in force but could not be told: the same put again tells it.
        """
        changed = await self.documents.put(kind, items, by=by)
        self._journal.set_shop(self.documents.shop(self._config))
        await self._pump.submit(
            DocumentsChanged(at=self._clock.now(), kind=kind, count=changed.count, sha256=changed.sha256, by=by)
        )
        return changed
