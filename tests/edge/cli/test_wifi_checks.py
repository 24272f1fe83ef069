"""Given a box with a guest Wi-Fi and something wrong with it, expect one line that says it and what to do."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from devices.access import render
from devices.access.orders import GateError, GateProblem, GateStatus
from edge.cli import wifi_checks
from edge.cli.checks import Line, Verdict
from edge.cli.wifi_foreign import Run
from edge.config import Config, parse

BOX = """[gateway]
tenant = "t"
store = "s"
id = "g"
[gate]
interface = "br-guest"
uplink = "eth0"
"""
OWN = "127.77.0.1"
WELL = GateStatus(version="1", rules="in_place", interface="up", uplink="up", fairness="cake")


def box(more: str = "", *, address4: str = f"{OWN}/24") -> Config:
    """Where guests meet it is an address of loopback, which a test may have and a gateway.toml may not."""
    config = parse(BOX + more, where="test")
    return msgspec.structs.replace(config, gate=msgspec.structs.replace(config.gate, address4=address4))


_FORWARD = {"type": "filter", "hook": "forward", "prio": 0}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A box where all is well, as files: interfaces, forwarding, dnsmasq and what it runs by."""
    for name in ("br-guest", "eth0"):
        _write(tmp_path / "sys/class/net" / name / "operstate", "up\n")
    for switch in ("ipv4/conf/br-guest", "ipv4/conf/eth0", "ipv6/conf/all"):
        _write(tmp_path / "proc/sys/net" / switch / "forwarding", "1\n")
    _write(tmp_path / "etc/dnsmasq.d/storegate.conf", render.dnsmasq(box(), api=False))
    run(tmp_path, "dnsmasq", pid=17)
    _write(tmp_path / "proc/net/udp", SERVED)
    for program in ("nft", "dnsmasq", "hostapd"):
        _write(tmp_path / "bin" / program, "#!/bin/sh\n")
        (tmp_path / "bin" / program).chmod(0o755)
    return tmp_path


SERVED = """   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
  1: 01004D7F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000 0
  2: 00000000:0043 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000 0
"""
"""Ports 53 of 127.77.0.1 and 67 of all, as /proc/net/udp has them."""
DEBIAN = ("/usr/sbin/dnsmasq", "-x", "/run/dnsmasq/dnsmasq.pid", "-u", "dnsmasq", "-7", "/etc/dnsmasq.d,.dpkg-dist")
LIBVIRT = ("/usr/sbin/dnsmasq", "--conf-file=/var/lib/libvirt/dnsmasq/default.conf", "--leasefile-ro")
HOSTAPD = ("/usr/sbin/hostapd", "-B", "/etc/hostapd/hostapd.conf")


def run(root: Path, program: str, *, pid: int, began_s: float | None = None, command: tuple[str, ...] = DEBIAN) -> None:
    booted = int(time.time()) - 5000
    ticks = int(((time.time() if began_s is None else began_s) - booted) * os.sysconf("SC_CLK_TCK"))
    _write(root / "proc/stat", f"cpu 1 2 3\nbtime {booted}\nprocesses 9\n")
    _write(root / f"proc/{pid}/comm", f"{program}\n")
    _write(root / f"proc/{pid}/cmdline", "".join(f"{each}\0" for each in command))
    _write(root / f"proc/{pid}/stat", f"{pid} ({program} (x) y) S {' '.join(['1'] * 18)} {ticks} 0 0\n")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


def look(
    root: Path, config: Config | None = None, said: GateStatus | GateError = WELL, run: Run = lambda _: None
) -> dict[str, Line]:
    async def ask(_: Config) -> GateStatus:
        if isinstance(said, GateError):
            raise said
        return said

    config = config or box()
    admin = msgspec.structs.replace(config.listen.admin, port=_free_port())  # a daemon of this machine is not looked at
    config = msgspec.structs.replace(config, listen=msgspec.structs.replace(config.listen, admin=admin))
    lines = list(wifi_checks.wifi(config, ask=ask, run=run, root=root, path=str(root / "bin")))
    return {line.what: line for line in lines}


def wrong(lines: dict[str, Line]) -> dict[str, str]:
    assert all(line.next for line in lines.values() if line.verdict is not Verdict.OK)
    return {what: line.text for what, line in lines.items() if line.verdict is Verdict.WRONG}


