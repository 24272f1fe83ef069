"""The guest Wi-Fi as the status page shows it: what gateway.toml and the portal's document want, what the board knows.

Pure. Nothing of a single guest is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edge.access_answers import Way
from edge.board import Board, Wifi
from edge.clock import Stamp
from edge.cloud_asks import is_loopback
from edge.config import Config
from edge.errors import StoregateError
from edge.policies import Policy, load
from edge.shop import Shop
from edge.status.standing import WifiStanding
from edge.status.times import age_s

SOON = 1 / 3
"""Of a certificate's life: a box that is offline for weeks needs time to get a new one."""
USUAL_LIFE_DAYS = 90.0
DNS = "captive DNS"
"""Its task on the board."""
NO_NFT = "the program nft is not on this box"
NEEDS: Mapping[Way, Callable[[Config], bool]] = {
    Way.SMS: lambda config: bool(config.portal.sms.per_shop_day) and _asks(config),
    Way.WECHAT: lambda config: bool(config.portal.wechat.app_id) and _asks(config),
    Way.STAFF: lambda config: bool(config.portal.staff),
    Way.MEMBER: lambda config: any(scanner.station for scanner in config.scanners),
}
"""What a way needs of gateway.toml; the others need nothing."""


def here(config: Config) -> bool:
    return config.gate.driver == "fake" or bool(config.gate.interface)


def wifi(config: Config, shop: Shop, board: Board, at: Stamp, admitted: Mapping[str, int]) -> WifiStanding | None:
    """None where there is no guest Wi-Fi. `admitted`: of today."""
    if not here(config):
        return None
    seen, gate, portal = board.wifi, config.gate, shop.portal
    ways = portal.ways if portal is not None else (Way.CLICK,)
    dns = board.services.get(DNS)
    policy = _policy(config.portal.policy)
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
        policy=config.portal.policy if policy is None else policy.consent,
        portal=portal is not None,
        ways=tuple(way.value for way in ways),
        unset_ways=tuple(way.value for way in ways if way in NEEDS and not NEEDS[way](config)),
        barred_ways=tuple(way.value for way in ways if policy is not None and not policy.allows(way)),
        admitted=dict(admitted),
        refused=dict(seen.refused),
    )


def _asks(config: Config) -> bool:
    """The cloud, where nobody between here and the broker can read along."""
    return bool(config.mqtt.host) and (config.mqtt.tls or is_loopback(config.mqtt.host))


def _code(seen: Wifi) -> str:
    """What the driver made of the gate's words; that nft is missing stands in them alone."""
    return "nft" if NO_NFT in seen.gate_problem else seen.gate_code


def _policy(name: str) -> Policy | None:
    """Read when gateway.toml was checked, so no disk is waited for. None: the doctor says what is wrong with it."""
    try:
        return load(name)
    except StoregateError:
        return None
