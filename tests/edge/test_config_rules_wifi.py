from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import config_rules, config_rules_wifi, policies
from edge.config import doubts, parse
from edge.errors import ConfigError

LEAST = '[gateway]\ntenant = "t"\nstore = "s"\nid = "g"\n'
LISTEN = '[listen.guest]\nhost = "::"\nport = 8080\n'
GATE = '[gate]\ninterface = "br-guest"\nuplink = "eth0"\n'
WIFI = LEAST + LISTEN + GATE


def mistakes(text: str) -> dict[str, str]:
    with pytest.raises(ConfigError) as wrong:
        parse(text, where="gateway.toml")
    return {mistake.path: mistake.problem for mistake in wrong.value.mistakes}


def test_a_guest_wifi_needs_two_sides_and_little_else() -> None:
    assert parse(WIFI, where="x").gate.interface == "br-guest"
    assert "alone leads nowhere" in mistakes(LEAST + LISTEN + '[gate]\ninterface = "a"\n')["gate.uplink"]
    assert "alone leads nowhere" in mistakes(LEAST + LISTEN + '[gate]\nuplink = "a"\n')["gate.interface"]
    found = mistakes(LEAST + LISTEN + '[gate]\ninterface = "a"\nuplink = "a"\n')
    assert "network of their own" in found["gate.uplink"]
    fake = LEAST + '[gate]\ndriver = "fake"\ninterface = "lo"\n'
    assert parse(fake, where="x").gate.driver == "fake"
    assert "gate.driver" in [doubt.path for doubt in doubts(parse(fake, where="x"))]


@pytest.mark.parametrize(
    "address",
    ["10.64.0.1", "10.64.0.0/20", "10.64.15.255/20", "10.64.0.1/31", "10.64.0.1/7", "127.0.0.1/8", "x", "",
     "fd00::1/64", "224.0.0.1/20", "0.0.0.1/8", "169.254.1.1/16", "255.1.1.1/8", "10.64.0.1/20/20"],
)  # fmt: skip
def test_addresses_that_no_guest_network_can_have(address: str) -> None:
    assert set(mistakes(WIFI + f'address4 = "{address}"\n')) == {"gate.address4"}


@pytest.mark.parametrize(
    "address",
    ["fd00::1", "fd00::/64", "fd00::1/56", "fe80::1/64", "fe80::1%eth0/64", "::1/64", "ff02::1/64", "10.0.0.1/24"],
)
def test_addresses_that_phones_could_not_use(address: str) -> None:
    assert set(mistakes(WIFI + f'address6 = "{address}"\n')) == {"gate.address6"}


def test_networks_that_guests_never_reach() -> None:
    found = mistakes(WIFI + 'blocked = ["10.0.0.0/8", "0.0.0.0/0", "::/0", "192.168.1.5/16", "x"]\n')
    assert set(found) == {f"gate.blocked[{index}]" for index in (1, 2, 3, 4)}
    assert "192.168.0.0/16" in found["gate.blocked[3]"], "the one that was meant"
    lacking = doubts(parse(WIFI + 'blocked = ["10.0.0.0/8", "fc00::/7"]\n', where="x"))
    told = next(doubt.problem for doubt in lacking if doubt.path == "gate.blocked")
    assert "192.168.0.0/16" in told
    assert "10.0.0.0/8" not in told


def test_networks_that_guests_reach_all_the_same() -> None:
    well = parse(WIFI + 'reachable = ["192.168.1.9", "2001:db8::/64"]\n', where="x")
    assert well.gate.reachable == ("192.168.1.9", "2001:db8::/64")
    found = mistakes(WIFI + 'reachable = ["10.0.0.1", "0.0.0.0/0", "::/0", "192.168.1.5/16", "x"]\n')
    assert set(found) == {f"gate.reachable[{index}]" for index in (1, 2, 3, 4)}


def test_ports_that_guests_are_led_to_are_each_their_own() -> None:
    base = LEAST + GATE
    assert "8080" in mistakes(base + "tls_port = 8080\n" + LISTEN)["gate.tls_port"]
    assert set(mistakes(base + "tls_port = 8053\n" + LISTEN)) == {"gate.tls_port"}
    assert "dnsmasq" in mistakes(base + "dns_port = 53\n" + LISTEN)["gate.dns_port"]
    assert "8082" in mistakes(base + "dns_port = 8082\n" + LISTEN)["gate.dns_port"], "the admin listener's"
    assert "system" in mistakes(base + "tls_port = 0\n" + LISTEN)["gate.tls_port"]
    found = mistakes(LEAST + GATE + '[listen.guest]\nhost = "::"\nport = 0\n')
    assert set(found) == {"listen.guest.port"}
    free = '[gate]\ndriver = "fake"\ninterface = "lo"\ndns_port = 0\ntls_port = 0\n[listen.guest]\nport = 0\n'
    assert parse(LEAST + free, where="x").gate.tls_port == 0


