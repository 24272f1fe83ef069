"""What dnsmasq and hostapd are given: held to the real programs where they are installed."""

from __future__ import annotations

import ipaddress
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.access import render
from edge.config import Config, parse
from edge.errors import UsageError

LEAST = '[gateway]\ntenant = "t"\nstore = "s"\nid = "g"\n[listen.guest]\nhost = "::"\nport = 8080\n'
GATE = '[gate]\ninterface = "br-guest"\nuplink = "eth0"\n'
NAMED = '[portal]\nname = "s042.portal.example.net"\ncert_file = "/c"\nkey_file = "/k"\n'
POINT = '[access_point]\ninterface = "wlan0"\n'


def config(*parts: str) -> Config:
    return parse(LEAST + "".join(parts), where="gateway.toml")


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_without_a_guest_network_there_is_nothing_to_render() -> None:
    with pytest.raises(UsageError, match=r"gate\.interface is empty"):
        render.dnsmasq(config(), api=False)
    with pytest.raises(UsageError, match=r"access_point\.interface is empty"):
        render.hostapd(config(GATE))


def test_addresses_for_the_whole_network_but_the_boxs_own() -> None:
    told = lines(render.dnsmasq(config(GATE), api=False))
    assert "interface=br-guest" in told
    assert "bind-dynamic" in told
    assert "dhcp-authoritative" in told
    assert "dhcp-range=10.64.0.2,10.64.15.254,255.255.240.0,3600" in told
    assert "dhcp-lease-max=4093" in told, "dnsmasq's own default is 1000"
    assert "dhcp-leasefile=/var/lib/misc/dnsmasq.leases" in told


@given(
    address=st.integers(min_value=0x0A000000, max_value=0x0AFFFFFF).map(ipaddress.IPv4Address),
    length=st.integers(8, 29),
)
def test_the_range_is_in_the_network_without_its_ends_and_the_box(address: ipaddress.IPv4Address, length: int) -> None:
    own = ipaddress.IPv4Interface(f"{address}/{length}")
    if own.ip in {own.network.network_address, own.network.broadcast_address}:
        return
    first, last = render.lease_range(own)
    assert own.network.network_address < first <= last < own.network.broadcast_address
    assert not first <= own.ip <= last
    assert int(last) - int(first) + 1 >= (own.network.num_addresses - 3) // 2


def test_ipv6_only_where_the_box_has_an_address_of_it() -> None:
    told = render.dnsmasq(config(GATE), api=True)
    assert "ra" not in {line.partition("=")[0] for line in lines(told)}
    assert "enable-ra" not in told
    six = lines(render.dnsmasq(config(GATE, 'address6 = "fd00:64::1/64"\n'), api=True))
    assert "enable-ra" in six
    assert "dhcp-range=fd00:64::,ra-stateless,64,3600" in six
    assert "dhcp-option=option6:dns-server,[fd00:64::1]" in six


def test_phones_are_told_of_the_api_only_while_its_certificate_is_good() -> None:
    six = 'address6 = "fd00:64::1/64"\n'
    good = lines(render.dnsmasq(config(GATE, six, NAMED), api=True))
    assert "dhcp-option=114,https://s042.portal.example.net/captive-portal/api" in good
    assert "dhcp-option=option6:103,https://s042.portal.example.net/captive-portal/api" in good
    over = render.dnsmasq(config(GATE, six, NAMED), api=False)
    assert "114" not in over
    assert "103" not in over
    assert "host-record=s042.portal.example.net,10.64.0.1,fd00:64::1,60" in lines(over), "our own name is still ours"
    assert "114" not in render.dnsmasq(config(GATE), api=True), "without a name there is nothing to tell"


def test_members_dns_is_safe_from_rebinding_and_asks_whom_it_should() -> None:
    told = lines(render.dnsmasq(config(GATE, '[portal]\ndns_upstream = ["223.5.5.5", "2400:3200::1"]\n'), api=False))
    assert {"stop-dns-rebind", "no-resolv", "server=223.5.5.5", "server=2400:3200::1", "no-hosts"} <= set(told)
    plain = lines(render.dnsmasq(config(GATE), api=False))
    assert not [line for line in plain if "resolv" in line or line.startswith("server=")], "as the system has them"


def test_no_phone_gets_into_the_log_or_the_dns_and_no_set_is_filled() -> None:
    text = render.dnsmasq(config(GATE, 'address6 = "fd00:64::1/64"\n', NAMED), api=True)
    assert {"quiet-dhcp", "quiet-dhcp6", "quiet-ra", "dhcp-ignore-names"} <= set(lines(text))
    assert "nftset" not in text
    assert "log-queries" not in text


