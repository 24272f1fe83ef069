"""WeChat as a phone has it: the page's call, the deep link, the app's call back. By the letter of the protocol."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

SECRET = "9cf2e0c237a1"
EXTEND = re.compile(r"[A-Za-z0-9]{1,300}")


class Callback(NamedTuple):
    """What the app asks of the gateway."""

    url: str
    query: Mapping[str, str]


class Wechat:
    """`wifi.weixin.qq.com`, and the app of one user."""

    def __init__(self, open_id: str = "oDF3iY9ffA3AMNshx0yGhKKjsP5E", *, secret: str = SECRET) -> None:
        self.open_id = open_id
        self._secret = secret
        self._links: dict[str, Callback] = {}

    def jsonp(self, url: str) -> dict[str, object]:
        """What `callWechat.xhtml` answers a page."""
        parts = urlsplit(url)
        asked = dict(parse_qsl(parts.query, keep_blank_values=True))
        ok = (
            f"{parts.scheme}://{parts.netloc}{parts.path}" == "https://wifi.weixin.qq.com/operator/callWechat.xhtml"
            and EXTEND.fullmatch(asked.get("extend", "")) is not None
            and re.fullmatch(r"[0-9]{13}", asked.get("timestamp", "")) is not None
            and re.fullmatch(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", asked.get("mac", "")) is not None
            and asked.get("sign") == self._sign(asked)
        )
        link = f"weixin://connectToFreeWifi/?apKey={len(self._links)}"
        if ok:
            query = {"extend": asked["extend"], "openId": self.open_id, "tid": "3f0a" * 8}
            self._links[link] = Callback(asked["authUrl"], query)
        text = f"jsonpCallback({json.dumps({'success': ok, 'data': link if ok else 'sign error'})})"
        answer = json.loads(text.removeprefix("jsonpCallback(").removesuffix(")"))
        assert isinstance(answer, dict)
        return answer

    def opened(self, link: str) -> Callback:
        """The app, from the deep link on."""
        return self._links[link]

    def through(self, fields: Mapping[str, str]) -> Callback:
        """All of it: the page's fields → the app's call."""
        answer = self.jsonp(fields["call"])
        assert answer["success"], answer
        return self.opened(str(answer["data"]))

    def _sign(self, asked: Mapping[str, str]) -> str:
        text = (
            asked.get("appId", "") + asked.get("extend", "") + asked.get("timestamp", "") + asked.get("shopId", "")
            + asked.get("authUrl", "") + asked.get("mac", "") + asked.get("ssid", "") + self._secret
        )  # fmt: skip
        return hashlib.md5(text.encode()).hexdigest()