def test_a_well_one(root: Path) -> None:
    lines = look(root)
    assert wrong(lines) == {}
    assert {"wifi programs", "wifi br-guest", "wifi eth0", "gate", "dnsmasq", "policy"} <= lines.keys()
    assert [what for what, line in lines.items() if line.verdict is not Verdict.OK] == ["certificate"]  # there is none


def test_none_here_is_no_line_and_a_fake_one_is_said(root: Path) -> None:
    plain = parse('[gateway]\ntenant = "t"\nstore = "s"\nid = "g"\n', where="test")
    assert look(root, plain) == {}
    fake = parse('[gateway]\ntenant = "t"\nstore = "s"\nid = "g"\n[gate]\ndriver = "fake"\n', where="test")
    assert [line.verdict for line in look(root, fake).values()] == [Verdict.NOTE]


def test_programs_that_are_missing(root: Path) -> None:
    for program in ("nft", "dnsmasq", "hostapd"):
        (root / "bin" / program).unlink()
    assert wrong(look(root))["wifi programs"] == "not installed: nftables, dnsmasq"
    own = box('[access_point]\ninterface = "wlan0"\n')
    assert wrong(look(root, own))["wifi programs"].endswith("hostapd")


def test_interfaces_that_are_missing_down_or_without_the_address(root: Path) -> None:
    (root / "sys/class/net/eth0/operstate").unlink()
    (root / "sys/class/net/eth0").rmdir()
    _write(root / "sys/class/net/br-guest/operstate", "down\n")
    found = wrong(look(root, box(address4="10.255.254.253/24")))
    assert "there is no eth0; there is br-guest" in found["wifi eth0"]
    assert "down" in found["wifi br-guest"]
    assert "10.255.254.253" in found["wifi address"]


def test_a_gate_that_does_not_answer_or_is_unwell(root: Path) -> None:
    down = GateError(GateProblem.DOWN, "no gate at /run/storegate-gate/gate.sock", hint="x")
    line = look(root, said=down)["gate"]
    assert (line.verdict, "storegate-gate" in line.next) == (Verdict.WRONG, True)
    failed = GateStatus(
        rules="failed", interface="up", problem="the program nft is not on this box", hint="apt install"
    )
    assert wrong(look(root, said=failed)) == {"gate": "the program nft is not on this box"}
    assert wrong(look(root, said=GateStatus(interface="missing"))) == {"gate": "rules: starting, br-guest: missing"}
    told = GateStatus(version="1", rules="in_place", interface="up", uplink="up", onlink=("198.51.100.0/24",))
    assert "closed to guests: 198.51.100.0/24" in look(root, said=told)["gate"].text
    changed = GateStatus(version="1", rules="in_place", interface="up", uplink="up", repairs=4)
    assert (look(root, said=changed)["gate"].verdict, "4 times" in look(root, said=changed)["gate"].text) == (
        Verdict.NOTE,
        True,
    )


def test_no_gate_on_this_box(tmp_path: Path) -> None:
    config = parse(BOX + f'socket = "{tmp_path / "gate.sock"}"\n', where="test")
    (line,) = wifi_checks.gate(config, wifi_checks.asked)
    assert (line.verdict, "enable --now storegate-gate" in line.next) == (Verdict.WRONG, True)


def test_forwarding_that_somebody_switched_off(root: Path) -> None:
    _write(root / "proc/sys/net/ipv4/conf/br-guest/forwarding", "0\n")
    _write(root / "proc/sys/net/ipv6/conf/all/forwarding", "0\n")
    assert "ipv4" in wrong(look(root))["wifi forwarding"]  # no address6: IPv6 is not to be forwarded
    lines = list(
        wifi_checks.forwarding(box('address6 = "fd00:64::1/64"\n[listen.guest]\nhost = "::"\nport = 8080\n'), root)
    )
    assert len(lines) == 2


