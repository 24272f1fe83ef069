"""Parts of the shop, its plan, and what its kiosks show while nobody is there."""

from __future__ import annotations

from edge.shop.base import Document, Metres, Text


class Zone(Document, frozen=True, kw_only=True):
    name_zh: Text
    name_en: Text
    x_m: Metres | None = None
    """Upper left corner of its rectangle on the plan; without all four it is on no plan."""
    y_m: Metres | None = None
    width_m: Metres | None = None
    depth_m: Metres | None = None

    def __post_init__(self) -> None:
        place = (self.x_m, self.y_m, self.width_m, self.depth_m)
        if any(each is None for each in place) and any(each is not None for each in place):
            raise ValueError("x_m, y_m, width_m and depth_m go together")
        if self.width_m == 0 or self.depth_m == 0:
            raise ValueError("width_m and depth_m must be more than 0")


class Slide(Document, frozen=True, kw_only=True):
    """One picture of a kiosk's attract page."""

    title_zh: Text
    title_en: Text
    text_zh: str = ""
    text_en: str = ""
    gtin: str = ""
    """A product to open when it is touched."""
