"""`storegate beacon` with an emulated beacon in the air: what it prints, writes, tells, and its exit codes."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from devices.beacons.emulator.emulated import sham_of
from devices.beacons.emulator.sham import Faults, Sham, Step
from devices.beacons.emulator.virtual import Air, Beacon, VirtualRadio
from devices.beacons.profile import Setting
from devices.beacons.provisioning.job import Patience
from edge.cli import beacon_air, beacon_words
from edge.cli.beacon import app
from tests.devices.beacons.given_bluez import bluez, private_bus
from tests.devices.beacons.given_emulator import PROFILES

UUID = "FDA50693-A4E2-4FB1-AFCF-C6EB07647825"
KKM, NORDIC, ADDRESS = "kkm-kbeacon", "nordic-beacon-kit", "C1:00:00:00:00:{:02X}"
SECRET = "what-they-get"


def ran(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


class Shop:
    """A gateway.toml with its documents, and emulated beacons at hand."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self.config = folder / "gateway.toml"
        self.config.write_text(
            f'[gateway]\ntenant = "t"\nstore = "s"\nid = "g"\nstate_dir = "{folder}"\n'
            f'[listen.admin]\nport = {port}\n[[radios]]\nadapter = "hci0"\n'
        )
        self.passwords = folder / "beacons.toml"
        self.passwords.write_text(f'default = "{SECRET}"\ndoor-2 = "4660"\n')
        self.passwords.chmod(0o600)
        self.shams: list[Sham] = []
        self.documents: list[dict[str, Any]] = []

    def hangs(self, name: str, profile: str, *, secret: str = "", faults: Faults | None = None, **more: Any) -> Sham:
        number = len(self.shams) + 1
        address = ADDRESS.format(number)
        document = {"id": name, "uuid": UUID, "major": 1, "minor": number, "profile": profile, "address": address}
        self.documents.append({**document, "zone": "door", **more})
        self.shams.append(sham_of(PROFILES[profile], address=address, secret=secret, faults=faults))
        return self.shams[-1]

    def write(self) -> None:
        from edge.documents_file import DocumentsFile  # noqa: PLC0415

        zones = [{"id": "door", "name_zh": "门口", "name_en": "Door"}]
        DocumentsFile(self.folder).save({"zones": zones, "beacons": self.documents})

    @asynccontextmanager
    async def radio(self, _adapter: str) -> AsyncIterator[VirtualRadio]:
        air = Air()
        async with AsyncExitStack() as stack:
            for sham in self.shams:
                await stack.enter_async_context(Beacon(air, sham, sham.address, pace_s=0.02))
            yield await stack.enter_async_context(VirtualRadio(air))

    def ran(self, *words: str) -> Result:
        self.write()
        return ran(*words, "--config", str(self.config))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    made = Shop(tmp_path)
    monkeypatch.setattr(beacon_air, "radio_of", made.radio)
    monkeypatch.setattr(beacon_air, "_on_ctrl_c", lambda _cancel: None)  # the runner's thread has no signals
    return made


def test_scan_names_beacons_and_what_they_may_be(shop: Shop) -> None:
    shop.hangs("door-1", NORDIC, minor=0, uuid="e2c56db5-dffb-48d2-b060-d0f5a71096e0", major=0)
    shop.hangs("door-2", KKM)
    done = shop.ran("scan", "--seconds", "0.3", "--json")
    assert done.exit_code == 0, done.output
    first, second = sorted(json.loads(done.stdout), key=lambda row: row["address"])
    assert (first["beacon"], first["profiles"], first["sureness"]) == ("door-1", [NORDIC], "sure")
    assert first["says"]["iBeacon"].startswith("E2C56DB5")
    assert second["beacon"] == "door-2"  # by its address
    assert second["profiles"][0] == KKM
    done = shop.ran("scan", "--seconds", "0.2")
    assert "door-1" in done.stdout
    assert "C1:00:00:00:00:01" in done.stdout


def test_scan_of_an_empty_air_says_what_to_try(shop: Shop) -> None:
    done = shop.ran("scan", "--seconds", "0.1")
    assert done.exit_code == 0
    assert "no beacon heard" in done.stderr
    assert json.loads(shop.ran("scan", "--seconds", "0.1", "--json").stdout) == []


