"""Rules that somebody changes, a gate that is killed, a box without what it needs: said, repaired, nobody let out."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path

import pytest

from devices.access.gate import nft
from tests.devices.access.gate.given_gate import (
    GUEST,
    SECOND,
    WAN4,
    Box,
    Caller,
    Space,
    box,
    macs,
    needs_network,
    until,
)

__all__ = ["box"]
pytestmark = needs_network
FAR4, FAR6 = "198.51.100.80", "[2001:db8:ffff::80]"


def _repaired(caller: Caller, times: int) -> None:
    until(lambda: caller.do("status")["repairs"] == times)


def test_flushed_rules_come_back_with_everybody(box: Box) -> None:
    box.start_gate()
    caller = box.caller()
    caller.do("allow", mac=GUEST, mark=7, end_s=600)
    caller.do("allow", mac=SECOND, mark=8, end_s=600)
    caller.do("let", addresses=["198.51.100.80"], for_s=600)
    caller.do("capture", members=True)
    run = caller.do("count")["run"]
    start_s = time.monotonic()
    box.box.run("nft", "flush", "ruleset")
    _repaired(caller, 1)
    assert time.monotonic() - start_s < 3
    assert box.members() == {GUEST: 7, SECOND: 8}
    assert len(box.listed("idle")) == 2
    assert len(box.listed("walled4")) == 1
    assert box.listed("free") == []
    counted = caller.do("count")
    assert counted["run"] == run
    assert "somebody else changed our rules" in box.log.read_text()
    assert GUEST not in box.log.read_text()


@pytest.mark.parametrize(
    "change",
    [
        "insert rule inet storegate guest_forward accept",
        "flush chain inet storegate from_guest",
        "add element inet storegate members { 02:00:00:00:77:02 timeout 1h : 99 }",
        "delete element inet storegate members { 02:00:00:00:77:01 }",
        "flush set inet storegate idle",
        "flush set inet storegate down",
        "flush set inet storegate free",
        "delete table inet storegate",
    ],
)
def test_a_change_by_hand_is_undone(box: Box, change: str) -> None:
    box.start_gate()
    caller = box.caller()
    caller.do("allow", mac=GUEST, mark=7, end_s=600)
    before = _rules(box)
    box.box.run("nft", "-f", "-", text=change)
    _repaired(caller, 1)
    assert _rules(box) == before
    assert box.members() == {GUEST: 7}
    assert len(box.listed("idle")) == len(box.listed("down")) == 1
    assert box.listed("free") == ["guest0"]


def test_other_peoples_rules_are_left_alone(box: Box) -> None:
    box.start_gate()
    caller = box.caller()
    caller.do("allow", mac=GUEST, mark=7, end_s=600)
    box.box.run("nft", "-f", "-", text="table inet other { chain forward { type filter hook forward priority 5; }\n}")
    until(lambda: caller.do("status")["looks"] == 1)
    assert caller.do("status")["repairs"] == 0
    box.box.run("nft", "delete", "table", "inet", "storegate")
    _repaired(caller, 1)
    assert "other" in box.box.run("nft", "list", "tables")


def test_who_ended_and_is_not_taken_out_yet_is_no_change_by_hand(box: Box) -> None:
    """The rules were made good after a member's end: their marks are gone, and their last counts are still told."""
    box.start_gate()
    caller = box.caller()
    caller.do("allow", mac=GUEST, mark=7, end_s=600)
    caller.do("allow", mac=SECOND, mark=8, end_s=0.2)
    until(lambda: box.members() == {GUEST: 7})
    box.box.run("nft", "flush", "ruleset")
    _repaired(caller, 1)
    for number in range(2):
        looks = caller.do("status")["looks"]
        box.box.run("nft", "add", "table", "inet", f"other{number}")
        until(lambda before=looks: caller.do("status")["looks"] > before)  # type: ignore[misc]
    assert caller.do("status")["repairs"] == 1
    assert len(caller.do("count")["members"]) == 2


def test_an_order_right_after_a_flush_is_done(box: Box) -> None:
    box.start_gate()
    caller = box.caller()
    caller.do("allow", mac=GUEST, mark=7, end_s=600)
    for mark in range(10, 15):
        box.box.run("nft", "flush", "ruleset")
        caller.do("allow", mac=SECOND, mark=mark, end_s=600)
        assert box.members() == {GUEST: 7, SECOND: mark}


def test_killed_and_started_again_everybody_is_still_in(box: Box) -> None:
    box.configure()
    box.serve(box.internet, 80, "internet")
    box.start_gate()
    caller = box.caller()
    caller.do("reset", members=[*macs(500), {"mac": GUEST, "mark": 7000, "end_s": 600}])
    caller.do("let", addresses=["198.51.100.80"], for_s=600)
    assert _get(box) == "internet"
    counted = {one["mac"]: one for one in caller.do("count")["members"]}
    run = caller.do("count")["run"]
    assert counted[GUEST]["down_bytes"] > 100
    box.stop_gate(signal.SIGKILL)
    assert _get(box) == "internet"  # who is in stays in
    box.start_gate()
    again = box.caller().do("count")
    assert again["run"] == run
    found = {one["mac"]: one for one in again["members"]}
    assert found.keys() == counted.keys()
    assert found[GUEST]["mark"] == 7000
    assert found[GUEST]["down_bytes"] > counted[GUEST]["down_bytes"]
    assert 500 < found[GUEST]["end_s"] < counted[GUEST]["end_s"]
    assert len(box.listed("walled4")) == 1
    assert _get(box) == "internet"


