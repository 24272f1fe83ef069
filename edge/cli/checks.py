"""What `storegate doctor` looks at, one check after another. Nothing is changed; only the broker is called."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import socket
import sqlite3
import ssl
import subprocess
import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from edge.errors import StoregateError

if TYPE_CHECKING:
    from edge.config import Config, FootfallSection, ScannerSection

CONNECT_S = 5.0
MIB = 1024 * 1024
DAY_S = 24 * 3600
PRICES_OLD_DAYS = 2
CERT_SOON_DAYS = 14
EXTRAS = {"camera": ("cv2", "numpy", "zxingcpp"), "hid": ("evdev",), "ble": ("bleak", "dbus_fast")}
"""Extra → what it installs and we import."""


SEEN_HERE = (
    "broker",
    "broken_kept",
    "clock_",
    "catalogue_",
    "device",
    "wifi_ways_none",
    "wifi_ways_staff",
    "wifi_dnsmasq",
    "wifi_unfair",
)
"""Findings of the daemon about things that are looked at here as well."""


class Verdict(StrEnum):
    OK = "ok"
    NOTE = "note"
    """Worth knowing; the shop works."""
    WRONG = "wrong"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the doctor's."""

    what: str
    verdict: Verdict
    text: str
    next: str = ""


def every(config: Config) -> Iterator[Line]:
    """In the order a person would look."""
    yield from state_dir(config)
    yield from journal(config)
    yield from broken(config)
    yield from keys(config)
    answers = yield from daemon(config)
    if not answers:
        yield from ports(config)
    yield from broker(config)
    yield from clock(config)
    yield from devices(config)
    yield from extras(config)
    yield from catalogue(config)
    yield from kiosk(config)


def state_dir(config: Config) -> Iterator[Line]:
    path = config.state_path
    if not path.is_dir():
        owner = path.parent if path.parent.is_dir() else Path("/")
        good = os.access(owner, os.W_OK)
        text = f"{path} is not there yet" + ("; the daemon makes it" if good else f", and {owner} can't be written")
        yield _line("state folder", good, text, "create it for the user storegate, or run systemd-tmpfiles --create")
        return
    if not os.access(path, os.W_OK | os.X_OK):
        yield _wrong("state folder", f"this user may not write to {path}", "run as root, or as the user storegate")
        return
    free = shutil.disk_usage(path).free // MIB
    floor = int(config.outbox.free_floor_mb)
    text = f"{path}, {free:,} MB free"
    if free <= floor:
        yield _wrong("state folder", f"{text}: below outbox.free_floor_mb = {floor}", "make room: events are refused")
    else:
        yield _ok("state folder", text)


def journal(config: Config) -> Iterator[Line]:
    path = config.state_path / "journal.sqlite"
    if not path.exists():
        yield _ok("journal", "none yet; the daemon begins one")
        return
    began_s = time.monotonic()
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            verdict = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
            waiting = int(db.execute("SELECT COUNT(*) FROM outbox").fetchone()[0])
        finally:
            db.close()
    except sqlite3.Error as error:
        yield _wrong("journal", f"{path} can't be read: {error}", "may this user read it? if so, restart the daemon")
        return
    size = f"{path.stat().st_size / MIB:.1f} MB, {waiting:,} events wait, read in {time.monotonic() - began_s:.1f} s"
    hint = "restart the daemon: it puts the file aside, begins a new one and tells the cloud; then replace the card"
    yield _line("journal", verdict == "ok", size if verdict == "ok" else f"damaged: {verdict}", hint)


def broken(config: Config) -> Iterator[Line]:
    """What the daemon put aside."""
    from edge.status.damage import kept  # noqa: PLC0415

    if names := kept(config.state_path):
        hint = "replace the card, keep them for support, then delete them"
        text = f"put aside because they were damaged: {', '.join(names)}"
        yield Line(what="damage", verdict=Verdict.NOTE, text=text, next=hint)


def keys(config: Config) -> Iterator[Line]:
    """Keys that coupons need, before a start makes new ones."""
    from edge.keys import NAMES  # noqa: PLC0415
    from edge.status.damage import MEANS, missed  # noqa: PLC0415

    folder, path = config.state_path / "keys", config.state_path / "journal.sqlite"
    try:
        missing = [name for name in NAMES if not (folder / name).exists()]
        if not missing or not path.exists():
            return
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            out = {name: missed(db, name=name) for name in missing}
    except (OSError, sqlite3.Error):
        return  # the lines about the folder and the journal say why
    for name in filter(out.get, missing):
        hint = "put it back from the backup before the daemon starts: it would make a new one"
        yield _wrong("keys", f"keys/{name} is gone: {MEANS[name]} ({out[name]} are out)", hint)