def test_one_is_provisioned_and_then_verifies(shop: Shop) -> None:
    sham = shop.hangs("door-1", KKM)
    words = ("--passwords", str(shop.passwords))
    done = shop.ran("provision", "door-1", *words)
    assert done.exit_code == 0, done.output
    assert "its password is the new one" in done.stdout
    assert (sham.sent[Setting.MINOR], sham.secret) == (1, SECRET)
    checked = shop.ran("verify", "door-1", *words)
    assert checked.exit_code == 0, checked.output
    shown = shop.ran("show", "door-1", *words, "--json")
    assert json.loads(shown.stdout)["settings"]["minor"] == 1
    assert shop.ran("identify", "door-1", *words).exit_code == 0
    assert sham.identified == 1
    assert SECRET not in done.output + checked.output + shown.output


def test_what_differs_from_the_document_is_told(shop: Shop) -> None:
    sham = shop.hangs("door-1", NORDIC, interval_ms=700)
    sham.kept |= {Setting.UUID: UUID.lower(), Setting.MAJOR: 1, Setting.MINOR: 1, Setting.MEASURED_POWER: -59}
    sham.apply()
    done = shop.ran("verify", "door-1", "--unverified", "--json")
    assert done.exit_code == 1, done.output
    (told,) = json.loads(done.stdout)
    assert told["unlike"] == {"interval_ms": [700, 1000]}
    assert "the document says 700, the beacon 1000" in shop.ran("verify", "door-1", "--unverified").stdout
    assert shop.ran("verify", "door-1").exit_code == 0  # what is not sure is not looked at


def test_many_with_a_report_that_is_gone_on_with(shop: Shop, tmp_path: Path) -> None:
    good = shop.hangs("door-1", NORDIC)
    shop.hangs("door-2", NORDIC, faults=Faults(refuses=Setting.MAJOR))
    report = tmp_path / "report.jsonl"
    done = shop.ran("provision", "--all", "--report", str(report), "--json")
    assert done.exit_code == 1, done.output
    first, second = json.loads(done.stdout)
    assert (first["id"], first["ok"]) == ("door-1", True)
    assert (second["id"], second["ok"], second["step"], second["rolled_back"]) == ("door-2", False, "write", True)
    steps = dict(good.steps)
    shop.shams[1].faults = Faults()
    again = shop.ran("provision", "--all", "--report", str(report))
    assert again.exit_code == 0, again.output
    assert "1 of 2 are done already" in again.stderr
    assert dict(good.steps) == steps  # not touched
    assert "C1:00" not in report.read_text()


@pytest.mark.parametrize(("took_it", "runs"), [(True, 1), (False, 2)])
def test_a_password_that_may_be_either_is_found_out_by_going_on(
    shop: Shop, tmp_path: Path, *, took_it: bool, runs: int
) -> None:
    """One try a run: the new one first, for the next run the other one if that was refused."""
    lost = Faults(drop_at=(Step.COMMIT, 2), takes_effect=took_it, dead_after_drop=True)  # the change of its PIN
    sham = shop.hangs("door-1", "radbeacon-dot", secret="0123", faults=lost)
    current, shop.passwords = tmp_path / "current.toml", tmp_path / "new.toml"
    for file, secret in ((current, "0123"), (shop.passwords, "9876")):
        file.write_text(f'default = "{secret}"\n')
        file.chmod(0o600)
    words = ("provision", "door-1", "--passwords", str(shop.passwords), "--current", str(current), "--report")
    report = tmp_path / "report.jsonl"
    done = shop.ran(*words, str(report))
    assert (done.exit_code, "the old one or the new one" in done.stdout) == (1, True), done.output
    for run in range(1, runs + 1):
        done = shop.ran(*words, str(report))
        assert done.exit_code == (0 if run == runs else 1), done.output
    assert "its password is the new one" in done.stdout
    assert sham.lock.key == b"9876\0\0\0\0"  # type: ignore[attr-defined]
    assert json.loads(report.read_text().splitlines()[-1])["password"] == "changed"


def test_a_failure_says_the_step_and_what_to_try(shop: Shop) -> None:
    shop.hangs("door-1", KKM, secret="nobody-knows-it")
    done = shop.ran("provision", "door-1", "--passwords", str(shop.passwords))
    assert done.exit_code == 1
    assert "unlock" in done.stdout
    assert "next:" in done.stdout
    assert "give the password" in done.stdout
    assert "nobody-knows" not in done.output


