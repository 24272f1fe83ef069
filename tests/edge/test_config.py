from __future__ import annotations

import tomllib
import typing
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import config as configuration
from edge.checked import Secret, masked
from edge.config import Config, doubts, parse
from edge.errors import ConfigError, UsageError

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
    for section in ("mqtt", "listen", "zones", "codes", "outbox", "coupons"):
        assert getattr(shown, section) == getattr(default, section)
    for section, default_item in (("scanners", "scanners"), ("footfall", "footfall")):
        least = "[[scanners]]\nid='a'\ntransport='fake'\n[[footfall]]\nid='b'\nzone='z'\nsource='fake'\n"
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
    assert "go together" in found["mqtt"][0]
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
        LEAST + '[mqtt]\nhost = "broker.example"\npassword = "x"\n[listen.admin]\nhost = "0.0.0.0"\nport = 1\n'
        '[stations.t]\nkind = "till"\nkey = "short"\nidle_s = 5\nwarn_s = 9\n'
    )
    assert {doubt.path for doubt in doubts(parse(text, where="x"))} == {
        "mqtt.tls",
        "listen.admin_token",
        "stations.t.key",
        "stations.t.warn_s",
        "coupons.issuer_keys",
    }


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
SECTIONS = st.sampled_from([field.encode_name for field in msgspec.structs.fields(Config)])


@given(data=st.dictionaries(SECTIONS | st.text(max_size=8), VALUES, max_size=6))
def test_whatever_is_in_the_file_every_mistake_has_a_path(data: dict[str, object]) -> None:
    value, found = configuration.check(data, Config)
    assert (value is None) == bool(found)
    assert all(mistake.path and mistake.problem for mistake in found)


def test_the_house_of_structs_is_walked() -> None:
    assert {"mqtt.port", "listen.admin.port", "stations.key", "scanners.layout", "footfall.strip.at"} <= keys(Config)