@pytest.mark.skipif(shutil.which("dnsmasq") is None, reason="dnsmasq is not installed")
@pytest.mark.parametrize("more", ["", 'address6 = "fd00:64::1/64"\n'])
@pytest.mark.parametrize("portal", ["", NAMED, NAMED + 'dns_upstream = ["223.5.5.5", "2400:3200::1"]\n'])
def test_dnsmasq_takes_it(tmp_path: Path, more: str, portal: str) -> None:
    file = tmp_path / "storegate.conf"
    file.write_text(render.dnsmasq(config(GATE, more, portal), api=True), "utf-8")
    done = subprocess.run(["dnsmasq", "--test", f"--conf-file={file}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_access_point_by_its_security() -> None:
    opened = lines(render.hostapd(config(GATE, POINT)))
    assert {"interface=wlan0", "bridge=br-guest", "ap_isolate=1", "country_code=CN"} <= set(opened)
    assert {"hw_mode=g", "channel=6"} <= set(opened)
    assert not any(line.startswith("wpa") for line in opened)
    owe = lines(render.hostapd(config(GATE, POINT, 'security = "owe"\n')))
    assert {"wpa=2", "wpa_key_mgmt=OWE", "ieee80211w=2"} <= set(owe)
    five = lines(render.hostapd(config(GATE, POINT, 'band = "5"\nchannel = 149\n')))
    assert {"hw_mode=a", "channel=149", "ieee80211ac=1"} <= set(five)
    same = config('[gate]\ninterface = "wlan0"\nuplink = "eth0"\n', POINT)
    assert not any(line.startswith("bridge") for line in lines(render.hostapd(same)))


def test_a_name_in_any_script_is_one_line_of_hex() -> None:
    told = lines(render.hostapd(config(GATE, POINT, 'ssid = "免费 Wi-Fi"\n')))
    assert f"ssid2={'免费 Wi-Fi'.encode().hex()}" in told


def test_a_passphrase_becomes_the_key_that_the_standard_says() -> None:
    wpa = config(GATE, POINT, 'ssid = "IEEE"\nsecurity = "wpa2"\npassphrase_file = "/p"\n')
    told = render.hostapd(wpa, passphrase="password")  # IEEE 802.11, J.4.2, test case 1
    assert "wpa_psk=f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e" in lines(told)
    assert "password" not in told
    for wrong in ("", "short", "x" * 64, "line\nwpa=0 and more", "Пароль-длинный"):
        with pytest.raises(UsageError, match="no passphrase of WPA2") as refused:
            render.hostapd(wpa, passphrase=wrong)
        assert not wrong or wrong not in str(refused.value)


@pytest.mark.skipif(shutil.which("hostapd") is None, reason="hostapd is not installed")
@pytest.mark.parametrize("security", ["open", "owe", "wpa2"])
@pytest.mark.parametrize("radio", ["", 'band = "5"\nchannel = 36\n'])
def test_hostapd_takes_it(tmp_path: Path, security: str, radio: str) -> None:
    """There is no radio of that name: it gets as far as that, and complains of no line."""
    text = f'[access_point]\ninterface = "sg-none0"\nsecurity = "{security}"\npassphrase_file = "/p"\n'
    text += f'ssid = "免费"\n{radio}'
    rendered = render.hostapd(config(GATE, text), passphrase="guests-only")
    file = tmp_path / "hostapd.conf"
    file.write_text(rendered.replace("ctrl_interface=/run/hostapd\n", ""), "utf-8")
    done = subprocess.run(["hostapd", str(file)], capture_output=True, text=True, timeout=10)
    assert done.returncode != 0
    assert not [line for line in done.stdout.splitlines() if "Line" in line or "errors found" in line], done.stdout
    assert "sg-none0" in done.stdout


@pytest.mark.skipif(shutil.which("hostapd") is None, reason="hostapd is not installed")
def test_hostapd_does_complain_of_a_line_it_does_not_know(tmp_path: Path) -> None:
    """Or the test above would show nothing."""
    file = tmp_path / "hostapd.conf"
    file.write_text(render.hostapd(config(GATE, '[access_point]\ninterface = "sg-none0"\n')) + "nonsense=1\n", "utf-8")
    done = subprocess.run(["hostapd", str(file)], capture_output=True, text=True, timeout=10)
    assert "unknown configuration item 'nonsense'" in done.stdout
