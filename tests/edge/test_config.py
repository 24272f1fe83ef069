from __future__ import annotations

import tomllib
import typing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.scanners import decode
from edge import config as configuration
from edge import config_rules
from edge.checked import Secret, check, masked, salvaged
from edge.config import Config, doubts, parse
from edge.errors import ConfigError, UsageError
from edge.symbologies import CAMERA

EXAMPLE = Path(__file__).parents[2] / "systemd" / "gateway.example.toml"
LEAST = '[gateway]\ntenant = "t"\nstore = "s"\nid = "g"\n'


def mistakes(text: str) -> dict[str, tuple[str, str]]:
    with pytest.raises(ConfigError) as wrong:
        parse(text, where="gateway.toml")
    return {mistake.path: (mistake.problem, mistake.meant) for mistake in wrong.value.mistakes}


def keys(kind: type[msgspec.Struct], path: str = "") -> set[str]:
    """Every key of a struct and what is in it: `mqtt.port`, `scanners.id`; keys that a person names are `*`."""
    found: set[str] = set()
    for field in msgspec.structs.fields(kind):
        here = f"{path}{field.encode_name}"
        inner = [field.type, *typing.get_args(field.type)]
        structs = [each for each in inner if isinstance(each, type) and issubclass(each, msgspec.Struct)]
        found |= {here} | {key for each in structs for key in keys(each, f"{here}.")}
    return found


def present(data: object, path: str = "") -> set[str]:
    """The same for what a file has."""
    if isinstance(data, list):
        return {key for item in data for key in present(item, path)}
    if not isinstance(data, dict):
        return set()
    found: set[str] = set()
    for key, value in data.items():
        found |= {f"{path}{key}"} | present(value, f"{path}{key}.")
    return found


def test_the_example_has_every_key_and_is_right() -> None:
    data = tomllib.loads(EXAMPLE.read_text("utf-8"))
    shown = present({**data, "stations": list(data["stations"].values())})
    assert keys(Config) - shown == set(), "keys that systemd/gateway.example.toml does not show"
    parse(EXAMPLE.read_text("utf-8"), where=str(EXAMPLE))


def test_the_example_shows_the_defaults() -> None:
    data = tomllib.loads(EXAMPLE.read_text("utf-8"))
    shown, default = parse(EXAMPLE.read_text("utf-8"), where="example"), parse(LEAST, where="least")
    sections = ("mqtt", "listen", "zones", "codes", "outbox", "coupons", "beacons", "shake")
    for section in (*sections, "gate", "portal", "access_point"):
        assert getattr(shown, section) == getattr(default, section)
    least = "[[scanners]]\nid='a'\ntransport='fake'\n[[footfall]]\nid='b'\nzone='z'\nsource='fake'\n"
    least += "[[radios]]\nadapter='hci0'\n"
    for section, default_item in (("scanners", "scanners"), ("footfall", "footfall"), ("radios", "radios")):
        item, bare = getattr(shown, section)[0], getattr(parse(LEAST + least, where="x"), default_item)[0]
        chosen = {"id", "transport", "station", "device", "zone", "source", "prefix"}
        assert {f: getattr(item, f) for f in item.__struct_fields__ if f not in chosen} == {
            f: getattr(bare, f) for f in bare.__struct_fields__ if f not in chosen
        }
    assert data["gateway"]["timezone"] == default.gateway.timezone


def test_the_example_holds_no_secret_that_somebody_could_leave_in() -> None:
    shown = parse(EXAMPLE.read_text("utf-8"), where="example")
    assert not shown.coupons.issuer_keys
    assert not shown.coupons.peer_keys
    assert not any(station.key for station in shown.stations.values())
    assert not shown.listen.admin_token


