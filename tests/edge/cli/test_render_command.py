"""`storegate render`: what it prints, writes and refuses."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edge.cli.render import app
from tests.peers.authority import Authority

GATE = '[gate]\ninterface = "br-guest"\nuplink = "eth0"\n'
POINT = '[access_point]\ninterface = "wlan0"\nsecurity = "wpa2"\npassphrase_file = "/no/where"\n'
NAME = "s042.portal.example.net"


def ran(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return written(tmp_path, GATE)


def written(folder: Path, text: str) -> Path:
    path = folder / "gateway.toml"
    path.write_text(
        f'[gateway]\ntenant = "t"\nstore = "s"\nid = "g"\n[listen.guest]\nhost = "::"\nport = 8080\n{text}', "utf-8"
    )
    return path


def certified(folder: Path, *, days: int) -> Path:
    """gateway.toml with a portal's name whose certificate lasts so many more days."""
    pair = Authority(folder / "ca").pair("portal", days=days, server=True, host=NAME, chain=True)
    files = f'cert_file = "{pair.cert}"\nkey_file = "{pair.key}"\n'
    return written(folder, f'{GATE}[portal]\nname = "{NAME}"\n{files}')


def test_it_prints_the_file(config: Path) -> None:
    done = ran("dnsmasq", "--config", config)
    assert done.exit_code == 0
    assert done.stdout.startswith("# Made by `storegate render dnsmasq`")
    assert "interface=br-guest\n" in done.stdout
    facts = json.loads(ran("dnsmasq", "--config", config, "--json").stdout)
    assert facts["text"] == done.stdout


def test_it_writes_a_file_once_and_says_what_to_restart(config: Path, tmp_path: Path) -> None:
    out = tmp_path / "storegate.conf"
    first = ran("dnsmasq", "--config", config, "--out", out)
    assert first.exit_code == 0
    assert "systemctl restart dnsmasq" in first.stdout
    assert stat.S_IMODE(out.stat().st_mode) == 0o644
    before = out.stat().st_ino
    again = ran("dnsmasq", "--config", config, "--out", out)
    assert "the same as before" in again.stdout
    assert out.stat().st_ino == before
    facts = json.loads(ran("dnsmasq", "--config", config, "--out", out, "--json").stdout)
    assert facts == {"file": str(out), "changed": False, "next": "dnsmasq --test && systemctl restart dnsmasq"}
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_phones_are_told_while_the_certificate_is_good(tmp_path: Path) -> None:
    good = certified(tmp_path, days=30)
    assert f"dhcp-option=114,https://{NAME}/captive-portal/api" in ran("dnsmasq", "--config", good).stdout
    assert "114" not in ran("dnsmasq", "--config", good, "--no-api").stdout
    over = ran("dnsmasq", "--config", certified(tmp_path, days=-1))
    assert over.exit_code == 0
    assert "114" not in over.stdout
    assert "ended on" in over.stderr
    assert "114" in ran("dnsmasq", "--config", good, "--api").stdout, "a person knows better"
    (tmp_path / "ca" / "portal.pem").write_text("no certificate")
    broken = ran("dnsmasq", "--config", good)
    assert "114" not in broken.stdout
    assert "no certificate in PEM" in broken.stderr


def test_hostapds_file_is_roots_own_for_it_holds_a_key(tmp_path: Path) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text("guests-only-please\nsecond line\n")
    point = f'[access_point]\ninterface = "wlan0"\nsecurity = "wpa2"\npassphrase_file = "{secret}"\n'
    out = tmp_path / "hostapd.conf"
    done = ran("hostapd", "--config", written(tmp_path, GATE + point), "--out", out)
    assert done.exit_code == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "wpa_psk=" in out.read_text()
    assert "guests-only-please" not in out.read_text() + done.output


@pytest.mark.parametrize(
    ("command", "text", "said"),
    [
        ("dnsmasq", "", "gate.interface is empty"),
        ("hostapd", GATE, "access_point.interface is empty"),
        ("hostapd", GATE + POINT, "can't read"),
        ("dnsmasq", GATE + 'address4 = "10.64.0.1"\n', "gate.address4"),
    ],
)  # fmt: skip
def test_what_is_lacking_is_said_with_the_next_step(tmp_path: Path, command: str, text: str, said: str) -> None:
    out = tmp_path / "out"
    done = ran(command, "--config", written(tmp_path, text), "--out", out)
    assert done.exit_code == 2
    assert said in done.stderr
    assert not out.exists()


def test_a_passphrase_that_is_none_is_not_repeated(tmp_path: Path) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text("tooshrt\n")
    point = f'[access_point]\ninterface = "wlan0"\nsecurity = "wpa2"\npassphrase_file = "{secret}"\n'
    done = ran("hostapd", "--config", written(tmp_path, GATE + point))
    assert done.exit_code == 2
    assert "8 to 63" in done.stderr
    assert "tooshrt" not in done.output


def test_a_folder_that_is_not_there(config: Path, tmp_path: Path) -> None:
    done = ran("dnsmasq", "--config", config, "--out", tmp_path / "no" / "where.conf")
    assert done.exit_code == 2
    assert "can't write" in done.stderr


def test_help_says_where_the_file_goes_and_what_to_restart() -> None:
    for command, words in {"dnsmasq": "/etc/dnsmasq.d", "hostapd": "/etc/hostapd/hostapd.conf"}.items():
        told = " ".join(ran(command, "--help").stdout.split())
        assert words in told.replace(" ", "") or words in told
        assert f"systemctl restart {command}" in told