def test_listeners_face_who_they_are_for() -> None:
    def guest(host: str) -> str:
        return f'[listen.guest]\nhost = "{host}"\nport = 8080\n'

    six = GATE + 'address6 = "fd00:64::1/64"\n'
    for host in ("::", "0.0.0.0", "10.64.0.1"):
        parse(LEAST + guest(host) + GATE, where="x")
    assert "::" in mistakes(LEAST + guest("127.0.0.1") + GATE)["listen.guest.host"]
    assert set(mistakes(LEAST + guest("0.0.0.0") + six)) == {"listen.guest.host"}, "IPv6 guests would find nothing"
    token = f'[listen]\nadmin_token = "{"k" * 20}"\n'
    admin = '[listen.admin]\nhost = "10.64.0.1"\nport = 8082\n'
    assert "among the guests" in mistakes(LEAST + token + admin + guest("::") + GATE)["listen.admin.host"]
    shop = '[listen.shop]\nhost = "fd00:64::1"\nport = 8081\n'
    assert "among the guests" in mistakes(LEAST + shop + guest("::") + six)["listen.shop.host"]


def test_the_portals_keys() -> None:
    three = 'name = "s042.portal.example.net"\ncert_file = "/a"\nkey_file = "/b"\n'
    assert parse(WIFI + "[portal]\n" + three, where="x").portal.name
    assert "go together" in mistakes(WIFI + '[portal]\nname = "a.example.net"\n')["portal.cert_file"]
    assert "go together" in mistakes(WIFI + '[portal]\nkey_file = "/b"\n')["portal.name"]
    for name in ("10.64.0.1", "portal", "A.example.net", "a_b.example.net", "a.example.net\\n", "-a.example.net"):
        assert "portal.name" in mistakes(WIFI + f'[portal]\nname = "{name}"\ncert_file = "/a"\nkey_file = "/b"\n')
    for path in ("", "leases", "/a b", "/a\\nport=0"):
        assert set(mistakes(WIFI + f'[portal]\nleases_file = "{path}"\n')) == {"portal.leases_file"}
    assert "none, cn, eu" in mistakes(WIFI + '[portal]\npolicy = "de"\n')["portal.policy"]
    found = mistakes(WIFI + '[portal]\ndns_upstream = ["223.5.5.5", "dns.example", "10.64.0.1", "2400:3200::1"]\n')
    assert set(found) == {"portal.dns_upstream[1]", "portal.dns_upstream[2]"}
    assert "itself" in found["portal.dns_upstream[2]"]


def test_codes_of_the_staff_and_keys_of_wechat_and_sms() -> None:
    found = mistakes(
        WIFI + '[portal.staff]\nmei = "short"\nli = "long-enough-1"\nwang = "long-enough-1"\nzhao = "spaces in here"\n'
    )
    assert set(found) == {"portal.staff.mei", "portal.staff.wang", "portal.staff.zhao"}
    assert "short" not in str(found["portal.staff.mei"])
    found = mistakes(WIFI + '[portal.wechat]\napp_id = "wx1"\nssid = "s"\nshop_id = "1"\n')
    assert set(found) == {"portal.wechat.secret_key"}
    told = [doubt.path for doubt in doubts(parse(WIFI + "[portal.sms]\nper_shop_day = 100\n", where="x"))]
    assert "portal.sms.per_shop_day" in told


def test_the_access_point() -> None:
    point = '[access_point]\ninterface = "wlan0"\n'
    assert parse(WIFI + point, where="x").access_point.interface == "wlan0"
    assert set(mistakes(LEAST + point)) == {"gate.interface"}
    assert set(mistakes(WIFI + '[access_point]\ninterface = "eth0"\n')) == {"access_point.interface"}
    assert set(mistakes(WIFI + point + 'security = "wpa2"\n')) == {"access_point.passphrase_file"}
    assert set(mistakes(WIFI + point + "channel = 36\n")) == {"access_point.channel"}
    assert set(mistakes(WIFI + point + 'band = "5"\nchannel = 38\n')) == {"access_point.channel"}
    assert parse(WIFI + point + 'band = "5"\nchannel = 149\n', where="x").access_point.channel == 149
    for ssid in ("", "免费无线网络欢迎光临啊", "a\\nb"):
        assert set(mistakes(WIFI + point + f'ssid = "{ssid}"\n')) == {"access_point.ssid"}


def test_what_works_but_was_probably_not_meant() -> None:
    def told(text: str) -> list[str]:
        return [doubt.path for doubt in doubts(parse(text, where="x"))]

    assert "gate.address4" in told(WIFI + 'address4 = "8.8.0.1/20"\n')
    assert "portal.most_guests" in told(WIFI + 'address4 = "10.64.0.1/24"\n')
    assert "portal.most_guests" not in told(WIFI)
    assert "gate.masquerade6" in told(WIFI + 'address6 = "fd00:64::1/64"\n')
    assert "gate.masquerade6" not in told(WIFI + 'address6 = "fd00:64::1/64"\nmasquerade6 = true\n')
    assert not {"gate.driver", "gate.blocked"} & set(told(WIFI))