def test_every_mistake_is_told_at_once_with_what_was_meant() -> None:
    found = mistakes(
        '[gateway]\ntenant = "a/b"\nstore = 7\nidd = "x"\n'
        '[mqt]\n[mqtt]\nport = 70000\ndurable_ack = "watermarc"\n'
        '[[scanners]]\nid = "A"\ntransport = "serail"\n'
    )
    assert found["gateway.idd"][1] == "id"
    assert found["gateway.id"][0] == "is missing"
    assert found["mqt"][1] == "mqtt"
    assert found["mqtt.durable_ack"][1] == "watermark"
    assert found["scanners[0].transport"][1] == "serial"
    assert {"gateway.tenant", "gateway.store", "mqtt.port", "scanners[0].id"} <= set(found)
    assert "70000" in found["mqtt.port"][0]


def test_rules_between_keys_and_sections() -> None:
    found = mistakes(
        LEAST + '[mqtt]\ncert_file = "c"\n[stations.t]\nkind = "till"\n[[scanners]]\nid = "a"\ntransport = "serial"\n'
    )
    assert "go together" in found["mqtt.key_file"][0]
    found = mistakes(
        LEAST + '[stations.t]\nkind = "till"\n[codes]\nembedded = ["2Q"]\n'
        '[[scanners]]\nid = "a"\ntransport = "serial"\nstation = "nowhere"\n'
        '[[footfall]]\nid = "a"\nzone = "z"\nsource = "fake"\n'
    )
    assert set(found) == {
        "stations.t.key",
        "codes.embedded[0]",
        "scanners[0].device",
        "scanners[0].station",
        "footfall[0].id",
    }


def test_proxies_are_addresses_and_not_everybody() -> None:
    found = mistakes(
        LEAST + '[listen]\nproxies = ["127.0.0.1", "fd00::/8", "front.example", "0.0.0.0/0", "::/0", ""]\n'
    )
    assert set(found) == {f"listen.proxies[{index}]" for index in (2, 3, 4, 5)}
    behind = '[listen]\npublic_url = "https://s1.example.net"\n'
    assert "listen.proxies" in [each.path for each in doubts(parse(LEAST + behind, where="x"))]
    told = doubts(parse(LEAST + behind + 'proxies = ["127.0.0.1"]\n', where="x"))
    assert "listen.proxies" not in [each.path for each in told]


def test_rules_of_radios_and_of_places_where_phones_are_shaken() -> None:
    found = mistakes(
        LEAST + '[stations.k]\nzone = "The Door"\n[[radios]]\nadapter = "hci0"\nzone = "-"\n'
        '[[radios]]\nadapter = "hci0"\n[shake]\nwifi_zone = "Café"\nwifi_networks = ["10.64.0.0/16", "10.64.0.0/33"]\n'
        '[beacons]\npasswords_file = "a\\u0000b"\n'
    )
    assert set(found) == {
        "stations.k.zone",
        "radios[0].zone",
        "radios[1].adapter",
        "shake.wifi_zone",
        "shake.wifi_networks[1]",
        "beacons.passwords_file",
    }
    assert "which addresses" in mistakes(LEAST + '[shake]\nwifi_zone = "cafe"\n')["shake.wifi_networks"][0]
    assert "which zone" in mistakes(LEAST + '[shake]\nwifi_networks = ["fd00::/8"]\n')["shake.wifi_zone"][0]
    assert "hci0" in mistakes(LEAST + '[[radios]]\nadapter = "usb0"\n')["radios[0].adapter"][0]
    assert parse(LEAST + '[shake]\nwifi_zone = "cafe"\nwifi_networks = ["10.64.3.1/16"]\n', where="x").shake.wifi_zone


def test_text_that_is_no_toml_or_no_file() -> None:
    assert "end of document" in mistakes("[gateway")["(TOML)"][0]
    with pytest.raises(UsageError, match="can't read"):
        configuration.load(Path("/nowhere/gateway.toml"))


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "g.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="UTF-8"):
        configuration.load(tmp_path / "g.toml")


def test_the_file_is_found_by_option_then_environment_then_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert configuration.find(Path("a")) == Path("a")
    monkeypatch.setenv("STOREGATE_CONFIG", "b")
    assert configuration.find(None) == Path("b")
    monkeypatch.delenv("STOREGATE_CONFIG")
    assert configuration.find(None) == configuration.DEFAULT_PATH


