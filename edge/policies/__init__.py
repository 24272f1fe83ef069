"""What a country wants of a guest Wi-Fi: what is asked, written down and kept how long. Data files, one a country.

`portal.policy` in gateway.toml names one of `none.toml`, `eu.toml`, `cn.toml`, or the path of a file like those. Ours
are read when this is imported; a file of the shop's own once, when gateway.toml is checked: later on no page and no
rule waits for a disk. A changed text needs a new `version`: consent is to what was shown.

Consent to marketing is separate and never a condition: no policy can make it one.

A shop's own file that can't be used closes the portal (`in_force`), and nothing else: nobody new gets in, for nobody
knows what they would have to be told; kiosks, tills and coupons go on.
"""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from edge.access_answers import Way
from edge.checked import check
from edge.errors import ConfigError, Mistake, StoregateError, UsageError
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

    def __post_init__(self) -> None:
        if self.fields and not self.keep_days:
            raise ValueError("fields are named, but keep_days is 0: nothing would be kept; set both, or neither")
        if self.keep_days and not self.fields:
            raise ValueError("keep_days is set, but no fields are named: nothing would be kept; set both, or neither")


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


OURS: dict[str, Policy] = {}
"""Read when this is imported."""


@functools.lru_cache(maxsize=32)
def load(name: str) -> Policy:
    """`none`, `eu`, `cn` or a path. Blocking, the first time. Raises ConfigError, or UsageError for no such file."""
    if name in OURS:
        return OURS[name]
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


class InForce(NamedTuple):
    policy: Policy
    problem: str = ""
    """Why it is not the one that was wanted: the portal is closed. Empty: it is."""
    hint: str = ""


CLOSED = Policy(
    id="closed",
    version=1,
    title_zh="使用条款",
    title_en="Terms of use",
    text_zh="访客 Wi-Fi 暂时不能使用，请咨询店员。",
    text_en="The guest Wi-Fi can't be used at the moment; please ask the staff.",
    marketing_zh="-",
    marketing_en="-",
    ways=(Way.PASS,),
)
"""No guest is ever offered that way, so nobody gets in."""
UNKNOWN_DAYS = 3650
"""What was kept under the one that can't be read stays: a typing mistake must not delete what a law wants."""


@functools.lru_cache(maxsize=32)
def in_force(name: str) -> InForce:
    """What the daemon goes by. Blocking, the first time; a file is read once, so a mended one needs a restart."""
    try:
        return InForce(load(name))
    except StoregateError as error:
        hint = error.hint or "`storegate config check` shows each mistake; mend the file, then restart storegate"
        return InForce(CLOSED, " ".join(str(error).split()), hint)


def kept_days(name: str) -> int:
    """So long records stay."""
    found = in_force(name)
    return UNKNOWN_DAYS if found.problem else found.policy.log_days


def doubts(name: str, policy: Policy) -> tuple[Mistake, ...]:
    """Of a file of the shop's own."""
    if name in BUNDLED or policy.id not in BUNDLED:
        return ()
    text = f"is {policy.id!r}, as ours is called: guests' consent to the one is taken for the other"
    return (Mistake("id", f"{text}; give yours a name of its own"),)


BUNDLED = ("none", "eu", "cn")
OURS |= {name: load(name) for name in BUNDLED}
