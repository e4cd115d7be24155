"""Files that are no photos, or that were made to hurt: each is refused, with its reason."""

from __future__ import annotations

import resource
import struct
import sys
import threading
import time
import warnings
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from PIL import Image

from indexer.images.decoding import decode
from mappings.errors import ImageRefused
from tests.indexer.images.test_decoding import FORMATS, corner_marked, encoded


def png_of(width: int, height: int, rows: bytes = b"") -> bytes:
    """A PNG of one bit a pixel whose header may say anything."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )


def gif_of(width: int, height: int) -> bytes:
    data = bytearray(encoded(Image.new("P", (4, 4)), "GIF"))
    data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)


def bmp_of(width: int, height: int) -> bytes:
    data = bytearray(encoded(Image.new("RGB", (4, 4)), "BMP"))
    data[18:26] = struct.pack("<ii", width, height)
    return bytes(data)


def jpeg_of(width: int, height: int) -> bytes:
    data = bytearray(encoded(Image.new("RGB", (8, 8)), "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def webp_of(width: int, height: int) -> bytes:
    """Lossless WebP: 14 bits each for width and height less one."""
    data = bytearray(encoded(Image.new("RGB", (8, 8)), "WEBP", lossless=True))
    start = data.index(b"VP8L") + 9
    bits = int.from_bytes(data[start : start + 4], "little") & ~((1 << 28) - 1)
    bits |= (width - 1) | (height - 1) << 14
    data[start : start + 4] = bits.to_bytes(4, "little")
    return bytes(data)


def tiff_with_tiles(width: int, length: int) -> bytes:
    """A TIFF of 16 x 16 pixels that claims tiles of another size."""
    entries = [
        (256, 4, 16),
        (257, 4, 16),
        (258, 3, 8),
        (259, 3, 8),
        (262, 3, 1),
        (277, 3, 1),
        (322, 4, width),
        (323, 4, length),
        (324, 4, 200),
        (325, 4, 100),
    ]
    body = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    head = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + body + bytes(4)
    return head.ljust(200, b"\0") + zlib.compress(bytes(100_000))[:100]


def refusal_of(data: bytes, **options) -> ImageRefused:
    with pytest.raises(ImageRefused) as caught:
        decode(data, **options)
    assert caught.value.field == "images"
    assert len(str(caught.value)) < 400
    return caught.value


NAMED = [
    ("SVG", b'<svg xmlns="http://www.w3.org/2000/svg" onload="x"/>'),
    ("SVG", b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- a shop -->\n<svg width="1">'),
    ("HTML", b"\n<!DOCTYPE html><title>404</title>"),
    ("HTML", b"<html><body>not found"),
    ("XML", b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'),
    ("PDF", b"%PDF-1.7\n%\xe2\xe3"),
    ("JSON", b'{"error": "no such photo"}'),
    ("AVIF", b"\0\0\0\x1cftypavif\0\0\0\0"),
    ("HEIC", b"\0\0\0\x1cftypheic\0\0\0\0"),
    ("a video", b"\0\0\0\x1cftypisom\0\0\0\0"),
    ("JPEG XL", b"\xff\x0a\x00\x00"),
    ("JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n"),
    ("PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n"),
    ("ZIP", b"PK\x03\x04\x14\0"),
    ("gzip", b"\x1f\x8b\x08\0"),
]


@pytest.mark.parametrize(
    ("name", "data"), NAMED, ids=[f"{row[0]}-{i}" for i, row in enumerate(NAMED)]
)
def test_other_format_is_refused_by_its_name(name, data):
    error = refusal_of(data)
    assert error.reason == "format_refused"
    assert f"is {name}, should be JPEG, PNG" in str(error)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\x00" * 100, "not_an_image"),
        (b"hello", "not_an_image"),
        (b"\x89PNG\r\n\x1a\n", "corrupt"),
        (b"\xff\xd8\xff", "corrupt"),
        (b"BM" + bytes(60), "corrupt"),
        (b"II*\0\xff\xff\xff\xff", "corrupt"),
    ],
    ids=[
        "empty",
        "zeros",
        "text",
        "PNG signature",
        "JPEG signature",
        "BMP of zeros",
        "TIFF of FF",
    ],
)
def test_what_is_no_photo_is_refused(data, reason):
    assert refusal_of(data).reason == reason


@pytest.mark.parametrize("format_name", FORMATS)
def test_truncated_file_is_refused(format_name):
    data = encoded(corner_marked((200, 100)), format_name)
    error = refusal_of(data[: len(data) * 2 // 3])
    assert error.reason == "truncated"


HUGE = {
    "PNG 30,000 x 30,000": png_of(30_000, 30_000, bytes(30_000 * 3751)),
    "PNG of the largest header": png_of(2**31 - 1, 2**31 - 1),
    "GIF": gif_of(65_535, 65_535),
    "BMP": bmp_of(60_000, 60_000),
    "JPEG": jpeg_of(65_000, 65_000),
    "WebP": webp_of(16_383, 16_383),
    "PNG of one long row": png_of(40_000, 1, bytes(5001)),
}


@pytest.mark.parametrize("data", HUGE.values(), ids=HUGE)
def test_bomb_is_refused_by_its_header_at_once_and_without_memory(data):
    assert len(data) < 1_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.monotonic()
    assert refusal_of(data).reason == "too_many_pixels"
    assert time.monotonic() - started < 1
    grown_kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kilobytes < 50_000


def test_frame_larger_than_its_gif_counts():
    data = bytearray(encoded(Image.new("P", (300, 200)), "GIF"))
    data[6:10] = struct.pack("<HH", 4, 4)
    assert refusal_of(bytes(data), max_pixels=59_999).reason == "too_many_pixels"
    assert decode(bytes(data), max_pixels=60_000).size == (300, 200)


def test_number_of_pixels_is_limited_to_the_one():
    data = encoded(corner_marked((40, 20)), "PNG")
    assert decode(data, max_pixels=800).size == (40, 20)
    assert refusal_of(data, max_pixels=799).reason == "too_many_pixels"


def test_limit_above_that_of_pillow_still_refuses_beyond_it():
    error = refusal_of(png_of(29_000, 29_000, b""), max_pixels=10**12)
    assert error.reason == "too_many_pixels"


def test_small_tiff_of_huge_tiles_is_refused():
    assert refusal_of(tiff_with_tiles(40_000, 40_000)).reason == "too_many_pixels"


def test_jpeg_of_too_many_scans_is_refused():
    data = encoded(corner_marked(), "JPEG", progressive=True)
    start = data.index(b"\xff\xda")
    assert "scans" in str(refusal_of(data[:start] + data[start:-2] * 65 + data[-2:]))


@pytest.mark.parametrize("data", [png_of(0, 5), png_of(5, 0), bmp_of(0, 4), bmp_of(4, 0)])
def test_photo_without_pixels_is_refused(data):
    assert refusal_of(data).reason in ("corrupt", "truncated")


def test_pixels_beyond_sixteen_bits_are_refused():
    assert "32-bit floats" in str(refusal_of(encoded(Image.new("F", (2, 2), 0.5), "TIFF")))
    assert "more than 16 bits" in str(refusal_of(encoded(Image.new("I", (2, 2), 70_000), "TIFF")))


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads take turns so often that what is not locked goes wrong."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_filters_for_warnings_are_as_before_when_threads_decode(hasty_threads):
    good = encoded(corner_marked(), "PNG")
    bad = png_of(30_000, 30_000)

    def work() -> None:
        for _ in range(50):
            decode(good)
            refusal_of(bad)

    before = list(warnings.filters)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before


SEEDS = {name: encoded(corner_marked((24, 16)), name) for name in FORMATS}
EXIF = Image.Exif()
EXIF[0x0112] = 6
EXIF[0x010F] = "maker"
SEEDS["JPEG with EXIF"] = encoded(corner_marked((24, 16)), "JPEG", exif=EXIF, progressive=True)
SEEDS["PNG palette"] = encoded(corner_marked((24, 16)).quantize(4), "PNG", transparency=1)
SEEDS["TIFF LZW"] = encoded(corner_marked((24, 16)), "TIFF", compression="tiff_lzw", exif=EXIF)
SEEDS["CMYK"] = encoded(corner_marked((24, 16)).convert("CMYK"), "JPEG")
FLIPS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=12)


def assert_decoded_or_refused(data: bytes) -> None:
    try:
        image = decode(data, max_pixels=1_000_000)
    except ImageRefused as error:
        assert error.reason in (
            *("empty", "format_refused", "not_an_image"),
            *("too_many_pixels", "truncated", "corrupt"),
        )
    else:
        assert image.mode == "RGB" and image.width * image.height <= 1_000_000


@pytest.mark.parametrize("name", SEEDS)
@seed(20261121)
@settings(max_examples=250, deadline=None, database=None)
@given(flips=FLIPS, cut=st.none() | st.integers(0, 10**6))
def test_flipped_bytes_never_raise_anything_else(name, flips, cut):
    data = bytearray(SEEDS[name])
    for place, change in flips:
        data[place % len(data)] ^= change
    assert_decoded_or_refused(bytes(data[: None if cut is None else cut % (len(data) + 1)]))


@seed(20261121)
@settings(max_examples=300, deadline=None, database=None)
@given(
    start=st.sampled_from(
        [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"II*\0"]
    ),
    rest=st.binary(max_size=300),
)
def test_random_bytes_never_raise_anything_else(start, rest):
    assert_decoded_or_refused(start + rest)