def test_secrets_never_show_themselves() -> None:
    text = LEAST + '[mqtt]\nhost = "h"\npassword = "hunter2"\n[listen]\nadmin_token = "hunter3"\n'
    settings = parse(text, where="x")
    for shown in (repr(settings), str(masked(settings)), f"{settings.mqtt.password}", f"{settings.mqtt.password:>9}"):
        assert "hunter" not in shown
    assert settings.mqtt.password.reveal() == "hunter2"
    wrong = mistakes(LEAST + "[mqtt]\npassword = 12345\n")
    assert "12345" not in str(wrong)
    assert msgspec.json.decode(msgspec.json.encode(masked(settings)))["mqtt"]["password"] == "***"
    assert masked(Secret("x")) == "***"


def test_doubts_are_told_of_what_works_but_is_not_safe() -> None:
    text = (
        LEAST + '[mqtt]\nhost = "broker.example"\npassword = "x"\n'
        '[stations.t]\nkind = "till"\nkey = "short"\nidle_s = 5\nwarn_s = 9\n'
    )
    assert {doubt.path for doubt in doubts(parse(text, where="x"))} == {
        "mqtt.tls",
        "stations.t.key",
        "stations.t.warn_s",
        "coupons.issuer_keys",
    }


def test_mistakes_of_all_sorts_are_told_at_once() -> None:
    found = mistakes(
        '[gateway]\ntenant = ".."\nstore = "s\\n"\nid = "g"\ntimezone = "Asia/Shangai"\nstate_dir = "a\\u0000b"\n'
        '[mqtt]\nport = "x"\nhost = "tcp://broker"\npasword = "hunter2"\ncert_file = "c"\ntls = true\n'
        '[listen]\npublic_url = "ftp://x"\n[listen.guest]\nport = 80\n[listen.admin]\nhost = "0.0.0.0"\nport = 80\n'
        '[stations."kiosk\\n"]\n[stations.till]\nkind = "till"\nkey = "schlüssel"\n'
        '[[scanners]]\nid = "a"\ntransport = "camera"\nformats = ["EAN13"]\nprofile = "../x"\nstation = "tll"\n'
        '[[footfall]]\nid = "a"\nzone = "z"\nsource = "beam"\nstrip = { start = 0.9, end = 0.1, width_px = 1 }\n'
        "[outbox]\nmax_mb = inf\nfree_floor_mb = nan\n[codes]\nembedded = ['2Q']\n"
    )
    assert set(found) == {
        "gateway.tenant", "gateway.store", "gateway.timezone", "gateway.state_dir", "mqtt.port", "mqtt.host",
        "mqtt.pasword", "mqtt.key_file", "listen.public_url", "listen.admin.port", "listen.admin_token",
        'stations."kiosk\\n"', "stations.till.key", "scanners[0].formats[0]", "scanners[0].profile",
        "scanners[0].station", "footfall[0].id", "footfall[0].device", "footfall[0].strip",
        "footfall[0].strip.width_px", "outbox.max_mb", "outbox.free_floor_mb", "codes.embedded[0]",
    }  # fmt: skip
    assert found["mqtt.pasword"][1] == "password"
    assert found["scanners[0].formats[0]"][1] == "EAN-13"
    assert found["scanners[0].station"][1] == "till"
    assert "wanted letters" in found["gateway.store"][0]
    assert "hunter2" not in str(found)
    assert "schl" not in str(found)


def test_a_rule_is_quiet_where_what_it_looks_at_is_wrong_by_itself() -> None:
    assert set(mistakes(LEAST + '[mqtt]\ncert_file = 7\nkey_file = "k"\ntls = true\n')) == {"mqtt.cert_file"}
    assert set(mistakes(LEAST + '[mqtt]\nca_file = "c"\ntsl = true\n')) == {"mqtt.tsl"}
    assert set(mistakes(LEAST + "[listen.admin]\nhost = 7\n")) == {"listen.admin.host"}
    assert set(mistakes("mqtt = 7\n")) == {"mqtt", "gateway"}
    text = '[[scanners]]\nid = "a"\ntransport = "fake"\nstation = "k"\n[stations.k]\nidle_s = 1\n'
    assert set(mistakes(LEAST + text)) == {"stations.k.idle_s"}