def test_dnsmasq_runs_by_what_gateway_toml_says_now(root: Path) -> None:
    file = root / "etc/dnsmasq.d/storegate.conf"
    later = box("[portal]\nlease_s = 600\n")
    assert "not what gateway.toml says" in wrong(look(root, later))["dnsmasq"]
    run(root, "dnsmasq", pid=17, began_s=time.time() - 900)
    assert "newer than" in wrong(look(root))["dnsmasq"]
    run(root, "another", pid=17)
    assert "none runs by" in wrong(look(root))["dnsmasq"]
    file.unlink()
    assert "render dnsmasq" in look(root)["dnsmasq"].next
    _write(file, "# somebody else's\n")
    assert "no configuration of ours" in wrong(look(root))["dnsmasq"]


@pytest.mark.parametrize(
    ("command", "ours"),
    [
        (DEBIAN, True),
        (("dnsmasq", "--conf-file=/etc/dnsmasq.d/storegate.conf"), True),
        (("dnsmasq", "-C", "/etc/dnsmasq.d/storegate.conf", "-k"), True),
        (("dnsmasq", "--conf-dir=/etc/dnsmasq.d/,*.conf"), True),
        (("dnsmasq", "-7/etc/dnsmasq.d"), True),
        (("dnsmasq", "--conf-dir"), False),
        (LIBVIRT, False),
        (("dnsmasq", "--conf-file=", "--interface=lxdbr0"), False),
        (("dnsmasq", "-k"), False),
        ((), False),
    ],
)
def test_a_dnsmasq_of_somebody_else_is_not_ours(root: Path, command: tuple[str, ...], ours: bool) -> None:
    run(root, "dnsmasq", pid=17, command=command)
    line = look(root)["dnsmasq"]
    assert (line.verdict is Verdict.OK) is ours
    assert ours or "though another dnsmasq does" in line.text


def test_a_main_file_may_name_the_folder(root: Path) -> None:
    run(root, "dnsmasq", pid=17, command=("dnsmasq", "-k"))
    _write(root / "etc/dnsmasq.conf", "# conf-dir=/elsewhere\nport=53\nconf-dir=/etc/dnsmasq.d/,*.conf # ours\n")
    assert look(root)["dnsmasq"].verdict is Verdict.OK


def test_a_dnsmasq_that_serves_another_network_alone(root: Path) -> None:
    _write(root / "proc/net/udp", SERVED.replace("01004D7F:0035", "017AA8C0:0035"))
    line = look(root)["dnsmasq"]
    assert (line.verdict, "not for 127.77.0.1" in line.text) == (Verdict.WRONG, True)
    assert "ss -lunp" in line.next
    (root / "proc/net/udp").unlink()
    assert look(root)["dnsmasq"].verdict is Verdict.OK  # nothing can be told


DOCKER = {
    "nftables": [
        {"metainfo": {"version": "1.0.6"}},
        {"chain": {"family": "ip", "table": "filter", "name": "DOCKER-USER", "handle": 5}},
        {"chain": _FORWARD | {"family": "ip", "table": "filter", "name": "FORWARD", "policy": "drop"}},
        {"chain": _FORWARD | {"family": "inet", "table": "storegate", "name": "forward", "policy": "drop"}},
        {"chain": _FORWARD | {"family": "ip6", "table": "filter", "name": "FORWARD", "policy": "drop"}},
        {"chain": _FORWARD | {"family": "inet", "table": "mine", "name": "fwd", "policy": "accept"}},
    ]
}


def test_a_firewall_of_somebody_else_that_drops_what_is_forwarded(root: Path) -> None:
    docker = "list chain ip filter DOCKER-USER"
    printed = {"list chains": json.dumps(DOCKER), "list table ip filter": "{}", docker: "{}"}

    def nft(command: list[str]) -> str | None:
        return printed.get(" ".join(command[2:])) if command[:2] == ["nft", "-j"] else None

    line = look(root, run=nft)["firewall"]
    assert (line.verdict, line.text.startswith("ip filter FORWARD drops")) == (Verdict.WRONG, True)
    assert "iptables -I DOCKER-USER -i br-guest -o eth0 -j ACCEPT" in line.next
    assert "RELATED" in line.next
    del printed[docker]
    printed["list chain ip filter ufw-user-forward"] = "{}"
    assert "ufw route allow in on br-guest out on eth0" in look(root, run=nft)["firewall"].next
    printed["list table ip filter"] = '{"match": {"right": "br-guest"}}'
    assert "firewall" not in look(root, run=nft)
    for nonsense in ("", "[]", "{", '{"nftables": [1, {"chain": 2}]}'):
        printed["list chains"] = nonsense
        assert "firewall" not in look(root, run=nft)


