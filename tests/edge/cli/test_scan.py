"""`storegate scan image`: given picture files, expect lines, words and exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import zxingcpp
from typer.testing import CliRunner

from devices import pictures
from edge.cli.scan import app
from tests.devices.scanners.given_picture import COLA, KINDS, blurred, noisy, on_table, saved, symbol, tilted

runner = CliRunner()


def scan(*arguments: str | Path) -> tuple[list[dict[str, Any]], int]:
    done = runner.invoke(app, ["image", "--json", *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return [json.loads(line) for line in done.stdout.splitlines()], done.exit_code


def texts(line: dict[str, Any]) -> list[tuple[str, str]]:
    return [(code["symbology"], code["text"]) for code in line["codes"]]


def test_one_object_a_file_and_line(tmp_path: Path) -> None:
    cola = saved(tmp_path / "可乐.png", on_table(symbol(COLA, "EAN-13"), turn=7))
    lines, code = scan(cola)
    assert code == 0
    assert lines[0].keys() == {"file", "codes", "ms"}
    assert lines[0]["file"] == str(cola)
    assert lines[0]["codes"] == [{"text": COLA, "symbology": "EAN-13"}]
    assert lines[0]["ms"] > 0


def test_no_code_is_no_failure(tmp_path: Path) -> None:
    lines, code = scan(saved(tmp_path / "empty.png", noisy(np.full((200, 300), 120, np.uint8), 5)))
    assert (lines[0]["codes"], code) == ([], 0)


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "bmp", "gif", "tiff"])
def test_formats_of_picture_files(tmp_path: Path, ending: str) -> None:
    lines, code = scan(saved(tmp_path / f"a.{ending}", on_table(symbol("hello", "QR Code", scale=5))))
    assert (texts(lines[0]), code) == ([("QR Code", "hello")], 0)


def test_several_codes_in_reading_order_each_once(tmp_path: Path) -> None:
    page = np.full((700, 900), 200, np.uint8)
    for (kind, text), (x, y) in zip(
        [("EAN-13", COLA), ("Code 128", "LOT-2231"), ("QR Code", "one"), ("QR Code", "one"), ("Data Matrix", "two")],
        [(40, 30), (450, 60), (60, 350), (300, 350), (600, 380)],
        strict=True,
    ):
        mark = symbol(text, kind)
        page[y : y + mark.shape[0], x : x + mark.shape[1]] = mark
    lines, _ = scan(saved(tmp_path / "page.png", page))
    assert sorted(texts(lines[0])) == sorted(
        [("EAN-13", COLA), ("Code 128", "LOT-2231"), ("QR Code", "one"), ("Data Matrix", "two")]
    )
    assert texts(lines[0])[0] == ("EAN-13", COLA)
    again, _ = scan(tmp_path / "page.png")
    assert again[0]["codes"] == lines[0]["codes"]


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(lambda mark: on_table(mark, turn=45), id="turned by 45°"),
        pytest.param(lambda mark: tilted(mark, 50), id="tilted by 50°"),
        pytest.param(lambda mark: noisy(blurred(on_table(mark, turn=4), 2.2), 3), id="out of focus"),
        pytest.param(lambda mark: noisy(on_table(mark, turn=10) // 6, 2), id="in the dark"),
        pytest.param(lambda mark: on_table(mark, width=4000, height=3000, turn=12), id="far away, 12 megapixels"),
    ],
)
def test_hard_photographs_of_goods(tmp_path: Path, picture: Any) -> None:
    lines, _ = scan(saved(tmp_path / "hard.jpg", picture(symbol(COLA, "EAN-13")), cv2.IMWRITE_JPEG_QUALITY, 85))
    assert texts(lines[0]) == [("EAN-13", COLA)]


def test_a_payment_code_is_never_shown(tmp_path: Path) -> None:
    pay = "134567890123456789"
    path = saved(tmp_path / "pay.png", on_table(symbol(pay, "QR Code")))
    lines, code = scan(path)
    assert lines[0]["codes"] == [{"text": "", "symbology": "QR Code", "kind": "payment"}]
    assert code == 0
    words = runner.invoke(app, ["image", str(path)])
    assert pay not in words.output


def test_what_is_no_picture_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    good = saved(tmp_path / "good.png", on_table(symbol("hello", "QR Code", scale=5)))
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.png").write_text("I am no picture")
    whole = good.read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    bomb = cv2.imencode(".png", np.zeros((8, 8), np.uint8))[1].tobytes()
    (tmp_path / "bomb.png").write_bytes(bomb[:16] + (60_000).to_bytes(4) * 2 + bomb[24:])
    names = ["empty.jpg", "text.png", "good.png", "cut.png", "bomb.png", "missing.png"]
    lines, code = scan(*(tmp_path / name for name in names))
    assert code == 1
    assert [Path(line["file"]).name for line in lines] == names
    assert texts(lines[2]) == [("QR Code", "hello")]
    assert "error" not in lines[2]
    errors = [line["error"] for line in lines if line["codes"] == []]
    assert len(errors) == 5
    assert errors[0] == "is empty"
    assert errors[1] == "is not a picture"
    assert errors[4] == "is not there"


def test_folders_patterns_and_doubles(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    mark = on_table(symbol("hello", "QR Code", scale=5))
    for path in (tmp_path / "1.png", tmp_path / "a" / "2.png", inner / "3.png"):
        saved(path, mark)
    (tmp_path / "notes.txt").write_text("not looked at")
    flat, _ = scan(tmp_path)
    deep, _ = scan("--recursive", tmp_path, tmp_path / "1.png")
    pattern, _ = scan(str(tmp_path / "a" / "*.png"))
    assert [Path(line["file"]).name for line in flat] == ["1.png"]
    assert [Path(line["file"]).name for line in deep] == ["1.png", "2.png", "3.png"]
    assert [Path(line["file"]).name for line in pattern] == ["2.png"]


def test_wrong_usage(tmp_path: Path) -> None:
    picture = saved(tmp_path / "a.png", np.zeros((9, 9), np.uint8))
    wrong = runner.invoke(app, ["image", "--only", "EAN13", str(picture)])
    assert wrong.exit_code == 2
    assert "EAN-13" in wrong.output
    assert runner.invoke(app, ["image", str(tmp_path / "a")]).exit_code == 1
    (tmp_path / "nothing").mkdir()
    assert runner.invoke(app, ["image", str(tmp_path / "nothing")]).exit_code == 2


def test_clear_parts_of_a_picture_are_white(tmp_path: Path) -> None:
    mark = symbol("hello", "QR Code", scale=5)
    picture = np.zeros((*mark.shape, 4), np.uint8)  # black modules opaque, all else clear black
    picture[:, :, 3] = 255 - mark
    lines, _ = scan(saved(tmp_path / "sticker.png", picture))
    assert texts(lines[0]) == [("QR Code", "hello")]


def test_a_telephone_held_upright_is_turned_as_it_says(tmp_path: Path) -> None:
    picture = np.zeros((20, 40), np.uint8)
    jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
    tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"  # orientation 6: turned by 90°
    body = b"Exif\0\0" + tiff
    (tmp_path / "a.jpg").write_bytes(jpeg[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2) + body + jpeg[2:])
    assert pictures.read_picture(tmp_path / "a.jpg").shape == (40, 20)


def test_text_of_a_code_moves_no_cursor(tmp_path: Path) -> None:
    code = zxingcpp.create_barcode("a\x1b[2Jb[red]", KINDS["QR Code"])
    path = saved(tmp_path / "evil.png", np.array(code.to_image(scale=5)))
    words = runner.invoke(app, ["image", str(path)])
    assert "\x1b[2J" not in words.output
    assert "a<1B>[2Jb[red]" in words.output
