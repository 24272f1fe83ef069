"""Pictures and video: the one file that imports OpenCV. Cameras, files, streams; grayscale arrays out.

Shared by the families: the camera scanner and the people counter both look at `Frames`. Everything is blocking:
use it in a worker process or a thread.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
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
