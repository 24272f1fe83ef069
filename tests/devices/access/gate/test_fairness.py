"""What `tc` is told, where the kernel has cake, where it has only fq_codel, and where it has neither."""

from __future__ import annotations

import json

import pytest

from devices.access.gate import fairness
from devices.access.gate.settings import Settings
from tests.devices.access.gate.given_gate import Box, box, needs_network, until

__all__ = ["box"]
LINE = Settings(interface="guest0", uplink="wan0", down_mbit=100.0, up_mbit=20.5)


ALL = {"cake", "htb", "fq_codel", "flow"}
PLAIN = {"guest0": ("noqueue", "0:"), "wan0": ("mq", "0:"), "eth2": ("pfifo_fast", "0:")}


class Tc:
    """A kernel that has some of it, and root queues that are there already."""

    def __init__(self, kernel: set[str], roots: dict[str, tuple[str, str]]) -> None:
        self.kernel, self.roots = kernel, dict(roots)
        self.told: list[str] = []

    def __call__(self, _program: str, words: list[str]) -> str | None:
        if words == ["-j", "qdisc", "show"]:
            rows = [{"dev": dev, "kind": kind, "handle": at, "root": True} for dev, (kind, at) in self.roots.items()]
            return json.dumps([*rows, {"dev": "wan0", "kind": "fq_codel", "handle": "0:", "parent": ":1"}])
        if not ALL & {*words} <= self.kernel:
            return None
        self.told.append(" ".join(words))
        if words[:2] == ["qdisc", "delete"]:
            del self.roots[words[3]]
        elif words[4] == "root":
            self.roots[words[3]] = (words[7], words[6])
        return ""


def _shared(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, kernel: set[str], roots: dict[str, tuple[str, str]] = PLAIN
) -> tuple[str, str, Tc]:
    tc = Tc(kernel, roots)
    monkeypatch.setattr(fairness, "_tc", tc)
    monkeypatch.setattr(fairness.shutil, "which", lambda *_, **__: "/sbin/tc")
    kind, wrong = fairness.share(settings)
    return kind, wrong[0] if wrong else "", tc


def test_cake_tells_guests_apart_by_their_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    kind, wrong, tc = _shared(monkeypatch, LINE, ALL)
    assert (kind, wrong) == ("cake", "")
    assert tc.told == [
        "qdisc replace dev guest0 root handle 5719: cake bandwidth 100000kbit dual-dsthost",
        "qdisc replace dev wan0 root handle 5719: cake bandwidth 20500kbit dual-srchost nat",
    ]


def test_fq_codel_behind_a_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    kind, wrong, tc = _shared(monkeypatch, LINE, ALL - {"cake"})
    assert (kind, wrong) == ("fq_codel", "")
    assert len(tc.told) == 8
    assert tc.told[1] == "class replace dev guest0 parent 5719: classid 5719:1 htb rate 100000kbit"
    assert [line.partition(" flow ")[2] for line in tc.told[6:]] == [
        "hash keys dst divisor 1024",
        "hash keys nfct-src divisor 1024",
    ]


def test_where_guests_can_not_be_told_apart_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    kind, wrong, _ = _shared(monkeypatch, LINE, {"htb", "fq_codel"})
    assert kind == "fq_codel, per connection"
    assert "opens more connections" in wrong


@pytest.mark.parametrize("kernel", [set[str](), {"htb"}])
def test_a_kernel_that_can_not_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch, kernel: set[str]) -> None:
    kind, wrong, tc = _shared(monkeypatch, LINE, kernel)
    assert kind == "none"
    assert "neither cake nor fq_codel" in wrong
    assert "htb" not in {each for each, _ in tc.roots.values()}


def test_nothing_is_touched_where_no_rate_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    kind, wrong, tc = _shared(monkeypatch, Settings(interface="guest0", uplink="wan0"), {"cake"})
    assert (kind, wrong, tc.told) == ("none", "", [])
    one = Settings(interface="guest0", uplink="wan0", down_mbit=8)
    assert len(_shared(monkeypatch, one, {"cake"})[2].told) == 1


def test_what_is_no_longer_wanted_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rate that is 0 again, and an interface that is another now."""
    left = {"guest0": ("htb", "5719:"), "wan0": ("cake", "5719:"), "eth2": ("cake", "5719:")}
    kind, _, tc = _shared(monkeypatch, Settings(interface="guest0", uplink="wan0", up_mbit=9), ALL, left)
    assert kind == "cake"
    assert {*tc.roots} == {"wan0"}
    kind, _, tc = _shared(monkeypatch, Settings(interface="guest0", uplink="wan0"), ALL, left)
    assert (kind, tc.roots) == ("none", {})


@pytest.mark.parametrize("theirs", [("cake", "8001:"), ("htb", "1:"), ("fq", "5719:")])
def test_what_is_not_ours_stays(monkeypatch: pytest.MonkeyPatch, theirs: tuple[str, str]) -> None:
    roots = {"guest0": ("cake", "5719:"), "wan0": theirs, "eth2": theirs}
    kind, wrong, tc = _shared(monkeypatch, LINE, ALL, roots)
    assert kind == "none"
    assert "wan0 has a queue of somebody else's" in wrong
    assert tc.roots == {"wan0": theirs, "eth2": theirs}
    assert _shared(monkeypatch, Settings(interface="guest0", uplink="wan0"), ALL, roots)[2].roots["wan0"] == theirs


@pytest.mark.parametrize("said", [None, "", "null", "7", "{}", "[1]", '[{"root": true}]', "nonsense"])
def test_a_tc_that_says_nothing_useful(monkeypatch: pytest.MonkeyPatch, said: str | None) -> None:
    monkeypatch.setattr(fairness, "_tc", lambda _, words: said if words[0] == "-j" else "")
    assert fairness.share(LINE)[0] == "cake"


@needs_network
def test_with_the_kernel_of_this_machine(box: Box) -> None:
    """Whatever it has: what the status says is what the interfaces have, and guests get in either way."""
    box.configure(down_mbit=50, up_mbit=10)
    box.start_gate()
    caller = box.caller()
    until(lambda: caller.do("status")["forwarding"])
    status = caller.do("status")
    shown = box.box.run("tc", "qdisc", "show", "dev", "guest0")
    if status["fairness"] == "none":
        assert "neither cake nor fq_codel" in status["problem"]
        assert "htb" not in shown
    else:
        assert status["fairness"] in shown
    assert status["rules"] == "in_place"