def test_what_guests_never_get() -> None:
    def told(text: str) -> dict[str, str]:
        return {doubt.path: doubt.problem for doubt in doubts(parse(text, where="x"))}

    assert "no IPv6" in told(WIFI + "masquerade6 = true\n")["gate.masquerade6"]
    assert "gate.down_mbit" in told(WIFI + "down_mbit = 50\n")["gate.up_mbit"]
    assert not {"gate.up_mbit", "gate.down_mbit"} & told(WIFI + "down_mbit = 50\nup_mbit = 9\n").keys()
    sms, path = "[portal.sms]\nper_shop_day = 9\n", "portal.sms.per_shop_day"
    assert "mqtt.tls is off" in told(WIFI + '[mqtt]\nhost = "broker.example"\n' + sms)[path]
    assert path not in told(WIFI + '[mqtt]\nhost = "127.0.0.1"\n' + sms)
    assert path not in told(WIFI + '[mqtt]\nhost = "broker.example"\ntls = true\n' + sms)
    assert "is empty" in told(WIFI + '[access_point]\nssid = "Shop"\n')["access_point.interface"]
    point = '[access_point]\ninterface = "wlan0"\n'
    assert "Japan" in told(WIFI + point + "channel = 14\n")["access_point.channel"]
    assert "radar" in told(WIFI + point + 'band = "5"\nchannel = 100\n')["access_point.channel"]
    assert "forbidden" in told(WIFI + point + 'band = "5"\nchannel = 173\n')["access_point.channel"]
    assert "access_point.channel" not in told(WIFI + point + 'band = "5"\nchannel = 149\n')


def test_what_was_meant() -> None:
    assert "did you mean 'cn'?" in mistakes(WIFI + '[portal]\npolicy = "CN"\n')["portal.policy"]
    found = mistakes(WIFI + '[portal]\nways = ["click"]\nwelcome_zh = "x"\nwyas = 1\n')
    assert "documents put portals" in found["portal.ways"]
    assert "documents put portals" in found["portal.welcome_zh"]
    assert "documents" not in found["portal.wyas"]


def test_files_that_are_not_there(tmp_path: Path) -> None:
    text = f'[portal]\npolicy = "{tmp_path}/jp.toml"\nname = "a.example.net"\n'
    text += f'cert_file = "{tmp_path}/c"\nkey_file = "{tmp_path}/k"\n'
    text += f'[access_point]\ninterface = "wlan0"\nsecurity = "wpa2"\npassphrase_file = "{tmp_path}/p"\n'
    config = parse(WIFI + text, where="x")
    wanted = {"portal.policy", "portal.cert_file", "portal.key_file", "access_point.passphrase_file"}
    assert {each.path for each in config_rules.files(config)} == wanted
    for name in ("c", "k", "p", "jp.toml"):
        (tmp_path / name).touch()
    policies.load.cache_clear()
    assert config_rules.files(config) == ()
    told = config_rules_wifi.policy_mistakes(config)
    assert {each.path for each in told} == {"portal.policy"}
    assert "version" in " ".join(each.problem for each in told), "an empty file is no policy"
    (tmp_path / "jp.toml").write_text((policies.FOLDER / "eu.toml").read_text("utf-8"), "utf-8")
    policies.load.cache_clear()
    assert config_rules_wifi.policy_mistakes(config) == []
    assert ["as ours is called" in each.problem for each in config_rules.files(config)] == [True]
    (tmp_path / "jp.toml").write_text((policies.FOLDER / "eu.toml").read_text("utf-8").replace('"eu"', '"jp"'), "utf-8")
    policies.load.cache_clear()
    assert config_rules.files(config) == ()


def test_the_policies_that_are_known_are_those_that_there_are() -> None:
    there = {path.stem for path in (Path(__file__).parents[2] / "edge" / "policies").glob("*.toml")}
    assert there == set(config_rules_wifi.POLICIES)


@given(st.text(max_size=50), st.text(max_size=50), st.text(max_size=50), st.text(max_size=50))
def test_no_text_makes_a_rule_fail(address: str, name: str, net: str, path: str) -> None:
    config = parse(WIFI, where="x")
    gate = msgspec.structs.replace(
        config.gate, address4=address, address6=address, blocked=(net,), reachable=(net,), socket=path
    )
    portal = msgspec.structs.replace(config.portal, name=name, dns_upstream=(net,), leases_file=path, policy=path)
    point = msgspec.structs.replace(config.access_point, ssid=name)
    list(config_rules_wifi.broken(msgspec.structs.replace(config, gate=gate, portal=portal, access_point=point)))
