"""Given a box with something wrong, expect one line that says it and what to do."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
import typer

from edge.cli import checks
from edge.cli.checks import Line, Verdict
from edge.cli.doctor import _sum, doctor
from edge.cli.status import status
from edge.config import Config, parse

BASE = '[gateway]\ntenant = "t"\nstore = "s"\nid = "g"\nstate_dir = "{state}"\n'


def box(state: Path, more: str = "") -> Config:
    return parse(BASE.format(state=state) + more, where="test")


def wrong(lines: list[Line]) -> list[str]:
    return [line.text for line in lines if line.verdict is Verdict.WRONG]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_full_disk(tmp_path: Path) -> None:
    (line,) = checks.state_dir(box(tmp_path, "[outbox]\nfree_floor_mb = 1e9\n"))
    assert line.verdict is Verdict.WRONG
    assert "free_floor_mb" in line.text
    assert line.next


def test_a_damaged_journal(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    (line,) = checks.journal(box(tmp_path))
    assert line.verdict is Verdict.WRONG


def test_no_journal_yet_is_fine_and_none_is_made(tmp_path: Path) -> None:
    (line,) = checks.journal(box(tmp_path))
    assert line.verdict is Verdict.OK
    assert list(tmp_path.iterdir()) == []


def test_a_broker_that_is_not_there_and_a_name_that_is_none(tmp_path: Path) -> None:
    refused = box(tmp_path, f'[mqtt]\nhost = "127.0.0.1"\nport = {free_port()}\n')
    assert "refused" in wrong(list(checks.broker(refused)))[0]
    nameless = box(tmp_path, '[mqtt]\nhost = "broker.invalid"\n')
    assert "is not found" in wrong(list(checks.broker(nameless)))[0]


def test_a_broker_that_speaks_no_tls(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        plain = box(tmp_path, f'[mqtt]\nhost = "127.0.0.1"\nport = {port}\n')
        assert [line.verdict for line in checks.broker(plain)] == [Verdict.OK]
        server.settimeout(5)
        secured = box(tmp_path, f'[mqtt]\nhost = "127.0.0.1"\nport = {port}\ntls = true\n')
        lines = checks.broker(secured)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(checks, "CONNECT_S", 0.3)
            assert wrong(list(lines))


def test_a_port_that_another_program_has(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        text = f"[listen.guest]\nport = 0\n[listen.shop]\nport = {port}\n[listen.admin]\nport = 0\n"
        found = wrong(list(checks.ports(box(tmp_path, text))))
    assert len(found) == 1
    assert str(port) in found[0]


def test_devices_that_are_missing(tmp_path: Path) -> None:
    text = (
        '[[scanners]]\nid = "dock-1"\ntransport = "serial"\ndevice = "/dev/serial/by-id/none"\n'
        f'[[footfall]]\nid = "door"\nzone = "door"\nsource = "camera"\ndevice = "{tmp_path}"\n'
        '[[footfall]]\nid = "side"\nzone = "door"\nsource = "camera"\ndevice = "rtsp://user:secret@10.0.0.9/1"\n'
    )
    lines = list(checks.devices(box(tmp_path, text)))
    assert wrong(lines) == ["/dev/serial/by-id/none is not there"]
    assert "secret" not in str(lines)


def test_what_is_worth_a_look_is_not_all_is_well() -> None:
    assert _sum(0, 0) == "all is well"
    assert _sum(0, 1) == "nothing is broken; 1 thing to look at"
    assert _sum(2, 0) == "2 to mend"
    assert _sum(2, 3) == "2 to mend, 3 things to look at"


def test_the_command_ends_with_1_and_prints_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(BASE.format(state=tmp_path) + f"[listen.admin]\nport = {free_port()}\n", "utf-8")
    with pytest.raises(typer.Exit) as ended:
        doctor(file, as_json=True)
    assert ended.value.exit_code == 1
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    assert {"what": "daemon", "verdict": "wrong"}.items() <= next(
        line for line in told["lines"] if line["what"] == "daemon"
    ).items()


def test_a_wrong_configuration_is_one_line_with_every_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text("[gateway]\ntenat = 1\n", "utf-8")
    with pytest.raises(typer.Exit):
        doctor(file)
    out = capsys.readouterr().out
    assert "tenat" in out
    assert "tenant" in out


def test_status_of_a_gateway_that_does_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(BASE.format(state=tmp_path) + f"[listen.admin]\nport = {free_port()}\n", "utf-8")
    with pytest.raises(SystemExit) as ended:
        status(file)
    assert ended.value.code == 1
    assert "storegate doctor" in capsys.readouterr().err