@pytest.mark.parametrize("name", ["tenant", "store", "id"])
@pytest.mark.parametrize("wrong", [".", "..", "", "a/b", "a\\n", "x" * 65, "é"])
def test_names_that_would_not_do_in_a_topic_or_a_path(name: str, wrong: str) -> None:
    assert f"gateway.{name}" in mistakes(LEAST.replace(f"{name} = ", f'{name} = "{wrong}" # '))


@pytest.mark.parametrize(
    ("guest", "admin", "clash"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("0.0.0.0", "127.0.0.1", True),
        ("localhost", "127.0.0.1", True),
        ("::", "::1", True),
        ("::", "127.0.0.1", True),
        ("0.0.0.0", "::1", False),
        ("192.168.1.5", "127.0.0.1", False),
        ("::1", "127.0.0.1", False),
    ],
)
def test_two_listeners_on_one_address(guest: str, admin: str, clash: bool) -> None:
    for port in (0, 8099):
        text = LEAST + f"[listen]\nguest = {{host='{guest}', port={port}}}\nadmin = {{host='{admin}', port={port}}}\n"
        if clash and port:
            assert set(mistakes(text)) == {"listen.admin.port"}
        else:
            parse(text, where="x")


@pytest.mark.parametrize("token", ["", "short", "ä" * 20, "with a space in it"])
def test_the_admin_listener_beyond_loopback_wants_a_good_token(token: str) -> None:
    text = LEAST + f'[listen]\nadmin_token = "{token}"\nadmin = {{ host = "192.168.1.2", port = 8082 }}\n'
    assert set(mistakes(text)) == {"listen.admin_token"}
    parse(text.replace(token, "0123456789abcdef") if token else text.replace('""', '"0123456789abcdef"'), where="x")


@pytest.mark.parametrize("host", ["mqtt://b", "b:1883", "a b", "b/x", "b\\n", "[::1]"])
def test_a_brokers_host_is_a_host(host: str) -> None:
    assert set(mistakes(LEAST + f'[mqtt]\nhost = "{host}"\n')) == {"mqtt.host"}


@pytest.mark.parametrize("host", ["b", "broker.example", "10.0.0.1", "::1", "fe80::1%eth0", "localhost"])
def test_hosts_of_brokers(host: str) -> None:
    parse(LEAST + f'[mqtt]\nhost = "{host}"\n', where="x")


@pytest.mark.parametrize("url", ["shop.example", "https://", "http://a b", "javascript:1", "http://x:99999", "//x"])
def test_a_public_url_is_one(url: str) -> None:
    assert set(mistakes(LEAST + f'[listen]\npublic_url = "{url}"\n')) == {"listen.public_url"}


def test_names_of_symbologies_are_those_of_the_reader() -> None:
    assert decode.SYMBOLOGIES == CAMERA


def test_too_deep_a_file_is_a_mistake() -> None:
    assert "too deep" in mistakes("a=" + "[" * 100_000)["(TOML)"][0]


def test_files_that_are_not_there_are_told(tmp_path: Path) -> None:
    settings = parse(LEAST + f'[mqtt]\npassword_file = "{tmp_path / "none"}"\n', where="x")
    assert [mistake.path for mistake in config_rules.files(settings)] == ["mqtt.password_file"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
SECTIONS = st.sampled_from([field.encode_name for field in msgspec.structs.fields(Config)])


@given(data=st.dictionaries(SECTIONS | st.text(max_size=8), VALUES, max_size=6))
def test_whatever_is_in_the_file_every_mistake_has_a_path(data: dict[str, object]) -> None:
    value, found = check(data, Config)
    assert (value is None) == bool(found)
    assert all(mistake.path and mistake.problem for mistake in found)
    rest = value or salvaged(data, Config)
    assert all(mistake.path and mistake.problem for mistake in config_rules.broken(rest, found))


def test_the_house_of_structs_is_walked() -> None:
    assert {"mqtt.port", "listen.admin.port", "stations.key", "scanners.layout", "footfall.strip.at"} <= keys(Config)
