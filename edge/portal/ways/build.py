"""gateway.toml → the ways in that this build knows. Which of them guests see is the portal document's to say."""

from __future__ import annotations

from ipaddress import ip_interface

from edge.config import Config
from edge.config_wifi import PortalSection


def needs_cloud(portal: PortalSection) -> bool:
    """Whether a way is set up that asks the cloud."""
    return bool(portal.sms.per_shop_day or portal.wechat.app_id)


def auth_base(config: Config) -> str:
    """Where an app on a guest's phone reaches us: port 80 of this box leads to the guest pages."""
    if config.gate.driver == "fake":
        return f"http://127.0.0.1:{config.listen.guest.port}"
    return f"http://{ip_interface(config.gate.address4).ip}"
