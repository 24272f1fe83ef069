"""The admin listener: one look at everything, also when nothing works; closed to whom it does not know."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from edge.board import Problem, State
from edge.clock import ClockState, Stamp
from edge.config import MqttSection
from edge.errors import Refusal
from edge.events import DeviceLost, GatewayStarted
from edge.ids import DeviceId
from edge.status.findings import Level, findings
from edge.status.times import age_s
from edge.web.words import Words
from tests.edge.web.given_admin import admin, config, counted
from tests.given import HandClock

DOC = (Path(__file__).parents[3] / "docs/status.md").read_text("utf-8")
LOCAL = {"Accept-Language": "en"}


async def get(url: str, **options: Any) -> tuple[int, str]:
    options.setdefault("headers", LOCAL)
    async with aiohttp.ClientSession() as session, session.get(url, allow_redirects=False, **options) as answer:
        return answer.status, await answer.text()


async def test_the_page_says_in_words_what_is_wrong_and_what_to_do(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(config(tmp_path, mqtt=MqttSection(host="broker.example")), hand_clock) as gateway:
        gateway.board.broker.problem = "connection refused"
        lost = DeviceLost(at=gateway.clock.now(), device=DeviceId("dock-1"), kind="scanner", problem="unplugged")
        await gateway.pump.submit(lost)
        gateway.board.kiosks["kiosk-2"] = gateway.clock.now()
        hand_clock.forward(300_000)
        status, page = await get(gateway.url + "/")
        assert status == 200
        assert "Device dock-1 is not usable: unplugged" in page
        assert "Kiosk kiosk-2 has been silent for 5 min" in page
        assert "connection refused" in page
        _, page = await get(gateway.url + "/?lang=zh-CN&part=1")
        assert "设备 dock-1 不可用" in page
        assert "<html" not in page


async def test_todays_footfall_is_a_chart_without_script(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(config(tmp_path), hand_clock) as gateway:
        zone = {"id": "door", "name_zh": "正门", "name_en": "Front <door>"}
        await gateway.documents.put("zones", [zone], by="cli")
        await gateway.pump.submit(counted(gateway.clock, 7, 3))
        _, page = await get(gateway.url + "/")
        assert "Front &lt;door&gt;: 7 in, 3 out today, about 4 inside" in page
        assert page.count('<rect class="in"') == 1


async def test_it_works_while_the_journal_refuses(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(config(tmp_path), hand_clock, free_floor_bytes=1 << 60) as gateway:
        with pytest.raises(Exception, match=r"space|full"):
            await gateway.pump.submit(GatewayStarted(at=gateway.clock.now(), version="1"))
        status, page = await get(gateway.url + "/")
        assert status == 200
        assert "The disk is full" in page
        assert (await get(gateway.url + "/healthz"))[0] == 200
        assert (await get(gateway.url + "/readyz")) == (503, "the journal refuses: disk_full\n")
        _, text = await get(gateway.url + "/metrics")
        assert 'storegate_journal_refusing{reason="disk_full"} 1.0' in text


async def test_metrics_are_in_prometheus_format_with_the_names_promised(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(config(tmp_path), hand_clock) as gateway:
        await gateway.pump.submit(counted(gateway.clock, 7, 3))
        gateway.board.service("ticker").state = State.UP
        _, text = await get(gateway.url + "/metrics")
    samples = {s.name: s for family in text_string_to_metric_families(text) for s in family.samples}
    for name in (
        "outbox_depth", "outbox_oldest_age_seconds", "commit_seconds", "pub_inflight", "puback_seconds",
        "reconnects_total", "clock_state", "loop_lag_seconds", "occupancy", "service_up", "disk_free_bytes",
    ):  # fmt: skip
        assert f"storegate_{name}" in samples
    assert samples["storegate_occupancy"].value == 4
    assert [name for name in samples if f"`{name}`" not in DOC] == []


async def test_what_went_wrong_is_told_in_the_readers_language(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(config(tmp_path), hand_clock) as gateway:
        told = {
            "scan_unrecorded_at": {"station": "till-1", "refusal": "busy"},
            "service_failed": {"problem": "unplugged"},
            "damage_keys": {"problem": "coupon.key"},
            "": {},
        }
        for code, fields in told.items():
            problem = Problem(
                at=gateway.clock.now(), where="x", text=f"as it is {code}", hint="wait", code=code, fields=fields
            )
            gateway.board.tell(problem)
        async with aiohttp.ClientSession() as session, session.get(gateway.url + "/?lang=zh-CN") as answer:
            text = await answer.text()
    assert "till-1 的一次扫码没有保存：网关过忙" in text
    assert "通常会自行恢复" in text
    assert "会自动重试：unplugged<small>wait</small>" in text
    assert "密钥丢失" in text
    assert re.findall("as it is.*?<", text) == ["as it is <"]


async def test_the_same_as_json(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(config(tmp_path), hand_clock) as gateway:
        gateway.board.tell(Problem(at=gateway.clock.now(), where="ticker", text="it ended", hint="wait"))
        async with aiohttp.ClientSession() as session, session.get(gateway.url + "/api/v1/status?lang=en") as answer:
            facts = await answer.json()
    assert facts["gateway"] == "gw-1"
    assert facts["outbox"]["refusing"] is None
    assert facts["problems"][0]["text"] == "it ended"
    assert {"level": "warn", "code": "catalogue_none"}.items() <= facts["findings"][0].items()
    assert "import products.csv" in facts["findings"][0]["next"]


async def test_a_foreign_name_is_refused(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(config(tmp_path), hand_clock) as gateway:
        status, _ = await get(gateway.url + "/api/v1/status", headers={"Host": "evil.example"})
        assert status == 421


async def test_beyond_loopback_the_token_is_asked_for(tmp_path: Path, hand_clock: HandClock) -> None:
    settings = config(tmp_path, host="0.0.0.0", token="s3cret-token")
    async with admin(settings, hand_clock) as gateway:
        assert (await get(gateway.url + "/"))[0] == 303
        for path in ("/api/v1/status", "/metrics", "/api/v1/ledger", "/api/v1/documents/zones"):
            assert (await get(gateway.url + path))[0] == 401, path
        assert (await get(gateway.url + "/healthz"))[0] == 200
        right = {"Authorization": "Bearer s3cret-token"}
        assert (await get(gateway.url + "/api/v1/status", headers=right))[0] == 200
        wrong = {"Authorization": "Bearer s3cret-tokeN"}
        assert (await get(gateway.url + "/api/v1/status", headers=wrong))[0] == 401


async def test_a_person_signs_in_once_and_the_cookie_is_not_the_token(tmp_path: Path, hand_clock: HandClock) -> None:
    async with (
        admin(config(tmp_path, host="0.0.0.0", token="s3cret-token"), hand_clock) as gateway,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session,
    ):
        async with session.post(gateway.url + "/login", data={"token": "guess"}) as answer:
            assert answer.status == 401
        async with session.post(gateway.url + "/login", data={"token": "s3cret-token"}) as answer:
            assert answer.status == 200
            assert answer.url.path == "/"
            assert "s3cret" not in str(session.cookie_jar.filter_cookies(answer.url))
        async with session.get(gateway.url + "/metrics") as answer:
            assert answer.status == 200


async def test_beyond_loopback_without_a_token_everything_is_closed(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(config(tmp_path, host="0.0.0.0"), hand_clock) as gateway:
        status, text = await get(gateway.url + "/api/v1/status")
        assert status == 403
        assert "listen.admin_token" in text


async def test_documents_are_put_and_every_mistake_is_told(tmp_path: Path, hand_clock: HandClock) -> None:
    zone = {"id": "door", "name_zh": "正门", "name_en": "Front door"}
    async with admin(config(tmp_path), hand_clock) as gateway, aiohttp.ClientSession() as session:
        url = gateway.url + "/api/v1/documents/zones"
        async with session.put(url, json=[zone]) as answer:
            assert (answer.status, (await answer.json())["count"]) == (200, 1)
        async with session.put(url, json=[{"id": "A B"}, 7]) as answer:
            assert answer.status == 422
            assert len((await answer.json())["error"]["mistakes"]) >= 3
        async with session.put(url, data=b"{") as answer:
            assert answer.status == 400
        async with session.get(url) as answer:
            assert await answer.json() == [zone]
        async with session.get(gateway.url + "/api/v1/documents/zone") as answer:
            assert (await answer.json())["error"]["hint"] == "Did you mean zones?"


def test_every_finding_has_words_and_a_next_step_in_both_languages() -> None:
    words = Words.load()
    codes = {f"refusing_{reason.value}" for reason in Refusal}
    source = Path(findings.__code__.co_filename).read_text("utf-8")
    codes |= {part.split('"')[0] for part in source.split('_bad("')[1:] + source.split('_warn("')[1:]}
    assert len(codes) > 15
    for code in codes:
        assert f"admin.finding_{code}" in words, code
        assert f"admin.finding_{code}_do" in words, code
    assert Level.BAD


def test_ages_are_exact_within_a_boot_and_by_the_wall_across() -> None:
    def at(at_ms: int, monotonic_ms: int, boot: str) -> Stamp:
        return Stamp(at_ms=at_ms, monotonic_ms=monotonic_ms, boot_id=boot, state=ClockState.SYNCED)

    assert age_s(at(0, 1000, "a"), at(9_000_000, 3000, "a")) == 2.0
    assert age_s(at(0, 999_000, "a"), at(5000, 3000, "b")) == 5.0