def daemon(config: Config) -> Generator[Line, None, bool]:
    """Also what the daemon itself finds wrong. Its value is whether one answers."""
    from edge.cli import asking  # noqa: PLC0415

    admin = config.listen.admin
    try:
        raw = asking.daemon(config, "GET", "/api/v1/status?lang=en")
    except StoregateError as error:
        yield _wrong("daemon", str(error), error.hint)
        return True
    if raw is None:
        start = "sudo systemctl start storegate, or: storegate run"
        yield _wrong("daemon", f"none answers on {admin.host}:{admin.port}", start)
        return False
    status = msgspec.json.decode(raw, type=Told)
    yield _ok("daemon", f"version {status.version}, up for {timedelta(seconds=round(status.up_s))}")
    for finding in status.findings:
        if finding.code.startswith(SEEN_HERE):
            continue
        verdict = Verdict.WRONG if finding.level == "bad" else Verdict.NOTE
        yield Line(what="daemon", verdict=verdict, text=finding.text, next=finding.next)
    return True


class ToldFinding(msgspec.Struct, frozen=True):
    level: str
    code: str
    text: str
    next: str


class Told(msgspec.Struct, frozen=True):
    """The part of /api/v1/status that we read."""

    version: str
    up_s: float
    findings: tuple[ToldFinding, ...]


