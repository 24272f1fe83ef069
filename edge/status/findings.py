"""What is wrong now, and how bad: from numbers to things a person can do. Pure.

A finding is a code and its fields; its words, and the next step, stand in edge/web/admin/words.toml in both languages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

import msgspec

from edge.access_answers import Way
from edge.board import Radio, State
from edge.clock import ClockState
from edge.events import BeaconProblem
from edge.status.standing import BeaconStanding, Standing, WifiStanding

DAY_S = 24 * 3600
KIOSK_SILENT_S = 90.0
"""A kiosk's page says that it lives three times in this time."""
OUTBOX_OLD_S = 900.0
"""While the broker is there, nothing should wait for so long."""
OUTBOX_FILLING = 0.8
PRICES_OLD_S = 2 * DAY_S
LAG_S = 1.0
COMMIT_SLOW_MS = 500.0
COVERAGE_LOW = 0.5
"""A radio that hears less of its time says little about who is there."""
NAMED = 5
"""So many are named; of the others the number is told."""
REPAIRED_S = 24 * 3600
"""So long it is told that somebody changed the gate's rules."""
GATE = "gate"
"""The guest Wi-Fi has words of its own for what is wrong with it."""
CLOSED = "wifi_policy"
"""The policy can't be used."""
FAILING = frozenset({State.WAITING, State.DOWN})
BEACON_BAD = frozenset({BeaconProblem.CLONED, BeaconProblem.REPROGRAMMED, BeaconProblem.SILENT})

BEACON_APART = {
    BeaconProblem.SILENT: "own",
    BeaconProblem.WEAK: "own",
    BeaconProblem.REPROGRAMMED: "foreign",
}
"""Problems that some beacons' keepers do something else about."""


class Level(StrEnum):
    BAD = "bad"
    """Something does not work: somebody should come."""
    WARN = "warn"
    """It works, but not for long, or not all of it."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    level: Level
    code: str
    """`admin.finding_{code}` says what, `admin.finding_{code}_do` what to do."""
    fields: dict[str, str | int]
    """What the words need; `span` is in seconds."""


def findings(now: Standing) -> tuple[Finding, ...]:
    """Worst first."""
    found = [*_journal(now), *_damage(now), *_services(now), *_devices(now), *_radios(now), *_beacons(now)]
    found += [*_wifi(now), *_cloud(now), *_rest(now)]
    return tuple(sorted(found, key=lambda finding: finding.level is not Level.BAD))


def _journal(now: Standing) -> Iterator[Finding]:
    if now.outbox.gone:
        yield _bad("journal_gone", problem=now.outbox.gone)
    elif now.outbox.refusing is not None:
        yield _bad(f"refusing_{now.outbox.refusing.value}")
    elif now.disk.free_bytes is None:
        yield _bad("disk_silent", path=now.disk.path)
    elif now.disk.free_bytes < 2 * now.disk.floor_bytes:
        yield _warn("disk_low", free_mb=now.disk.free_bytes >> 20)
    if now.outbox.refusing is None and now.outbox.bytes > OUTBOX_FILLING * now.outbox.max_bytes:
        yield _warn("outbox_filling", percent=round(100 * now.outbox.bytes / now.outbox.max_bytes))
    if now.outbox.commit_ms > COMMIT_SLOW_MS:
        yield _warn("disk_slow", ms=round(now.outbox.commit_ms))


def _damage(now: Standing) -> Iterator[Finding]:
    for code, problem in now.damages.items():
        yield _bad(code, problem=problem)
    if now.broken:
        yield _warn("broken_kept", files=", ".join(now.broken))


def _services(now: Standing) -> Iterator[Finding]:
    for service in now.services:
        if service.state in FAILING:
            yield _bad("service", name=service.name, problem=service.problem, hint=service.hint)
    if now.loop_lag_s > LAG_S:
        yield _warn("busy", seconds=round(now.loop_lag_s))


def _devices(now: Standing) -> Iterator[Finding]:
    for device in now.devices:
        if device.state in FAILING and not (now.wifi and device.kind == GATE):
            yield _bad("device", id=device.id, kind=device.kind, problem=device.problem)
    for kiosk in now.kiosks:
        if kiosk.seen_s_ago is not None and kiosk.seen_s_ago > KIOSK_SILENT_S:
            yield _bad("kiosk_silent", station=kiosk.station, span=round(kiosk.seen_s_ago))


def _radios(now: Standing) -> Iterator[Finding]:
    for radio in now.radios:
        name = radio.adapter
        if radio.state in FAILING:
            if not _said(radio, now):
                yield _bad("radio_down", adapter=name, problem=radio.problem or "-", hint=radio.hint)
        elif _is_deaf(radio):
            yield _warn("radio_coverage", adapter=name, percent=round(100 * (radio.coverage or 0)))
        if radio.dedup_suspected:
            yield _warn("radio_dedup", adapter=name)
        if radio.wanted > radio.sends and radio.state is State.UP:
            yield _bad("radio_sends", adapter=name, wanted=radio.wanted, sends=radio.sends)


def _is_deaf(radio: Radio) -> bool:
    if radio.coverage is None or radio.coverage_basis == "none":
        return False
    return radio.coverage < COVERAGE_LOW and radio.scan in {"active", "passive"}


def _said(radio: Radio, now: Standing) -> bool:
    """Whether one of its services, `radio hci0` or `broadcaster hci0`, says the same already."""
    failing = [each for each in now.services if each.state in FAILING]
    mine = [each for each in failing if radio.adapter in each.name.split()]
    return any(each.name.startswith("radio ") or each.problem == radio.problem for each in mine)


def _beacons(now: Standing) -> Iterator[Finding]:
    """What to do differs: who has no profile is set in its vendor's app, who is our own radio has no battery."""
    for problem in BeaconProblem:
        wrong = [beacon for beacon in now.beacons if problem.value in beacon.problems]
        tell = _bad if problem in BEACON_BAD else _warn
        apart = BEACON_APART.get(problem)
        for suffix, some in _told_apart(wrong, apart):
            yield tell(f"beacon_{problem.value}{suffix}", **_named(some))
    for suffix, some in _told_apart([beacon for beacon in now.beacons if beacon.unconfigured], "foreign"):
        yield _warn(f"beacon_unconfigured{suffix}", **_named(some))
    if now.dangling:
        yield _warn("dangling", documents=_some(now.dangling))


