"""`storegate voucher` and `storegate wifi` as a person runs them: with a daemon, and over the journal without one."""

from __future__ import annotations

import asyncio
import csv
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from click.testing import Result
from typer.testing import CliRunner

from edge.access_answers import Way
from edge.cli import voucher, wifi
from edge.config import Listener
from edge.policies import Logs, load
from edge.portal.asks import Proven
from edge.web.admin import wifi as api
from edge.web.app import listen
from tests.edge.portal.given_portal_desk import wifi as open_wifi

CONFIG = """
[gateway]
tenant = "acme"
store = "s1"
id = "g1"
state_dir = "{state}"
[listen.admin]
port = {port}
[gate]
interface = "br-guest"
uplink = "eth0"
address4 = "10.64.0.1/20"
[access_point]
interface = "wlan0"
ssid = "Fresh <Wi-Fi>"
"""
KEEPS = msgspec.structs.replace(load("none"), logs=Logs(keep_days=60, fields=("mac", "account")))


class Box:
    def __init__(self, folder: Path, *, port: int = 0) -> None:
        self.folder, self.state = folder, folder / "state"
        self.state.mkdir(exist_ok=True)
        self.config = folder / "gateway.toml"
        self.config.write_text(CONFIG.format(state=self.state, port=port))

    def run(self, group: str, *words: str, stdin: str = "") -> Result:
        app = {"voucher": voucher.app, "wifi": wifi.app}[group]
        return CliRunner().invoke(app, words, input=stdin, env={"STOREGATE_CONFIG": str(self.config)})

    def facts(self, group: str, *words: str) -> object:
        done = self.run(group, *words, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)


@contextmanager
def daemon(folder: Path) -> Iterator[Box]:
    """With two guests on, one of them by a number that is written down."""
    up, down, ports = threading.Event(), threading.Event(), list[int]()

    async def serve() -> None:
        async with open_wifi(folder / "state", policy=KEEPS) as shop:
            shop.sms.says = Proven(holder="phone-" + "a" * 32, account="13800000000")
            await shop.let_in(1, Way.SMS)
            await shop.let_in(2)
            async with listen("admin", Listener(port=0), api.routes(shop.office), language="en") as bound:
                ports.append(int(bound.url.rpartition(":")[2]))
                up.set()
                await asyncio.to_thread(down.wait)

    (folder / "state").mkdir()
    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert up.wait(10)
        yield Box(folder, port=ports[0])
    finally:
        down.set()
        thread.join()


