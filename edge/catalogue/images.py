"""Where a product's picture is: a path below the image folder, as the catalogue's `image` column has it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

MAX_STEPS = 4
"""Folders and the name."""
MAX_LENGTH = 200
KINDS: Mapping[str, str] = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
}
"""Suffix → Content-Type. No SVG: it may hold a script."""

_STEP = r"[A-Za-z0-9_\-\u4e00-\u9fff][A-Za-z0-9_\-.\u4e00-\u9fff]*"
_PATH = re.compile(rf"{_STEP}(?:/{_STEP}){{0,{MAX_STEPS - 1}}}")


def is_path(image: str) -> bool:
    """Letters (Chinese too), digits, `_`, `-`, dots inside; nothing hidden, nothing that leads up or out."""
    return len(image) <= MAX_LENGTH and _PATH.fullmatch(image) is not None and ".." not in image


def content_type(image: str) -> str:
    """Of a picture that a kiosk may show; empty for anything else: no path, or no picture."""
    return KINDS.get(image.rpartition(".")[2].lower(), "") if is_path(image) else ""