def ports(config: Config) -> Iterator[Line]:
    """While no daemon of ours runs, its ports should be free."""
    for name in ("guest", "shop", "admin"):
        listener = getattr(config.listen, name)
        with socket.socket(socket.AF_INET6 if ":" in listener.host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((listener.host, listener.port))
            except OSError as error:
                where = f"{listener.host}:{listener.port}"
                hint = f"see who has it (ss -ltnp), or change listen.{name}"
                yield _wrong("ports", f"{name} can't have {where}: {error.strerror or error}", hint)
            else:
                yield _ok("ports", f"{name}: {listener.host}:{listener.port} is free")


def broker(config: Config) -> Iterator[Line]:
    mqtt = config.mqtt
    if not mqtt.host:
        yield Line(what="broker", verdict=Verdict.NOTE, text="mqtt.host is empty: events wait in the outbox")
        return
    try:
        found = socket.getaddrinfo(mqtt.host, mqtt.port, type=socket.SOCK_STREAM)
    except OSError as error:
        yield _wrong("broker", f"{mqtt.host} is not found: {error}", "is the name right? does DNS work (getent hosts)?")
        return
    where = f"{mqtt.host}:{mqtt.port} ({found[0][4][0]})"
    try:
        with socket.create_connection((mqtt.host, mqtt.port), CONNECT_S) as line:
            if mqtt.tls:
                yield from _tls(config, line, where)
            else:
                yield _ok("broker", f"{where} takes connections")
    except ssl.SSLError as error:
        yield _wrong("broker", f"{where}: TLS fails: {error.reason or error}", "check mqtt.ca_file and the clock")
    except OSError as error:
        hint = "is the broker up, the port right, the firewall open?"
        yield _wrong("broker", f"{where}: {error.strerror or error}", hint)


def _tls(config: Config, line: socket.socket, where: str) -> Iterator[Line]:
    mqtt = config.mqtt
    context = ssl.create_default_context(cafile=mqtt.ca_file or None)
    if mqtt.cert_file:
        context.load_cert_chain(mqtt.cert_file, mqtt.key_file)
    with context.wrap_socket(line, server_hostname=mqtt.host) as secured:
        certificate = secured.getpeercert() or {}
        days = (ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()) / DAY_S
        text = f"{where} takes {secured.version()} connections; its certificate lasts {days:.0f} days"
    verdict = Verdict.NOTE if days < CERT_SOON_DAYS else Verdict.OK
    yield Line(what="broker", verdict=verdict, text=text, next="renew it" if verdict is Verdict.NOTE else "")


def clock(config: Config) -> Iterator[Line]:
    from edge.clock import BUILT_MS, kernel_synced  # noqa: PLC0415

    now_s = time.time()
    local = datetime.fromtimestamp(now_s, UTC).astimezone(ZoneInfo(config.gateway.timezone))
    text = f"{local:%Y-%m-%d %H:%M:%S} in {config.gateway.timezone}"
    if now_s * 1000 < BUILT_MS:
        yield _wrong("clock", f"{text}: the clock is not set", "connect to the internet, or: timedatectl set-time")
    elif not kernel_synced():
        hint = "see timedatectl status; let NTP through"
        yield Line(what="clock", verdict=Verdict.NOTE, text=f"{text}, not synchronised", next=hint)
    else:
        yield _ok("clock", f"{text}, synchronised")


def devices(config: Config) -> Iterator[Line]:
    for scanner in config.scanners:
        yield from _device(scanner)
    for counter in config.footfall:
        yield from _device(counter)


def _device(section: ScannerSection | FootfallSection) -> Iterator[Line]:
    name, device = f"device {section.id}", section.device
    if "://" in device or getattr(section, "transport", getattr(section, "source", "")) == "fake":
        yield _ok(name, "not a file of this machine")
        return
    path = Path(f"/dev/video{device or 0}" if device.isdigit() or not device else device)
    if not path.exists():
        yield _wrong(name, f"{path} is not there", "plug it in, or correct its path: ls /dev/serial/by-id /dev/input")
    elif not os.access(path, os.R_OK):
        hint = "install systemd/70-storegate-scanners.rules; be in the groups storegate, input, video, dialout"
        yield _wrong(name, f"this user may not read {path}", hint)
    else:
        yield _ok(name, str(path))


def extras(config: Config) -> Iterator[Line]:
    needed = set()
    for scanner in config.scanners:
        needed |= {"camera"} if scanner.transport == "camera" else set()
        needed |= {"hid"} if scanner.transport == "hid-keyboard" else set()
    needed |= {"ble"} if config.radios else set()
    for section in config.footfall:
        needed |= {{"camera": "camera", "beam": "hid"}.get(section.source, "")} - {""}
    for extra in sorted(needed):
        missing = [name for name in EXTRAS[extra] if importlib.util.find_spec(name) is None]
        text = f"{extra}: {', '.join(missing)} not installed" if missing else f"{extra} is installed"
        yield _line("extras", not missing, text, f"sudo make install, or pip install 'storegate[{extra}]'")


def catalogue(config: Config) -> Iterator[Line]:
    from edge.catalogue import FILE_NAME, Catalogue  # noqa: PLC0415

    if not any(station.kind == "kiosk" for station in config.stations.values()):
        return
    try:
        info = (book := Catalogue(config.state_path / FILE_NAME)).info()
    except StoregateError as error:
        yield _wrong("catalogue", str(error), error.hint)
        return
    if info is None:
        yield _wrong("catalogue", book.problem or "there is none", "storegate catalogue import products.csv")
        return
    days = (time.time() * 1000 - info.priced_at_ms) / 1000 / DAY_S
    old = days > PRICES_OLD_DAYS
    text = f"{info.products:,} products, prices {max(0.0, days):.1f} days old"
    verdict = Verdict.NOTE if old else Verdict.OK
    yield Line(what="catalogue", verdict=verdict, text=text, next="import newer ones" if old else "")


def kiosk(config: Config) -> Iterator[Line]:
    """Only hints: a kiosk is often another machine."""
    if not any(station.kind == "kiosk" for station in config.stations.values()):
        return
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    fonts = shutil.which("fc-list")
    chinese = bool(fonts) and bool(
        subprocess.run(["fc-list", ":lang=zh"], capture_output=True, timeout=10, check=False).stdout.strip()
    )
    lacks = [name for name, there in (("chromium", browser), ("fonts-noto-cjk", chinese)) if not there]
    if lacks:
        hint = f"if a kiosk's screen hangs on this machine: apt install {' '.join(lacks)}"
        yield Line(what="kiosk", verdict=Verdict.NOTE, text=f"not installed here: {', '.join(lacks)}", next=hint)
    else:
        yield _ok("kiosk", "a browser and Chinese fonts are installed")


def _ok(what: str, text: str) -> Line:
    return Line(what=what, verdict=Verdict.OK, text=text)


def _wrong(what: str, text: str, hint: str) -> Line:
    return Line(what=what, verdict=Verdict.WRONG, text=text, next=hint)


def _line(what: str, good: bool, text: str, hint: str) -> Line:
    return _ok(what, text) if good else _wrong(what, text, hint)
