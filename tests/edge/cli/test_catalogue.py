"""`storegate catalogue`: facts on stdout, words and progress on stderr, exit codes 0, 1, 2."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edge.cli.catalogue import app
from tests.edge.catalogue.given_rows import book, gtin, row


def ran(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    book(tmp_path, row(1, "可口可乐 330ml", member_price_fen=300, shelf="A1-2"), row(2, "雪碧"))
    return tmp_path


def test_import_says_what_it_did(tmp_path: Path) -> None:
    source = tmp_path / "p.csv"
    source.write_text(f"gtin,name_zh,price_fen\n{gtin(1)},可乐,350\n", "utf-8")
    done = ran("import", str(source), "--state-dir", str(tmp_path / "state"), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["products"] == 1
    assert "100%" not in done.stdout


class RefusingDaemon(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(503)
        self.end_headers()
        told = {"error": {"code": "disk_full", "message": "not saved: the disk is full", "hint": "free space"}}
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


def test_import_says_that_the_gateway_refused_to_tell_it(tmp_path: Path) -> None:
    source, config = tmp_path / "p.csv", tmp_path / "gateway.toml"
    source.write_text(f"gtin,name_zh,price_fen\n{gtin(1)},可乐,350\n", "utf-8")
    with HTTPServer(("127.0.0.1", 0), RefusingDaemon) as server:
        threading.Thread(target=server.handle_request).start()
        config.write_text(
            f'[gateway]\ntenant = "t"\nstore = "s"\nid = "g"\nstate_dir = "{tmp_path}"\n'
            f'[listen]\nadmin = {{ host = "127.0.0.1", port = {server.server_port} }}\n'
        )
        done = ran("import", str(source), "--config", str(config))
    assert done.exit_code == 0, done.output
    assert "refused (503): not saved: the disk is full" in done.stderr
    assert "no running gateway" not in done.stderr
    silent = ran("import", str(source), "--config", str(config))
    assert "no running gateway was told" in silent.stderr


def test_import_lists_mistakes_and_fails(tmp_path: Path) -> None:
    source = tmp_path / "p.csv"
    source.write_text(f"gtin,name_zh,price_fen\n{gtin(1)},可乐,3.50\n", "utf-8")
    done = ran("import", str(source), "--state-dir", str(tmp_path))
    assert done.exit_code == 1
    assert "line 2, column price_fen" in done.stderr
    assert "--skip-bad" in done.stderr
    assert ran("import", str(tmp_path / "none.csv"), "--state-dir", str(tmp_path)).exit_code == 2


def test_search_and_show(state: Path) -> None:
    found = ran("search", "ke", "le", "--state-dir", str(state))
    assert found.exit_code == 0
    assert "可口可乐 330ml" in found.stdout
    assert "3.50" in found.stdout
    assert ran("search", "zzzz", "--state-dir", str(state)).exit_code == 1
    shown = ran("show", gtin(1), "--state-dir", str(state), "--json")
    assert json.loads(shown.stdout)["product"]["shelf"] == "A1-2"
    assert ran("show", "1234567", "--state-dir", str(state)).exit_code == 2
    assert ran("show", gtin(9), "--state-dir", str(state)).exit_code == 1


def test_info(state: Path) -> None:
    assert json.loads(ran("info", "--state-dir", str(state), "--json").stdout)["products"] == 2
    assert ran("info", "--state-dir", str(state / "none")).exit_code == 1
