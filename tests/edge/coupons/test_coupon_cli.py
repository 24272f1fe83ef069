"""`storegate coupon` and `storegate ledger` as a person runs them: with and without a daemon."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

import msgspec
import pytest
from click.testing import Result
from typer.testing import CliRunner

from edge.cli import coupon, ledger
from edge.config import Listener
from edge.documents import Documents
from edge.web.admin import coupons as admin
from edge.web.app import listen
from tests.edge.coupons.given_coupons import campaign
from tests.edge.coupons.given_desk import counter, grant_bytes

CONFIG = """
[gateway]
tenant = "acme"
store = "s1"
id = "g1"
state_dir = "{state}"
[listen.admin]
port = {port}
[coupons.issuer_keys]
me = "{key}"
"""


class Box:
    """A folder with a configuration, and the command."""

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.state.mkdir(exist_ok=True)
        self.config = folder / "gateway.toml"
        self.key = folder / "issuer.key"
        self.public = self.run("new-key", str(self.key)).stdout.strip() if not self.key.exists() else ""
        self.config.write_text(CONFIG.format(state=self.state, port=port, key=self.public))
        documents = {"campaigns": [msgspec.to_builtins(campaign(starts_ms=1, ends_ms=4_000_000_000_000))]}
        self.documents = documents

    def run(self, *words: str, group: str = "coupon", stdin: str = "") -> Result:
        app = {"coupon": coupon.app, "ledger": ledger.app}[group]
        return CliRunner().invoke(app, words, input=stdin, env={"STOREGATE_CONFIG": str(self.config)})

    def facts(self, *words: str, group: str = "coupon", stdin: str = "") -> dict:
        done = self.run(*words, "--json", group=group, stdin=stdin)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def signed(self, units: int = 5, seq: int = 1) -> str:
        return self.run(
            *("sign-grant", "--key", str(self.key), "--key-id", "me", "--campaign", "milk"),
            *("--gateway", "/storegate/acme/s1/g1", "--units", str(units), "--seq", str(seq)),
        ).stdout


async def put_documents(box: Box) -> None:
    documents = await asyncio.to_thread(Documents.open, box.state)
    await documents.put("campaigns", box.documents["campaigns"], by="cli")


async def test_a_coupons_whole_life_without_a_daemon(tmp_path: Path) -> None:
    box = await asyncio.to_thread(Box, tmp_path)
    await put_documents(box)
    await asyncio.to_thread(whole_life, box)


def whole_life(box: Box) -> None:
    assert box.facts("grant", "-", stdin=box.signed())["available"] == 5
    issued = box.facts("issue", "milk")
    assert (len(issued["token"]), issued["state"]) == (152, "outstanding")
    assert box.facts("show", issued["short_code"])["serial"] == issued["serial"]
    done = box.run("redeem", issued["token"], "--till", "t1", "--receipt", "5", "--value-fen", "300")
    assert (done.exit_code, done.stdout[:8]) == (0, "redeemed")
    again = box.facts("redeem", issued["serial"], "--till", "t1", "--receipt", "5", "--value-fen", "300")
    assert again["answer"] == "redeemed"
    other = box.run("redeem", issued["serial"], "--till", "t1", "--receipt", "6")
    assert other.exit_code == 1
    assert "Already used at t1" in other.stderr
    second = box.facts("issue", "milk")
    assert box.facts("void", second["serial"], "--reason", "test")["units"] == 1
    report = box.facts("verify", group="ledger")
    assert report["ok"]
    assert report["campaigns"][0]["units"]["redeemed"] == 1
    assert report["campaigns"][0]["units"]["voided"] == 1
    told = box.run("verify", group="ledger")
    assert "the ledger is whole" in told.stdout


async def test_with_a_daemon_the_daemon_is_asked_and_its_book_can_be_verified_live(tmp_path: Path) -> None:
    async with counter(tmp_path / "state") as made:
        async with listen("admin", Listener(), admin.routes(made.desk)) as bound:
            box = await asyncio.to_thread(Box, tmp_path, port=bound.port)
            issued = await asyncio.to_thread(box.facts, "issue", "milk", "--holder", "wang")
            assert issued["state"] == "outstanding"
            granted = await asyncio.to_thread(box.facts, "grant", "-", stdin=grant_bytes(3, seq=2).decode())
            assert granted["available"] == 12
            bad = await asyncio.to_thread(box.run, "grant", "-", stdin="{}")
            assert (bad.exit_code, "is missing" in bad.stderr) == (2, True)
            live = await asyncio.to_thread(box.facts, "verify", group="ledger")
            assert live["ok"]
            assert live["head"]["n"] == (await made.desk.ledger()).head.n
        locked = await asyncio.to_thread(box.run, "show", issued["serial"])
        assert locked.exit_code == 1
        assert "in use by another process" in locked.stderr


@pytest.mark.parametrize(
    "tamper",
    [
        "UPDATE ledger SET value_fen = 1 WHERE n = 3",
        "DELETE FROM ledger WHERE n = 3",
        "UPDATE ledger_account SET units = units + 1 WHERE account = 'available'",
        "UPDATE coupon SET state = 'redeemed'",
    ],
)
async def test_a_book_that_somebody_edited_is_not_whole(tmp_path: Path, tamper: str) -> None:
    async with counter(tmp_path / "state") as made:
        await made.token()
    await asyncio.to_thread(edited, tmp_path, tamper)


def edited(folder: Path, tamper: str) -> None:
    box = Box(folder)
    db = sqlite3.connect(box.state / "journal.sqlite")
    if "ledger " in tamper:
        with pytest.raises(sqlite3.IntegrityError, match="append only"):
            db.execute(tamper)
        db.execute("DROP TRIGGER ledger_is_not_changed")
        db.execute("DROP TRIGGER ledger_is_not_cut")
    db.execute(tamper)
    db.commit()
    db.close()
    done = box.run("verify", group="ledger")
    assert done.exit_code == 1
    assert "NOT WHOLE" in done.stdout
    assert "wrong:" in done.stderr


def test_what_can_go_wrong_is_said_with_the_next_step(tmp_path: Path) -> None:
    box = Box(tmp_path)
    for words, group, expected in (
        (("void",), "coupon", "either a CODE or --campaign"),
        (("new-key", str(box.key)), "coupon", "File exists"),
        (("grant", "nowhere.json"), "coupon", "can't read nowhere.json"),
        (("verify",), "ledger", "there is no journal"),
    ):
        done = box.run(*words, group=group)
        assert (done.exit_code, expected in done.stderr) == (2, True), done.stderr
        assert "Traceback" not in done.stderr
