"""The demo's shop on disk: its configuration, documents, keys and the cloud's grants. Written anew at each start."""

from __future__ import annotations

import base64
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from edge.demo import floor

STORE_NAME = "好邻居便利店"


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    guest: int
    shop: int
    admin: int
    broker: int
    dns: int
    """Of the guest Wi-Fi; no phone asks it here."""


class Devices(msgspec.Struct, frozen=True, kw_only=True):
    """Where the shop's hardware hangs: two serial lines and a camera's file."""

    kiosk_scanner: Path
    till_scanner: Path
    door_clip: Path


def gateway_toml(*, state: Path, ports: Ports, devices: Devices, till_key: str, cloud_key: str) -> str:
    """The configuration the demo's daemon runs on."""
    return f"""# Written by `storegate demo`; a box of your own starts from `storegate config example`.
[gateway]
tenant = "demo"
store = "haolinju-001"
id = "gw-1"
state_dir = "{state}"

[mqtt]
host = "127.0.0.1"
port = {ports.broker}
durable_ack = "watermark"
backoff_max_s = 4

[listen.guest]
host = "127.0.0.1"
port = {ports.guest}

[listen.shop]
host = "127.0.0.1"
port = {ports.shop}

[listen.admin]
host = "127.0.0.1"
port = {ports.admin}

[stations.kiosk-1]
name_zh = "入口自助机"
name_en = "Kiosk at the entrance"

[stations.kiosk-2]
name_zh = "出口自助机"
name_en = "Kiosk at the exit"

[stations.till-1]
name_zh = "一号收银台"
name_en = "Till 1"
kind = "till"
key = "{till_key}"

[[scanners]]
id = "kiosk-scanner"
transport = "serial"
station = "kiosk-1"
device = "{devices.kiosk_scanner}"

[[scanners]]
id = "till-scanner"
transport = "serial"
station = "till-1"
device = "{devices.till_scanner}"

[[footfall]]
id = "door-camera"
zone = "door"
source = "camera"
device = "{devices.door_clip}"
interval_s = 5
loop = true
strip = {{ axis = "x", at = 0.5 }}

[coupons.issuer_keys]
demo-cloud = "{cloud_key}"

[beacons]
uuid = "{floor.UUID}"
major = {floor.MAJOR}
rotate_s = 60

[shake]
cooldown_s = 0
wifi_zone = "door"
wifi_networks = ["127.0.0.1/32"]

[gate]
driver = "fake"
dns_port = {ports.dns}

[portal]
policy = "eu"

{_radios()}"""


def _radios() -> str:
    """hci0 sends and listens, hci1 listens: so the gateway hears itself, and knows how much of the air it gets."""
    text = ""
    for adapter, (zone, _) in floor.RADIOS.items():
        sends = "true" if adapter == "hci0" else "false"
        text += f'[[radios]]\nadapter = "{adapter}"\nzone = "{zone}"\nadvertise = {sends}\ninterval_s = 5\n\n'
    return text


def new_key() -> str:
    return base64.b32encode(secrets.token_bytes(20)).decode()


def documents(now: datetime | None = None) -> dict[str, list[dict[str, object]]]:
    """Zones, campaigns and slides of the shop, as `storegate documents put` takes them."""
    now = now or datetime.now(UTC)
    starts_ms = int((now - timedelta(days=1)).timestamp() * 1000)
    ends_ms = int((now + timedelta(days=30)).timestamp() * 1000)
    runs: dict[str, object] = {"starts_ms": starts_ms, "ends_ms": ends_ms, "stock": 5000, "per_member": 1}
    return {
        **floor.documents(runs=runs),
        "campaigns": [
            runs
            | {"id": "drinks-3-off", "name_zh": "饮料满15减3元", "name_en": "¥3 off drinks from ¥15"}
            | {"kind": "cash", "value": 300, "min_spend_fen": 1500},
            runs
            | {"id": "bakery-20", "name_zh": "面包八折", "name_en": "20 % off the bakery"}
            | {"kind": "discount", "value": 200},
            runs | {"id": "tea-egg", "name_zh": "送茶叶蛋一枚", "name_en": "A tea egg for you", "kind": "gift"},
        ],
        "portals": [
            {
                "id": "shop",
                "name_zh": STORE_NAME,
                "name_en": "Good Neighbour",
                "welcome_zh": "连上 Wi-Fi，领饮料满减券。",
                "welcome_en": "Join the Wi-Fi and take ¥3 off your drinks.",
                "colour": "#0b6e4f",
                "ways": ["click", "voucher", "member"],
                "limit": {"minutes": 15},
                "landing": "/wallet",
            }
        ],
        "slides": [
            {
                "id": "welcome",
                "title_zh": "扫一扫，看价格",
                "title_en": "Scan to see the price",
                "text_zh": "商品条码朝向扫描窗，价格、会员价、货架位置一目了然。",
                "text_en": "Hold the barcode to the window: price, member price and shelf at a glance.",
            },
            {
                "id": "pinyin",
                "title_zh": "输入 kele，就能找到可乐",
                "title_en": "Type kele, find cola",
                "text_zh": "拼音、首字母、英文都可以，打错也没关系。",
                "text_en": "Pinyin, initials or English; typing errors are fine.",
            },
            {
                "id": "coupons",
                "title_zh": "饮料满15减3元",
                "title_en": "¥3 off drinks from ¥15",
                "text_zh": "连接店内 Wi-Fi，打开卡包领取。",
                "text_en": "Join the shop's Wi-Fi and open the wallet.",
            },
        ],
    }
