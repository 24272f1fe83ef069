"""`gateway.toml`: what store IT sets. One frozen struct a section; units in names; defaults that work.

Found by `--config`, then `STOREGATE_CONFIG`, then `/etc/storegate/gateway.toml`. Every key is shown with
its meaning in `systemd/gateway.example.toml`, and a test holds that file to these structs.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from edge import config_rules
from edge.checked import Secret, check, salvaged
from edge.config_base import Port, Section
from edge.config_wifi import AccessPointSection, GateSection, PortalSection
from edge.errors import ConfigError, Mistake, UsageError
from edge.ids import Name

DEFAULT_PATH = Path("/etc/storegate/gateway.toml")
Uuid = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\Z",
        extra={"wanted": "a UUID like FDA50693-A4E2-4FB1-AFCF-C6EB07647825"},
    ),
]
Level = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}\Z", extra={"wanted": "letters, digits, _ . and -, at most 64 of them"})
]
"""One MQTT topic level."""


class GatewaySection(Section, frozen=True, kw_only=True):
    tenant: Level
    store: Level
    id: Level
    timezone: str = "Asia/Shanghai"
    state_dir: str = "/var/lib/storegate"
    language: Literal["zh-CN", "en"] = "zh-CN"


class MqttSection(Section, frozen=True, kw_only=True):
    host: str = ""
    """Empty: no cloud; events wait in the outbox."""
    port: Port = 1883
    client_id: str = ""
    """Empty: `storegate-{tenant}-{store}-{id}`."""
    username: str = ""
    password: Secret = Secret("")
    password_file: str = ""
    tls: bool = False
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    keepalive_s: Annotated[int, Meta(ge=5, le=3600)] = 30
    durable_ack: Literal["puback", "watermark"] = "puback"
    batch_events: Annotated[int, Meta(ge=1, le=1000)] = 100
    batch_wait_ms: Annotated[int, Meta(ge=0, le=5000)] = 50
    window: Annotated[int, Meta(ge=1, le=1000)] = 20
    """PUBLISHes on their way; the broker's Receive Maximum may lower it."""
    backoff_max_s: Annotated[float, Meta(gt=0, le=86_400)] = 60.0


class Listener(Section, frozen=True, kw_only=True):
    host: str = "127.0.0.1"
    port: Port = 0


class ListenSection(Section, frozen=True, kw_only=True):
    guest: Listener = Listener(host="::", port=8080)
    """Faces the guest Wi-Fi, in both families."""
    shop: Listener = Listener(host="127.0.0.1", port=8081)
    admin: Listener = Listener(host="127.0.0.1", port=8082)
    public_url: str = ""
    """How a shopper's phone reaches the guest listener; empty: taken from the request."""
    proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies in front of the guest listener: the last entry of their X-Forwarded-For that
    is none of them is the client."""
    admin_token: Secret = Secret("")
    """Asked for by the admin API when it listens beyond loopback."""


class StationSection(Section, frozen=True, kw_only=True):
    name_zh: str = ""
    name_en: str = ""
    kind: Literal["kiosk", "till"] = "kiosk"
    zone: str = ""
    """Where a kiosk stands: who shakes by its code gets the pages of that zone; empty: of the whole shop."""
    key: Secret = Secret("")
    """The till's Bearer key. A till without one is refused."""
    idle_s: Annotated[int, Meta(ge=5, le=3600)] = 45
    warn_s: Annotated[int, Meta(ge=3, le=120)] = 10


class ScannerSection(Section, frozen=True, kw_only=True):
    id: Name
    transport: Literal["serial", "hid-keyboard", "hid-pos", "camera", "fake"]
    station: str = ""
    """The station whose screen shows the scan; empty: none."""
    profile: str = ""
    """A file of firmware_profiles/scanners/ without `.toml`."""
    device: str = ""
    """`/dev/serial/by-id/…`, `/dev/input/by-path/…-event-kbd`, `/dev/storegate/…-hidraw`, a camera number, a video file
    or an rtsp:// URL."""
    baud: Annotated[int, Meta(ge=1200, le=921600)] = 9600
    layout: Literal["", "us", "gb", "de", "fr", "es", "it"] = ""
    """Keyboard a hid-keyboard scanner types for; empty: the profile's. `storegate scanner pair` finds it out."""
    suffix: Literal["", "cr", "lf", "crlf", "tab", "none"] = ""
    """What ends a code; empty: the profile's."""
    prefix: str | None = None
    """What begins a code, before the AIM identifier; left out: the profile's."""
    width_px: Annotated[int, Meta(ge=160, le=3840)] = 1280
    height_px: Annotated[int, Meta(ge=120, le=2160)] = 720
    formats: tuple[str, ...] = ()
    """Camera symbologies; empty: EAN/UPC, Code 128, QR, Data Matrix."""
    loop: bool = False
    """A video file starts again at its end."""