def test_a_dry_run_touches_no_radio(shop: Shop) -> None:
    sham = shop.hangs("door-1", KKM, interval_ms=400)
    shop.hangs("door-2", "ibks-105")
    done = shop.ran("provision", "--all", "--dry-run", "--passwords", str(shop.passwords), "--json")
    assert done.exit_code == 1, done.output
    first, second = json.loads(done.stdout)
    assert (first["settings"]["interval_ms"], first["password_changes"]) == (400, True)
    assert "not certain" in second["problem"]
    assert "--unverified" in second["hint"]
    assert not sham.steps
    assert SECRET not in done.output


def test_wrong_usage_is_told_before_any_radio_is_used(shop: Shop, tmp_path: Path) -> None:
    shop.hangs("door-1", NORDIC)
    for words, says in [
        (("provision",), "which beacons"),
        (("provision", "dor-1"), "did you mean 'door-1'"),
        (("provision", "door-1", "--all"), "not both"),
        (("provision", "door-1", "--line", "/dev/ttyX"), "no AT module"),
        (("provision", "door-1", "--passwords", str(tmp_path / "none")), "can't read"),
        (("show", "door-1", "--profile", "nordic-beacon"), "did you mean"),
        (("render", "door-1"), "no ESPHome"),
    ]:
        done = shop.ran(*words)
        assert done.exit_code in {1, 2}, done.output
        assert says in done.output, (words, done.output)
    shop.passwords.chmod(0o644)
    done = shop.ran("provision", "door-1", "--passwords", str(shop.passwords))
    assert (done.exit_code, "can be read by others" in done.stderr) == (2, True)


def test_verify_names_what_a_beacon_sends_instead(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        Patience.__init__, "__kwdefaults__", {**(Patience.__init__.__kwdefaults__ or {}), "hear_s": 0.3}
    )
    sham = shop.hangs("door-1", NORDIC)
    sham.kept |= {Setting.UUID: UUID.lower(), Setting.MAJOR: 1, Setting.MINOR: 66, Setting.MEASURED_POWER: -59}
    sham.apply()
    (told,) = json.loads(shop.ran("verify", "door-1", "--json").stdout)
    assert told["unlike"] == {"minor": [1, 66]}


def test_a_report_that_can_not_be_written_is_said_first(shop: Shop, tmp_path: Path) -> None:
    sham = shop.hangs("door-1", NORDIC)
    done = shop.ran("provision", "door-1", "--report", str(tmp_path / "none" / "r.jsonl"))
    assert (done.exit_code, "can't write the report" in done.stderr) == (2, True), done.output
    assert not sham.steps


def test_a_damaged_line_of_a_report_is_named(shop: Shop, tmp_path: Path) -> None:
    shop.hangs("door-1", NORDIC)
    (tmp_path / "r.jsonl").write_text('{"id":"door-1","ok":true}\n{"id":"do\n')
    done = shop.ran("provision", "door-1", "--report", str(tmp_path / "r.jsonl"))
    assert "line 2: damaged" in done.stderr.replace("\n", " ")


def test_all_of_none_is_said(shop: Shop) -> None:
    done = shop.ran("provision", "--all")
    assert (done.exit_code, "nothing to do" in done.stderr) == (0, True), done.output


def test_a_missing_file_of_passwords_stops_only_those_that_need_one(shop: Shop) -> None:
    shop.config.write_text(shop.config.read_text() + f'[beacons]\npasswords_file = "{shop.folder}/none.toml"\n')
    shop.hangs("door-1", NORDIC)
    shop.hangs("door-2", KKM)
    first, second = json.loads(shop.ran("provision", "--all", "--dry-run", "--json").stdout)
    assert first["problem"] == ""
    assert "can't read" in second["problem"]
    assert "chmod 600" in second["hint"]


def test_a_default_that_does_not_fit_is_called_one_and_what_fits_is_said(shop: Shop) -> None:
    shop.passwords.write_text('default = "a-long-one-for-all"\n')
    shop.hangs("door-1", KKM)
    shop.hangs("door-2", KKM, rotating=True)
    words = ("--dry-run", "--json", "--passwords", str(shop.passwords))
    first, second = json.loads(shop.ran("provision", "--all", *words).stdout)
    assert "`default`" in first["problem"]
    assert "8 to 16" in first["hint"]
    assert "rotates" in second["problem"]


