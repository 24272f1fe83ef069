"""What the gate is asked shows in the kernel: the real process, the real nft."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.devices.access.gate.given_gate import GUEST, SECOND, Box, box, macs, needs_network, until

__all__ = ["box"]
pytestmark = needs_network


@pytest.fixture
def gate(box: Box) -> Box:
    box.start_gate()
    return box


def test_status_says_how_it_is(gate: Box) -> None:
    status = gate.caller().do("status")
    assert status.pop("version")
    assert status == {
        "rules": "in_place",
        "repairs": 0,
        "looks": 0,
        "interface": "up",
        "uplink": "up",
        "forwarding": True,
        "fairness": "none",
        "isolation": status["isolation"],
        "onlink": ["192.168.9.0/24", "203.0.113.0/24", "2001:db8:fffe::/64"],
        "members": 0,
        "capture_members": False,
        "problem": "",
        "hint": "",
    }
    assert status["isolation"] in {"rules", "ports"}


def test_allow_list_count_revoke(gate: Box) -> None:
    caller = gate.caller()
    caller.do("allow", mac=GUEST, mark=7, end_s=600)
    assert gate.members() == {GUEST: 7}
    assert [one["elem"]["val"] for one in gate.listed("idle")] == [GUEST]
    (listed,) = caller.do("list")["members"]
    assert (listed["mac"], listed["mark"]) == (GUEST, 7)
    assert 590 < listed["end_s"] <= 600
    assert 0 <= listed["idle_s"] < 10
    counted = caller.do("count")
    (row,) = counted["members"]
    assert (row["mac"], row["mark"], row["up_bytes"], row["down_bytes"]) == (GUEST, 7, 0, 0)
    assert 1790 < row["idle_left_s"] <= 1800
    assert len(counted["run"]) == 8
    caller.do("revoke", mac=GUEST.upper())
    assert gate.members() == {}
    for name in ("idle", "up", "down"):
        assert gate.listed(name) == []
    caller.do("revoke", mac=GUEST)  # nobody is there any more: no mistake
    assert caller.do("count") == {"run": counted["run"], "members": []}


def test_allow_again_extends_and_a_new_session_takes_the_old_ones_place(gate: Box) -> None:
    caller = gate.caller()
    caller.do("allow", mac=GUEST, mark=7, end_s=60)
    caller.do("allow", mac=GUEST, mark=7, end_s=900)
    assert caller.do("list")["members"][0]["end_s"] > 800
    caller.do("allow", mac=GUEST, mark=8, end_s=30)
    assert gate.members() == {GUEST: 8}
    assert [one["elem"]["val"] for one in gate.listed("down")] == [8]
    assert caller.ask("allow", mac=SECOND, mark=8, end_s=30)["error"] == "bad_request"
    assert gate.members() == {GUEST: 8}


def test_the_hard_end_is_the_kernels(gate: Box) -> None:
    caller = gate.caller()
    caller.do("allow", mac=GUEST, mark=7, end_s=0.2)
    until(lambda: gate.members() == {})
    (row,) = caller.do("count")["members"]  # its last bytes can still be read
    assert row["end_s"] == 0
    assert caller.do("list")["members"] == []
    caller.do("allow", mac=SECOND, mark=7, end_s=60)  # and its mark be used again
    assert gate.members() == {SECOND: 7}


def test_who_can_be_no_member_is_named_and_the_rest_of_a_reset_is_done(gate: Box) -> None:
    caller = gate.caller()
    nobody = {"mac": "00:00:00:00:00:00", "mark": 900, "end_s": 60}
    members = macs(3)
    (refused,) = caller.do("reset", members=[members[0], nobody, *members[1:]])["refused"]
    assert refused["at"] == 1
    assert refused["text"]
    assert gate.members() == {one["mac"]: one["mark"] for one in members}
    assert "1 of those asked for" in gate.log.read_text()


@pytest.mark.parametrize("number", [2_000, 16_000])
def test_reset_is_exactly_these(gate: Box, number: int) -> None:
    caller = gate.caller()
    caller.do("allow", mac=GUEST, mark=40_000, end_s=600)
    members = macs(number)
    caller.do("reset", members=members)
    assert gate.members() == {one["mac"]: one["mark"] for one in members}
    assert caller.do("status")["members"] == number
    # again, one less and one that is another session now
    again = [*members[1:-1], {**members[-1], "mark": 30_000}]
    caller.do("reset", members=again)
    assert gate.members() == {one["mac"]: one["mark"] for one in again}
    assert {one["elem"]["val"] for one in gate.listed("down")} == {one["mark"] for one in again}
    assert len(gate.listed("idle")) == len(again)
    caller.do("reset", members=[])
    assert gate.members() == {}
    assert gate.listed("up") == []


def test_full_is_said_and_changes_nothing(gate: Box) -> None:
    caller = gate.caller()
    caller.do("reset", members=macs(16_000))
    answer = caller.ask("allow", mac=GUEST, mark=40_000, end_s=600)
    assert (answer["ok"], answer["error"]) == (False, "kernel")
    assert "full" in answer["text"]
    assert caller.do("status")["members"] == 16_000


def test_what_arrives_together_is_one_transaction(gate: Box) -> None:
    caller = gate.caller()
    before = _generation(gate)
    lines = [json.dumps({"id": at, "verb": "allow", **one}) for at, one in enumerate(macs(300))]
    lines += [json.dumps({"id": 300, "verb": "allow", "mac": "not one", "mark": 9, "end_s": 9})]
    caller.send("\n".join(lines).encode())
    answers = [caller.heard() for _ in lines]
    assert [one["id"] for one in answers] == list(range(301))
    assert [one["ok"] for one in answers] == [True] * 300 + [False]
    assert len(gate.members()) == 300
    assert _generation(gate) - before < 20


def test_the_same_guest_twice_in_a_rush(gate: Box) -> None:
    caller = gate.caller()
    orders: list[dict[str, Any]] = [
        {"verb": "allow", "mac": GUEST, "mark": 1, "end_s": 60},
        {"verb": "revoke", "mac": GUEST},
        {"verb": "allow", "mac": GUEST, "mark": 2, "end_s": 60},
        {"verb": "allow", "mac": SECOND, "mark": 1, "end_s": 60},
        {"verb": "list"},
        {"verb": "revoke", "mac": SECOND},
    ]
    caller.send("\n".join(json.dumps({"id": at, **one}) for at, one in enumerate(orders)).encode())
    answers = [caller.heard() for _ in orders]
    assert all(one["ok"] for one in answers)
    assert {one["mac"]: one["mark"] for one in answers[4]["members"]} == {GUEST: 2, SECOND: 1}
    assert gate.members() == {GUEST: 2}


def test_let_and_capture(gate: Box) -> None:
    caller = gate.caller()
    caller.do("let", addresses=["198.51.100.7", "2001:db8::7", "198.51.100.7"], for_s=60)
    caller.do("let", addresses=["198.51.100.7"], for_s=900)
    (four,) = gate.listed("walled4")
    assert four["elem"]["val"] == "198.51.100.7"
    assert four["elem"]["expires"] > 800
    assert len(gate.listed("walled6")) == 1
    assert gate.listed("free") == ["guest0"]
    for _ in range(2):
        caller.do("capture", members=True)
        assert gate.listed("free") == []
    assert caller.do("status")["capture_members"] is True
    caller.do("capture", members=False)
    assert gate.listed("free") == ["guest0"]


def test_an_allow_takes_no_time(gate: Box) -> None:
    caller = gate.caller()
    times = []
    for at, one in enumerate(macs(200)):
        start_s = time.perf_counter()
        caller.do("allow", **one)
        times.append(time.perf_counter() - start_s)
        assert at < 200
    assert sorted(times)[100] < 0.02


def _generation(gate: Box) -> int:
    code = "from devices.access.gate.netlink import Netlink; print(Netlink().generation())"
    return int(gate.box.python(f"import sys; sys.path.insert(0, '.'); {code}"))