def test_a_sheet_to_print_and_a_table(tmp_path: Path) -> None:
    box = Box(tmp_path)
    sheet, table = tmp_path / "sheet.html", tmp_path / "codes.csv"
    done = box.run(
        "voucher", "make", "--count", "4", "--minutes", "1440", "--megabytes", "500", "--devices", "2",
        "--out", str(sheet), "--csv", str(table),
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert done.stdout == ""
    text = sheet.read_text("utf-8")
    codes = re.findall(r"<code>([A-Z2-7-]{14})</code>", text)
    assert len(set(codes)) == text.count("<svg") == 4
    assert "Fresh &lt;Wi-Fi&gt;" in text
    for words in ("1天，500 MB，2 台设备", "1 d, 500 MB, 2 devices", "免费无线网络", "Free Wi-Fi"):
        assert words in text
    rows = list(csv.DictReader(table.read_text("utf-8").splitlines()))
    assert [row["code"] for row in rows] == codes
    assert rows[0]["url"] == f"http://10.64.0.1/#{codes[0].replace('-', '')}"
    assert {path.stat().st_mode & 0o777 for path in (sheet, table)} == {0o600}
    listed = box.run("voucher", "list").stdout
    assert "0/4" in listed
    assert codes[0] not in listed


def test_what_stands_on_a_voucher(tmp_path: Path) -> None:
    box = Box(tmp_path)
    sheet = tmp_path / "sheet.html"
    assert box.run("voucher", "make", "--count", "30", "--ssid", "好邻居 <5G>", "--out", str(sheet)).exit_code == 0
    (batch,) = box.facts("voucher", "list")  # type: ignore[misc]
    text = sheet.read_text("utf-8")
    assert text.count(f'<p class="batch">{batch["batch"]}</p>') == 30
    assert "连接 Wi-Fi：<b>好邻居 &lt;5G&gt;</b>，再扫码，或在弹出的页面输入：" in text
    assert "Join <b>好邻居 &lt;5G&gt;</b>, then scan this or type it in:" in text
    pages = text.split("<main>")[1:]
    assert [page.count("<article>") for page in pages] == [12, 12, 6]
    box.config.write_text(box.config.read_text().partition("[access_point]")[0])  # nobody wrote its name down
    other = tmp_path / "other.html"
    assert box.run("voucher", "make", "--out", str(other)).exit_code == 0
    assert "Join the shop's Wi-Fi, then scan" in other.read_text("utf-8")
    assert other.read_text("utf-8").count("<article>") == 24


def test_codes_of_an_older_sheet_are_not_written_over(tmp_path: Path) -> None:
    box, sheet = Box(tmp_path), tmp_path / "sheet.html"
    sheet.write_text("codes")
    for option in ("--out", "--csv"):
        done = box.run("voucher", "make", option, str(sheet))
        assert (done.exit_code, "--force" in done.stderr, "shown only once" in done.stderr) == (2, True, True)
    assert box.run("voucher", "make", "--out", str(tmp_path / "x"), "--csv", str(tmp_path / "x")).exit_code == 2
    assert sheet.read_text() == "codes"
    assert box.facts("voucher", "list") == []
    assert box.run("voucher", "make", "--count", "1", "--out", str(sheet), "--force").exit_code == 0
    assert sheet.read_text("utf-8").count("<article>") == 1


def test_voiding_looks_before_it_asks(tmp_path: Path) -> None:
    box = Box(tmp_path)
    done = box.run("voucher", "void", "nonsense", stdin="y\n")
    assert (done.exit_code, "Void" in done.stderr, "no such batch" in done.stderr) == (2, False, True)
    assert "1 voucher, batch" in box.run("voucher", "make", "--count", "1").stderr
    (batch,) = box.facts("voucher", "list")  # type: ignore[misc]
    done = box.run("voucher", "void", batch["batch"], stdin="y\n")
    assert done.exit_code == 0
    assert f"Void 1 voucher of {batch['batch']}, of which 0 were used?" in done.stderr
    assert "1 voucher worth nothing now" in done.stdout
    assert "cut off once it and the daemon are up" in done.stderr  # none runs here
    assert box.run("voucher", "void", batch["batch"], stdin="y\n").exit_code == 2


def test_codes_are_shown_this_once(tmp_path: Path) -> None:
    box = Box(tmp_path)
    codes = box.run("voucher", "make", "--count", "3").stdout.split()
    assert all(re.fullmatch(r"([A-Z2-7]{4}-){2}[A-Z2-7]{4}", code) for code in codes)
    (batch,) = box.facts("voucher", "list")  # type: ignore[misc]
    assert batch["count"] == 3
    assert box.run("voucher", "void", batch["batch"], stdin="n\n").exit_code == 1
    assert box.facts("voucher", "void", batch["batch"], "--yes")["voided"]  # type: ignore[index]
    assert "voided" in box.run("voucher", "list").stdout


@pytest.mark.parametrize(
    "words",
    [
        ("make", "--count", "0"),
        ("make", "--count", "5001"),
        ("make", "--minutes", "0"),
        ("make", "--out", "/nowhere/at/all/sheet.html"),
        ("make", "--url", "javascript:alert(1)"),
        ("void", "no-such-batch", "--yes"),
    ],
)
def test_wrong_wishes_make_nothing(tmp_path: Path, words: tuple[str, ...]) -> None:
    box = Box(tmp_path)
    done = box.run("voucher", *words)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert box.facts("voucher", "list") == []


def test_nobody_is_on(tmp_path: Path) -> None:
    box = Box(tmp_path)
    assert "nobody" in box.run("wifi", "guests").stderr
    assert box.run("wifi", "end", "abc").exit_code == 2
    assert box.run("wifi", "end").exit_code == 2
    assert box.run("wifi", "end", "abc", "--all").exit_code == 2
    done = box.run("wifi", "records", "--format", "csv")
    assert done.stdout == "session,since,until,way,mac,address,account,readable\n"
    assert "portal.policy" in done.stderr


def test_through_the_daemon(tmp_path: Path) -> None:
    with daemon(tmp_path) as box:
        found = box.facts("wifi", "guests")
        assert [each["way"] for each in found] == ["click", "sms"]  # type: ignore[union-attr,index]
        shown = box.run("wifi", "guests").stdout
        assert "sms" in shown
        assert "02:00" not in shown
        done = box.run("wifi", "records")
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert [line.get("account") for line in lines] == ["13800000000", ""]
        out = tmp_path / "records.csv"
        day = ("--from", "2026-01-01", "--to", "2026-12-31")
        assert box.run("wifi", "records", *day, "--format", "csv", "--out", str(out)).exit_code == 0
        assert out.stat().st_mode & 0o777 == 0o600
        assert len(out.read_text("utf-8").splitlines()) == 3
        again = box.run("wifi", "records", "--out", str(out))
        assert (again.exit_code, "is there already" in again.stderr, "another name" in again.stderr) == (2, True, True)
        assert box.run("wifi", "records", "--from", "2025-01-01", "--to", "2025-12-31").stdout == ""
        session = found[0]["session"]  # type: ignore[index]
        assert box.facts("wifi", "end", session) == {"ended": 1, "gate": True}
        assert box.run("wifi", "end", session).exit_code == 2
        assert box.facts("wifi", "end", "--all", "--yes") == {"ended": 1, "gate": True}
        made = box.facts("voucher", "make", "--count", "2")
        assert len(made["codes"]) == 2  # type: ignore[index]
        assert box.run("voucher", "void", "no-such-batch", "--yes").exit_code == 2


@pytest.mark.parametrize(
    "words", [("--from", "yesterday"), ("--to", "2026-13-01"), ("--from", "2026-02-01", "--to", "2026-01-01")]
)
def test_a_span_that_is_none(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = Box(tmp_path).run("wifi", "records", *words)
    assert done.exit_code == 2
    assert done.stdout == ""
