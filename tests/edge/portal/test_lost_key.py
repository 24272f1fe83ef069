"""A new `wifi.key` where there was one: told if anything hangs on it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge.access_answers import AccessRefusal
from edge.documents import Documents
from edge.keys import GatewayKeys
from edge.policies import Logs, load
from edge.status.damage import found
from tests.edge.portal.given_portal_desk import Wifi, wifi

KEEPS = msgspec.structs.replace(load("none"), logs=Logs(keep_days=60, fields=("mac",)))


async def told(shop: Wifi, documents: Documents, *made: str) -> list[str]:
    fields = {name: getattr(shop.keys, name) for name in ("signing", "short", "guest", "beacon", "wifi")}
    keys = GatewayKeys(**fields, made=made)
    return [damage.text async for damage in found(shop.journal, documents, keys)]


async def test_a_gateway_from_before_the_guest_wifi_misses_nothing(tmp_path: Path) -> None:
    documents = Documents(None, {}, "")  # type: ignore[arg-type]
    async with wifi(tmp_path) as shop:
        await shop.let_in()
        assert await told(shop, documents, "wifi.key") == []
        made = await shop.office.make(2, minutes=30)
        assert not isinstance(made, AccessRefusal)
        (text,) = await told(shop, documents, "wifi.key", "guest.key")
        assert "vouchers" in text
        assert await told(shop, documents) == []


async def test_records_that_can_not_be_opened_are_told(tmp_path: Path) -> None:
    documents = Documents(None, {}, "")  # type: ignore[arg-type]
    async with wifi(tmp_path, policy=KEEPS) as shop:
        await shop.let_in()
        (text,) = await told(shop, documents, "wifi.key")
        assert "records" in text
