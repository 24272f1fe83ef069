"""`storegate documents` and `storegate config`: with a daemon and without one."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edge import daemon
from edge.cli import config, documents
from edge.config import load
from edge.journal.file import lock
from edge.shop import KINDS

DOOR = {"id": "door", "name_zh": "门口", "name_en": "Door"}


def ran(*words: str, text: str = "") -> Result:
    return CliRunner().invoke(documents.app, list(words), input=text)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def gateway(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(
        f'[gateway]\ntenant = "t"\nstore = "s"\nid = "g"\nstate_dir = "{tmp_path}/state"\n'
        f"[listen.guest]\nport = 0\nhost='127.0.0.1'\n[listen.shop]\nport = 0\n[listen.admin]\nport = {free_port()}\n"
        '[stations.t1]\nkind = "till"\nkey = "very-secret-till-key"\n'
    )
    return path


@pytest.fixture
def zones(tmp_path: Path) -> Path:
    path = tmp_path / "zones.json"
    path.write_text(json.dumps([DOOR]))
    return path


def test_the_help_names_every_kind() -> None:
    assert set(re.findall(r"[a-z]+", documents.KINDS_HELP)) - {"or"} == set(KINDS)
    assert "groups" in ran("put", "--help").stdout


def test_check_needs_no_gateway_and_tells_every_mistake(tmp_path: Path, zones: Path) -> None:
    assert ran("check", "zones", str(zones)).exit_code == 0
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps([{**DOOR, "name_eng": "x"}, {"id": "!"}]))
    done = ran("check", "zones", str(wrong))
    assert done.exit_code == 2
    assert "did you mean 'name_en'" in done.stderr
    assert "[1].id" in done.stderr
    told = json.loads(ran("check", "zones", str(wrong), "--json").stdout)
    assert told["ok"] is False
    assert {"path": "[0].name_eng", "problem": "no such key", "meant": "name_en"} in told["mistakes"]


@pytest.mark.parametrize(
    ("text", "says"), [("[", "(JSON)"), ("{}", "wanted a list"), ("\udcff", "(JSON)"), ("[1]", "wanted a table")]
)
def test_what_is_no_list_of_documents(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "x.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    done = ran("check", "zones", str(tmp_path / "x.json"))
    assert done.exit_code == 2
    assert says in done.stderr


def test_a_wrong_kind_and_a_missing_file_are_named(zones: Path) -> None:
    done = ran("check", "zoness", str(zones))
    assert (done.exit_code, "did you mean 'zones'" in done.stderr) == (2, True)
    done = ran("check", "zones", "/nowhere.json")
    assert (done.exit_code, "can't read" in done.stderr) == (2, True)


def test_without_a_daemon_put_goes_to_disk_and_is_told_later(gateway: Path, zones: Path) -> None:
    done = ran("put", "zones", str(zones), "--config", str(gateway), "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["count"] == 1
    assert json.loads(ran("get", "zones", "--config", str(gateway)).stdout) == [DOOR]
    again = ran("put", "zones", "-", "--config", str(gateway), text=json.dumps([DOOR, {**DOOR, "id": "till"}]))
    assert "2 documents in force" in again.stdout
    with sqlite3.connect(gateway.parent / "state" / "journal.sqlite") as db:
        assert [kind for (kind,) in db.execute("SELECT type FROM outbox")] == ["documents.changed.v1"] * 2
    db.close()


UUID = "FDA50693-A4E2-4FB1-AFCF-C6EB07647825"


def test_names_of_nothing_are_warnings(gateway: Path, zones: Path) -> None:
    beacons = [
        {"id": "a", "uuid": UUID, "major": 1, "zone": "dor", "profile": "kkm-kbecon", "pages": [{"page": "p"}]},
        {
            "id": "b",
            "uuid": UUID,
            "major": 2,
            "zone": "door",
            "profile": "kkm-kbeacon",
            "radio": "hci0",
            "rotating": True,
        },
    ]
    text, box = json.dumps(beacons), ("--config", str(gateway))
    ran("put", "zones", str(zones), *box)
    done = ran("check", "beacons", "-", *box, text=text)
    assert (done.exit_code, done.stdout) == (0, "-: 2 beacons, no mistakes\n")
    assert "[0].zone: there is no zone 'dor' — did you mean 'door'?" in done.stderr
    assert "[0].profile: there is no profile 'kkm-kbecon' — did you mean 'kkm-kbeacon'?" in done.stderr
    told = json.loads(ran("put", "beacons", "-", *box, "--json", text=text).stdout)
    assert (told["count"], told["changed"]) == (2, True)
    assert [each["path"] for each in told["warnings"]] == [
        "[0].profile",
        "[1].rotating",
        "[1].radio",
        "[0].zone",
        "[0].pages[0].page",
        "[1].radio",
    ]
    done = ran("check", "zones", "-", *box, text="[]")
    assert "beacons/b.zone: names 'door', which is not in this set" in done.stderr


def test_check_looks_at_the_other_kinds_and_changes_nothing(gateway: Path) -> None:
    state = gateway.parent / "state"
    one = json.dumps([{"id": "a", "uuid": UUID, "major": 1, "zone": "door"}])
    done = ran("check", "beacons", "-", "--config", str(gateway), text=one)
    assert (done.stdout, "there is no zone 'door'" in done.stderr) == ("-: 1 beacon, no mistakes\n", True)
    assert not state.exists()
    state.mkdir()
    (state / "documents.json").write_text("{")
    done = ran("check", "beacons", "-", "--config", str(gateway), text=one)
    assert (done.exit_code, "(other kinds): not looked at" in done.stderr) == (0, True)
    assert [path.name for path in state.iterdir()] == ["documents.json"]


def test_a_configuration_that_is_not_there_is_no_matter_unless_it_was_asked_for(
    zones: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOREGATE_CONFIG", "/nowhere.toml")
    assert ran("check", "zones", str(zones)).stderr == ""
    page = json.dumps([{"id": "p", "title_zh": "a", "title_en": "a", "draw": "d"}])
    done = ran("check", "pages", "-", "--json", text=page)
    assert [each["path"] for each in json.loads(done.stdout)["warnings"]] == ["(other kinds)"]
    assert ran("check", "zones", str(zones), "--config", "/nowhere.toml").exit_code == 2


def test_a_wrong_set_changes_nothing(gateway: Path, zones: Path) -> None:
    ran("put", "zones", str(zones), "--config", str(gateway))
    done = ran("put", "zones", "-", "--config", str(gateway), text='[{"id": "x"}]')
    assert done.exit_code == 2
    assert json.loads(ran("get", "zones", "--config", str(gateway)).stdout) == [DOOR]


def test_a_daemon_that_does_not_listen_yet_is_not_bypassed(gateway: Path, zones: Path) -> None:
    held = lock(gateway.parent / "state" / "journal.sqlite")
    done = ran("put", "zones", str(zones), "--config", str(gateway))
    os.close(held)
    assert done.exit_code == 1
    assert "in use" in done.stderr


async def test_a_running_daemon_takes_it_and_has_it_in_force(gateway: Path, zones: Path) -> None:
    stop, up = asyncio.Event(), asyncio.Event()
    settings = await asyncio.to_thread(load, gateway)
    running = asyncio.create_task(daemon.run(settings, stop=stop, ready=lambda _: up.set()))
    ready = asyncio.create_task(up.wait())
    await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
    assert not running.done(), running.exception()
    done = await asyncio.to_thread(ran, "put", "zones", str(zones), "--config", str(gateway))
    assert done.exit_code == 0, done.stderr
    shown = await asyncio.to_thread(ran, "get", "zones", "--config", str(gateway))
    assert json.loads(shown.stdout) == [DOOR]
    stop.set()
    await running


def asked(*words: str) -> Result:
    return CliRunner().invoke(config.app, list(words))


def test_config_check_show_and_example(gateway: Path, tmp_path: Path) -> None:
    done = asked("check", "--config", str(gateway))
    assert (done.exit_code, "no mistakes" in done.stdout) == (0, True)
    assert "warning" in done.stderr
    told = json.loads(asked("check", "--config", str(gateway), "--json").stdout)
    assert told["ok"] is True
    assert any("mqtt.host" in warning for warning in told["warnings"])
    shown = asked("show", "--config", str(gateway))
    assert "very-secret" not in shown.output
    assert json.loads(shown.stdout)["stations"]["t1"]["key"] == "***"
    assert json.loads(asked("show", "--config", str(gateway), "--json").stdout)["outbox"]["max_mb"] == 256
    example = tmp_path / "example.toml"
    example.write_text(asked("example").stdout)
    assert asked("check", "--config", str(example)).exit_code == 0


def test_config_check_tells_mistakes(tmp_path: Path) -> None:
    (tmp_path / "g.toml").write_text("[gatway]\n")
    done = asked("check", "--config", str(tmp_path / "g.toml"))
    assert done.exit_code == 2
    assert "did you mean 'gateway'" in done.stderr
    told = json.loads(asked("check", "--config", str(tmp_path / "g.toml"), "--json").stdout)
    assert told["ok"] is False
    assert asked("check", "--config", "/nowhere").exit_code == 2
