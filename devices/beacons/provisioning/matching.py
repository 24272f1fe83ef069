"""Which profiles an advert fits, best first, and how sure that is. Pure.

A beacon in its everyday mode often sends nothing but its frame; what it is shows when it can be connected to.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from fnmatch import fnmatchcase
from typing import NamedTuple

from devices.beacons.advert import Advert
from devices.beacons.profile import BeaconProfile, Confidence

_SHORT = "-0000-1000-8000-00805f9b34fb"
"""Ends the UUIDs of 16 bits: many vendors help themselves to FFF0 and its like."""
_ORDER = list(Confidence)


class Sureness(IntEnum):
    MAYBE = 1
    """A name, a company, or a service that others use too."""
    LIKELY = 2
    """Two of them."""
    SURE = 3
    """A service that is the vendor's own."""


class Fit(NamedTuple):
    name: str
    sureness: Sureness
    confidence: Confidence
    """Of the profile itself."""


def fits(profile: BeaconProfile, advert: Advert) -> Sureness | None:
    """None: it is something else, or the profile does not say how to know it."""
    match = profile.match
    services = {service.lower() for service in (*advert.service_uuids, *advert.service_data)}
    ours = services & set(match.services)
    named = any(fnmatchcase(advert.name, pattern) for pattern in match.names)
    by_company = bool(set(match.companies) & set(advert.manufacturer))
    wanted = [bool(match.services), bool(match.names), bool(match.companies)]
    found = [bool(ours), named, by_company]
    if not any(wanted) or any(want and not have for want, have in zip(wanted, found, strict=True)):
        return None
    if any(not service.endswith(_SHORT) for service in ours):
        return Sureness.SURE
    return Sureness.LIKELY if sum(found) > 1 else Sureness.MAYBE


def best(profiles: Mapping[str, BeaconProfile], advert: Advert) -> list[Fit]:
    """Of two that fit equally, the one that asks for more (name and service) comes first, then the more certain."""
    found: list[tuple[tuple[int, int, int], Fit]] = []
    for name, profile in profiles.items():
        sureness = fits(profile, advert)
        if sureness is not None:
            asks = sum(map(bool, (profile.match.services, profile.match.names, profile.match.companies)))
            rank = (-sureness, -asks, _ORDER.index(profile.confidence))
            found.append((rank, Fit(name, sureness, profile.confidence)))
    return [fit for _, fit in sorted(found)]
