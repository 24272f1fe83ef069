"""What `storegate documents` knows better than a set by itself: profiles, radios, and the other kinds in force."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from edge.checked import nearest
from edge.cli import asking
from edge.errors import Mistake, StoregateError
from edge.shop import KINDS, Beacon, Portal

if TYPE_CHECKING:
    from edge.config import Config
    from edge.shop import Document

OWN = "gateway"
"""Profile of what the gateway's own radio sends."""


def doubts_of(kind: str, items: Sequence[Document], config: Config | StoregateError) -> tuple[Mistake, ...]:
    """Not mistakes: what is missing may be put next. Asks the running daemon, or looks at the disk, and changes nothing
    there. `config`: or why there is none.
    """
    from edge.documents_mentions import doubts, mentions  # noqa: PLC0415

    ours = (*_profiles(items), *_portals(items))
    try:
        if isinstance(config, StoregateError):
            raise config
        others = {each: in_force(config, each) for each in KINDS if each != kind}
    except StoregateError as error:
        names_some = any(True for _ in mentions(items))
        return (*ours, Mistake("(other kinds)", f"not looked at: {error}")) if names_some else ours
    return (*ours, *doubts(kind, items, others, config), *_shut_out(items, config))


def _shut_out(items: Sequence[Document], config: Config) -> Iterator[Mistake]:
    """Ways in that gateway.toml and the policy leave."""
    from edge import policies  # noqa: PLC0415
    from edge.status.wifi import here, shut_out  # noqa: PLC0415

    found = policies.in_force(config.portal.policy)
    for number, item in enumerate(items if here(config) and not found.problem else ()):
        if isinstance(item, Portal) and (problem := shut_out(item, config, found.policy)):
            yield Mistake(f"[{number}].ways", problem)


def _portals(items: Sequence[Document]) -> Iterator[Mistake]:
    from edge.shop import portals  # noqa: PLC0415

    for number, item in enumerate(items):
        if isinstance(item, Portal):
            for doubt in portals.doubts(item):
                yield Mistake(f"[{number}].{doubt.path}", doubt.problem)


def _profiles(items: Sequence[Document]) -> Iterator[Mistake]:
    """Edge itself does not know them: they are the devices'."""
    named = [(number, item) for number, item in enumerate(items) if isinstance(item, Beacon) and item.profile]
    if not named:
        return
    from devices import profiles  # noqa: PLC0415
    from devices.beacons.profile import FAMILY, BeaconProfile  # noqa: PLC0415

    known = profiles.all_of(FAMILY, BeaconProfile)
    for number, item in named:
        profile = known.get(item.profile)
        if profile is None:
            near = nearest(item.profile, known)
            text = f"there is no profile {item.profile!r}" + ("" if near else f"; there are {', '.join(sorted(known))}")
            yield Mistake(f"[{number}].profile", text, near)
        elif item.rotating and item.profile != OWN:
            text = f"{profile.model} keeps the id it is given; what the gateway sends itself (profile gateway) rotates"
            yield Mistake(f"[{number}].rotating", text)
        if item.radio and item.profile != OWN:
            yield Mistake(f"[{number}].radio", "is for the gateway's own beacons (profile gateway) alone")


def in_force(config: Config, kind: str) -> tuple[Document, ...]:
    """The running daemon's, or the disk's while none runs. Raises StoregateError."""
    from edge import documents  # noqa: PLC0415

    raw = asking.daemon(config, "GET", f"/api/v1/documents/{kind}")
    if raw is None:
        return documents.looked_up(config.state_path).get(kind, ())
    return documents.check(kind, msgspec.json.decode(raw))