def test_a_firewall_of_the_old_kind(root: Path) -> None:
    rules = "-P INPUT ACCEPT\n-P FORWARD DROP\n"

    def legacy(command: list[str]) -> str | None:
        return rules if command[0] == "iptables-legacy" else None

    assert "iptables-legacy -I FORWARD" in look(root, run=legacy)["firewall"].next
    rules += "-A FORWARD -i br-guest -o eth0 -j ACCEPT\n"
    assert "firewall" not in look(root, run=legacy)


def test_fair_shares_that_the_kernel_cant_give_are_a_thing_to_look_at(root: Path) -> None:
    none = GateStatus(version="1", rules="in_place", interface="up", uplink="up", fairness="none")
    assert "fair shares" not in look(root, said=none)
    asked = msgspec.structs.replace(box(), gate=msgspec.structs.replace(box().gate, down_mbit=50.0))
    assert look(root, asked, said=none)["fair shares"].verdict is Verdict.NOTE


def test_ways_that_only_staff_can_use(root: Path) -> None:
    config = box('[portal]\npolicy = "cn"\n[portal.staff]\nmei = "fernsehturm-11"\n')
    assert "click is not allowed by the policy cn/" in wrong(look(root, config))["ways in"]


def test_the_own_access_point(root: Path) -> None:
    config = box('[access_point]\ninterface = "wlan0"\nssid = "好邻居 Free"\n')
    assert "no configuration of ours" in wrong(look(root, config))["hostapd"]
    _write(root / "etc/hostapd/hostapd.conf", render.hostapd(config))
    run(root, "hostapd", pid=18, command=HOSTAPD)
    assert wrong(look(root, config)) == {}
    assert "not what gateway.toml" in wrong(look(root, box('[access_point]\ninterface = "wlan0"\n')))["hostapd"]


def test_a_policy_that_is_not_there(tmp_path: Path) -> None:
    config = box()
    (line,) = wifi_checks.policy(config)
    assert (line.verdict, line.text) == (Verdict.OK, "none/1, keeps no records")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("edge.policies.FOLDER", tmp_path)
        portal = msgspec.structs.replace(config.portal, policy="atlantis")
        (line,) = wifi_checks.policy(msgspec.structs.replace(config, portal=portal))
    assert line.verdict is Verdict.WRONG
    assert "atlantis" in line.text


NAME = "s1.portal.example.net"


def certified(
    folder: Path, *, name: str = NAME, days: float = 80, life: float = 90, chain: bool = True
) -> tuple[Config, Path]:
    """A box with a certificate, and where its key is."""
    root, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "some CA")])
    ends = datetime.now(UTC) + timedelta(days=days)
    dates = (ends - timedelta(days=life), ends)
    ca = x509.BasicConstraints(ca=True, path_length=0)
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    leaf = signed("leaf", key, who, root, dates).add_extension(names, critical=False).sign(root, hashes.SHA256())
    above = signed("some CA", root, who, root, dates).add_extension(ca, critical=True).sign(root, hashes.SHA256())
    pem = leaf.public_bytes(Encoding.PEM) + (above.public_bytes(Encoding.PEM) if chain else b"")
    (folder / "cert.pem").write_bytes(pem)
    (folder / "etc/ssl/certs").mkdir(parents=True, exist_ok=True)
    (folder / "etc/ssl/certs/ca-certificates.crt").write_bytes(above.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    more = f'[portal]\nname = "{NAME}"\ncert_file = "{folder}/cert.pem"\nkey_file = "{folder}/key.pem"\n'
    return box(more), folder / "key.pem"


def signed(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    by: x509.Name,
    issuer: ec.EllipticCurvePrivateKey,
    dates: tuple[datetime, datetime],
) -> x509.CertificateBuilder:
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dates[0])
        .not_valid_after(dates[1])
        .add_extension(above, critical=False)
    )


