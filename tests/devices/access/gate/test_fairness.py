"""What `tc` is told, where the kernel has cake, where it has only fq_codel, and where it has neither."""

from __future__ import annotations

import pytest

from devices.access.gate import fairness
from devices.access.gate.settings import Settings
from tests.devices.access.gate.given_gate import Box, box, needs_network, until

__all__ = ["box"]
LINE = Settings(interface="guest0", uplink="wan0", down_mbit=100.0, up_mbit=20.5)


def _told(monkeypatch: pytest.MonkeyPatch, settings: Settings, kernel: set[str]) -> tuple[str, list[str]]:
    told: list[str] = []

    def tc(_program: str, arguments: list[str]) -> bool:
        kinds = {"cake", "htb", "fq_codel"} & set(arguments)
        if kinds <= kernel and "delete" not in arguments:
            told.append(" ".join(arguments))
        return kinds <= kernel

    monkeypatch.setattr(fairness, "_tc", tc)
    kind, wrong = fairness.share(settings)
    assert (wrong is None) == bool(told or not settings.down_mbit)
    return kind, told


def test_cake_tells_guests_apart_by_their_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _told(monkeypatch, LINE, {"cake", "htb", "fq_codel"}) == (
        "cake",
        [
            "qdisc replace dev guest0 root cake bandwidth 100000kbit dual-dsthost nat",
            "qdisc replace dev wan0 root cake bandwidth 20500kbit dual-srchost nat",
        ],
    )


def test_fq_codel_behind_a_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    kind, told = _told(monkeypatch, LINE, {"htb", "fq_codel"})
    assert kind == "fq_codel"
    assert len(told) == 6
    assert told[1] == "class replace dev guest0 parent 1: classid 1:1 htb rate 100000kbit"


def test_nothing_is_touched_where_no_rate_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _told(monkeypatch, Settings(interface="guest0", uplink="wan0"), {"cake"}) == ("none", [])
    one = Settings(interface="guest0", uplink="wan0", down_mbit=8)
    assert len(_told(monkeypatch, one, {"cake"})[1]) == 1


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