def test_killed_in_any_moment_of_its_start(box: Box) -> None:
    box.start_gate()
    box.caller().do("allow", mac=GUEST, mark=7, end_s=600)
    box.stop_gate(signal.SIGKILL)
    for wait_s in (0.02, 0.1, 0.15, 0.2, 0.25, 0.3):
        process = box.box.start("sh", "-c", f"timeout -s KILL {wait_s} {_command(box)}")
        process.communicate()
        assert box.members() == {GUEST: 7}
    box.start_gate()
    assert box.members() == {GUEST: 7}


def test_ended_in_good_order_the_rules_stay(box: Box) -> None:
    box.start_gate()
    box.caller().do("allow", mac=GUEST, mark=7, end_s=600)
    box.stop_gate()
    assert box.gate is not None
    assert box.gate.returncode == 0
    assert box.members() == {GUEST: 7}
    assert not box.socket.exists()
    assert box.box.run("cat", "/proc/sys/net/ipv4/conf/guest0/forwarding") == "1\n"


def test_missing_interfaces_are_said_and_awaited(box: Box) -> None:
    box.configure(interface="guest9", uplink="wan9", address4="10.99.0.1/24", address6="")
    box.start_gate()
    caller = box.caller()
    status = caller.do("status")
    assert (status["rules"], status["interface"], status["uplink"]) == ("in_place", "missing", "missing")
    assert status["problem"] == "guest9 is not there"
    assert "gate.interface" in status["hint"]
    assert status["forwarding"] is False
    caller.do("allow", mac=GUEST, mark=7, end_s=600)  # the kernel has the guest before the guest has the network
    box.box.ip("link add guest9 type veth peer name wan9")
    box.box.ip("link set guest9 up")
    box.box.ip("link set wan9 up")
    until(lambda: caller.do("status")["problem"] == "")
    status = caller.do("status")
    assert (status["interface"], status["uplink"], status["forwarding"]) == ("up", "up", True)


def test_without_nft_it_says_so_and_forwards_nothing(box: Box, tmp_path: Path) -> None:
    box.serve(box.internet, 80, "internet")
    box.box.run("sysctl", "-qw", "net.ipv4.conf.guest0.forwarding=1", "net.ipv6.conf.all.forwarding=1")
    box.box.run("sysctl", "-qw", "net.ipv4.conf.wan0.forwarding=1")
    box.internet.ip(f"route add 10.77.0.0/24 via {WAN4}")  # no rule is needed for the way back
    until(lambda: _get(box) == _get(box, FAR6) == "internet")
    hidden = [
        "unshare",
        "-m",
        "sh",
        "-c",
        'for n in /usr/sbin/nft /sbin/nft; do [ -e $n ] && mount --bind /dev/null $n; done; exec "$@"',
        "-",
    ]
    box.start_gate(*hidden)
    caller = box.caller()
    status = caller.do("status")
    assert status["rules"] == "failed"
    assert "nft" in status["problem"]
    assert status["hint"]
    assert caller.ask("allow", mac=GUEST, mark=7, end_s=600)["error"] == "not_ready"
    assert caller.ask("list")["error"] == "not_ready"
    assert (_get(box), _get(box, FAR6)) == ("", "")


def _lose_nft(box: Box) -> None:
    """In the gate's own view of the files only."""
    assert box.gate is not None
    for name in ("/usr/sbin/nft", "/sbin/nft"):
        if Path(name).exists():
            box.box.run("nsenter", "-t", str(box.gate.pid), "-m", "mount", "--bind", "/dev/null", name)


def _find_nft(box: Box) -> None:
    assert box.gate is not None
    for name in ("/usr/sbin/nft", "/sbin/nft"):
        if Path(name).exists():
            box.box.run("nsenter", "-t", str(box.gate.pid), "-m", "umount", name)


@pytest.mark.parametrize("change", ["flush ruleset", "insert rule inet storegate guest_forward accept"])
def test_rules_that_are_lost_and_no_nft_to_bring_them_back_shut_both_families(box: Box, change: str) -> None:
    """Nobody passes, member or not, however often the bar is taken away; and all is as before when nft is back."""
    box.configure(masquerade6=True)
    box.serve(box.internet, 80, "internet")
    box.internet.ip(f"route add 10.77.0.0/24 via {WAN4}")  # no rule is needed for the way back
    box.start_gate()
    caller = box.caller()
    caller.do("allow", mac=SECOND, mark=8, end_s=600)
    until(lambda: caller.do("status")["forwarding"])
    _lose_nft(box)
    for repeated in (change, "flush ruleset", "delete table inet storegate_wait"):
        box.box.run("nft", "-f", "-", text=repeated)
        until(lambda: caller.do("status")["rules"] == "failed")
        until(lambda: "storegate_wait" in box.box.run("nft", "list", "tables"))
        assert (_get(box), _get(box, FAR6)) == ("", "")
        assert _get(box, FAR6, box.second) == ""
    assert "nft" in caller.do("status")["problem"]
    _find_nft(box)
    until(lambda: caller.do("status")["rules"] == "in_place")
    assert "storegate_wait" not in box.box.run("nft", "list", "tables")
    assert box.members() == {SECOND: 8}
    for host in (FAR4, FAR6):
        assert _get(box, host, box.second) == "internet"
        assert _get(box, host) == ""


