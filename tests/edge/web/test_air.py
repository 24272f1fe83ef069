"""Radios and beacons on the status page, in its findings, its JSON and its metrics."""

from __future__ import annotations

import json
import re
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from edge.board import Board, State
from edge.config import RadioSection
from edge.events import BeaconHealthChanged, BeaconProblem, ShakeRefused, Via
from edge.ids import BeaconId, DeviceId
from edge.shop import Beacon, Bound, Draw, Group, Page, Prize, Shop, Zone
from edge.status import air
from tests.edge.web.given_admin import Admin, admin, config
from tests.edge.web.given_air import UUID, furnish, radio_config
from tests.given import HandClock, stamp

DOC = (Path(__file__).parents[3] / "docs/status.md").read_text("utf-8")


async def get(gateway: Admin, path: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(gateway.url + path) as answer:
        assert answer.status == 200
        return await answer.text()


async def findings(gateway: Admin) -> dict[str, dict[str, str]]:
    told = json.loads(await get(gateway, "/api/v1/status?lang=en"))
    return {each["code"]: each for each in told["findings"]}


async def test_what_is_wrong_with_radios_and_beacons_is_told(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(radio_config(tmp_path), hand_clock) as gateway:
        await furnish(gateway)
        told = await findings(gateway)
        assert told["radio_down"]["next"] == "unplug it and plug it in again"
        assert (told["beacon_cloned"]["level"], "till-1" in told["beacon_cloned"]["text"]) == ("bad", True)
        assert (told["beacon_battery_low"]["level"], told["beacon_silent"]["level"]) == ("warn", "bad")
        assert not {"radio_sends", "radio_dedup", "radio_coverage", "dangling"} & told.keys()
        radio = gateway.board.radio("hci1")
        radio.state, radio.problem, radio.dedup_suspected, radio.wanted, radio.sends = State.UP, "", True, 3, 1
        assert {"radio_sends", "radio_dedup", "radio_coverage"} < (await findings(gateway)).keys()
        radio.state = State.WAITING
        gateway.board.service("radio hci1").state = State.WAITING
        assert "radio_down" not in await findings(gateway)  # its service says so already


async def test_a_beacon_that_never_said_its_id_is_not_configured_yet(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(radio_config(tmp_path), hand_clock) as gateway:
        ids = {"new": "kkm-kbeacon", "vendors": "", "known": "kkm-kbeacon", "old": "kkm-kbeacon"}
        common = {"uuid": UUID, "major": 1}
        beacons = [{"id": name, "minor": n, "profile": ids[name], **common} for n, name in enumerate(ids)]
        await gateway.documents.put("beacons", list(beacons), by="cli")
        for name in ids:
            gateway.board.beacon(name).problems = ("reprogrammed",)
        gateway.board.beacon("known").seen = gateway.clock.now()
        told = BeaconHealthChanged(
            at=gateway.clock.now(),
            beacon=BeaconId("old"),
            problem=BeaconProblem.REPROGRAMMED,
            wrong=True,
            radio=DeviceId("hci0"),
            usual_rssi_dbm=-60.0,
        )
        await gateway.pump.submit(told)  # before a restart it was heard
        found = await findings(gateway)
        assert (found["beacon_unconfigured"]["level"], found["beacon_unconfigured_foreign"]["level"]) == (
            "warn",
            "warn",
        )
        assert found["beacon_unconfigured"]["text"] == "Beacons are not configured yet: new"
        assert found["beacon_unconfigured"]["next"].startswith("storegate beacon provision new.")
        assert found["beacon_unconfigured_foreign"]["text"].endswith(": vendors")
        assert found["beacon_reprogrammed"]["text"] == "Beacons were reprogrammed: known, old"
        text = await get(gateway, "/?lang=zh-CN")
        assert text.count("尚未配置</span>") == 2


async def test_what_the_gateway_sends_has_no_battery(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(radio_config(tmp_path), hand_clock) as gateway:
        await furnish(gateway)
        gateway.board.beacon("gateway-1").problems = ("silent", "weak")
        found = await findings(gateway)
        assert found["beacon_silent_own"]["text"].endswith(": gateway-1")
        assert "radio" in found["beacon_silent_own"]["next"]
        assert "gateway-1" not in found["beacon_silent"]["text"]
        assert {"beacon_weak_own"} == {code for code in found if code.startswith("beacon_weak")}


async def test_a_share_that_nothing_tells_is_not_shown(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(radio_config(tmp_path), hand_clock) as gateway:
        radio = gateway.board.radio("hci0")
        radio.state, radio.scan, radio.coverage, radio.coverage_basis = State.UP, "active", 0.1, "none"
        for language, words in (("en", "not known yet"), ("zh-CN", "尚不清楚")):
            text = await get(gateway, f"/?lang={language}")
            assert words in text
            assert "10 %" not in text
        assert "radio_coverage" not in await findings(gateway)


async def test_a_radio_without_news_is_starting(tmp_path: Path, hand_clock: HandClock) -> None:
    settings = config(tmp_path, radios=(RadioSection(adapter="hci0"),))
    async with admin(settings, hand_clock) as gateway:
        told = json.loads(await get(gateway, "/api/v1/status"))
        assert [(radio["adapter"], radio["state"]) for radio in told["radios"]] == [("hci0", "starting")]


async def test_no_phone_and_no_address_is_shown(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(radio_config(tmp_path), hand_clock) as gateway:
        secret = {"id": "with-address", "uuid": UUID, "major": 1, "minor": 1, "address": "C1:00:00:00:00:01"}
        phone = {"id": "phone-1", "uuid": UUID, "major": 1, "minor": 2, "carried_by": "phone", "consent_to_ms": 9}
        await gateway.documents.put("beacons", [secret, phone], by="cli")
        gateway.board.beacon("phone-1").seen = gateway.clock.now()
        for path in ("/", "/api/v1/status", "/metrics"):
            text = await get(gateway, path)
            assert "C1:00" not in text
            assert "phone-1" not in text


async def test_texts_of_documents_stay_texts(tmp_path: Path, hand_clock: HandClock) -> None:
    bad = '</text></svg><script>alert(1)</script>" onload="x'
    async with admin(radio_config(tmp_path), hand_clock) as gateway:
        await furnish(gateway)
        zone = {"id": "door", "name_zh": bad, "name_en": bad, "x_m": 0, "y_m": 0, "width_m": 5, "depth_m": 5}
        await gateway.documents.put("zones", [zone], by="cli")
        gateway.board.radio("hci0").problem = bad
        for language in ("zh-CN", "en"):
            text = await get(gateway, f"/?lang={language}")
            assert "<script>alert" not in text
            assert 'onload="' not in text
            assert "&lt;script&gt;alert(1)" in text


async def test_three_hundred_beacons_stay_apart_and_the_unwell_keep_their_names(
    tmp_path: Path, hand_clock: HandClock
) -> None:
    async with admin(radio_config(tmp_path), hand_clock) as gateway:
        await furnish(gateway, many=300)
        text = await get(gateway, "/?lang=en")
        spots = [
            (float(x), float(y))
            for x, y in re.findall(r'class="mark \w+" transform="translate\(([\d.]+) ([\d.]+)\)', text)
        ]
        assert len(spots) == 307
        near = [1 for at, (x, y) in enumerate(spots) for u, v in spots[:at] if (x - u) ** 2 + (y - v) ** 2 < 20**2]
        assert len(near) < 5
        assert re.findall(r'<text class="name"[^>]*>([^<]+)', text) == ["till-1", "snacks-1"]
        assert "Plan of the shop: 310 beacons, 309 heard, 2 with a problem" in text
        assert text.count("<tr><th") == 2 + 310  # each is in the table, most of them folded
        assert len(text) < 400_000


async def test_without_radios_and_beacons_there_is_no_such_part(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(config(tmp_path), hand_clock) as gateway:
        text = await get(gateway, "/?lang=en")
        assert "Bluetooth" not in text
        assert 'class="plan' not in text


async def test_metrics_tell_of_the_air_and_of_shakes(tmp_path: Path, hand_clock: HandClock) -> None:
    async with admin(radio_config(tmp_path), hand_clock) as gateway:
        await furnish(gateway)
        await gateway.pump.submit(ShakeRefused(at=gateway.clock.now(), why="forged", via=Via.BEACON))
        text = await get(gateway, "/metrics")
    samples = {
        (sample.name.removeprefix("storegate_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["radio_up", "hci0"] == 1
    assert samples["radio_adverts_per_second", "hci0"] == 41.3
    assert samples["radio_coverage", "hci1"] == 0.31
    assert samples["radio_recovery_steps_total", "hci1"] == 3
    assert samples["beacon_seen_age_seconds", "snacks-1"] == 3000
    assert samples["beacon_problem", "till-1", "cloned"] == 1
    assert samples["shakes_total", "refused", "forged"] == 1
    names = {key[0] for key in samples if key[0].startswith(("radio_", "beacon", "shakes"))}
    assert [name for name in names if f"`storegate_{name}`" not in DOC] == []


def test_documents_that_lead_nowhere_are_named() -> None:
    shop = Shop(
        zones={"door": Zone(id="door", name_zh="门", name_en="Door")},
        beacons={
            "b": Beacon(id="b", uuid=UUID, major=1, zone="dor", radio="hci9", pages=(Bound(page="p"), Bound(page="q")))
        },
        pages={"p": Page(id="p", title_zh="a", title_en="a", draw="wheel")},
        draws={
            "d": Draw(
                id="d", name_zh="a", name_en="a", starts_ms=0, ends_ms=1, prizes=(Prize(campaign="c", chance_ppm=1),)
            )
        },
        groups={"g": Group(id="g", name="g", beacons=("b", "gone"))},
    )
    box = config(Path("/nowhere"), radios=(RadioSection(adapter="hci0", zone="cellar"),))
    assert air.dangling(shop, box) == (
        "beacons/b → zones/dor",
        "beacons/b → pages/q",
        "pages/p → draws/wheel",
        "draws/d → campaigns/c",
        "groups/g → beacons/gone",
        "beacons/b → radios/hci9",
        "radios/hci0 → zones/cellar",
    )


def test_a_beacon_that_is_gone_from_the_documents_is_not_shown() -> None:
    board = Board()
    board.beacon("gone").problems = ("silent",)
    assert air.beacons(Shop(), board, stamp()) == ()
