"""The guest Wi-Fi on the status page, in its findings, its JSON and its metrics."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import aiohttp
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from devices.access.gate.nft import NftError, check
from edge.access_answers import AccessWhy, Way
from edge.board import State
from edge.checked import Secret
from edge.config import MqttSection
from edge.config_wifi import SmsSection
from edge.events import DeviceLost
from edge.ids import DeviceId
from edge.policies import in_force
from edge.status.wifi import NO_NFT
from edge.web.words import Words
from tests.edge.web.given_admin import Admin, admin, config
from tests.edge.web.given_wifi import furnish, let_in, wifi_config, worsen
from tests.given import HandClock

DOC = (Path(__file__).parents[3] / "docs/status.md").read_text("utf-8")


async def get(gateway: Admin, path: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(gateway.url + path) as answer:
        assert answer.status == 200
        return await answer.text()


async def findings(gateway: Admin) -> dict[str, dict[str, str]]:
    told = json.loads(await get(gateway, "/api/v1/status?lang=en"))
    return {each["code"]: each for each in told["findings"] if each["code"].startswith("wifi_")}


async def test_nothing_is_said_where_there_is_no_guest_network(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(config(tmp_path), hand_clock) as gateway:
        assert "Wi-Fi" not in await get(gateway, "/?lang=en")
        assert json.loads(await get(gateway, "/api/v1/status"))["wifi"] is None
        assert "storegate_wifi" not in await get(gateway, "/metrics")


async def test_a_well_one_shows_its_numbers(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(wifi_config(tmp_path), hand_clock) as gateway:
        await furnish(gateway)
        await let_in(gateway, click=3)
        assert await findings(gateway) == {}
        text = re.sub(r"<[^>]+>|\s+", " ", await get(gateway, "/?lang=en"))
        text = re.sub(r" +", " ", text)
        for words in ("37 on now", "12 phones not let in", "71 days left", "one click 3", "terms not accepted 9"):
            assert words in text
        assert "一键上网" in await get(gateway, "/?lang=zh-CN")


@pytest.mark.parametrize(
    ("code", "finding", "word"),
    [
        ("", "wifi_gate", "no answer"),
        ("rules", "wifi_rules", "no answer"),
    ],
)
async def test_a_gate_that_is_down_says_why_and_what_to_do(
    tmp_path: Path, hand_clock: HandClock, code: str, finding: str, word: str
) -> None:
    async with admin(wifi_config(tmp_path), hand_clock) as gateway:
        wifi = await furnish(gateway)
        wifi.gate, wifi.gate_code, wifi.gate_problem = State.DOWN, code, "no answer"
        found = await findings(gateway)
        assert [*found] == [finding]
        assert found[finding]["level"] == "bad"
        assert word in found[finding]["text"]
        assert found[finding]["next"]
        wifi.gate_problem = f"{NO_NFT}."
        assert [*await findings(gateway)] == ["wifi_nft"]
        wifi.gate_problem = "no answer"
        gateway.board.service("gate").state = State.WAITING
        gateway.board.service("gate").problem = "no answer"
        assert await findings(gateway) == {}  # its task says so already


def test_a_missing_nft_is_known_by_the_gates_own_words() -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("devices.access.gate.nft.shutil.which", lambda *_, **__: None)
        with pytest.raises(NftError) as refused:
            check("")
    assert NO_NFT in str(refused.value)


async def test_who_came_in_is_counted_by_the_shops_day(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(wifi_config(tmp_path), hand_clock) as gateway:
        await furnish(gateway)
        await let_in(gateway, click=3, member=2)
        assert json.loads(await get(gateway, "/api/v1/status"))["wifi"]["admitted"] == {"click": 3, "member": 2}
        hand_clock.forward(24 * 3_600_000)
        assert json.loads(await get(gateway, "/api/v1/status"))["wifi"]["admitted"] == {}
        await let_in(gateway, staff=1)
        assert json.loads(await get(gateway, "/api/v1/status"))["wifi"]["admitted"] == {"staff": 1}


@pytest.mark.parametrize(
    ("side", "state", "finding", "word"),
    [
        ("interface", "missing", "wifi_interface", "br-guest"),
        ("interface", "down", "wifi_interface_down", "br-guest"),
        ("uplink_interface", "missing", "wifi_uplink_interface", "eth0"),
        ("uplink_interface", "down", "wifi_uplink_interface_down", "eth0"),
    ],
)
async def test_interfaces_are_told_while_the_gate_is_up(
    tmp_path: Path, hand_clock: HandClock, side: str, state: str, finding: str, word: str
) -> None:
    async with admin(wifi_config(tmp_path), hand_clock) as gateway:
        wifi = await furnish(gateway)
        setattr(wifi, side, state)
        found = await findings(gateway)
        assert [*found] == [finding]
        assert (found[finding]["level"], word in found[finding]["text"]) == ("bad", True)
        wifi.gate, wifi.gate_code = State.DOWN, "uplink" if side.startswith("uplink") else "interface"
        assert [*await findings(gateway)] == [finding]
        wifi.gate, wifi.gate_code, wifi.gate_problem = State.WAITING, "", "the gate hung up"
        assert [*await findings(gateway)] == ["wifi_gate"]  # what it said of interfaces is old news


async def test_nobody_gives_addresses(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(wifi_config(tmp_path), hand_clock) as gateway:
        wifi = await furnish(gateway)
        wifi.served = False
        found = await findings(gateway)
        assert [(code, each["level"]) for code, each in found.items()] == [("wifi_dnsmasq", "bad")]
        assert "does not work" in await get(gateway, "/?lang=en")  # the card agrees with the banner
        wifi.interface = "missing"
        assert [*await findings(gateway)] == ["wifi_interface"]
        assert "lets guests in" not in await get(gateway, "/?lang=en")


async def test_shares_that_the_kernel_cant_give(tmp_path: Path, hand_clock: HandClock) -> None:
    settings = wifi_config(tmp_path)
    settings = msgspec.structs.replace(settings, gate=msgspec.structs.replace(settings.gate, up_mbit=20.0))
    async with admin(settings, hand_clock) as gateway:
        (await furnish(gateway)).fairness = "none"
        found = await findings(gateway)
        assert [(code, each["level"]) for code, each in found.items()] == [("wifi_unfair", "warn")]
        assert "the kernel can&#39;t" in await get(gateway, "/?lang=en")


async def test_numbers_of_a_gate_that_is_away_say_how_old_they_are(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(wifi_config(tmp_path), hand_clock) as gateway:
        wifi = await furnish(gateway)
        wifi.counted = gateway.clock.now()
        assert "Numbers are from" not in await get(gateway, "/?lang=en")
        hand_clock.forward(600_000)
        wifi.gate = State.WAITING
        assert "Numbers are from 10 min ago" in await get(gateway, "/?lang=en")


async def test_a_lost_gate_has_no_cable_to_check(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(wifi_config(tmp_path), hand_clock) as gateway:
        wifi = await furnish(gateway)
        wifi.gate, wifi.gate_problem = State.WAITING, "the gate hung up"
        lost = DeviceLost(at=gateway.clock.now(), device=DeviceId("gate"), kind="gate", problem="the gate hung up")
        await gateway.pump.submit(lost)
        told = json.loads(await get(gateway, "/api/v1/status?lang=en"))["findings"]
        assert [each["code"] for each in told if each["level"] == "bad"] == ["wifi_gate"]


async def test_a_guests_phone_is_no_device_of_the_shop(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(wifi_config(tmp_path), hand_clock) as gateway:
        await furnish(gateway)
        await let_in(gateway, click=3)
        assert json.loads(await get(gateway, "/api/v1/status"))["devices"] == []
        assert "click-1" not in await get(gateway, "/")


async def test_rules_changed_by_hand_are_told_for_a_day(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(wifi_config(tmp_path), hand_clock) as gateway:
        wifi = await furnish(gateway)
        wifi.repairs, wifi.repaired = 2, gateway.clock.now()
        found = await findings(gateway)
        assert (found["wifi_rules_changed"]["level"], "2 times" in found["wifi_rules_changed"]["text"]) == (
            "warn",
            True,
        )
        hand_clock.forward(25 * 3_600_000)
        assert await findings(gateway) == {}


@pytest.mark.parametrize(
    ("days", "life", "problem", "finding"),
    [
        (30.1, 90.0, "", None),
        (29.9, 90.0, "", "wifi_cert_soon"),
        (29.9, None, "", "wifi_cert_soon"),
        (13.0, 45.0, "", "wifi_cert_soon"),
        (16.0, 45.0, "", None),
        (-1.0, 90.0, "", "wifi_cert_over"),
        (80.0, 90.0, "it is no chain", "wifi_cert_new"),
        (None, None, "it is for s2.portal.example.net", "wifi_cert"),
    ],
)
async def test_the_certificate_is_told_of_in_good_time(
    tmp_path: Path, hand_clock: HandClock, days: float | None, life: float | None, problem: str, finding: str | None
) -> None:
    async with admin(wifi_config(tmp_path), hand_clock) as gateway:
        wifi = await furnish(gateway)
        wifi.tls_days_left, wifi.tls_life_days, wifi.tls_problem = days, life, problem
        found = await findings(gateway)
        assert [*found] == ([finding] if finding else [])
        assert problem in str(found)


async def test_a_portal_without_a_name_needs_no_certificate(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(wifi_config(tmp_path, name="", cert_file="", key_file=""), hand_clock) as gateway:
        wifi = await furnish(gateway)
        wifi.tls_days_left = None
        assert await findings(gateway) == {}
        assert "plain http" in await get(gateway, "/?lang=en")


async def test_what_else_is_amiss_is_told(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(wifi_config(tmp_path), hand_clock) as gateway:
        wifi = await furnish(gateway)
        wifi.uplink, wifi.lease_problem, wifi.members = False, "dnsmasq.leases is not there", 2000
        found = await findings(gateway)
        assert {*found} == {"wifi_uplink", "wifi_leases", "wifi_full"}
        assert {each["level"] for each in found.values()} == {"warn"}


async def test_without_a_document_a_plain_click_is_said(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(wifi_config(tmp_path), hand_clock) as gateway:
        await furnish(gateway)
        await gateway.documents.put("portals", [], by="cli")
        assert [*await findings(gateway)] == ["wifi_portal_none"]


async def test_a_policy_may_leave_no_way_in(tmp_path: Path, hand_clock: HandClock) -> None:
    staff = {"anna": Secret("fernsehturm-11")}
    async with admin(wifi_config(tmp_path, policy="cn", staff=staff), hand_clock) as gateway:
        await furnish(gateway, ways=["click", "voucher"])
        found = await findings(gateway)
        assert (found["wifi_ways_none"]["level"], "cn/1" in found["wifi_ways_none"]["text"]) == ("bad", True)
        await furnish(gateway, ways=["click", "staff"])
        found = await findings(gateway)
        assert [*found] == ["wifi_ways_staff", "wifi_ways_barred"]  # what only staff can do lets no guest in
        assert found["wifi_ways_staff"]["level"] == "bad"
        assert ": click" in found["wifi_ways_barred"]["text"]
        assert "fernsehturm" not in await get(gateway, "/api/v1/status")


async def test_a_policy_that_cant_be_used_closes_the_portal_and_says_so(tmp_path: Path, hand_clock: HandClock) -> None:
    await asyncio.to_thread(in_force, "/nowhere/x.toml")
    async with admin(wifi_config(tmp_path, policy="/nowhere/x.toml"), hand_clock) as gateway:
        await furnish(gateway)
        gateway.board.damages["wifi_policy"] = "can't read the policy"
        assert [*await findings(gateway)] == ["wifi_policy"]
        assert "closed/1" in await get(gateway, "/?lang=en")


async def test_ways_that_lack_something(tmp_path: Path, hand_clock: HandClock) -> None:
    ways = ["click", "sms", "wechat", "staff", "member"]
    async with admin(wifi_config(tmp_path), hand_clock) as gateway:
        await furnish(gateway, ways=ways)
        found = await findings(gateway)
        assert found["wifi_ways_unset"]["text"].endswith(": sms, wechat, staff, member")
    settings = msgspec.structs.replace(
        wifi_config(tmp_path, name="", cert_file="", key_file="", sms=SmsSection(per_shop_day=100)),
        mqtt=MqttSection(host="127.0.0.1"),
    )
    async with admin(settings, hand_clock) as gateway:
        (await furnish(gateway, ways=["sms"])).tls_days_left = None
        assert [*await findings(gateway)] == ["wifi_sms_plain"]


async def test_no_address_of_a_phone_is_shown(tmp_path: Path, hand_clock: HandClock) -> None:
    """Not even where a driver's words would bring one: the text is as long as it is, and none of ours has one."""
    async with admin(wifi_config(tmp_path), hand_clock) as gateway:
        await furnish(gateway)
        worsen(gateway)
        for path in ("/", "/api/v1/status", "/metrics"):
            assert not re.search(r"(?i)\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b", await get(gateway, path))


