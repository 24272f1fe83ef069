"""Whatever is asked in whatever order, the kernel's members are those of a plain dictionary, and the sets agree."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.devices.access.gate.given_gate import Box, made, needs_network

pytestmark = needs_network
MACS = [f"02:00:00:00:00:{at:02x}" for at in range(1, 6)]
MEMBER = st.tuples(st.sampled_from(MACS), st.integers(1, 8))
ORDER = st.one_of(
    st.tuples(st.just("allow"), MEMBER),
    st.tuples(st.just("allow"), MEMBER),
    st.tuples(st.just("revoke"), st.sampled_from(MACS)),
    st.tuples(st.just("reset"), st.lists(MEMBER, max_size=4)),
    st.tuples(st.just("flush"), st.none()),
)


@pytest.fixture(scope="module")
def gate() -> Iterator[Box]:
    with made() as box:
        box.start_gate()
        yield box


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ORDER, min_size=1, max_size=16), st.booleans())
def test_the_kernel_is_as_the_model(gate: Box, given_orders: list[tuple[str, Any]], together: bool) -> None:
    caller = gate.caller()
    caller.do("reset", members=[])
    model: dict[str, int] = {}
    lines, wanted = [], []
    for verb, what in given_orders:
        if verb == "flush":
            if not together:
                gate.box.run("nft", "flush", "ruleset")
            continue
        request, right = _request(verb, what, model)
        if together:
            lines.append(json.dumps({"id": len(lines), **request}))
            wanted.append(right)
        else:
            assert caller.ask(**request)["ok"] is right
    if lines:
        caller.send("\n".join(lines).encode())
        assert [caller.heard()["ok"] for _ in lines] == wanted
    counted = {one["mac"]: one["mark"] for one in caller.do("count")["members"]}
    assert counted == model
    assert gate.members() == model
    assert {one["elem"]["val"] for one in gate.listed("idle")} == set(model)
    for name in ("up", "down"):
        assert sorted(one["elem"]["val"] for one in gate.listed(name)) == sorted(model.values())


def _request(verb: str, what: Any, model: dict[str, int]) -> tuple[dict[str, Any], bool]:
    """The request, and whether it is right; the model is changed if it is."""
    if verb == "allow":
        mac, mark = what
        right = all(theirs != mark or whose == mac for whose, theirs in model.items())
        if right:
            model[mac] = mark
        return {"verb": "allow", "mac": mac, "mark": mark, "end_s": 600}, right
    if verb == "revoke":
        model.pop(what, None)
        return {"verb": "revoke", "mac": what}, True
    model.clear()
    for mac, mark in what:  # what can't be costs nobody else
        if mac not in model and mark not in model.values():
            model[mac] = mark
    members = [{"mac": mac, "mark": mark, "end_s": 600} for mac, mark in what]
    return {"verb": "reset", "members": members}, True
