"""The catalogue for the event loop: one thread of its own asks the file."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from edge.catalogue.product import CatalogueInfo, Found, Product
from edge.catalogue.search import Catalogue
from edge.ids import Gtin

T = TypeVar("T")


class CatalogueDesk:
    """The methods of Catalogue, awaited. `close()` ends the thread."""

    def __init__(self, path: Path) -> None:
        self._catalogue = Catalogue(path)
        # one thread: SQLite's connection belongs to it, and searches queue fairly behind each other
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="catalogue")

    @property
    def problem(self) -> str:
        """Why there is no catalogue, or why a newer one is not used; empty: all is well. As of the last look-up."""
        return self._catalogue.problem

    async def product(self, gtin: Gtin) -> Product | None:
        return await self._ask(lambda: self._catalogue.product(gtin))

    async def by_item(self, item: str) -> Product | None:
        return await self._ask(lambda: self._catalogue.by_item(item))

    async def search(self, words: str, limit: int = 20) -> Found:
        return await self._ask(lambda: self._catalogue.search(words, limit))

    async def alternatives(self, product: Product, limit: int = 4) -> tuple[Product, ...]:
        return await self._ask(lambda: self._catalogue.alternatives(product, limit))

    async def info(self) -> CatalogueInfo | None:
        return await self._ask(self._catalogue.info)

    async def close(self) -> None:
        await self._ask(self._catalogue.close)
        self._thread.shutdown(wait=False)

    async def _ask(self, question: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, question)
