"""How every command fails: words on stderr, JSON on stdout where it was asked for, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from edge.cli import root

LEAST = '[gateway]\ntenant = "t"\nstore = "s"\nid = "g"\nstate_dir = "{}"\n[listen.admin]\nport = 0\n'
TOLD = "import sys; from edge.cli.root import main; sys.argv[0] = 'storegate'; main()"
BUG = "import sys; from edge.cli import root; root.build = lambda: lambda: 1 // 0; root.main()"


def storegate(*arguments: str | bytes, program: str = TOLD, **more: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONUTF8": "1", "COLUMNS": "200", **more}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], check=False, capture_output=True, env=environment, timeout=60
    )


def words(done: subprocess.CompletedProcess[bytes]) -> str:
    told = done.stderr.decode()
    assert "Traceback" not in told, told
    return told


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    path = tmp_path / "gateway.toml"
    path.write_text(LEAST.format(tmp_path / "state"))
    return path


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["catalogue", "import", "/nowhere.csv"], 2),
        (["catalogue", "search", "cola"], 1),
        (["status"], 1),
        (["status", "--nonsense"], 2),
        (["coupon", "issue"], 2),
        (["ledger", "verify"], 2),
        (["documents", "put", "zoness", "-"], 2),
        (["documents", "check", "zones", "/nowhere"], 2),
        (["scan", "image", "--only", "EAN13", "x.png"], 2),
    ],
)
def test_json_on_stdout_also_of_a_failure(toml: Path, arguments: list[str], code: int) -> None:
    done = storegate(*arguments, "--json", STOREGATE_CONFIG=str(toml))
    assert done.returncode == code, words(done)
    told = json.loads(done.stdout)["error"]
    assert told["message"]
    assert "hint" in told
    assert words(done)


def test_json_has_the_mistakes(tmp_path: Path, toml: Path) -> None:
    (tmp_path / "zones.json").write_text('[{"id": "x\\n"}]')
    for command in ("put", "check"):
        done = storegate(
            "documents", command, "zones", str(tmp_path / "zones.json"), "--json", STOREGATE_CONFIG=str(toml)
        )
        error: dict[str, Any] = json.loads(done.stdout)["error"]
        assert {mistake["path"] for mistake in error["mistakes"]} == {"[0].id", "[0].name_zh", "[0].name_en"}
        assert done.returncode == 2
    toml.write_text("x = 1\n")
    for words_of in (["config", "check"], ["status"], ["coupon", "issue", "x"]):
        done = storegate(*words_of, "--json", STOREGATE_CONFIG=str(toml))
        assert [each["path"] for each in json.loads(done.stdout)["error"]["mistakes"]] == ["x", "gateway"]
        assert done.returncode == 2


def test_too_deep_a_file_is_told(tmp_path: Path) -> None:
    deep = tmp_path / "deep"
    deep.write_text("[" * 200_000)
    done = storegate("documents", "check", "zones", str(deep))
    assert (done.returncode, "too deep" in words(done)) == (2, True)
    deep.write_text("a=" + "[" * 100_000)
    done = storegate("config", "check", "--config", str(deep))
    assert (done.returncode, "too deep" in words(done)) == (2, True)


def test_bytes_that_are_no_utf8(tmp_path: Path, toml: Path) -> None:
    for command in (["coupon", "show"], ["coupon", "void"], ["catalogue", "search"], ["catalogue", "show"]):
        done = storegate(*command, b"a\xff", STOREGATE_CONFIG=str(toml))
        assert done.returncode in {1, 2}
        assert words(done)
    name = os.fsencode(tmp_path) + b"/a\xff.png"
    Path(os.fsdecode(name)).write_bytes(b"no picture")
    done = storegate("scan", "image", "--json", name)
    assert json.loads(done.stdout)["file"].endswith("a\\udcff.png")
    assert done.returncode == 1
    done = storegate("scan", "image", name)
    assert "is not a picture" in words(done)
    done = storegate("config", "check", "--config", b"\xff", "--json")
    assert "error" in json.loads(done.stdout)


def test_a_profile_that_does_not_exist_is_a_mistake(toml: Path) -> None:
    toml.write_text(toml.read_text() + '[[scanners]]\nid = "a"\ntransport = "fake"\nprofile = "zebra-ds2209"\n')
    done = storegate("config", "check", "--config", str(toml))
    assert done.returncode == 2
    assert "scanners[0].profile" in words(done)
    assert "zebra-ds2208" in words(done)


def test_a_bug_is_one_line_and_what_to_do() -> None:
    done = storegate(program=BUG)
    assert done.returncode == 1
    assert words(done).startswith("error: ZeroDivisionError")
    assert "STOREGATE_DEBUG=1" in words(done)
    assert b"Traceback" in storegate(program=BUG, STOREGATE_DEBUG="1").stderr


@pytest.mark.parametrize(("file", "told"), [("/tmp", "a folder"), ("/dev/null", "ordinary"), ("-", "standard input")])
def test_what_is_no_file_to_import(file: str, told: str) -> None:
    done = storegate("catalogue", "import", file)
    assert (done.returncode, told in words(done)) == (2, True)


def test_help_keeps_what_is_in_brackets() -> None:
    runner, app = CliRunner(env={"COLUMNS": "200"}), root.build()
    assert "[coupons.issuer_keys]" in runner.invoke(app, ["coupon", "--help"]).output
    assert "[coupons.peer_keys]" in runner.invoke(app, ["coupon", "gateway-key", "--help"]).output
    assert "[coupons.issuer_keys]" in runner.invoke(app, ["coupon", "sign-grant", "--help"]).output
