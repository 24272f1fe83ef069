"""What `storegate beacon` knows before it touches a radio: documents, profiles, passwords; and the jobs of them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from devices import profiles
from devices.beacons.presence.known import Known
from devices.beacons.profile import FAMILY, BeaconProfile
from devices.beacons.provisioning import passwords as password_file
from devices.beacons.provisioning.job import Job, settings_of
from devices.beacons.provisioning.passwords import Passwords
from edge import rotation
from edge.checked import nearest
from edge.cli import asking, say
from edge.config import Config, find, load
from edge.documents import Documents
from edge.errors import UsageError
from edge.keys import GatewayKeys
from edge.shop import Page
from edge.shop.beacons import Beacon

if TYPE_CHECKING:
    from devices.beacons.provisioning.job import OpenLine

FIRST_ADAPTER = "hci0"
OTHER_WAYS = {"gateway": "the gateway sends it itself", "esphome": "storegate beacon render prints its YAML"}


@dataclass(frozen=True, kw_only=True)
class Books:
    config: Config
    beacons: dict[str, Beacon]
    pages: dict[str, Page]
    profiles: dict[str, BeaconProfile]
    rotation_key: bytes = field(repr=False)

    @classmethod
    def open(cls, path: Path | None) -> Books:
        """Through the running daemon, or from the disk. Raises StoregateError."""
        config = load(find(path))
        beacons = msgspec.convert(_documents(config, "beacons"), tuple[Beacon, ...])
        pages = msgspec.convert(_documents(config, "pages"), tuple[Page, ...])
        key = b""
        if any(beacon.rotating for beacon in beacons):
            key = GatewayKeys.open(config.state_path).beacon_key("rotation")
        return cls(
            config=config,
            beacons={str(beacon.id): beacon for beacon in beacons},
            pages={str(page.id): page for page in pages},
            profiles=profiles.all_of(FAMILY, BeaconProfile),
            rotation_key=key,
        )

    @property
    def adapter(self) -> str:
        return next((radio.adapter for radio in self.config.radios), FIRST_ADAPTER)

    def known(self) -> Known[str]:
        """Ids on the air → documents, those of now included that rotate."""
        known = Known[str](self.rotation_key, rotate_s=self.config.beacons.rotate_s)
        known.documents((beacon, str(beacon.id)) for beacon in self.beacons.values())
        known.epoch(rotation.epoch_of(int(time.time() * 1000), rotate_s=self.config.beacons.rotate_s))
        while not known.work():
            pass
        return known

    def chosen(self, ids: list[str], *, all_of_them: bool) -> list[Beacon]:
        """Raises UsageError."""
        if ids and all_of_them:
            raise UsageError("give ids, or --all, not both", hint="leave one of them out")
        if not ids and not all_of_them:
            raise UsageError("which beacons? give their ids, or --all", hint="storegate documents get beacons")
        if all_of_them:
            found = [one for one in self.beacons.values() if one.profile and one.profile not in OTHER_WAYS]
            if not found:
                say.warn("no beacon's document has a profile that is set by radio: nothing to do (docs/beacons.md, 3.)")
            return found
        return [self.beacon(name) for name in dict.fromkeys(ids)]

    def beacon(self, name: str) -> Beacon:
        if name in self.beacons:
            return self.beacons[name]
        near = nearest(name, self.beacons)
        hint = f"did you mean {near!r}?" if near else "storegate documents get beacons"
        raise UsageError(f"there is no beacon {name!r} among the documents", hint=hint)

    def by_address(self, who: str) -> Beacon | None:
        return next((one for one in self.beacons.values() if one.address.upper() == who.upper()), None)

    def profile(self, name: str) -> BeaconProfile:
        if name in self.profiles:
            return self.profiles[name]
        near = nearest(name, self.profiles)
        hint = f"did you mean {near!r}?" if near else "storegate beacon scan names those that fit"
        raise UsageError(f"there is no profile {name!r} of beacons", hint=hint)

    def passwords(self, given: Path | None) -> Passwords:
        """Of this file, else that of the configuration, else none at all."""
        if given:
            return password_file.load(given)
        name = self.config.beacons.passwords_file
        return Passwords.later(Path(name)) if name else Passwords({})

    def job(self, beacon: Beacon, *, url: str = "", line: OpenLine | None = None, **more: Any) -> Job:
        """Raises UsageError for a beacon that can't be configured by a radio."""
        if not beacon.profile:
            hint = 'write its profile into the document: "profile": "…"; storegate beacon scan names those that fit'
            raise UsageError(f"{beacon.id} has no profile: it is not ours to configure", hint=hint)
        profile = self.profile(str(beacon.profile))
        if profile.dialect in OTHER_WAYS:
            raise UsageError(f"{beacon.id} is not configured by radio", hint=OTHER_WAYS[profile.dialect])
        return Job(
            beacon=str(beacon.id),
            profile=profile,
            address=beacon.address.upper(),
            wanted=settings_of(beacon, url=url or self.url(beacon)),
            line=line,
            **more,
        )

    def url(self, beacon: Beacon) -> str:
        """What a beacon that sends a web address shall send: its first page's, if that is a whole one."""
        page = self.pages.get(str(beacon.pages[0].page)) if beacon.pages else None
        return page.page_url if page and page.page_url.startswith("http") else ""


def _documents(config: Config, kind: str) -> object:
    raw = asking.daemon(config, "GET", f"/api/v1/documents/{kind}")
    if raw is not None:
        return msgspec.json.decode(raw)
    documents = Documents.open(config.state_path)
    if documents.problem:
        say.warn(documents.problem)
    return tuple(getattr(documents.shop(config), kind).values())
