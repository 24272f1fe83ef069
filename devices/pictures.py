"""Pictures and video: the one file that imports OpenCV. Cameras, files, streams; grayscale arrays out.

Shared by the families: the camera scanner and the people counter both look at `Frames`. Everything is blocking:
use it in a worker process or a thread.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self, cast

from edge.errors import DeviceError, MissingExtraError, StoregateError

MAX_PIXELS = 1 << 27
"""134 megapixels, above the largest telephone camera in common use: a picture that claims more is a bomb."""
MAX_FILE_BYTES = 256 << 20
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))  # OpenCV reads it once, while it is imported
os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")  # its warnings would stand between our own words on stderr

try:
    import cv2
    import numpy as np
    import numpy.typing as npt
except ImportError as error:
    raise MissingExtraError("reading pictures and cameras", "camera") from error

Gray = npt.NDArray[np.uint8]
"""Height by width, one byte a pixel."""
Colour = npt.NDArray[np.uint8]
"""Height by width by 3, blue green red."""
Affine = npt.NDArray[np.float64]
OPEN_TIMEOUT_MS = 8_000
READ_TIMEOUT_MS = 5_000
"""A network camera that says nothing for this long is gone (V4L2 devices have their own 10 s)."""
DEFAULT_FPS = 25.0
SAVE_AS_JPEG = "save it as JPEG or PNG and try again"


class PictureError(StoregateError):
    """A file is no picture, or not one that can be read."""


class Frame(NamedTuple):
    at_s: float
    """time.monotonic() when it arrived; for a file played unpaced, its own time in the film."""
    gray: Gray
    colour: Colour | None
    """Only when asked for."""


# --- cameras, films, streams --------------------------------------------------------------------------


class Frames:
    """An open source. A film ends; a camera never does: its end, silence or loss raises DeviceError."""

    def __init__(self, source: str, capture: cv2.VideoCapture, *, film: bool, colour: bool) -> None:
        self.source = source
        self.film = film
        self._capture = capture
        self._colour = colour
        self.fps = self._number(cv2.CAP_PROP_FPS) or DEFAULT_FPS
        self.width_px = int(self._number(cv2.CAP_PROP_FRAME_WIDTH))
        self.height_px = int(self._number(cv2.CAP_PROP_FRAME_HEIGHT))
        self.count = int(self._number(cv2.CAP_PROP_FRAME_COUNT)) if film else 0
        """Frames in a film as its header says; 0 when unknown."""

    def play(self, *, paced: bool = True, loop: bool = False) -> Iterator[Frame]:
        """Frames as they come. A film is `paced` to its own rate (late frames are dropped), or as fast as can be."""
        index, start_s = 0, time.monotonic()
        while True:
            wait_s = start_s + index / self.fps - time.monotonic() if self.film and paced else 0.0
            if wait_s > 0:
                time.sleep(wait_s)
            elif wait_s < -1 / self.fps and self._capture.grab():
                index += 1  # too late to be looked at
                continue
            good, picture = self._capture.read()
            if not good:
                if not self._ended(index):
                    raise DeviceError(f"{self.source}: no picture", hint="is the camera plugged in and switched on?")
                if not loop or index == 0:
                    return
                self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
                index, start_s = 0, time.monotonic()
                continue
            at_s = index / self.fps if self.film and not paced else time.monotonic()
            yield Frame(at_s, _gray(picture), cast("Colour", picture) if self._colour else None)
            index += 1

    def _ended(self, index: int) -> bool:
        """True at the end of a film, false for a camera's silence. A film without one readable frame is an error."""
        if self.film and index == 0:
            raise DeviceError(f"{self.source}: has no frame that can be read")
        return self.film

    def _number(self, name: int) -> float:
        value = float(self._capture.get(name))
        return value if 0 < value < 1e7 else 0.0

    def close(self) -> None:
        self._capture.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def open_source(text: str, *, width_px: int = 0, height_px: int = 0, colour: bool = False) -> Frames:
    """A camera number (`0`), a `/dev/video…` path, a film, or an `rtsp://` (`http://`) URL.

    The size is asked of a camera, which may give another one. Raises DeviceError when it can't be had.
    """
    text = text.strip()
    cv2.setNumThreads(1)  # one core a camera: the gateway has other things to do
    stream = text.startswith(("rtsp://", "rtsps://", "http://", "https://"))
    camera = (text.isascii() and text.isdigit()) or text.startswith("/dev/video")
    if stream:
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT_MS]
        capture = cv2.VideoCapture(text, cv2.CAP_FFMPEG, limits)
    elif camera:
        capture = cv2.VideoCapture(int(text) if text.isdigit() else text, cv2.CAP_V4L2)
        _ask_size(capture, width_px, height_px)
    elif Path(text).is_file():
        capture = cv2.VideoCapture(str(Path(text).resolve()), cv2.CAP_FFMPEG)
    else:
        raise DeviceError(f"{text!r} is not there", hint="wanted a camera number, a film or an rtsp:// address")
    shown = text.split("@")[-1] if stream else text  # an address may carry a password
    if not capture.isOpened():
        capture.release()
        raise DeviceError(f"{shown}: can't be opened as video", hint=_why_not(text, stream=stream, camera=camera))
    return Frames(shown, capture, film=not stream and not camera, colour=colour)