def test_an_nft_that_hangs_is_given_up(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    program = box.folder / "nft"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setattr(nft, "_PATH", str(box.folder))
    monkeypatch.setattr(nft, "_PATIENCE_S", 0.2)
    with pytest.raises(nft.NftError, match="TimeoutExpired"):
        nft.check("")


def test_the_bar_is_what_nft_would_have_made(box: Box) -> None:
    code = (
        "import sys; sys.path.insert(0, '.'); from devices.access.gate import barrier, netlink;"
        "net = netlink.Netlink(); [net.commit(barrier.batch('guest0')) for _ in range(2)]"
    )
    box.box.python(code)
    listed = " ".join(box.box.run("nft", "list", "ruleset").split())
    assert listed == (
        "table inet storegate_wait { chain storegate_wait { type filter hook prerouting priority raw; policy accept;"
        ' iifname "guest0" drop } }'
    )


def test_a_barrier_that_was_left_standing_goes_with_the_next_start(box: Box) -> None:
    box.serve(box.internet, 80, "internet")
    box.start_gate()
    caller = box.caller()
    caller.do("allow", mac=GUEST, mark=7, end_s=600)
    until(lambda: _get(box) == "internet")
    assert box.gate is not None
    box.stop_gate(signal.SIGKILL)
    box.box.run("nft", "flush", "ruleset")
    text = (
        "table inet storegate_wait { chain wait { type filter hook prerouting priority raw; iifname guest0 drop; }\n}"
    )
    box.box.run("nft", "-f", "-", text=text)
    assert _get(box) == ""
    box.start_gate()
    assert "storegate_wait" not in box.box.run("nft", "list", "tables")
    caller = box.caller()
    assert caller.do("list")["members"] == []


def test_without_the_capability_it_says_so(box: Box) -> None:
    box.start_gate("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    status = box.caller().do("status")
    assert status["rules"] == "failed"
    assert "CAP_NET_ADMIN" in status["hint"]


def test_as_nobody_with_one_capability_all_works(box: Box) -> None:
    caps = "-all,+net_admin"
    nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    box.start_gate(*nobody, f"--bounding-set={caps}", f"--inh-caps={caps}", f"--ambient-caps={caps}")
    caller = box.caller()
    status = caller.do("status")
    assert (status["rules"], status["problem"]) == ("in_place", "")
    until(lambda: caller.do("status")["forwarding"])
    caller.do("reset", members=macs(2_000))
    box.box.run("nft", "flush", "ruleset")
    _repaired(caller, 1)
    assert len(box.members()) == 2_000


def test_only_one_gate(box: Box) -> None:
    box.start_gate()
    second = box.box.start("sh", "-c", _command(box))
    assert "another gate" in second.communicate(timeout=10)[1]
    assert second.returncode == 1
    assert box.caller().do("status")["rules"] == "in_place"


def test_forwarding_is_for_the_two_interfaces_only(box: Box) -> None:
    box.box.ip("link add lan0 type veth peer name lan1")
    box.start_gate()
    until(lambda: box.caller().do("status")["forwarding"])
    read = "/proc/sys/net/ipv4/conf/{}/forwarding"
    values = [box.box.run("cat", read.format(name)).strip() for name in ("guest0", "wan0", "lan0", "all")]
    assert values == ["1", "1", "0", "0"]
    assert box.box.run("cat", "/proc/sys/net/ipv6/conf/all/forwarding") == "1\n"
    assert box.box.run("cat", "/proc/sys/net/ipv6/conf/wan0/accept_ra") == "2\n"
    forward = box.box.run("nft", "list", "chain", "inet", "storegate", "guest_forward")
    assert re.search(r'iifname "wan0" drop', forward)
    # somebody else makes this box a router: none of our business any more
    box.box.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    until(lambda: "drop" not in box.box.run("nft", "list", "chain", "inet", "storegate", "guest_forward"))


def _rules(box: Box) -> str:
    return box.box.run("nft", "-nn", "-t", "-s", "list", "table", "inet", "storegate")


def _command(box: Box) -> str:
    import sys  # noqa: PLC0415

    return f"{sys.executable} -m devices.access.gate --config {box.config}"


def _get(box: Box, host: str = FAR4, of: Space | None = None) -> str:
    return (of or box.first).run("curl", "-g", "-s", "-m", "1", f"http://{host}/", check=False)