def test_certificates(tmp_path: Path) -> None:
    for more, verdict, word in (
        ({}, Verdict.OK, "79 days left"),
        ({"name": "*.portal.example.net"}, Verdict.OK, "days left"),
        ({"days": 29}, Verdict.NOTE, "28 days left"),
        ({"days": 20, "life": 45}, Verdict.OK, "19 days left"),
        ({"chain": False}, Verdict.NOTE, "who signed it"),
        ({"days": -1}, Verdict.WRONG, "ended on"),
        ({"days": 100}, Verdict.WRONG, "begins on"),
        ({"name": "s2.portal.example.net"}, Verdict.WRONG, f"not for {NAME}"),
    ):
        config, _ = certified(tmp_path, **more)  # type: ignore[arg-type]
        (line,) = wifi_checks.certificate(config, tmp_path)
        assert (line.verdict, word in line.text, bool(line.next)) == (verdict, True, verdict is not Verdict.OK), line


def test_an_authority_of_ones_own_is_told(tmp_path: Path) -> None:
    config, _ = certified(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    certified(other)
    (line,) = wifi_checks.certificate(config, other)
    assert (line.verdict, "not signed by an authority that this system knows" in line.text) == (Verdict.NOTE, True)
    assert "trust it" in line.next
    (line,) = wifi_checks.certificate(config, tmp_path / "nothing")
    assert line.verdict is Verdict.OK  # no authorities to ask


def test_keys_and_files_of_a_certificate(tmp_path: Path) -> None:
    config, key = certified(tmp_path)
    other = ec.generate_private_key(ec.SECP256R1())
    key.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert "not the key" in next(wifi_checks.certificate(config, tmp_path)).text
    key.unlink()
    assert "No such file" in next(wifi_checks.certificate(config, tmp_path)).text


def test_phones_are_told_of_the_api_while_it_has_a_certificate(tmp_path: Path) -> None:
    file, timer = tmp_path / "etc/dnsmasq.d/storegate.conf", tmp_path / wifi_checks.TIMER
    for days, api, kept, verdict, word in (
        (80, True, True, None, ""),
        (80, True, False, Verdict.NOTE, "take it back"),
        (80, False, True, Verdict.NOTE, "not told"),
        (-1, True, True, Verdict.WRONG, "no certificate"),
        (-1, False, False, None, ""),
    ):
        config, _ = certified(tmp_path, days=days)
        _write(file, render.dnsmasq(config, api=api))
        timer.unlink(missing_ok=True)
        if kept:
            _write(timer, "")
        lines = list(wifi_checks.told(config, tmp_path))
        assert [line.verdict for line in lines] == [verdict] * (verdict is not None), (days, api, kept)
        assert all(word in line.text and "storegate-dhcp.timer" in line.next for line in lines)
    assert list(wifi_checks.told(box(), tmp_path)) == []


def test_doors_are_asked_while_the_daemon_runs() -> None:
    with _listener() as (admin, _), _listener(OWN) as (guest, closing), _resolver() as dns:
        ports = f'dns_port = {dns}\n[listen.admin]\nport = {admin}\n[listen.guest]\nhost = "::"\nport = {guest}\n'
        assert [line.verdict for line in wifi_checks.doors(box(ports))] == [Verdict.OK]
        mute = ports.replace(f"dns_port = {dns}", f"dns_port = {_free_port()}")
        assert [line.what for line in wifi_checks.doors(box(mute))] == ["captive DNS"]
        gone = msgspec.structs.replace(box(ports).gate, address4="10.255.254.253/24")
        (line,) = wifi_checks.doors(msgspec.structs.replace(box(ports), gate=gone))
        assert (line.what, "interface first" in line.next) == ("portal", True)
        closing()
        assert [line.what for line in wifi_checks.doors(box(ports))] == ["portal"]
    assert list(wifi_checks.doors(box(ports))) == []  # no daemon: that has a line of its own


@contextmanager
def _listener(host: str = "127.0.0.1") -> Iterator[tuple[int, Callable[[], None]]]:
    with socket.create_server((host, 0)) as server:
        yield server.getsockname()[1], server.close


@contextmanager
def _resolver() -> Iterator[int]:
    """Answers the first question: there is no such name."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((OWN, 0))
        server.settimeout(5)

        def echo() -> None:
            raw, sender = server.recvfrom(512)
            server.sendto(raw[:2] + b"\x81\x83" + raw[4:], sender)

        thread = threading.Thread(target=echo, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        thread.join(5)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((OWN, 0))
        return int(probe.getsockname()[1])
