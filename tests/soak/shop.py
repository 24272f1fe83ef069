"""A small shop of real programs for the kill loop: broker, daemon, the cloud's reader; one serial scanner."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import secrets
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import aiohttp
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.demo.actors import SerialLine
from edge.demo.peers import broker, consumer, daemon
from edge.documents import Documents
from edge.grants import Grant, SignedGrant, sign

START_S = 90.0
"""On a machine that has other things to do as well."""
TENANT = "soak"
SOURCE = f"/storegate/{TENANT}/shop/box"
CAMPAIGN = "milk"
UNITS = 900_000
DAY_MS = 86_400_000
TILLS = ("till-1", "till-2")


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    guest: int
    shop: int
    admin: int
    broker: int


class Shop:
    """`box` is the daemon. Its programs die with the block of `opened`."""

    def __init__(self, folder: Path, ports: Addresses, line: SerialLine, http: aiohttp.ClientSession) -> None:
        self.folder = folder
        self.ports = ports
        self.line = line
        self.http = http
        self.keys = {till: secrets.token_hex(16) for till in TILLS}
        self.config = folder / "gateway.toml"
        self.broker = broker(folder, ports.broker)
        self.box = daemon(folder, self.config)
        self.reader = consumer(folder, ports.broker)
        self.journal = folder / "state" / "journal.sqlite"
        self.cloud = folder / "cloud.sqlite"
        self.longest_start_s = 0.0

    @property
    def admin_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.admin}"

    @property
    def shop_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.shop}"

    async def start_box(self) -> None:
        await self.box.start()

    async def until_ready(self, began_s: float) -> None:
        """`began_s` (monotonic) is when it was started; the longest way to ready is remembered."""
        while time.monotonic() - began_s < START_S:
            assert self.box.running, f"the daemon ended by itself:\n{await asyncio.to_thread(self.box.tail, 40)}"
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                timeout = aiohttp.ClientTimeout(total=3)
                async with self.http.get(f"{self.admin_url}/readyz", timeout=timeout) as answer:
                    if answer.status == 200:
                        self.longest_start_s = max(self.longest_start_s, time.monotonic() - began_s)
                        return
            await asyncio.sleep(0.02)
        raise AssertionError(f"the daemon was not ready in {START_S:.0f} s:\n{await asyncio.to_thread(self.box.tail)}")

    async def kill_box(self) -> None:
        await self.box.stop(signal.SIGKILL)

    async def ledger_is_whole(self) -> str:
        """Empty, or what `storegate ledger verify` said."""
        command = (sys.executable, "-m", "edge", "ledger", "verify", "--config", str(self.config))
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
        out, err = await process.communicate()
        return "" if process.returncode == 0 else f"exit code {process.returncode}: {(out + err).decode()[-2000:]}"


@asynccontextmanager
async def opened(folder: Path, random: Random) -> AsyncIterator[Shop]:
    """Everything runs, the campaign's grant is in the ledger."""
    line = SerialLine()
    try:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as http:
            shop = Shop(folder, free_ports(random), line, http)
            grant = await _furnish(shop)
            try:
                await shop.broker.start()
                await asyncio.sleep(0.5)
                await shop.reader.start()
                began_s = time.monotonic()
                await shop.start_box()
                await shop.until_ready(began_s)
                url = f"{shop.admin_url}/api/v1/coupons/grant"
                async with http.post(url, data=msgspec.json.encode(grant)) as answer:
                    assert answer.status == 200, await answer.text()
                yield shop
            finally:
                for program in (shop.box, shop.reader, shop.broker):
                    await program.stop(signal.SIGKILL)
    finally:
        line.close()


def free_ports(random: Random) -> Addresses:
    """Below the ports that outgoing connections use: nobody takes one while the daemon is dead."""
    found: set[int] = set()
    while len(found) < 4:
        port = random.randrange(20_000, 30_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.add(port)
    guest, shop, admin, mqtt = found
    return Addresses(guest=guest, shop=shop, admin=admin, broker=mqtt)


async def _furnish(shop: Shop) -> SignedGrant:
    key = Ed25519PrivateKey.generate()
    public = base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
    shop.config.write_text(_gateway_toml(shop, public), "utf-8")
    now_ms = int(time.time() * 1000)
    campaign: dict[str, object] = {"id": CAMPAIGN, "name_zh": "牛奶减三元", "name_en": "3 yuan off milk"}
    campaign |= {"kind": "cash", "value": 300, "stock": 2 * UNITS, "per_member": 0}
    campaign |= {"starts_ms": now_ms - DAY_MS, "ends_ms": now_ms + 30 * DAY_MS}
    documents = await asyncio.to_thread(Documents.open, shop.folder / "state")
    await documents.put("campaigns", [campaign], by="cli")
    grant = Grant(
        grant_id="g1", campaign=CAMPAIGN, gateway=SOURCE, units=UNITS, not_after_ms=now_ms + 30 * DAY_MS, seq=1
    )
    return sign(grant, key_id="cloud", key=key)


def _gateway_toml(shop: Shop, issuer_key: str) -> str:
    ports = shop.ports
    listeners = "".join(
        f'[listen.{name}]\nhost = "127.0.0.1"\nport = {port}\n'
        for name, port in (("guest", ports.guest), ("shop", ports.shop), ("admin", ports.admin))
    )
    tills = "".join(f'[stations.{till}]\nkind = "till"\nkey = "{key}"\n' for till, key in shop.keys.items())
    return f"""
[gateway]
tenant = "{TENANT}"
store = "shop"
id = "box"
state_dir = "{shop.folder / "state"}"
[mqtt]
host = "127.0.0.1"
port = {ports.broker}
durable_ack = "watermark"
backoff_max_s = 2
[outbox]
free_floor_mb = 1
[stations.kiosk-1]
{tills}
[[scanners]]
id = "dock"
transport = "serial"
station = "kiosk-1"
device = "{shop.line.device}"
[coupons.issuer_keys]
cloud = "{issuer_key}"
{listeners}
"""