def _told_apart(beacons: Sequence[BeaconStanding], apart: str | None) -> Iterator[tuple[str, Sequence[BeaconStanding]]]:
    """The suffix of the finding's code, and whose it is; nothing for nobody."""
    usual: list[BeaconStanding] = []
    special: list[BeaconStanding] = []
    for each in beacons:
        is_special = (apart == "own" and each.own) or (apart == "foreign" and not each.profile)
        (special if is_special else usual).append(each)
    if usual:
        yield "", usual
    if special:
        yield f"_{apart}", special


def _named(beacons: Sequence[BeaconStanding]) -> dict[str, str | int]:
    """`ids` is for a command."""
    ids = [beacon.id for beacon in beacons]
    return {"beacons": _some(ids), "count": len(ids), "ids": " ".join(ids) if len(ids) <= NAMED else "--all"}


def _some(names: Sequence[str]) -> str:
    """`door, till, … (+12)`."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f", … (+{more})" if more > 0 else "")


def _wifi(now: Standing) -> Iterator[Finding]:
    wifi = now.wifi
    if wifi is None:
        return
    yield from _gate(wifi, now)
    if wifi.repairs and (wifi.repaired_s_ago or 0.0) < REPAIRED_S:
        yield _warn("wifi_rules_changed", count=wifi.repairs)
    yield from _certificate(wifi)
    if wifi.uplink is False:
        yield _warn("wifi_uplink", span=round(wifi.uplink_for_s or 0))
    if wifi.served is False and wifi.interface_state != "missing":
        yield _bad("wifi_dnsmasq", interface=wifi.interface)
    if wifi.unfair and wifi.gate is State.UP:
        yield _warn("wifi_unfair")
    if wifi.lease_problem:
        yield _warn("wifi_leases", problem=wifi.lease_problem)
    if wifi.members >= wifi.most_guests:
        yield _warn("wifi_full", count=wifi.members)
    if not wifi.portal:
        yield _warn("wifi_portal_none")
    if CLOSED not in now.damages:  # that says why there is no way in
        yield from _ways(wifi)


def _ways(wifi: WifiStanding) -> Iterator[Finding]:
    """Where none is left, nobody gets in; else guests see fewer than the document says."""
    offered = {*wifi.ways} - {*wifi.unset_ways, *wifi.barred_ways}
    if not offered:
        yield _bad("wifi_ways_none", ways=", ".join(wifi.ways), policy=wifi.policy)
        return
    if offered == {Way.STAFF}:
        yield _bad("wifi_ways_staff", ways=", ".join(wifi.ways), policy=wifi.policy)
    if Way.SMS in offered and (wifi.tls_days_left is None or wifi.tls_days_left <= 0):
        yield _warn("wifi_sms_plain")
    if wifi.unset_ways:
        yield _warn("wifi_ways_unset", ways=", ".join(wifi.unset_ways))
    if wifi.barred_ways:
        yield _warn("wifi_ways_barred", ways=", ".join(wifi.barred_ways), policy=wifi.policy)


def _gate(wifi: WifiStanding, now: Standing) -> Iterator[Finding]:
    """One line for what keeps guests out; what the gate has words for is told in ours."""
    if wifi.gate is State.UP or wifi.gate_code in {"interface", "uplink"}:
        yield from _interfaces(wifi)
        return
    if wifi.gate is State.STARTING and not wifi.gate_problem:
        return
    if any(each.state in FAILING and each.problem == wifi.gate_problem for each in now.services):
        return  # its task says the same
    if wifi.gate_code == "nft":
        yield _bad("wifi_nft")
    elif wifi.gate_code == "rules":
        yield _bad("wifi_rules", problem=wifi.gate_problem or "-", hint=wifi.gate_hint)
    else:
        yield _bad("wifi_gate", problem=wifi.gate_problem or "-", hint=wifi.gate_hint)


def _interfaces(wifi: WifiStanding) -> Iterator[Finding]:
    if wifi.interface_state == "missing":
        yield _bad("wifi_interface", interface=wifi.interface)
    elif wifi.interface_state == "down":
        yield _bad("wifi_interface_down", interface=wifi.interface)
    if wifi.uplink_interface_state == "missing":
        yield _bad("wifi_uplink_interface", interface=wifi.uplink_interface)
    elif wifi.uplink_interface_state == "down":
        yield _bad("wifi_uplink_interface_down", interface=wifi.uplink_interface)


def _certificate(wifi: WifiStanding) -> Iterator[Finding]:
    """One that can't be used does not take the place of a good one."""
    if not wifi.tls_name:
        return
    if wifi.tls_days_left is None:
        yield _bad("wifi_cert", name=wifi.tls_name, problem=wifi.tls_problem or "-")
    elif wifi.tls_days_left <= 0:
        yield _bad("wifi_cert_over", name=wifi.tls_name)
    else:
        days = int(wifi.tls_days_left)
        if wifi.tls_problem:
            yield _warn("wifi_cert_new", name=wifi.tls_name, days=days, problem=wifi.tls_problem)
        if wifi.tls_soon:
            yield _warn("wifi_cert_soon", name=wifi.tls_name, days=days)


