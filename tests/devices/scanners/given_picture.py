"""Pictures that tests start from: symbols drawn by zxing-cpp, tilted, blurred, noisy; films of them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import zxingcpp

Gray = npt.NDArray[np.uint8]
KINDS = {
    "EAN-13": zxingcpp.BarcodeFormat.EAN13,
    "EAN-8": zxingcpp.BarcodeFormat.EAN8,
    "UPC-A": zxingcpp.BarcodeFormat.UPCA,
    "UPC-E": zxingcpp.BarcodeFormat.UPCE,
    "Code 128": zxingcpp.BarcodeFormat.Code128,
    "Code 39": zxingcpp.BarcodeFormat.Code39,
    "Code 93": zxingcpp.BarcodeFormat.Code93,
    "ITF": zxingcpp.BarcodeFormat.ITF,
    "Codabar": zxingcpp.BarcodeFormat.Codabar,
    "DataBar": zxingcpp.BarcodeFormat.DataBarOmni,
    "DataBar Limited": zxingcpp.BarcodeFormat.DataBarLtd,
    "DataBar Expanded": zxingcpp.BarcodeFormat.DataBarExp,
    "QR Code": zxingcpp.BarcodeFormat.QRCode,
    "Micro QR Code": zxingcpp.BarcodeFormat.MicroQRCode,
    "rMQR Code": zxingcpp.BarcodeFormat.RMQRCode,
    "Data Matrix": zxingcpp.BarcodeFormat.DataMatrix,
    "Aztec": zxingcpp.BarcodeFormat.Aztec,
    "PDF417": zxingcpp.BarcodeFormat.PDF417,
    "MaxiCode": zxingcpp.BarcodeFormat.MaxiCode,
}
COLA = "6901234567892"


def symbol(text: str, kind: str, *, scale: int = 3, quiet: int = 10) -> Gray:
    """Black on white, `scale` pixels a module, `quiet` modules of white around."""
    image = zxingcpp.create_barcode(text, KINDS[kind]).to_image(scale=scale, add_quiet_zones=False)
    return np.pad(np.array(image, dtype=np.uint8), quiet * scale, constant_values=255)


def on_table(mark: Gray, *, width: int = 640, height: int = 480, turn: float = 0.0, seed: int = 1) -> Gray:
    """The symbol lying on a grey, slightly uneven table."""
    noise = np.random.default_rng(seed).normal(0, 4, (height, width))
    scene = np.full((height, width), 110.0) + noise
    rows, columns = mark.shape
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), turn, 1.0)
    matrix[:, 2] += (width / 2 - columns / 2, height / 2 - rows / 2)
    layer = cv2.warpAffine(mark, matrix, (width, height), flags=cv2.INTER_LINEAR)
    cover = cv2.warpAffine(np.full_like(mark, 255), matrix, (width, height), flags=cv2.INTER_LINEAR) / 255.0
    return np.clip(scene * (1 - cover) + (layer + noise) * cover, 0, 255).astype(np.uint8)


def tilted(mark: Gray, degrees: float, *, width: int = 640, height: int = 480, back: int = 110) -> Gray:
    """Seen from the side: turned about the upright axis by `degrees`, through a 60° lens."""
    rows, columns = mark.shape
    angle, focal = np.radians(degrees), 0.87 * width
    corners = np.array([[-columns, -rows], [columns, -rows], [columns, rows], [-columns, rows]], float) / 2
    depth = focal / (focal + corners[:, 0] * np.sin(angle))
    seen = np.stack([corners[:, 0] * np.cos(angle) * depth + width / 2, corners[:, 1] * depth + height / 2], axis=1)
    source = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32)
    matrix = cv2.getPerspectiveTransform(source, seen.astype(np.float32))
    return cv2.warpPerspective(mark, matrix, (width, height), flags=cv2.INTER_AREA, borderValue=back).astype(np.uint8)


def noisy(gray: Gray, sigma: float, *, seed: int = 2) -> Gray:
    noise = np.random.default_rng(seed).normal(0, sigma, gray.shape)
    return np.clip(gray + noise, 0, 255).astype(np.uint8)


def blurred(gray: Gray, sigma: float) -> Gray:
    return cv2.GaussianBlur(gray, (0, 0), sigma).astype(np.uint8)


def saved(path: Path, gray: Gray, *parameters: int) -> Path:
    picture = cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR) if path.suffix == ".gif" else gray  # OpenCV writes no grey GIF
    assert cv2.imwrite(str(path), picture, list(parameters))
    return path


def film(path: Path, frames: list[Gray], *, fps: float = 25.0) -> Path:
    """A real Motion JPEG film."""
    height, width = frames[0].shape
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, (width, height), isColor=False)
    assert writer.isOpened()
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path
