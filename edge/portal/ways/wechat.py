"""微信连Wi-Fi, device type 31 (portal): WeChat's part of an app login.

The page asks WeChat for a deep link by JSONP (`call`, with a signature made here: the shop's secret never reaches a
page), and opens it; WeChat calls `auth_url?extend=…&openId=…&tid=…` from the phone and wants 200 within ten seconds.
That call is not signed. How far its users are to be believed is `app_login`'s business.

By its protocol WeChat is told the phone's MAC: by the phone's own page, and by nobody else here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from urllib.parse import urlencode

from edge.access_answers import Way
from edge.clock import Clock
from edge.cloud_asks import WechatClaimed
from edge.config_wifi import WechatSection
from edge.portal.asks import Guest
from edge.portal.ways.app_login import Claim

CALL = "https://wifi.weixin.qq.com/operator/callWechat.xhtml"
"""Answers `jsonpCallback({"success": true, "data": "weixin://…"})`: a location for iOS, an iframe's for Android."""
GARDEN = ("wifi.weixin.qq.com",)
"""Hosts that the page needs before its guest is let in; WeChat itself is reached in the temporary pass."""
CALLBACK_PATH = "/portal/app/wechat"
_OPEN_ID = re.compile(r"[A-Za-z0-9_-]{6,128}")
_TID = re.compile(r"[!-~]{0,512}")


class Wechat:
    """`edge.portal.ways.app_login.App`"""

    way = Way.WECHAT

    def __init__(self, settings: WechatSection, *, auth_url: str, clock: Clock) -> None:
        """`auth_url`: CALLBACK_PATH where phones on the guest network reach it."""
        self._settings = settings
        self._auth_url = auth_url
        self._clock = clock

    @property
    def configured(self) -> bool:
        settings = self._settings
        return all((settings.app_id, settings.shop_id, settings.ssid, settings.secret_key.reveal()))

    @property
    def pass_s(self) -> int:
        return self._settings.pass_s

    def page(self, guest: Guest, extend: str) -> Mapping[str, str]:
        settings = self._settings
        fields = {
            "appId": settings.app_id,
            "extend": extend,
            "timestamp": str(self._clock.now().at_ms),
            "shopId": settings.shop_id,
            "authUrl": self._auth_url,
            "mac": guest.mac.colons,
            "ssid": settings.ssid,
        }
        fields["sign"] = sign(fields, secret_key=settings.secret_key.reveal())
        return {**fields, "call": f"{CALL}?{urlencode(fields)}", "pass_s": str(settings.pass_s)}

    def claim(self, query: Mapping[str, str]) -> Claim | None:
        open_id, tid = query.get("openId", ""), query.get("tid", "")
        if not _OPEN_ID.fullmatch(open_id) or not _TID.fullmatch(tid):
            return None
        verify = WechatClaimed(open_id=open_id, tid=tid, shop_id=self._settings.shop_id)
        return Claim(user=open_id, verify=verify)


def sign(fields: Mapping[str, str], *, secret_key: str) -> str:
    """MD5 (WeChat's choice) over the fields in WeChat's order.

    With a `bssid` it is the form of 2015 and 2016, which has it before the secret.
    """
    order = ("appId", "extend", "timestamp", "shopId", "authUrl", "mac", "ssid", "bssid")
    text = "".join(fields.get(name, "") for name in order) + secret_key
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