def _cloud(now: Standing) -> Iterator[Finding]:
    if now.offline_by_choice:
        return
    if not now.broker.connected:
        yield _warn("broker", address=now.broker.address, problem=now.broker.problem or "-", waiting=now.outbox.waiting)
    elif now.outbox.oldest_age_s is not None and now.outbox.oldest_age_s > OUTBOX_OLD_S:
        yield _warn("outbox_old", span=round(now.outbox.oldest_age_s))


def _rest(now: Standing) -> Iterator[Finding]:
    if now.at.state is ClockState.UNSET:
        yield _bad("clock_unset")
    elif now.at.state is ClockState.HOLDOVER:
        yield _warn("clock_holdover")
    if now.catalogue.products is None:
        yield _warn("catalogue_none")
    elif now.catalogue.priced_age_s is not None and now.catalogue.priced_age_s > PRICES_OLD_S:
        yield _warn("catalogue_old", days=round(now.catalogue.priced_age_s / DAY_S))
    if now.catalogue.problem and now.catalogue.products is not None:
        yield _warn("catalogue_problem", problem=now.catalogue.problem)


def _bad(code: str, **fields: str | int) -> Finding:
    return Finding(level=Level.BAD, code=code, fields=fields)


def _warn(code: str, **fields: str | int) -> Finding:
    return Finding(level=Level.WARN, code=code, fields=fields)
