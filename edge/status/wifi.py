"""The guest Wi-Fi as the status page shows it: what gateway.toml and the portal's document want, what the board knows.

Pure. Nothing of a single guest is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from edge.access_answers import Way
from edge.board import Board, Wifi
from edge.clock import Stamp
from edge.cloud_asks import is_loopback
from edge.config import Config
from edge.policies import Policy, in_force
from edge.shop import Portal, Shop
from edge.status.standing import WifiStanding
from edge.status.times import age_s

SOON = 1 / 3
"""Of a certificate's life: a box that is offline for weeks needs time to get a new one."""
USUAL_LIFE_DAYS = 90.0
DNS = "captive DNS"
"""Its task on the board."""
NO_NFT = "the program nft is not on this box"
PLAIN_WAYS = (Way.CLICK,)
"""Where there is no portal document."""
NEEDS: Mapping[Way, Callable[[Config], bool]] = {
    Way.SMS: lambda config: bool(config.portal.sms.per_shop_day) and _asks(config),
    Way.WECHAT: lambda config: bool(config.portal.wechat.app_id) and _asks(config),
    Way.STAFF: lambda config: bool(config.portal.staff),
    Way.MEMBER: lambda config: any(
        scanner.station in config.stations and config.stations[scanner.station].kind == "kiosk"
        for scanner in config.scanners
    ),
}
"""What a way needs of gateway.toml; the others need nothing."""


def unset(ways: Iterable[Way], config: Config) -> tuple[str, ...]:
    """Of these, gateway.toml has not what they need."""
    return tuple(way.value for way in ways if way in NEEDS and not NEEDS[way](config))


def barred(ways: Iterable[Way], policy: Policy) -> tuple[str, ...]:
    """Of these, the policy does not allow them."""
    return tuple(way.value for way in ways if not policy.allows(way))


def shut_out(portal: Portal | None, config: Config, policy: Policy) -> str:
    """Why no guest can get in, whatever runs; empty: one can. What only staff can do is no way in for a guest."""
    ways = portal.ways if portal is not None else PLAIN_WAYS
    without, not_allowed = unset(ways, config), barred(ways, policy)
    if any(way.value not in {*without, *not_allowed} for way in ways if way is not Way.STAFF):
        return ""
    why = [f"{way} is not allowed by the policy {policy.consent}" for way in not_allowed if way != Way.STAFF]
    why += [f"{way} is not set up in gateway.toml" for way in without if way not in {*not_allowed, Way.STAFF}]
    staff = "only the staff's" if Way.STAFF in ways and Way.STAFF not in {*without, *not_allowed} else "none"
    return f"no way in is left for guests, {staff}: {', '.join(why) or 'the portal offers no other'}"


def here(config: Config) -> bool:
    return config.gate.driver == "fake" or bool(config.gate.interface)


def wifi(config: Config, shop: Shop, board: Board, at: Stamp, admitted: Mapping[str, int]) -> WifiStanding | None:
    """None where there is no guest Wi-Fi. `admitted`: of today."""
    if not here(config):
        return None
    seen, gate, portal = board.wifi, config.gate, shop.portal
    ways = portal.ways if portal is not None else PLAIN_WAYS
    dns = board.services.get(DNS)
    policy = in_force(config.portal.policy).policy  # read at the start, so no disk is waited for
    life_days = seen.tls_life_days or USUAL_LIFE_DAYS
    return WifiStanding(
        driver=gate.driver,
        interface=gate.interface,
        interface_state=seen.interface,
        uplink_interface=gate.uplink,
        uplink_interface_state=seen.uplink_interface,
        gate=seen.gate,
        gate_code=_code(seen),
        gate_problem=seen.gate_problem,
        gate_hint=seen.gate_hint,
        repairs=seen.repairs,
        repaired_s_ago=None if seen.repaired is None else age_s(seen.repaired, at),
        fairness=seen.fairness,
        unfair=seen.fairness == "none" and bool(gate.down_mbit or gate.up_mbit),
        counted_s_ago=None if seen.counted is None else age_s(seen.counted, at),
        members=seen.members,
        most_guests=config.portal.most_guests,
        waiting=seen.waiting,
        uplink=seen.uplink,
        uplink_for_s=None if seen.uplink_since is None else age_s(seen.uplink_since, at),
        dns=None if dns is None else dns.state,
        dns_answered=seen.dns_answered,
        dns_refused=seen.dns_refused,
        dns_per_s=seen.dns_per_s,
        tls_name=config.portal.name if config.portal.cert_file else "",
        tls_days_left=seen.tls_days_left,
        tls_soon=seen.tls_days_left is not None and seen.tls_days_left < life_days * SOON,
        tls_problem=seen.tls_problem,
        lease_problem=seen.lease_problem,
        served=seen.served,
        policy=policy.consent,
        portal=portal is not None,
        ways=tuple(way.value for way in ways),
        unset_ways=unset(ways, config),
        barred_ways=barred(ways, policy),
        admitted=dict(admitted),
        refused=dict(seen.refused),
    )


def _asks(config: Config) -> bool:
    """The cloud, where nobody between here and the broker can read along."""
    return bool(config.mqtt.host) and (config.mqtt.tls or is_loopback(config.mqtt.host))


def _code(seen: Wifi) -> str:
    """What the driver made of the gate's words; that nft is missing stands in them alone."""
    return "nft" if NO_NFT in seen.gate_problem else seen.gate_code
