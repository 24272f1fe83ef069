"""An SDK that was written for api.weixin.qq.com, pointed at the gateway: wechatpy, unchanged but for its host."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.edge.web.given_admin import config
from tests.edge.web.shakearound.given_calls import UUID, Caller, calling, png
from tests.given import NOON_MS, HandClock

wechatpy = pytest.importorskip("wechatpy", reason="pip install wechatpy to see an SDK of WeChat's drive the gateway")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
TOKEN = "s3cret-token"


def sdk(caller: Caller) -> Any:
    """Its client, with the host changed and nothing else."""
    base = caller.gateway.url + "/"

    class Client(wechatpy.WeChatClient):  # type: ignore[misc, name-defined]
        API_BASE_URL = base

        def fetch_access_token(self) -> Any:
            query = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
            return self._fetch_access_token(url=base + "cgi-bin/token", params=query)

    client = Client("wx0123456789abcdef", TOKEN)
    client.shakearound.API_BASE_URL = base
    return client


async def test_wechatpy_drives_it_from_first_to_last(tmp_path: Path, hand_clock: HandClock) -> None:
    settings = config(tmp_path, host="0.0.0.0", token=TOKEN)
    async with calling(tmp_path, hand_clock, settings) as caller:
        shake = (await asyncio.to_thread(sdk, caller)).shakearound

        async def do(call: Callable[..., Any], *args: object, **kwargs: object) -> Any:
            return await asyncio.to_thread(call, *args, **kwargs)

        applied = await do(shake.apply_device_id, 3, "测试", poi_id=12, comment="测试专用")
        assert applied["audit_status"] == 2
        status = await do(shake.get_apply_status, applied["apply_id"])
        assert status["audit_status"] == 2
        found = await do(shake.search_device, apply_id=applied["apply_id"], count=10)
        assert (found["total_count"], found["devices"][0]["comment"]) == (3, "测试专用")
        first, second = (device["device_id"] for device in found["devices"][:2])
        assert (await do(shake.update_device, device_id=first, comment="一号"))["errcode"] == 0
        minor = found["devices"][1]["minor"]
        await do(shake.bind_device_location, 7, uuid=UUID, major=1, minor=minor)
        found = await do(shake.search_device, identifiers=[{"device_id": first}, {"device_id": second}])
        assert [(each["comment"], each["poi_id"]) for each in found["devices"]] == [("一号", 12), ("测试专用", 7)]

        picture = io.BytesIO(png())
        picture.name = "icon.png"
        icon = (await do(shake.add_material, picture))["pic_url"]
        page = (await do(shake.add_page, "标题", "副标题", icon, "https://shop.example/", "备注"))["page_id"]
        await do(shake.update_page, page, "新标题", "副标题", icon, "https://shop.example/b")
        pages = await do(shake.search_pages, page)
        assert (pages["total_count"], pages["pages"][0]["title"], pages["pages"][0]["comment"]) == (1, "新标题", "备注")
        assert (await do(shake.search_pages))["total_count"] == 1
        await do(shake.bind_device_pages, page, 1, 0, device_id=first)
        found = await do(shake.search_device)
        assert [each["page_ids"] for each in found["devices"] if each["device_id"] == first] == [str(page)]
        with pytest.raises(wechatpy.WeChatClientException) as refused:
            await do(shake.delete_page, page)
        assert refused.value.errcode == 9001029
        await do(shake.bind_device_pages, page, 0, 0, device_id=first)
        assert (await do(shake.delete_page, page))["errcode"] == 0

        begin, end = NOON_MS // 1000 - 86400, NOON_MS // 1000
        assert await do(shake.get_device_statistics, begin, end, device_id=first) == []
        with pytest.raises(wechatpy.WeChatClientException) as refused:
            await do(shake.get_shake_info, "nonsense")
        assert refused.value.errcode == 9001003
        hand_clock.forward(3 * 3600 * 1000)  # its token is over: it gets 40001, asks for another and goes on
        assert (await do(shake.search_device))["total_count"] == 3
