"""Reading arrays: names, digits as printed, bytes as they are."""

from __future__ import annotations

import numpy as np
import pytest
import zxingcpp

from devices.scanners import decode, opinion, upc_e
from devices.scanners.decode import Read
from devices.scanners.live import Live
from edge.errors import UsageError
from tests.devices.scanners.given_picture import COLA, KINDS, Gray, blurred, noisy, on_table, symbol, tilted

ALL = decode.choose(decode.SYMBOLOGIES)
TEXTS = {
    "EAN-13": COLA,
    "EAN-8": "96385074",
    "UPC-A": "012345678905",
    "UPC-E": "01234565",
    "Code 128": "LOT-2231/7",
    "Code 39": "SN004711",
    "Code 93": "RACK93",
    "ITF": "16901234567899",
    "Codabar": "A40156B",
    "QR Code": "https://shop.example/c/ABC?x=可乐",
    "Micro QR Code": "SHELF 7",
    "rMQR Code": "SHELF 12",
    "Data Matrix": "MED 0815",
    "Aztec": "TICKET 12",
    "PDF417": "PARCEL 4711",
}


@pytest.mark.parametrize(("kind", "text"), TEXTS.items(), ids=str)
def test_each_symbology_has_its_name_and_its_printed_text(kind: str, text: str) -> None:
    found = decode.full(symbol(text, kind), ALL)
    assert [(read.symbology, read.text) for read in found] == [(kind, text)]


@pytest.mark.parametrize(
    ("kind", "printed", "packet"),
    [("UPC-E", "01234565", "0012345000065"), ("UPC-A", "012345678905", "0012345678905"), ("EAN-13", COLA, COLA)],
)
def test_a_scanner_would_send_13_digits(kind: str, printed: str, packet: str) -> None:
    (read,) = decode.full(symbol(printed, kind), ALL)
    assert (read.aim, read.packet) == ("]E0", packet)


@pytest.mark.parametrize("body", ["0123450", "0123451", "0123452", "0123453", "0123454", "0123455", "0123459"])
def test_upc_e_and_the_upc_a_it_stands_for(body: str) -> None:
    (short,) = (body + digit for digit in "0123456789" if upc_e.expanded(body + digit))
    assert decode.upc_e_of(upc_e.expanded(short)) == short


def test_gs1_keeps_its_separators() -> None:
    (read,) = decode.full(symbol("(01)06901234567892(10)LOT7(17)261231", "DataBar Expanded"), ALL)
    assert (read.text, read.aim) == ("010690123456789210LOT7\x1d17261231", "]e0")


def test_bytes_that_are_no_text_lose_nothing() -> None:
    data = bytes([0, 255, 7, 128, 29, 200, 65, 250, 251])
    code = zxingcpp.create_barcode(data, zxingcpp.BarcodeFormat.QRCode)
    (read,) = decode.full(np.array(code.to_image(scale=4)), ALL)
    assert read.text.encode("latin-1") == data


def test_only_what_was_asked_for_is_read() -> None:
    picture = np.hstack([symbol(COLA, "EAN-13", quiet=20)[:150], symbol("96385074", "EAN-8", quiet=20)[:150]])
    assert {read.symbology for read in decode.full(picture, ALL)} == {"EAN-13", "EAN-8"}
    assert {read.symbology for read in decode.full(picture, decode.choose(("EAN-8",)))} == {"EAN-8"}


def test_a_wrong_name_is_told_with_the_right_one() -> None:
    with pytest.raises(UsageError) as caught:
        decode.choose(("EAN13",))
    assert "EAN-13" in caught.value.hint


@pytest.mark.skipif(not opinion.available(), reason="libzbar0 is not installed")
def test_the_second_opinion_speaks_the_same_names() -> None:
    for kind in ("EAN-13", "EAN-8", "UPC-A", "UPC-E", "Code 128"):
        (read,) = opinion.second(symbol(TEXTS[kind], kind, scale=4), ALL)
        assert (read.symbology, read.text) == (kind, TEXTS[kind])


def spotted(frames: list[Gray], *, fps: float = 25.0) -> list[Read]:
    live = Live(decode.choose(decode.GOODS))
    return [one.read for index, frame in enumerate(frames) for one in live.see(frame, at_s=index / fps)]


@pytest.mark.parametrize("turn", [0, 12, 45, 50, 90, 180])
def test_live_reads_goods_at_any_angle(turn: float) -> None:
    frames = [on_table(symbol(COLA, "EAN-13"), turn=turn, seed=seed) for seed in range(10)]
    assert [read.text for read in spotted(frames)] == [COLA]


def test_live_reads_nothing_from_nothing() -> None:
    frames = [on_table(np.full((9, 9), 110, np.uint8), seed=seed) for seed in range(40)]
    assert spotted(frames) == []


def test_a_coupon_on_a_phone_in_dark_mode_tilted_by_30_degrees() -> None:
    """152 characters of base32: QR version 6, 3.6 px a module as a 640 px camera sees a telephone at 15 cm."""
    token = "SG1" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" * 4 + "ABCDEFGHIJKLMNOPQRSTU"
    assert len(token) == 152
    code = zxingcpp.create_barcode(token, KINDS["QR Code"], ec_level="M")
    modules = np.array(code.to_image(scale=1, add_quiet_zones=False))
    assert modules.shape == (41, 41)
    large = np.kron(np.pad(modules, 4, constant_values=255), np.ones((18, 18), np.uint8))
    phone = 255 - large  # light on dark
    seen = tilted(phone, 30, width=640 * 5, height=480 * 5, back=20)
    small = seen.reshape(480, 5, 640, 5).mean(axis=(1, 3)).astype(np.uint8)
    frames = [noisy(blurred(small, 0.5), 4, seed=seed) for seed in range(6)]
    assert [read.text for read in spotted(frames)] == [token]
