"""What a wallet page draws is what our own scanners read, small and turned."""

from __future__ import annotations

import io

import pytest
import segno

from devices.scanners.classify import classify
from edge import qr, tokens
from edge.events import CodeKind
from edge.tokens import Token

TOKEN = tokens.encode(
    Token(
        key_id=b"keys",
        campaign_tag=tokens.campaign_tag("milk"),
        serial=tokens.serial_text(b"0123456789"),
        from_hour=498_600,
        life_hours=240,
    ),
    lambda _: bytes(range(64)),
)
SHORT = tokens.short_code(tokens.serial_text(b"0123456789"), b"secret")


@pytest.mark.parametrize("pixels_a_module", [2, 3, 6])
@pytest.mark.parametrize("turned", [0, 17, 45])
def test_the_code_of_a_coupon_is_read(pixels_a_module: int, turned: int) -> None:
    cv2 = pytest.importorskip("cv2")
    numpy = pytest.importorskip("numpy")
    zxing = pytest.importorskip("zxingcpp")
    out = io.BytesIO()
    segno.make(TOKEN, error="m", boost_error=False).save(out, kind="png", scale=pixels_a_module, border=qr.QUIET)
    picture = cv2.imdecode(numpy.frombuffer(out.getvalue(), numpy.uint8), cv2.IMREAD_GRAYSCALE)
    side = picture.shape[0] * 3 // 2
    turn = cv2.getRotationMatrix2D((picture.shape[0] / 2, picture.shape[0] / 2), turned, 1.0)
    turn[:, 2] += side / 2 - picture.shape[0] / 2
    picture = cv2.warpAffine(picture, turn, (side, side), borderValue=255)
    assert [read.text for read in zxing.read_barcodes(picture)] == [TOKEN]


def test_the_page_draws_the_same_code_black_on_white() -> None:
    drawn = qr.svg(TOKEN)
    assert f'viewBox="0 0 {41 + 2 * qr.QUIET} {41 + 2 * qr.QUIET}"' in drawn
    assert "#000" in drawn
    assert "#fff" in drawn
    assert "style=" not in drawn
    assert len(qr.blocks(TOKEN).splitlines()) > 20


@pytest.mark.parametrize("aim", ["", "]Q1"])
@pytest.mark.parametrize("text", [TOKEN, f"http://192.168.7.1:8080/c/{TOKEN}", SHORT])
def test_a_scanner_knows_it_for_a_coupon(text: str, aim: str) -> None:
    code = classify(aim + text)
    assert code.kind is CodeKind.COUPON
    assert tokens.tidy(code.value) == tokens.tidy(text)