async def test_texts_stay_texts(tmp_path: Path, hand_clock: HandClock) -> None:
    bad = '<script>alert(1)</script>" onload="x'
    async with admin(wifi_config(tmp_path), hand_clock) as gateway:
        wifi = await furnish(gateway)
        wifi.gate, wifi.gate_problem, wifi.gate_hint, wifi.tls_problem = State.DOWN, bad, bad, bad
        wifi.refused[bad] = 1
        for language in ("zh-CN", "en"):
            text = await get(gateway, f"/?lang={language}")
            assert "<script>alert" not in text
            assert 'onload="' not in text


async def test_the_metrics_are_documented(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(wifi_config(tmp_path), hand_clock) as gateway:
        await furnish(gateway)
        await let_in(gateway, click=4)
        families = {family.name: family for family in text_string_to_metric_families(await get(gateway, "/metrics"))}
        mine = {name for name in families if name.startswith("storegate_wifi_")}
        assert len(mine) >= 12
        for name in mine:
            spelled = f"{name}_total" if families[name].type == "counter" else name
            assert f"`{spelled}`" in DOC, spelled
        (today,) = families["storegate_wifi_admitted_today"].samples
        assert (today.labels, today.value) == ({"way": "click"}, 4)
        assert families["storegate_wifi_certificate_days"].samples[0].value == 71.5


def test_every_way_and_every_refusal_has_words() -> None:
    words = Words.load()
    for family, members in (("way", Way), ("why", AccessWhy)):
        for member in members:
            assert f"admin.wifi_{family}_{member.value}" in words
