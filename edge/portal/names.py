"""Who a guest is to the rules and to the cloud: words made with the gateway's key, which tell nobody else anything."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from edge.clock import Stamp
from edge.ids import Mac
from edge.keys import GatewayKeys
from edge.portal.asks import Guest

NAME_BYTES = 16


class Names:
    def __init__(self, keys: GatewayKeys) -> None:
        self._visitor_key = keys.wifi_key("visitor")
        self._device_key = keys.wifi_key("device")

    def visitor(self, holder: str, at: Stamp, timezone: str) -> str:
        """The same person all day, another word tomorrow: days can't be joined by whom the cloud is told of."""
        return _named(self._visitor_key, f"{_day(at, timezone)}/{holder}")

    def device(self, mac: Mac, at: Stamp, timezone: str) -> str:
        """A phone for as long as a day."""
        return _named(self._device_key, f"{_day(at, timezone)}/{mac.colons}")

    def holder(self, guest: Guest, at: Stamp, timezone: str) -> str:
        """Of a guest who proved nothing: their wallet's, else this phone's for today. Never the MAC's for longer."""
        return guest.wallet or f"day-{self.device(guest.mac, at, timezone)}"


def _day(at: Stamp, timezone: str) -> str:
    return str(datetime.fromtimestamp(at.at_ms / 1000, UTC).astimezone(ZoneInfo(timezone)).date())


def _named(key: bytes, text: str) -> str:
    return hmac.digest(key, text.encode(), "sha256")[:NAME_BYTES].hex()