def _ask_size(capture: cv2.VideoCapture, width_px: int, height_px: int) -> None:
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))  # raw YUYV does 10 frames/s at 1280×720
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # what is decoded is what is seen now
    if width_px and height_px:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, width_px)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height_px)


def _why_not(text: str, *, stream: bool, camera: bool) -> str:
    if stream:
        return "does the address open in a player? is the camera in this network?"
    if not camera:
        return "is it a film? MP4, AVI, MKV and WebM are"
    path = f"/dev/video{text}" if text.isdigit() else text
    if not Path(path).exists():
        return f"{path} is not there: `ls /dev/video*` shows the cameras"
    return f"{path} is busy, or not ours to read: add the user to the group video"


def write_film(path: Path, frames: Iterable[Gray], *, fps: float) -> int:
    """Grey pictures of one size as a film (`.mp4`, `.avi`); returns how many. Raises DeviceError."""
    writer: cv2.VideoWriter | None = None
    code = cv2.VideoWriter.fourcc(*("mp4v" if path.suffix == ".mp4" else "MJPG"))
    count = 0
    try:
        for gray in frames:
            if writer is None:
                writer = cv2.VideoWriter(str(path), code, fps, (gray.shape[1], gray.shape[0]), isColor=False)
                if not writer.isOpened():
                    raise DeviceError(f"can't write a film to {path}", hint="is the folder there? wanted .mp4 or .avi")
            writer.write(gray)
            count += 1
    finally:
        if writer is not None:
            writer.release()
    return count


def write_picture(path: Path, picture: Colour | Gray) -> None:
    """As `.png` or `.jpg`, by the name. Raises PictureError."""
    good, data = cv2.imencode(path.suffix or ".png", picture)
    if not good:
        raise PictureError(f"can't write {path}", hint="wanted .png or .jpg")
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise PictureError(f"can't write {path}: {error.strerror}") from error


# --- single pictures ----------------------------------------------------------------------------------


def read_picture(path: Path) -> Gray:
    """JPEG, PNG, WebP, TIFF, BMP, GIF (first frame): turned as its EXIF says, clear parts white.

    Raises PictureError in words for a person.
    """
    try:
        if not path.is_file():
            raise PictureError("is a folder" if path.is_dir() else "is no file" if path.exists() else "is not there")
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise PictureError(f"is too large: {size >> 20} MiB; {MAX_FILE_BYTES >> 20} MiB is the most")
        data = path.read_bytes()
    except OSError as error:
        raise PictureError(f"can't be read: {error.strerror}") from error
    return decode_picture(data)


def decode_picture(data: bytes) -> Gray:
    """The picture in a file's bytes. Raises PictureError."""
    if not data:
        raise PictureError("is empty")
    raw = np.frombuffer(data, np.uint8)
    try:
        picture = cv2.imdecode(raw, cv2.IMREAD_UNCHANGED) if not data.startswith(b"\xff\xd8") else None
        if picture is None or picture.ndim == 2 or picture.shape[2] != 4:
            picture = cv2.imdecode(raw, cv2.IMREAD_GRAYSCALE)  # this way OpenCV obeys EXIF, and 16 bits become 8
    except cv2.error as error:
        if "PIXELS" in str(error).upper():
            raise PictureError(f"is too large: more than {MAX_PIXELS // 1_000_000} megapixels") from error
        raise PictureError("is broken: it can't be decoded", hint=SAVE_AS_JPEG) from error
    except MemoryError as error:
        raise PictureError("is too large for this machine's memory") from error
    if picture is None:
        raise PictureError(_what_instead(data), hint=SAVE_AS_JPEG)
    return _gray(picture)


