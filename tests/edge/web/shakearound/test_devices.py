"""Devices: applied for, found, named, bound, grouped; as WeChat's documentation has the requests and answers."""

from __future__ import annotations

import asyncio
from pathlib import Path

from edge.shop import number_of
from tests.edge.web.given_admin import config
from tests.edge.web.shakearound.given_calls import UUID, Caller, calling
from tests.given import NOON_MS, HandClock


async def test_an_application_makes_beacons_at_once(caller: Caller) -> None:
    told = await caller.data("device/applyid", quantity=3, apply_reason="测试", comment="测试专用", poi_id=1234)
    assert (told["audit_status"], told["audit_comment"]) == (2, "approved")
    shop = await caller.gateway.documents.documents.get("beacons")
    assert [(each.uuid, each.major, each.minor) for each in shop] == [(UUID, 1, minor) for minor in (1, 2, 3)]  # type: ignore[attr-defined]
    assert told["device_identifiers"] == [
        {"device_id": number_of(each), "uuid": UUID, "major": 1, "minor": minor}
        for minor, each in enumerate(shop, start=1)
    ]
    status = await caller.data("device/applystatus", apply_id=told["apply_id"])
    assert status == {
        "apply_time": NOON_MS // 1000,
        "audit_status": 2,
        "audit_comment": "approved",
        "audit_time": NOON_MS // 1000,
    }
    found = await caller.data("device/search", type=3, apply_id=told["apply_id"], last_seen=0, count=50)
    assert found["total_count"] == 3
    assert found["devices"][0] | {"device_id": 0, "minor": 0} == {  # type: ignore[index]
        "device_id": 0,
        "uuid": UUID,
        "major": 1,
        "minor": 0,
        "status": 0,
        "last_active_time": 0,
        "comment": "测试专用",
        "poi_id": 1234,
        "page_ids": "",
    }


async def test_minors_in_use_are_left_out_and_applications_told_apart(caller: Caller) -> None:
    taken = {"id": "door", "uuid": UUID.lower(), "major": 1, "minor": 2}
    await caller.gateway.documents.put("beacons", [taken], by="cli")
    first = await caller.data("device/applyid", quantity=2, apply_reason="x")
    second = await caller.data("device/applyid", quantity="1", apply_reason="x")
    minors = [each["minor"] for told in (first, second) for each in told["device_identifiers"]]  # type: ignore[attr-defined]
    assert minors == [1, 3, 4]
    assert first["apply_id"] != second["apply_id"]
    assert (await caller.data("device/search", type=2, last_seen=0, count=50))["total_count"] == 4


async def test_bad_applications_are_refused_with_their_codes(caller: Caller) -> None:
    for wrong in (0, -1, "many", None, 5001, 1.5, [], {}):
        assert await caller.code("device/applyid", quantity=wrong, apply_reason="x") == 9001022
    assert await caller.code("device/applyid", quantity=1, apply_reason="x" * 101) == 9001035
    assert await caller.code("device/applyid", quantity=1, apply_reason="x", comment="字" * 16) == 9001034
    assert await caller.code("device/applyid", quantity=1, apply_reason="x", poi_id="here") == 9001033
    assert await caller.code("device/applystatus", apply_id=7) == 9001047
    assert await caller.gateway.documents.documents.get("beacons") == ()


async def test_the_quota_is_what_fits(caller: Caller) -> None:
    beacons = [{"id": f"b-{minor}", "uuid": UUID, "major": 1, "minor": minor} for minor in range(4990)]
    await caller.gateway.documents.put("beacons", list(beacons), by="cli")
    assert await caller.code("device/applyid", quantity=11, apply_reason="x") == 9001038
    assert len(await caller.devices(10)) == 10


async def test_a_device_is_named_by_id_or_by_what_it_sends(caller: Caller) -> None:
    first, second = await caller.devices(2)
    by_air = {"device_id": None, "uuid": UUID.lower(), "major": "1", "minor": "2"}
    assert await caller.code("device/update", device_identifier=by_air, comment="二号") == 0
    both = {**by_air, "device_id": first["device_id"]}  # device_id wins
    assert await caller.code("device/bindlocation", device_identifier=both, poi_id=99) == 0
    found = await caller.data("device/search", type=1, device_identifiers=[first, {"device_id": second["device_id"]}])
    assert [(each["comment"], each["poi_id"]) for each in found["devices"]] == [("", 99), ("二号", 0)]  # type: ignore[attr-defined]
    unknown = ({}, {"device_id": 1}, {"uuid": UUID, "major": 1}, {"uuid": 5, "major": 1, "minor": 1}, 7, None)
    for identifier in unknown:
        assert await caller.code("device/update", device_identifier=identifier, comment="x") == 9001025
    assert await caller.code("device/update", device_identifier=first, comment="x" * 31) == 9001034
    assert await caller.code("device/bindlocation", device_identifier=first, poi_id="x") == 9001033


