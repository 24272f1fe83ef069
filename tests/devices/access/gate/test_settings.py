"""What the gate reads of gateway.toml: the daemon's names and defaults, strictly, all mistakes at once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.access.gate.settings import KEYS, PRIVATE, Settings, SettingsError, parsed, read
from edge.config import ListenSection
from edge.config_wifi import GateSection

EXAMPLE = Path(__file__).parents[4] / "systemd" / "gateway.example.toml"


def test_names_and_defaults_are_the_daemons() -> None:
    theirs = GateSection()
    ours = Settings()
    assert {field.name for field in msgspec.structs.fields(GateSection)} == set(KEYS)
    for name in KEYS:
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.guest_port == ListenSection().guest.port
    assert theirs.blocked == PRIVATE


def test_nothing_set_is_no_guest_network() -> None:
    assert parsed("") == Settings()
    assert parsed('[mqtt]\nhost = "broker"\n') == Settings()


def test_the_example_is_read() -> None:
    assert parsed(EXAMPLE.read_text("utf-8")).driver == "gate"


def test_all_keys() -> None:
    found = parsed("""
[gate]
interface = "br-guest"
uplink = "eth0"
address4 = "172.20.0.1/16"
address6 = "fd00:64::1/64"
masquerade6 = true
socket = "/run/x.sock"
user = "shop"
dns_port = 5300
tls_port = 5443
idle_s = 60
portal_connections = 4
guest_connections = 32
blocked = ["10.0.0.0/8", "fc00::/7"]
reachable = ["192.168.1.9", "2001:db8::/64"]
down_mbit = 100
up_mbit = 20.5
[listen.guest]
host = "::"
port = 80
""")
    assert found.guest_port == 80
    assert found.down_mbit == 100.0
    assert found.blocked == ("10.0.0.0/8", "fc00::/7")
    assert str(found.ours4.network) == "172.20.0.0/16"
    assert str(found.ours6) == "fd00:64::1/64"
    changed = {field.name for field in dataclasses.fields(found)} - {"driver"}
    assert all(getattr(found, name) != getattr(Settings(), name) for name in changed)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('interface = "a b"', "gate.interface: wants an interface"),
        ('interface = "wlan0\\" accept"', "gate.interface: wants an interface"),
        ('interface = "wlan0\\n"', "gate.interface: wants an interface"),
        ("interface = 3", "gate.interface: wants text"),
        ('address4 = "10.0.0.1"', "gate.address4: wants an address of a host"),
        ('address4 = "10.0.0.0/24"', "gate.address4: wants an address of a host"),
        ('address4 = "10.0.0.1/24; drop"', "gate.address4: wants an IPv4 address"),
        ('address6 = "fe80::1/64"', "gate.address6: wants an address that guests can route to"),
        ('address6 = "fd00::1%eth0/64"', "gate.address6: wants an address that guests can route to"),
        ('address6 = "10.0.0.1/24"', "gate.address6: wants an IPv6 address"),
        ("masquerade6 = 1", "gate.masquerade6: wants true or false"),
        ("idle_s = 5", "gate.idle_s: wants a whole number from 60 to 86400"),
        ("idle_s = true", "gate.idle_s: wants a whole number"),
        ("idle_s = 60.5", "gate.idle_s: wants a whole number"),
        ('blocked = "10.0.0.0/8"', "gate.blocked: wants a list"),
        ('blocked = ["10.0.0.1/8"]', "is no network like"),
        ('blocked = ["fe80::%eth0/64"]', "is no network like"),
        ("blocked = [3]", "(wants text)"),
        ('reachable = ["0.0.0.0/0"]', "gate.reachable: wants networks and addresses, not everything"),
        ('reachable = ["shop.example"]', "is no network like"),
        ("down_mbit = -1", "gate.down_mbit: wants a number from 0"),
        ("up_mbit = nan", "gate.up_mbit: wants a number from 0"),
        ('socket = "gate.sock"', "gate.socket: wants a path"),
        ('user = "a b"', "gate.user: wants a user's name"),
        ('driver = "iptables"', "gate.driver: wants one of gate, fake"),
        ("interfaces = 1", "gate.interfaces: no such key"),
        ('interface = "a"\nuplink = "a"', "gate.uplink: the same as gate.interface"),
        ('interface = "a"\ndns_port = 0', "gate.dns_port: guests are led to this port"),
        ('interface = "a"\ntls_port = 8080', "each needs a port of its own"),
        ("= 3", "Invalid statement"),
    ],
)
def test_a_mistake_is_said(line: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parsed(f"[gate]\n{line}\n", "gateway.toml")
    assert said in str(caught.value)
    assert str(caught.value).startswith("gateway.toml: ")


@pytest.mark.parametrize(
    "text", ["gate = 3", "[gate]\n[listen]\nguest = 3", "listen = []", "[listen.guest]\nport = -1"]
)
def test_sections_of_another_kind(text: str) -> None:
    with pytest.raises(SettingsError):
        parsed(text)


def test_all_mistakes_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        parsed("[gate]\nidle_s = 1\ndns_port = 99999\nnope = 1\n")
    assert len(str(caught.value).splitlines()) == 3


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        read(tmp_path / "gateway.toml")
    (tmp_path / "gateway.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="UTF-8"):
        read(tmp_path / "gateway.toml")


@given(st.sampled_from(KEYS), st.one_of(st.text(max_size=30), st.integers(), st.booleans(), st.floats()))
def test_any_value_is_taken_or_refused(name: str, value: object) -> None:
    import json  # noqa: PLC0415

    text = json.dumps(value) if not isinstance(value, float) else repr(value)
    try:
        found = parsed(f"[gate]\n{name} = {text}\n")
    except SettingsError:
        return
    kept = getattr(found, name)
    assert kept == value
    assert '"' not in str(kept) or name == "socket"