class CodesSection(Section, frozen=True, kw_only=True):
    embedded: tuple[str, ...] = ("20PPPPPVVVVVC", "21PPPPPWWWWWC")
    """Codes made in the shop, 13 or 18 characters: digits as they are, P item, V price in fen, W weight in grams,
    X ignored, C check digit."""


class Strip(Section, frozen=True, kw_only=True):
    """Two thin strips of pixels across the way; `at` and `from`/`to` are shares of the picture's size."""

    axis: Literal["x", "y"] = "x"
    """x: a vertical strip at x = `at` that counts people walking left and right; y: a horizontal one."""
    at: Annotated[float, Meta(gt=0, lt=1)] = 0.5
    start: Annotated[float, Meta(ge=0, le=1)] = 0.0
    end: Annotated[float, Meta(ge=0, le=1)] = 1.0
    width_px: Annotated[int, Meta(ge=3, le=64)] = 9
    gap_px: Annotated[int, Meta(ge=4, le=128)] = 12
    entering: Literal["forward", "backward"] = "forward"
    """forward: towards larger x or y is entering."""
    person_px: Annotated[int, Meta(ge=0, le=2000)] = 0
    """How long a person is along the strip; 0: learned from the people seen."""


class FootfallSection(Section, frozen=True, kw_only=True):
    id: Name
    zone: Name
    source: Literal["camera", "beam", "fake"]
    device: str = ""
    """A camera number, a video file, an rtsp:// URL, or for `beam` an input device whose two keys are the beams."""
    strip: Strip = Strip()
    interval_s: Annotated[int, Meta(ge=1, le=3600)] = 900
    beam_outer_key: str = "KEY_1"
    beam_inner_key: str = "KEY_2"
    loop: bool = False


class ZonesSection(Section, frozen=True, kw_only=True):
    occupancy_reset_at: Annotated[
        str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z", extra={"wanted": "a time like 04:00"})
    ] = "04:00"
    """Local time at which every zone is empty by definition."""


class OutboxSection(Section, frozen=True, kw_only=True):
    max_mb: Annotated[float, Meta(gt=0, le=1e12)] = 256.0
    """Bytes of events that wait for the cloud; beyond them, see docs: eviction by class."""
    free_floor_mb: Annotated[float, Meta(ge=0, le=1e12)] = 64.0
    """Space left free on the disk: below it the outbox counts as full."""


class CouponsSection(Section, frozen=True, kw_only=True):
    issuer_keys: dict[str, str] = {}
    """Cloud keys that may sign grants: key id → Ed25519 public key, base64."""
    peer_keys: dict[str, str] = {}
    """Other gateways whose coupons are read here: name → Ed25519 public key, base64. Needed for risk class B."""
    reserve_s: Annotated[int, Meta(ge=10, le=3600)] = 120
    unset_clock: Literal["refuse", "grace"] = "grace"
    """What a coupon with dates is worth while the clock is unset."""
    wallet_days: Annotated[int, Meta(ge=1, le=730)] = 180


class RadioSection(Section, frozen=True, kw_only=True):
    """One Bluetooth adapter."""

    adapter: Annotated[str, Meta(pattern=r"^hci[0-9]{1,2}\Z", extra={"wanted": "an adapter like hci0"})]
    zone: str = ""
    """The zone it hangs in: what carried beacons enter and leave; empty: it tells no zones."""
    scan: Literal["active", "passive", "off"] = "active"
    """passive asks nothing of the air, but needs `bluetoothd --experimental`, and BlueZ then tells a beacon that stands
    still once only: too little for zones and the guard."""
    advertise: bool = True
    """May send the shop's own beacons (documents with profile `gateway`)."""
    stall_s: Annotated[int, Meta(ge=5, le=3600)] = 30
    """Silence of a radio that should hear something, after which it is restarted."""
    power_cycle: bool = True
    """Recovery may switch the adapter off and on."""
    usb_reset: bool = False
    """Recovery may unplug and plug its USB port by software (needs two more files: docs/beacons.md)."""
    interval_s: Annotated[int, Meta(ge=1, le=3600)] = 900
    """Of presence counts."""


