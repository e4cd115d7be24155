"""A photo's bytes to pixels, for files of unknown origin.

Pillow is given only what begins like a format that is wanted, and is asked for the size before
it decodes. Whatever it stumbles over is an ImageRefused with a short reason: a worker must not
end, nor a task be repeated, because of a file.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
from PIL import ExifTags, Image, TiffImagePlugin, UnidentifiedImageError

from indexer.images.failures import FIELD
from indexer.images.formats import DECODED, format_of
from mappings.errors import ImageRefused

MAX_PIXELS = 50_000_000
"""Larger than a camera's full frame of 45 million pixels."""

MAX_SIDE = 30_000
"""Longest side in pixels; JPEG itself ends at 65,535."""

MAX_JPEG_SCANS = 64
"""A progressive JPEG has about 10; each one walks over all pixels, however few bytes it has."""

_TILE_WIDTH, _TILE_LENGTH = 322, 323
_LEAST_TILE_PIXELS = 1024 * 1024  # a small image may be one common tile
_START_OF_SCAN = b"\xff\xda"
_WHITE = (255, 255, 255)
_TRUNCATED = ("truncated", "unexpected end", "not enough", "incomplete", "broken data stream")
_TRANSPOSED: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each orientation of EXIF 2.3 (tag 274); 1 is upright."""

# Of what stands beside the pixels: cameras write such files, and every browser shows them.
_FORGIVEN = (
    r"Corrupt EXIF|Possibly corrupt EXIF|Metadata Warning|Tag |.*malformed MPO|Invalid APNG"
)
_warnings_lock = threading.Lock()


def decode(
    data: bytes, *, max_pixels: int = MAX_PIXELS, least_side: int | None = None
) -> Image.Image:
    """Decode a photo to 8-bit RGB, upright; of an animation the first frame.

    data: a JPEG, PNG, WebP, GIF, BMP or TIFF file, recognised by its content. Transparent
    parts become white, 16 bits become 8 by their upper half, CMYK is converted without a
    colour profile, and profiles are left aside. max_pixels: width times height; above
    Pillow's own limit of 89 million it has no effect. Memory is up to 13 bytes a pixel.
    least_side: who needs no more pixels on the shorter side gets a larger JPEG at a half, a
    quarter or an eighth of its size, in a fraction of the time; None gives every pixel.
    Raises ImageRefused, whose `reason` is "empty", "format_refused" (SVG, HTML, PDF and others,
    by name), "not_an_image", "too_many_pixels", "truncated", or "corrupt".
    """
    if not data:
        raise _refused("the file is empty", "empty")
    name = format_of(data)
    if name is None:
        raise _refused(f"begins like no photo: {data[:8].hex(' ')}", "not_an_image")
    if name not in DECODED:
        raise _refused(f"is {name}, should be {', '.join(DECODED)}", "format_refused")
    if name == "JPEG" and data.count(_START_OF_SCAN) > MAX_JPEG_SCANS:
        raise _refused(f"has more than {MAX_JPEG_SCANS} JPEG scans", "corrupt")
    try:
        with _open(data, name, max_pixels) as opened:
            if least_side is not None:
                # JPEG's own scaling: means over 2, 4 or 8 pixels. No other format has one.
                opened.draft(opened.mode, (least_side, least_side))
            opened.load()
            orientation = _orientation(opened)
            upright = _TRANSPOSED.get(orientation)
            plain = _to_rgb(opened)
            return plain if upright is None else plain.transpose(upright)
    except ImageRefused:
        raise
    except Exception as error:  # Pillow raises whatever its parsers trip over
        raise _explained(name, data, error) from error


def thumbnail(image: Image.Image, size: int) -> Image.Image:
    """Return the image with its longer side at most `size` pixels, in its proportions.

    Never enlarged, no side below 1 pixel. Raises ValueError when size < 1.
    """
    if size < 1:
        raise ValueError(f"size: {size} is below 1")
    scale = min(1.0, size / max(image.size))
    if scale == 1.0:
        return image.copy()
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def crop(image: Image.Image, box: tuple[float, float, float, float]) -> Image.Image:
    """Return a part of the image, at least 1 pixel wide and high.

    box: x0, y0, x1, y1 as shares of width and height, 0..1 from the upper left corner.
    Raises ImageRefused (reason "box") when a value is outside 0..1 or not a number, or when
    x0 >= x1 or y0 >= y1.
    """
    x0, y0, x1, y1 = box
    if not (0.0 <= x0 < x1 <= 1.0 and 0.0 <= y0 < y1 <= 1.0):
        raise ImageRefused(
            f"box: {list(box)} should be x0 < x1 and y0 < y1, each from 0 to 1",
            reason="box",
            field="box",
        )
    width, height = image.size
    left, top = min(int(x0 * width), width - 1), min(int(y0 * height), height - 1)
    right, bottom = max(left + 1, round(x1 * width)), max(top + 1, round(y1 * height))
    return image.crop((left, top, right, bottom))


def _open(data: bytes, name: str, max_pixels: int) -> Image.Image:
    with _strict_pillow():
        opened = Image.open(io.BytesIO(data), formats=(name,))
    width, height = opened.size
    if width < 1 or height < 1:
        raise _refused(f"is {width} x {height} pixels", "corrupt")
    if width * height > max_pixels or max(width, height) > MAX_SIDE:
        raise _refused(
            f"is {width:,} x {height:,} pixels, more than {max_pixels:,} in all "
            f"or {MAX_SIDE:,} on a side",
            "too_many_pixels",
        )
    if isinstance(opened, TiffImagePlugin.TiffImageFile):
        _check_tiles(opened, max_pixels)
    return opened


def _check_tiles(opened: TiffImagePlugin.TiffImageFile, max_pixels: int) -> None:
    # A tile may be larger than the image that it is a part of, and is decoded as a whole.
    width, height = (opened.tag_v2.get(tag, 1) for tag in (_TILE_WIDTH, _TILE_LENGTH))
    if width * height > max(max_pixels, _LEAST_TILE_PIXELS):
        raise _refused(f"has tiles of {width:,} x {height:,} pixels", "too_many_pixels")


@contextmanager
def _strict_pillow() -> Iterator[None]:
    # The filters belong to the whole process, so threads take turns, and warnings of other
    # packages are left as they are. Only headers are read meanwhile, which takes no time.
    with _warnings_lock, warnings.catch_warnings():
        warnings.filterwarnings("error", module=r"PIL\.|indexer\.images\.")
        warnings.filterwarnings("ignore", message=_FORGIVEN, module=r"PIL\.|indexer\.images\.")
        yield


def _orientation(opened: Image.Image) -> int:
    # After load: Pillow turns TIFF itself then, and takes the tag away.
    try:
        with _strict_pillow():
            value = opened.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # a picture is whole without what is written beside it
        return 1
    return value if isinstance(value, int) else 1


def _to_rgb(opened: Image.Image) -> Image.Image:
    if opened.mode == "CMYK" and opened.format in ("JPEG", "MPO") and "adobe" not in opened.info:
        # Pillow takes every CMYK JPEG for Adobe's, whose inks are inverted; this one is not.
        return opened.point(lambda ink: 255 - ink).convert("RGB")
    if opened.mode.startswith("I"):
        return _from_deep_grey(opened)
    if opened.mode == "F":
        raise _refused("has pixels of 32-bit floats", "corrupt")
    if opened.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in opened.info:
        return _over_white(opened.convert("RGBA"))
    return opened.convert("RGB")


def _over_white(image: Image.Image) -> Image.Image:
    flat = Image.new("RGB", image.size, _WHITE)
    flat.paste(image, mask=image.getchannel("A"))
    return flat


def _from_deep_grey(opened: Image.Image) -> Image.Image:
    grey = np.asarray(opened)
    if grey.min() < 0 or grey.max() > 0xFFFF:
        raise _refused("has pixels of more than 16 bits", "corrupt")
    return Image.fromarray((grey >> 8).astype(np.uint8)).convert("RGB")


def _refused(problem: str, reason: str) -> ImageRefused:
    return ImageRefused(f"{FIELD}: photo {problem}", reason=reason, field=FIELD)


def _explained(name: str, data: bytes, error: Exception) -> ImageRefused:
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return _refused("has far too many pixels", "too_many_pixels")
    said = f"{type(error).__name__}: {error}".replace("\n", " ")[:200]
    if isinstance(error, UnidentifiedImageError):
        said = "its header is broken"  # Pillow's own words are an address in memory
    cut = isinstance(error, EOFError) or any(word in said.lower() for word in _TRUNCATED)
    # A RIFF file says at its beginning how long it is, and WebP's decoder does not tell.
    if cut or (name == "WEBP" and int.from_bytes(data[4:8], "little") + 8 > len(data)):
        return _refused(f"ends before its {name} data does: {said}", "truncated")
    return _refused(f"is no {name} that can be decoded: {said}", "corrupt")
