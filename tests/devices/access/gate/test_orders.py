"""Requests to the gate: whatever comes, an order or one clear refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.access.gate import orders
from devices.access.gate.orders import OrderError, read

MAC = "02:00:00:00:00:01"
ALLOW = {"id": 1, "verb": "allow", "mac": MAC, "mark": 7, "end_s": 60}


def _read(request: object) -> tuple[int | None, object]:
    return read(json.dumps(request).encode())


def test_every_verb() -> None:
    mac = bytes.fromhex("020000000001")
    assert _read(ALLOW) == (1, orders.Allow(mac=mac, mark=7, end_s=60.0))
    assert _read({"id": 0, "verb": "revoke", "mac": MAC.upper()}) == (0, orders.Revoke(mac=mac))
    member = {"mac": MAC, "mark": 7, "end_s": 0.5}
    wanted = orders.Reset(members={mac: orders.Allow(mac=mac, mark=7, end_s=0.5)})
    assert _read({"id": 2, "verb": "reset", "members": [member]}) == (2, wanted)
    for verb, order in (("list", orders.List()), ("count", orders.Count()), ("status", orders.Status())):
        assert _read({"id": 3, "verb": verb}) == (3, order)
    assert _read({"id": 4, "verb": "capture", "members": True}) == (4, orders.Capture(members=True))
    number, let = _read({"id": 5, "verb": "let", "addresses": ["1.2.3.4", "2001:db8::1", "1.2.3.4"], "for_s": 9})
    assert number == 5
    assert isinstance(let, orders.Let)
    assert [str(at) for at in let.addresses] == ["1.2.3.4", "2001:db8::1"]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"nothing",
        b"\xff",
        b'{"id": 1',
        b"[" * 100_000,
        b'{"id": 1, "verb": "list"} {"id": 2, "verb": "list"}',
        b'{"id": ' + b"9" * 5000 + b', "verb": "list"}',
        b'{"id": NaN, "verb": "list"}',
    ],
)
def test_no_json(line: bytes) -> None:
    number, wrong = read(line)
    assert number is None
    assert isinstance(wrong, OrderError)


@pytest.mark.parametrize("number", [None, True, -1, 1.5, "1", [], 1 << 60])
def test_an_id_that_is_none(number: object) -> None:
    assert _read({"id": number, "verb": "list"})[0] is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mac": "02-00-00-00-00-01"}, "mac: wants six bytes"),
        ({"mac": MAC + "\n"}, "mac: wants six bytes"),
        ({"mac": "01:00:5e:00:00:01"}, "mac: wants the address of one phone"),
        ({"mac": "ff:ff:ff:ff:ff:ff"}, "mac: wants the address of one phone"),
        ({"mac": "00:00:00:00:00:00"}, "mac: wants the address of one phone"),
        ({"mac": 3}, "mac: wants six bytes"),
        ({"mark": 0}, "mark: wants"),
        ({"mark": 1 << 31}, "mark: wants"),
        ({"mark": True}, "mark: wants"),
        ({"mark": 1.0}, "mark: wants"),
        ({"end_s": 0}, "end_s: wants"),
        ({"end_s": -1}, "end_s: wants"),
        ({"end_s": 10**400}, "end_s: wants"),
        ({"end_s": 1e300}, "end_s: wants"),
        ({"end_s": "60"}, "end_s: wants"),
        ({"more": 1}, "and no more"),
        ({"verb": "Allow"}, "verb: wants"),
        ({"verb": ["allow"]}, "verb: wants"),
        ({"verb": "list"}, "wants nothing beside id and verb"),
    ],
)
def test_a_wrong_request_says_what_it_wanted(change: dict[str, Any], said: str) -> None:
    number, wrong = _read(ALLOW | change)
    assert number == 1
    assert isinstance(wrong, OrderError)
    assert said in str(wrong)
    assert MAC not in str(wrong)


@pytest.mark.parametrize("name", ["mac", "mark", "end_s"])
def test_what_is_missing_is_named(name: str) -> None:
    _, wrong = _read({key: value for key, value in ALLOW.items() if key != name})
    assert str(wrong) == f"{name}: is missing"


@pytest.mark.parametrize(
    "members",
    [
        None,
        {},
        [{}] * 16_001,
    ],
)
def test_a_reset_is_a_list_of_members(members: object) -> None:
    assert isinstance(_read({"id": 1, "verb": "reset", "members": members})[1], OrderError)


@pytest.mark.parametrize(
    "wrong",
    [
        3,
        {"mac": "02:00:00:00:00:02"},
        {"mac": MAC, "mark": 2, "end_s": 1},
        {"mac": "02:00:00:00:00:02", "mark": 1, "end_s": 1},
        {"mac": "00:00:00:00:00:00", "mark": 2, "end_s": 1},
        {"mac": "ff:ff:ff:ff:ff:ff", "mark": 2, "end_s": 1},
        {"mac": "02:00:00:00:00:02", "mark": 2, "end_s": 0},
        {"mac": "02:00:00:00:00:02", "mark": 1 << 31, "end_s": 1},
    ],
)
def test_who_can_be_no_member_costs_the_others_of_a_reset_nothing(wrong: object) -> None:
    right = {"mac": MAC, "mark": 1, "end_s": 1}
    last = {"mac": "02:00:00:00:00:09", "mark": 9, "end_s": 1}
    _, order = _read({"id": 1, "verb": "reset", "members": [right, wrong, last]})
    assert isinstance(order, orders.Reset)
    assert [one.mark for one in order.members.values()] == [1, 9]
    ((at, text),) = order.refused
    assert at == 1
    assert "02:00" not in text


@pytest.mark.parametrize(
    "change",
    [
        {"port": 0},
        {"port": 65_536},
        {"port": "80"},
        {"port": True},
        {"address": 7},
        {"address": "10.64.0"},
        {"address": "fe80::1%eth0"},
        {"mac": "00:00:00:00:00:00"},
        {"more": 1},
    ],
)
def test_sent_wants_a_connection_and_a_phone(change: dict[str, Any]) -> None:
    asked = {"id": 1, "verb": "sent", "address": "10.64.0.7", "port": 40_000, "mac": MAC}
    assert isinstance(_read(asked)[1], orders.Sent)
    assert isinstance(_read(asked | change)[1], OrderError)


@pytest.mark.parametrize("addresses", [[], ["1.2.3"], [1], ["fe80::1%eth0"], "1.2.3.4", ["1.1.1.1"] * 257, None])
def test_let_wants_addresses(addresses: object) -> None:
    assert isinstance(_read({"id": 1, "verb": "let", "addresses": addresses, "for_s": 1})[1], OrderError)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(MAC),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
NAMES = st.sampled_from(["id", "verb", "mac", "mark", "end_s", "members", "addresses", "for_s", "address", "port"])
VERBS = st.sampled_from(["allow", "revoke", "reset", "list", "count", "let", "capture", "sent", "status"])


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_line_is_answered(line: bytes) -> None:
    read(line)


@given(st.dictionaries(NAMES, JSON, max_size=8), VERBS)
def test_any_request_is_an_order_or_a_refusal(request: dict[str, Any], verb: str) -> None:
    number, order = _read({"id": 1, "verb": verb, **request})
    assert number is None or 0 <= number < 1 << 53
    if isinstance(order, orders.Allow):
        assert len(order.mac) == 6
        assert not order.mac[0] & 1
        assert 1 <= order.mark < 1 << 31
        assert order.end_s > 0
