"""From what is wanted to what this model will really have: before anything is sent. Pure."""

from __future__ import annotations

from typing import NamedTuple

from devices.beacons.profile import HEARD, BeaconProfile, Confidence, Setting
from devices.beacons.provisioning import values
from devices.beacons.provisioning.dialects import at, eddystone_slot, kkm
from devices.beacons.provisioning.dialects.open import settable_of
from devices.beacons.provisioning.values import DoesNotFitError, Settings, Value
from edge.errors import UsageError

IDENTITY = frozenset({Setting.UUID, Setting.MAJOR, Setting.MINOR})


class Fitted(NamedTuple):
    settings: dict[Setting, Value]
    """As the beacon will have them: what it says afterwards is compared with these."""
    left_out: frozenset[Setting]
    """This model has no place for them, or is not sure where (and nobody said `--unverified`)."""


def fitted(profile: BeaconProfile, wanted: Settings, *, unverified: bool = False) -> Fitted:
    """Raises DoesNotFitError, or UsageError for a profile that is not sure enough."""
    if profile.confidence is Confidence.UNSURE and not unverified:
        raise UsageError(
            f"the profile of {profile.vendor} {profile.model} is not certain: {profile.unsure or profile.source}",
            hint="--unverified tries it; the beacon is read back, heard, and set back if something is wrong",
        )
    given = values.normal(wanted)
    who = {Setting.URL} if _only_url(profile) else IDENTITY
    kept, sure = {}, settable_of(profile) - (frozenset() if unverified else _unsure(profile))
    for setting, value in given.items():
        if setting in sure:
            kept[setting] = value
        elif setting in who:
            raise DoesNotFitError(setting, "this model can't be given one for certain", fits="another model of beacon")
    missing = next((setting for setting in sorted(who) if setting not in kept), None)
    if missing:
        raise DoesNotFitError(missing, "is part of the frame", fits="give one")
    _within_limits(profile, kept)
    return Fitted(_as_kept(profile, kept), frozenset(given) - frozenset(kept))


def _only_url(profile: BeaconProfile) -> bool:
    return HEARD & set(profile.frames) == {"eddystone-url"}


def _unsure(profile: BeaconProfile) -> frozenset[Setting]:
    fields = (field for field in profile.field if field.confidence is Confidence.UNSURE)
    return frozenset(setting for field in fields for setting in field.settings)


def _within_limits(profile: BeaconProfile, settings: Settings) -> None:
    low, high = profile.limits.interval_ms
    interval = settings.get(Setting.INTERVAL)
    if interval is not None and not low <= float(interval) <= high:
        raise DoesNotFitError(Setting.INTERVAL, f"{interval} ms is out of reach", fits=f"{low:g} to {high:g} ms")
    power, known = settings.get(Setting.TX_POWER), profile.limits.tx_power_dbm
    if power is not None and known and power not in known:
        fits = ", ".join(f"{one} dBm" for one in known)
        raise DoesNotFitError(Setting.TX_POWER, f"{power} dBm can't be chosen", fits=fits)
    for setting, value in settings.items():
        if setting in {Setting.MAJOR, Setting.MINOR} and not 0 <= int(value) <= 0xFFFF:
            raise DoesNotFitError(setting, f"{value} is no 16-bit number", fits="0 to 65535")
        if setting in values.POWERS and not -128 <= int(value) <= 127:
            raise DoesNotFitError(setting, f"{value} dBm is no power of a frame", fits="-128 to 127 dBm")


def _as_kept(profile: BeaconProfile, settings: dict[Setting, Value]) -> dict[Setting, Value]:
    match profile.dialect:
        case "fields":
            for field in profile.field:
                settings |= (
                    values.decoded(field, values.encoded(field, settings)) if _has(settings, field.settings) else {}
                )
        case "at":
            settings = at.codes_fit(profile, settings)
        case "eddystone-slot":
            if Setting.MEASURED_POWER in settings:
                eddystone_slot.at_zero(int(settings[Setting.MEASURED_POWER]))
            if Setting.UUID in settings:
                settings |= {Setting.UUID: eddystone_slot.elided(str(settings[Setting.UUID]))}
        case "kkm":
            if len(str(settings.get(Setting.NAME, "")).encode()) > kkm.MAX_NAME:
                raise DoesNotFitError(Setting.NAME, "it is too long", fits=f"at most {kkm.MAX_NAME} bytes")
        case _:
            pass
    return settings


def _has(settings: Settings, needed: tuple[Setting, ...]) -> bool:
    return set(needed) <= set(settings)
