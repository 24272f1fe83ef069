"""What a country wants of a guest Wi-Fi: what is asked, written down and kept how long. Data files, one a country.

`portal.policy` in gateway.toml names one of `none.toml`, `eu.toml`, `cn.toml`, or the path of a file like those. Ours
are read when this is imported; a file of the shop's own once, when gateway.toml is checked: later on no page and no
rule waits for a disk. A changed text needs a new `version`: consent is to what was shown.

Consent to marketing is separate and never a condition: no policy can make it one.
"""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from edge.access_answers import Way
from edge.checked import check
from edge.errors import ConfigError, Mistake, UsageError
from edge.ids import Name

FOLDER = Path(__file__).parent
MAX_BYTES = 64 * 1024
Words = Annotated[str, Meta(min_length=1, max_length=8000)]
Line = Annotated[str, Meta(min_length=1, max_length=400)]


class Logs(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is written down of a session, sealed; when it began and ended always is, where anything is."""

    keep_days: Annotated[int, Meta(ge=0, le=3650)] = 0
    """After its end; 0: nothing is kept."""
    fields: tuple[Literal["mac", "address", "account"], ...] = ()


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: Name
    version: Annotated[int, Meta(ge=1, le=1_000_000)]
    title_zh: Line
    title_en: Line
    text_zh: Words
    """Paragraphs, a line each."""
    text_en: Words
    marketing_zh: Line
    """What is asked beside, with a box that is not ticked."""
    marketing_en: Line
    ways: tuple[Way, ...] = ()
    """Only these may be offered, because they tell who somebody is; empty: all."""
    logs: Logs = Logs()

    @property
    def consent(self) -> str:
        """What a guest agrees to, as events have it: `cn/3`."""
        return f"{self.id}/{self.version}"

    @property
    def log_days(self) -> int:
        return self.logs.keep_days if self.logs.fields else 0

    def allows(self, way: Way) -> bool:
        return not self.ways or way in self.ways


@functools.lru_cache(maxsize=32)
def load(name: str) -> Policy:
    """`none`, `eu`, `cn` or a path. Blocking, the first time. Raises ConfigError, or UsageError for no such file."""
    bundled = {path.stem: path for path in sorted(FOLDER.glob("*.toml"))}
    path = bundled.get(name, Path(name))
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        hint = f"portal.policy is one of {', '.join(bundled)}, or the path of a file like those"
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"can't read the policy {name!r}: {reason}", hint=hint) from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(str(path), [Mistake("(top)", f"is larger than {MAX_BYTES // 1024} kB")])
    try:
        data = tomllib.loads(raw.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(str(path), [Mistake("(TOML)", str(error))]) from error
    policy, mistakes = check(data, Policy)
    if policy is None:
        raise ConfigError(str(path), mistakes)
    return policy


for _name in ("none", "eu", "cn"):
    load(_name)
