"""Sets the demo up: state folder, catalogue, door film, documents, keys. What is slow is made once and kept."""

from __future__ import annotations

import asyncio
import base64
import csv
import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from edge.catalogue import FILE_NAME, import_file
from edge.demo.account import Crossing
from edge.demo.shop import Devices, Ports, documents, gateway_toml, new_key
from edge.documents import Documents
from edge.errors import UsageError
from edge.grants import Grant, SignedGrant, sign
from edge.gtin import check_digit

CLIP_S = 30.0
DOOR_SEED = 11
"""Twelve people, two with trolleys, some meeting on the line. How well such films are counted: docs/footfall.md."""
GRANTED_UNITS = 2_000
MARK = "storegate-demo"
"""A file of this name says that a folder is ours: `--reset` deletes no other."""
WORDS = (
    "kele",
    "kl",
    "可乐",
    "milk",
    "niunai",
    "fbm",
    "面",
    "nongfu",
    "shuiguo",
    "cola",
    "kelle",
    "薯片",
    "zhijin",
    "tea",
)


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """All that the play needs."""

    folder: Path
    config: Path
    source: str
    till_key: str
    cloud_key: bytes
    codes: tuple[str, ...]
    truth: tuple[Crossing, ...]


@contextmanager
def taken(folder: Path) -> Iterator[None]:
    """The folder is this demo's until the block ends. Raises UsageError when another demo plays there."""
    lock = folder.with_name(f"{folder.name}.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            hint = "end the other one, or give this one another folder: --state"
            raise UsageError(f"a demo runs in {folder} already", hint=hint) from None
        yield
        lock.unlink(missing_ok=True)


SCAN_PIPE = "kiosk-scanner"
"""In the demo's folder: what is written into it, kiosk-1's scanner has read."""


def prepare(folder: Path, *, reset: bool) -> None:
    """An empty stage: the last day's journal and cloud go, the slow things stay; all goes with `reset`.

    Raises UsageError for a folder with other things in it.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise UsageError(f"{folder} has other files in it", hint="give --state an empty or a new folder")
    if reset:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()
    for name in ("state", "broker"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for old in (*folder.glob("cloud.*"), *folder.glob("*.log")):
        old.unlink()


def catalogue(folder: Path) -> tuple[str, ...]:
    """Imports the shop's products; the codes that its scanners will meet."""
    with resources.as_file(resources.files("edge.demo") / "products.csv") as source:
        state = folder / "state"
        state.mkdir(mode=0o700, exist_ok=True)
        import_file(source, state / FILE_NAME, progress=lambda _done, _total: None)
        with source.open(encoding="utf-8", newline="") as file:
            return tuple(_on_the_pack(row) for row in csv.DictReader(file) if row["gtin"])


def _on_the_pack(row: dict[str, str]) -> str:
    """What a scanner meets: loose goods are weighed, and their label has item and price in it (20PPPPPVVVVVC)."""
    gtin = row["gtin"]
    if not gtin.startswith("20") or len(gtin) != 13:
        return gtin
    body = f"{gtin[:7]}{int(row['price_fen']) * 3 // 2:05}"
    return body + check_digit(body)


def door_film(folder: Path) -> tuple[Path, tuple[Crossing, ...]]:
    """The camera's film and who truly crosses in it; made once."""
    film, known = folder / f"door-{DOOR_SEED}.mp4", folder / f"door-{DOOR_SEED}.json"
    if not (film.exists() and known.exists()):
        from devices.footfall.clip import write_door_clip  # noqa: PLC0415 - numpy and OpenCV, only when needed

        new = film.with_name("new.mp4")
        truth = tuple(Crossing(each.time_s, each.forward) for each in write_door_clip(new, DOOR_SEED, CLIP_S))
        known.write_bytes(msgspec.json.encode(truth))
        new.rename(film)
    return film, msgspec.json.decode(known.read_bytes(), type=tuple[Crossing, ...])


async def stage(folder: Path, *, ports: Ports, devices: Devices, truth: tuple[Crossing, ...]) -> Stage:
    """Writes configuration and documents; everything but the daemon is then there."""
    codes = await asyncio.to_thread(catalogue, folder)
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    till_key, config = new_key(), folder / "gateway.toml"
    text = gateway_toml(
        state=folder / "state",
        ports=ports,
        devices=devices,
        till_key=till_key,
        cloud_key=base64.b64encode(public).decode("ascii"),
    )
    await asyncio.to_thread(config.write_text, text, "utf-8")
    kept = await asyncio.to_thread(Documents.open, folder / "state")
    for kind, items in documents().items():
        await kept.put(kind, list(items), by="cli")
    return Stage(
        folder=folder,
        config=config,
        source="/storegate/demo/haolinju-001/gw-1",
        till_key=till_key,
        cloud_key=private.private_bytes_raw(),
        codes=codes,
        truth=truth,
    )


def grants(stage: Stage) -> list[SignedGrant]:
    """What the cloud of this shop signs in the morning."""
    key = Ed25519PrivateKey.from_private_bytes(stage.cloud_key)
    return [
        sign(
            Grant(
                grant_id=f"g-{campaign['id']}",
                campaign=str(campaign["id"]),
                gateway=stage.source,
                units=GRANTED_UNITS,
                not_after_ms=int((time.time() + 86_400) * 1000),
                seq=1,
            ),
            key_id="demo-cloud",
            key=key,
        )
        for campaign in documents()["campaigns"]
    ]