def _what_instead(data: bytes) -> str:
    if data[4:12] in {b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc"}:
        return "is a HEIC picture, which can't be read here"
    if data.startswith(b"%PDF"):
        return "is a PDF, not a picture"
    known = (b"\xff\xd8", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*")
    if data.startswith(known) or (data.startswith(b"RIFF") and data[8:12] == b"WEBP"):
        return "is broken or cut off"
    return "is not a picture"


def _gray(picture: npt.NDArray[np.number]) -> Gray:
    """One byte a pixel; what is transparent is white, as on paper."""
    if picture.dtype == np.uint16:
        picture = picture.astype(np.uint16) >> 8
    elif picture.dtype != np.uint8:
        picture = np.clip(picture.astype(np.float32) * 255, 0, 255)  # float pictures are 0 to 1
    whole = picture.astype(np.uint8, copy=False)
    if whole.ndim == 2:
        return whole
    if whole.shape[2] == 4:
        alpha = whole[:, :, 3].astype(np.uint16)
        gray = cv2.cvtColor(whole[:, :, :3], cv2.COLOR_BGR2GRAY)
        return ((gray * alpha + 255 * (255 - alpha)) // 255).astype(np.uint8)
    return cast("Gray", cv2.cvtColor(whole, cv2.COLOR_BGR2GRAY))


# --- other looks at a picture -------------------------------------------------------------------------


class Patch(NamedTuple):
    """A picture made out of another one, and the way back."""

    gray: Gray
    back: Affine
    """2 by 3: a place in `gray` → the place in the picture it was made of."""

    def origin(self, x: float, y: float) -> tuple[int, int]:
        place = self.back @ (x, y, 1.0)
        return round(float(place[0])), round(float(place[1]))


def whole(gray: Gray) -> Patch:
    return Patch(gray, np.eye(2, 3))


def scaled(gray: Gray, x: float, y: float | None = None) -> Patch:
    """Made larger (cubic) or smaller (each pixel the mean of what it covers), also in one direction only."""
    y = x if y is None else y
    size = max(1, round(gray.shape[1] * x)), max(1, round(gray.shape[0] * y))
    how = cv2.INTER_AREA if x < 1 and y < 1 else cv2.INTER_CUBIC
    return Patch(cv2.resize(gray, size, interpolation=how).astype(np.uint8), np.array([[1 / x, 0, 0], [0, 1 / y, 0]]))


def turned(gray: Gray, degrees: float) -> Patch:
    """Turned about its middle; the canvas grows so that nothing is cut off."""
    height, width = gray.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    size = int(height * sin + width * cos), int(height * cos + width * sin)
    turn[0, 2] += size[0] / 2 - width / 2
    turn[1, 2] += size[1] / 2 - height / 2
    image = cv2.warpAffine(gray, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return Patch(image.astype(np.uint8), cv2.invertAffineTransform(turn).astype(np.float64))


def cut(gray: Gray, x: int, y: int, width: int, height: int) -> Patch:
    """A rectangle of it; what lies outside is left out."""
    left, top = max(0, x), max(0, y)
    part = gray[top : max(top, y + height), left : max(left, x + width)]
    return Patch(np.ascontiguousarray(part), np.array([[1.0, 0, left], [0, 1.0, top]]))


def cut_turned(gray: Gray, box: Box, *, scale: float, margin_x: float, margin_y: float) -> Patch:
    """A turned rectangle of it, laid level: its bars upright, `scale` times as large, with margins in pixels."""
    width = max(8, int((box.width + 2 * margin_x) * scale))
    height = max(8, int((box.height + 2 * margin_y) * scale))
    along = np.radians(box.degrees)
    cos, sin = np.cos(along) / scale, np.sin(along) / scale
    back = np.array([[cos, -sin, box.x], [sin, cos, box.y]])
    back[:, 2] -= back[:, :2] @ (width / 2, height / 2)
    flags = (cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC) | cv2.WARP_INVERSE_MAP
    image = cv2.warpAffine(gray, back, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return Patch(image.astype(np.uint8), back)


def evened(gray: Gray) -> Gray:
    """Local contrast raised: shadows, weak print, low light (CLAHE)."""
    return cv2.createCLAHE(clipLimit=4.0, tileGridSize=(8, 8)).apply(gray).astype(np.uint8)


def sharpened(gray: Gray, *, sigma_px: float, amount: float) -> Gray:
    """Unsharp mask: what is above its surroundings is lifted by `amount` times the difference."""
    soft = cv2.GaussianBlur(gray, (0, 0), sigma_px)
    return cv2.addWeighted(gray, 1 + amount, soft, -amount, 0).astype(np.uint8)


def softened(gray: Gray, *, sigma_px: float) -> Gray:
    """Noise of a dark picture averaged away."""
    return cv2.GaussianBlur(gray, (0, 0), sigma_px).astype(np.uint8)


class Box(NamedTuple):
    """A turned rectangle in which many parallel edges lie."""

    x: float
    y: float
    """Its middle."""
    width: float
    """Across the bars."""
    height: float
    degrees: float
    """Of the direction across the bars, from the x axis towards the y axis."""
    strength: float
    """Sum of edge energy: the larger the likelier."""


def striped(gray: Gray, *, side_px: int, window_px: int, coherence: float) -> list[Box]:
    """Where the picture is striped in one direction, strongest first: barcodes, and things that look like them.

    By the structure tensor of the picture shrunk to `side_px`, averaged over `window_px`.
    """
    shrink = min(1.0, side_px / max(gray.shape))
    small = scaled(gray, shrink).gray if shrink < 1 else gray
    dx = cv2.Scharr(small, cv2.CV_32F, 1, 0)
    dy = cv2.Scharr(small, cv2.CV_32F, 0, 1)
    window, step = (window_px, window_px), max(1, window_px // 5)  # means over a window need not be kept at each pixel
    xx, yy, xy = (cv2.boxFilter(product, -1, window)[::step, ::step] for product in (dx * dx, dy * dy, dx * dy))
    energy = xx + yy
    strong = np.sqrt((xx - yy) ** 2 + 4 * xy * xy) > coherence * energy
    mask = (strong & (energy > max(2e4, 0.25 * float(energy.mean())))).astype(np.uint8)
    angle = np.arctan2(2 * xy, xx - yy) / 2
    boxes: list[Box] = []
    for sector in range(4):  # neighbours of another direction are another thing
        away = np.abs((angle - sector * np.pi / 4 + np.pi / 2) % np.pi - np.pi / 2)
        part = mask * (away < np.pi / 6).astype(np.uint8)
        part = cv2.morphologyEx(part, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)).astype(np.uint8)
        boxes.extend(_boxes(part, (xx, yy, xy), shrink / step, window_px // step))
    return sorted(boxes, key=lambda box: (-box.strength, box.x, box.y))


def _boxes(mask: Gray, tensor: Sequence[npt.NDArray[np.number]], shrink: float, window: int) -> Iterator[Box]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    for label in range(1, count):
        left, top, width, height, area = (int(value) for value in stats[label])
        if area < window * window or max(width, height) < 2 * window:
            continue
        inside = (slice(top, top + height), slice(left, left + width))
        own = labels[inside] == label
        xx, yy, xy = (float(part[inside][own].sum()) for part in tensor)
        along = float(np.arctan2(2 * xy, xx - yy)) / 2
        ys, xs = np.nonzero(own)
        across = xs * np.cos(along) + ys * np.sin(along)
        upright = ys * np.cos(along) - xs * np.sin(along)
        (a, b), (c, d) = np.percentile(across, (1, 99)), np.percentile(upright, (1, 99))
        u, v = (a + b) / 2, (c + d) / 2
        x = (left + u * np.cos(along) - v * np.sin(along) + 0.5) / shrink
        y = (top + u * np.sin(along) + v * np.cos(along) + 0.5) / shrink
        size = float(b - a) / shrink, float(d - c) / shrink
        yield Box(float(x), float(y), *size, float(np.degrees(along)), xx + yy)
