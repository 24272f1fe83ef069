"""gateway.toml → the ways in that there are. Which of them guests see is for the portal's document to say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_interface

from edge.access_answers import Way
from edge.clock import Clock
from edge.cloud_asks import Asks
from edge.config import Config
from edge.config_wifi import PortalSection
from edge.journal import Journal
from edge.keys import GatewayKeys
from edge.portal.asks import WayIn
from edge.portal.ways import wechat
from edge.portal.ways.app_login import AppLogin
from edge.portal.ways.click import ClickWay
from edge.portal.ways.member import MemberWay
from edge.portal.ways.sms import SmsWay
from edge.portal.ways.staff import StaffWay
from edge.portal.ways.voucher import VoucherWay
from edge.shop import Shop


def build(
    config: Config, *, asks: Asks, keys: GatewayKeys, clock: Clock, journal: Journal, shop: Callable[[], Shop]
) -> dict[Way, WayIn]:
    """`shop` gives the documents in force. An `AppLogin` among them has a `run` of its own: a root task."""
    portal = config.portal
    app = wechat.Wechat(portal.wechat, auth_url=auth_base(config) + wechat.CALLBACK_PATH, clock=clock)
    ways: tuple[WayIn, ...] = (
        ClickWay(keys=keys, clock=clock, shop=shop),
        VoucherWay(keys=keys, clock=clock, journal=journal),
        MemberWay(readable=_a_kiosk_reads(config)),
        SmsWay(portal.sms, asks=asks, keys=keys, clock=clock),
        AppLogin(app, asks=asks, keys=keys, clock=clock),
        StaffWay(portal.staff, keys=keys, clock=clock),
    )
    return {each.way: each for each in ways}


def app_logins(ways: Iterable[WayIn]) -> list[AppLogin]:
    """Those that this shop set up."""
    return [way for way in ways if isinstance(way, AppLogin) and way.configured]


def garden(portal: PortalSection) -> tuple[str, ...]:
    """Hosts that ways in need before their guest is let in, beside those of the portal's document."""
    return wechat.GARDEN if portal.wechat.app_id else ()


def auth_base(config: Config) -> str:
    """Where an app on a guest's phone reaches us: port 80 of this box leads to the guest pages."""
    if config.gate.driver == "fake":
        return f"http://127.0.0.1:{config.listen.guest.port}"
    return f"http://{ip_interface(config.gate.address4).ip}"


def _a_kiosk_reads(config: Config) -> bool:
    kiosks = {name for name, station in config.stations.items() if station.kind == "kiosk"}
    return any(scanner.station in kiosks for scanner in config.scanners)