def test_addresses_and_profiles_stay_whole_on_80_columns() -> None:
    row = beacon_words.Row(
        address=ADDRESS.format(1), rssi_dbm=-60, adverts=9, beacon="a-beacon-with-a-long-id", sureness="perhaps",
        says={"iBeacon": f"{UUID} 60000 60000"}, profiles=(NORDIC,), battery_percent=87, interval_ms=10000,
    )  # fmt: skip
    out = Console(width=80, file=io.StringIO())
    out.print(beacon_words.table([row], 80))
    text = out.file.getvalue()  # type: ignore[attr-defined]
    assert ADDRESS.format(1) in text
    assert NORDIC in text


def test_ctrl_c_says_where_it_stopped_and_what_then(shop: Shop, tmp_path: Path) -> None:
    """A real signal to a real process, that waits for a beacon which is not there."""
    shop.hangs("door-1", NORDIC)
    shop.write()
    report = tmp_path / "r.jsonl"
    words = ["beacon", "provision", "door-1", "--report", str(report), "--config", str(shop.config)]
    code = "from edge.cli.root import main; main()"
    with private_bus() as bus:

        async def stopped() -> tuple[int | None, str]:
            async with bluez(bus):
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-c", code, *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE
                )
                assert process.stderr
                assert b"door-1 (1 of 1)" in await process.stderr.readline()
                await asyncio.sleep(0.3)
                process.send_signal(signal.SIGINT)
                out, _ = await process.communicate()
                return process.returncode, out.decode()

        status, said = asyncio.run(stopped())
    assert status == 1, said
    assert "failed door-1  find: stopped by Ctrl-C before anything was written" in said
    assert "next: run the same command again" in said
    assert json.loads(report.read_text())["step"] == "find"


def test_a_beacon_nobody_wrote_down_can_be_shown_by_address(shop: Shop) -> None:
    shop.hangs("door-1", NORDIC)
    shop.documents.clear()
    done = shop.ran("show", ADDRESS.format(1), "--profile", NORDIC)
    assert done.exit_code == 0, done.output
    assert "E2C56DB5" in done.stdout


def test_render_is_yaml_for_esphome(shop: Shop) -> None:
    shop.documents.append({"id": "shelf", "uuid": UUID, "major": 1, "minor": 9, "profile": "esphome"})
    done = shop.ran("render", "shelf")
    assert done.exit_code == 0, done.output
    assert "esp32_ble_beacon:" in done.stdout
    assert "minor: 9" in done.stdout
    assert shop.ran("provision", "shelf").exit_code == 1


@pytest.mark.parametrize("profile", sorted(set(PROFILES) - {"gateway"}))
def test_only_the_gateway_s_own_radio_rotates(shop: Shop, profile: str) -> None:
    """Whatever else is given a minor sends it for ever: after two epochs its shakes would be refused."""
    shop.documents.append({
        "id": "door-1", "uuid": UUID, "major": 1, "minor": 1, "rotating": True, "profile": profile,
        "address": ADDRESS.format(1),
    })  # fmt: skip
    done = shop.ran("render" if profile == "esphome" else "provision", "door-1")
    assert done.exit_code in {1, 2}, done.output
    assert "only the gateway's own radio" in done.output
    assert '"rotating": false' in done.output
    assert "esp32" not in done.stdout


class Daemon(BaseHTTPRequestHandler):
    """An admin listener that has no documents of its own and keeps what it is told."""

    told: ClassVar[list[dict[str, Any]]] = []
    documents: ClassVar[dict[str, bytes]] = {}

    def do_GET(self) -> None:
        self._answer(self.documents.get(self.path.rsplit("/", 1)[1], b"[]"))

    def do_POST(self) -> None:
        self.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._answer(b'{"ok": true}')

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def daemon() -> Iterator[int]:
    Daemon.told.clear()
    with HTTPServer(("127.0.0.1", 0), Daemon) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_running_daemon_is_told_without_address_or_password(
    tmp_path: Path, daemon: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shop = Shop(tmp_path, daemon)
    monkeypatch.setattr(beacon_air, "radio_of", shop.radio)
    monkeypatch.setattr(beacon_air, "_on_ctrl_c", lambda _cancel: None)
    shop.hangs("door-1", NORDIC)
    Daemon.documents["beacons"] = json.dumps(shop.documents).encode()
    with caplog.at_level(logging.INFO):
        done = shop.ran("provision", "door-1")
    assert done.exit_code == 0, done.output
    assert Daemon.told == [
        {"beacon": "door-1", "profile": NORDIC, "ok": True, "step": "", "problem": "", "rolled_back": False}
    ]
    assert "C1:00" not in done.output + "".join(record.getMessage() for record in caplog.records)
