"""What other sites, flooding sockets and a payment code in the wrong field do to a kiosk: nothing."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from edge import events as ev
from tests.edge.web.given_shop import COLA, KIOSK, PART, OpenShop, post, text_of
from tests.given import HandClock


async def test_a_socket_that_talks_too_much_is_closed_and_keeps_nobody_waiting(
    shop: OpenShop, http: aiohttp.ClientSession
) -> None:
    loop = asyncio.get_running_loop()
    for send in ("text", "ping"):
        async with http.ws_connect(f"/kiosk/{KIOSK}/live") as live:
            await live.receive_json()
            for _ in range(5000):
                await (live.send_str("{}") if send == "text" else live.ping())
            began = loop.time()
            await text_of(http, "")
            assert loop.time() - began < 1
            while (message := await live.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
                pass
            assert message.type is aiohttp.WSMsgType.CLOSE
            assert live.close_code == aiohttp.WSCloseCode.POLICY_VIOLATION


async def test_a_socket_of_ours_may_live_for_ever(
    shop: OpenShop, http: aiohttp.ClientSession, hand_clock: HandClock
) -> None:
    async with http.ws_connect(f"/kiosk/{KIOSK}/live", autoping=False) as live:
        await live.receive_json()
        for _ in range(60):
            hand_clock.forward(5_000)
            await live.send_json({"idle_s": 1})
            await live.receive_json()
            await live.ping(b"x")
            assert (await live.receive()).type is aiohttp.WSMsgType.PONG


STEPS = ("/start", "/search?q=kele", f"/product/{COLA}")


@pytest.mark.parametrize("path", STEPS)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": "document"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "image"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Referer": "http://evil.example/page"}, 403),
        ({"Referer": "{url}/kiosk/kiosk-1"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "document"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty", "X-Part": "1"}, 200),
        ({"Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "document"}, 200),
        ({}, 200),
    ],
)
async def test_another_sites_picture_does_not_move_the_screen(
    shop: OpenShop, http: aiohttp.ClientSession, path: str, headers: dict[str, str], status: int
) -> None:
    sent = {name: value.format(url=shop.url) for name, value in headers.items()}
    async with http.get(f"/kiosk/{KIOSK}{path}", headers=sent) as answer:
        assert answer.status == status
    assert (shop.counter.visits.of(KIOSK) is not None) == (status == 200)


async def test_another_site_opens_no_live_line(http: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await http.ws_connect(f"/kiosk/{KIOSK}/live", headers={"Sec-Fetch-Site": "cross-site"})
    assert refused.value.status == 403


PAID = "134567890123456789"


@pytest.mark.parametrize("typed", [PAID, "1345 6789 0123 4567 89", "２８" + "0" * 16, f"x{PAID}", " " * 60 + PAID])
async def test_a_payment_code_typed_into_the_field_goes_no_further(
    shop: OpenShop, http: aiohttp.ClientSession, typed: str
) -> None:
    where = f"/kiosk/{KIOSK}/search"
    for method in ("get", "post"):
        sent = {"params": {"q": typed}} if method == "get" else {"data": {"q": typed}}
        for headers in ({}, PART):
            async with http.request(method, where, headers=headers, **sent) as answer:  # type: ignore[arg-type]
                text = await answer.text()
                assert answer.status == 200
                assert "请到收银台付款" in text
                assert typed.strip() not in text
                if not headers:
                    assert answer.url.path_qs == f"/kiosk/{KIOSK}"
    await post(http, "/finish")
    assert shop.told.of(ev.ProductSearched) == []


async def test_typed_words_are_not_in_the_address(http: aiohttp.ClientSession) -> None:
    async with http.post(f"/kiosk/{KIOSK}/search", data={"q": "kele"}) as answer:
        text = await answer.text()
        assert answer.url.path_qs == f"/kiosk/{KIOSK}"
    assert "百事可乐" in text
    assert 'method="post" action="/kiosk/kiosk-1/search"' in text
    async with http.post(f"/kiosk/{KIOSK}/search", data={"q": "kele"}, headers=PART) as answer:
        assert (await answer.text()).count('class="hit"') == 3