class BeaconsSection(Section, frozen=True, kw_only=True):
    uuid: Uuid = "FDA50693-A4E2-4FB1-AFCF-C6EB07647825"
    """Region of the shop's own beacons: what phones look for."""
    major: Annotated[int, Meta(ge=0, le=65_535)] = 1
    """The store's number: major of new beacons."""
    rotate_s: Annotated[int, Meta(ge=60, le=86_400)] = 300
    """An epoch of rotating ids."""
    passwords_file: str = ""
    """TOML: beacon id → its new password, `default` for all others. Readable by the daemon's user alone."""


class ShakeSection(Section, frozen=True, kw_only=True):
    cooldown_s: Annotated[float, Meta(ge=0, le=3600)] = 5.0
    per_day: Annotated[int, Meta(ge=0, le=100_000)] = 100
    """Shakes of one shopper a day; 0: no limit."""
    ticket_s: Annotated[int, Meta(ge=60, le=86_400)] = 1800
    wifi_zone: str = ""
    """Zone of whoever is on the guest Wi-Fi; empty: being there proves nothing."""
    wifi_networks: tuple[str, ...] = ()
    """The guest Wi-Fi's networks: 10.64.0.0/16; empty: those of [gate]."""
    zone_codes: bool = True
    """Printed zone codes are proof enough (anybody may have photographed one)."""


class Config(Section, frozen=True, kw_only=True):
    gateway: GatewaySection
    mqtt: MqttSection = MqttSection()
    listen: ListenSection = ListenSection()
    stations: dict[Name, StationSection] = {}
    scanners: tuple[ScannerSection, ...] = ()
    footfall: tuple[FootfallSection, ...] = ()
    zones: ZonesSection = ZonesSection()
    codes: CodesSection = CodesSection()
    outbox: OutboxSection = OutboxSection()
    coupons: CouponsSection = CouponsSection()
    radios: tuple[RadioSection, ...] = ()
    beacons: BeaconsSection = BeaconsSection()
    shake: ShakeSection = ShakeSection()
    gate: GateSection = GateSection()
    portal: PortalSection = PortalSection()
    access_point: AccessPointSection = AccessPointSection()

    @property
    def state_path(self) -> Path:
        return Path(self.gateway.state_dir)

    @property
    def wifi_networks(self) -> tuple[str, ...]:
        """Where a phone is on the guest Wi-Fi: as said, else the network of our own gate."""
        gate = self.gate
        own = tuple(filter(None, (gate.address4, gate.address6))) if gate.interface else ()
        return self.shake.wifi_networks or own

    @property
    def source(self) -> str:
        """The CloudEvents `source` of everything this gateway says."""
        return f"/storegate/{self.gateway.tenant}/{self.gateway.store}/{self.gateway.id}"


def find(given: Path | None) -> Path:
    """The configuration file to use: given, then from the environment, then the default."""
    return given or Path(os.environ.get("STOREGATE_CONFIG") or DEFAULT_PATH)


def load(path: Path) -> Config:
    """Reads and checks a file. Raises ConfigError with every mistake, UsageError when it can't be read."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        hint = "give --config FILE, or set STOREGATE_CONFIG; `storegate config example` prints one to start from"
        raise UsageError(f"can't read the configuration {path}: {error.strerror}", hint=hint) from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 text: {error}") from error
    return parse(text, where=str(path))


def parse(text: str, *, where: str) -> Config:
    """Raises ConfigError with every mistake: of single values, and of the rules between those that are right."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(where, [Mistake("(TOML)", str(error))]) from error
    except RecursionError as error:
        raise ConfigError(where, [Mistake("(TOML)", "lists or tables in one another, too deep to read")]) from error
    config, mistakes = check(data, Config)
    mistakes = tuple(_moved(mistake) for mistake in mistakes)
    broken = config_rules.broken(config or salvaged(data, Config), mistakes)
    if config is None or broken:
        raise ConfigError(where, [*mistakes, *broken])
    return config


OF_THE_PORTAL = frozenset(
    {"ways", "limits", "limit", "hours", "garden", "landing", "colour"}
    | {f"{name}_{language}" for name in ("name", "welcome") for language in ("zh", "en")}
)


def _moved(mistake: Mistake) -> Mistake:
    """What guests see and get is looked for under [portal], and is in a document."""
    section, _, key = mistake.path.partition(".")
    if section != "portal" or mistake.problem != "no such key" or key not in OF_THE_PORTAL:
        return mistake
    return Mistake(mistake.path, "belongs into the document: storegate documents put portals portal.json")


doubts = config_rules.doubts