async def test_all_devices_are_walked_by_last_seen_and_by_begin(caller: Caller) -> None:
    await caller.devices(120)
    walked: list[object] = []
    last: object = 0
    while True:
        told = await caller.data("device/search", type=2, last_seen=last, count=50)
        if not (page := told["devices"]):
            break
        walked += [each["device_id"] for each in page]  # type: ignore[attr-defined]
        last = walked[-1]
    assert len(walked) == len(set(walked)) == 120 == told["total_count"]
    older = [await caller.data("device/search", begin=begin, count=50) for begin in (0, 50, 100)]
    assert [each["device_id"] for told in older for each in told["devices"]] == walked  # type: ignore[attr-defined]
    assert await caller.code("device/search", type=2, last_seen=0, count=51) == 9001024
    assert await caller.code("device/search", type=1, device_identifiers=[{"device_id": 1}] * 51) == 9001024
    assert await caller.code("device/search", type=9) == 9001001


async def test_a_heard_beacon_is_active(caller: Caller) -> None:
    (device,) = await caller.devices()
    (beacon,) = await caller.gateway.documents.documents.get("beacons")
    caller.gateway.board.beacon(beacon.id).seen = caller.gateway.clock.now()
    (told,) = (await caller.data("device/search", type=1, device_identifiers=[device]))["devices"]  # type: ignore[misc]
    assert (told["status"], told["last_active_time"]) == (1, NOON_MS // 1000)  # type: ignore[index]


async def test_groups_hold_devices(caller: Caller) -> None:
    devices = await caller.devices(3)
    group = await caller.data("device/group/add", group_name="一楼")
    other = await caller.data("device/group/add", group_name="二楼")
    assert group["group_id"] != other["group_id"]
    number = group["group_id"]
    assert await caller.code("device/group/adddevice", group_id=number, device_identifiers=devices) == 0
    assert await caller.code("device/group/adddevice", group_id=number, device_identifiers=devices[:1]) == 0
    detail = await caller.data("device/group/getdetail", group_id=str(number), begin=0, count=2)
    assert (detail["total_count"], len(detail["devices"])) == (3, 2)  # type: ignore[arg-type]
    assert detail["devices"][0] == devices[0] | {"comment": "", "poi_id": 0}  # type: ignore[index]
    assert await caller.code("device/group/delete", group_id=number) == 9001054
    assert await caller.code("device/group/deletedevice", group_id=number, device_identifiers=devices) == 0
    again = caller.code("device/group/deletedevice", group_id=number, device_identifiers=devices[:1])
    assert await again == 9001056
    assert await caller.code("device/group/update", group_id=number, group_name="地下一层") == 0
    listed = await caller.data("device/group/getlist", begin=0, count=10)
    assert [each["group_name"] for each in listed["groups"]] == ["地下一层", "二楼"]  # type: ignore[attr-defined]
    assert await caller.code("device/group/delete", group_id=number) == 0
    assert await caller.code("device/group/getdetail", group_id=number, begin=0, count=1) == 9001058
    many = [{"device_id": 1}] * 1001
    assert await caller.code("device/group/adddevice", group_id=other["group_id"], device_identifiers=many) == 9001052
    over = caller.code("device/group/deletedevice", group_id=other["group_id"], device_identifiers=many)
    assert await over == 9001053
    assert await caller.code("device/group/add", group_name="x" * 101) == 9001055
    assert await caller.code("device/group/add", group_name=" ") == 9001055


async def test_changes_at_once_lose_none(caller: Caller) -> None:
    devices = await caller.devices(20)
    jobs = [caller.code("device/update", device_identifier=each, comment=f"n{at}") for at, each in enumerate(devices)]
    assert await asyncio.gather(*jobs) == [0] * 20
    found = await caller.data("device/search", type=2, last_seen=0, count=50)
    assert {each["comment"] for each in found["devices"]} == {f"n{at}" for at in range(20)}  # type: ignore[attr-defined]


async def test_it_is_there_after_a_restart(tmp_path: Path, hand_clock: HandClock) -> None:
    async with calling(tmp_path, hand_clock) as caller:
        before = await caller.devices(2)
    async with calling(tmp_path, hand_clock, config(tmp_path)) as caller:
        found = await caller.data("device/search", type=1, device_identifiers=before)
        assert found["total_count"] == 2
