"""What the catalogue holds and what a search answers."""

from __future__ import annotations

import msgspec

from edge.ids import Gtin


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the shop sells, as it was priced at `priced_at_ms`."""

    gtin: Gtin
    name_zh: str
    price_fen: int
    sku: str = ""
    """The shop's own number. For goods weighed in the shop: the item number inside their barcodes."""
    name_en: str = ""
    brand: str = ""
    category: str = ""
    member_price_fen: int | None = None
    unit: str = ""
    """What the price is for: 瓶, 袋, 500g."""
    stock: int | None = None
    """Pieces in the shop when it was priced; None: not known."""
    shelf: str = ""
    """Where it stands: A3-2."""
    image: str = ""
    """A relative path or the name of an icon; empty: the category's icon."""
    priced_at_ms: int = 0

    @property
    def in_stock(self) -> bool:
        """Unknown stock counts as there: the shelf decides."""
        return self.stock is None or self.stock > 0


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A checked row of a catalogue file: a product and the words it is also found by."""

    product: Product
    keywords: tuple[str, ...] = ()


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a search; best first."""

    products: tuple[Product, ...] = ()
    corrected: str = ""
    """What was searched for instead of what was typed; empty: nothing was repaired."""
    suggestions: tuple[str, ...] = ()
    """Words of this catalogue that the typed letters may become, for the on-screen keyboard."""


class CatalogueInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a catalogue file says of itself."""

    products: int
    priced_at_ms: int
    """When the newest prices in it were written by the shop's system, UTC."""
    sha256: str
    """Of the file it came from; after an update, of the old sum and the new file's."""
    skipped: int = 0
    """Wrong rows that were left out because the person who imported asked so."""
    encoding: str = "utf-8"
