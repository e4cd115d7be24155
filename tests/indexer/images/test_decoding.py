"""Decoding of ordinary photos: every format and kind of pixel becomes upright 8-bit RGB."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from indexer.images.decoding import crop, decode, thumbnail
from mappings.errors import ImageRefused

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"]
LOSSY = 6
"""How far JPEG and WebP may be off in one colour."""


def encoded(image: Image.Image, format_name: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, format_name, **options)
    return file.getvalue()


def corner_marked(size=(40, 20)) -> Image.Image:
    """Red, with a blue upper left quarter."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (0, 0, size[0] // 2, size[1] // 2))
    return image


def assert_near(colour, expected, by=LOSSY):
    assert all(abs(one - other) <= by for one, other in zip(colour, expected, strict=True)), colour


@pytest.mark.parametrize("format_name", FORMATS)
def test_format_is_found_by_content(format_name):
    image = decode(encoded(corner_marked(), format_name))
    assert (image.mode, image.size) == ("RGB", (40, 20))
    assert_near(image.getpixel((2, 2)), BLUE)
    assert_near(image.getpixel((37, 17)), RED)


@pytest.mark.parametrize(
    "options",
    [
        {"format_name": "JPEG", "progressive": True},
        {"format_name": "PNG", "optimize": True},
        {"format_name": "WEBP", "lossless": True},
        {"format_name": "TIFF", "compression": "tiff_lzw"},
        {"format_name": "TIFF", "compression": "tiff_adobe_deflate"},
        {"format_name": "TIFF", "compression": "jpeg"},
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_variant_of_a_format_is_decoded(options):
    assert_near(decode(encoded(corner_marked(), **options)).getpixel((2, 2)), BLUE)


# Where the blue corner of the stored pixels is seen, by the orientation of EXIF 2.3, table 6:
# 6 says that the stored left side is the visible top, and so on.
ORIENTATIONS = [
    (1, (40, 20), "top left"),
    (2, (40, 20), "top right"),
    (3, (40, 20), "bottom right"),
    (4, (40, 20), "bottom left"),
    (5, (20, 40), "top left"),
    (6, (20, 40), "top right"),
    (7, (20, 40), "bottom right"),
    (8, (20, 40), "bottom left"),
    (0, (40, 20), "top left"),
    (9, (40, 20), "top left"),
]


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize(("orientation", "size", "corner"), ORIENTATIONS)
def test_photo_stands_upright(format_name, orientation, size, corner):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = decode(encoded(corner_marked(), format_name, exif=exif))
    assert image.size == size
    x = 2 if "left" in corner else size[0] - 3
    y = 2 if "top" in corner else size[1] - 3
    assert_near(image.getpixel((x, y)), BLUE)
    assert_near(image.getpixel((size[0] - 1 - x, size[1] - 1 - y)), RED)


@pytest.mark.parametrize(
    "broken", [b"Exif\0\0", b"Exif\0\0II*\0\x08\0\0\0\xff\xff", b"Exif\0\0xx"]
)
def test_broken_metadata_does_not_lose_the_photo(broken):
    assert decode(encoded(corner_marked(), "JPEG", exif=broken)).size == (40, 20)


def with_alpha(mode: str) -> Image.Image:
    """Left half opaque red (or its grey), right half fully transparent."""
    image = Image.new("RGBA", (4, 2), (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 2, 2))
    return image.convert(mode)


# L = 0.299 R (ITU-R BT.601): 76 of 255 for red.
@pytest.mark.parametrize(
    ("mode", "format_name", "left"),
    [
        ("RGBA", "PNG", RED),
        ("LA", "PNG", (76, 76, 76)),
        ("RGBA", "TIFF", RED),
        ("RGBA", "GIF", RED),
    ],
)
def test_transparent_parts_are_white(mode, format_name, left):
    image = decode(encoded(with_alpha(mode), format_name))
    assert image.getpixel((0, 0)) == left
    assert image.getpixel((3, 1)) == WHITE


def test_half_transparent_pixel_is_mixed_with_white():
    data = encoded(Image.new("RGBA", (2, 2), (255, 0, 0, 51)), "PNG")
    # 51/255 = 1/5 of red, 4/5 of white: 0.2 * 0 + 0.8 * 255 = 204.
    assert decode(data).getpixel((0, 0)) == (255, 204, 204)


def test_transparent_colour_and_palette_entry_are_white():
    image = Image.new("RGB", (2, 1), RED)
    image.putpixel((1, 0), BLUE)
    keyed = decode(encoded(image, "PNG", transparency=BLUE))
    assert [keyed.getpixel((x, 0)) for x in (0, 1)] == [RED, WHITE]
    palette = Image.new("P", (2, 1), 0)
    palette.putpalette([*RED, *BLUE])
    palette.putpixel((1, 0), 1)
    for transparency in (1, bytes([255, 0])):
        shown = decode(encoded(palette, "PNG", transparency=transparency))
        assert [shown.getpixel((x, 0)) for x in (0, 1)] == [RED, WHITE]


@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_sixteen_bits_become_eight_by_their_upper_half(format_name):
    grey = Image.fromarray(np.array([[0x0000, 0x80FF, 0xFFFF]], dtype=np.uint16))
    image = decode(encoded(grey, format_name))
    assert [image.getpixel((x, 0))[0] for x in range(3)] == [0x00, 0x80, 0xFF]


def test_one_bit_and_grey_are_decoded():
    assert decode(encoded(Image.new("1", (2, 2), 1), "PNG")).getpixel((0, 0)) == WHITE
    assert decode(encoded(Image.new("L", (2, 2), 7), "BMP")).getpixel((0, 0)) == (7, 7, 7)


def without_adobe_marker(jpeg: bytes) -> bytes:
    start = jpeg.index(b"\xff\xee")
    length = int.from_bytes(jpeg[start + 2 : start + 4], "big")
    assert jpeg[start + 4 : start + 9] == b"Adobe"
    return jpeg[:start] + jpeg[start + 2 + length :]


def test_cmyk_jpeg_is_read_as_its_marker_says():
    # No cyan, full magenta and yellow, no black: red.
    inks = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    adobe = encoded(inks, "JPEG", quality=95)
    assert_near(decode(adobe).getpixel((8, 8)), RED)
    # The same bytes without the marker hold the inks as they are: cyan and black, so black.
    assert_near(decode(without_adobe_marker(adobe)).getpixel((8, 8)), (0, 0, 0))
    complement = Image.new("CMYK", (16, 16), (255, 0, 0, 255))
    plain = without_adobe_marker(encoded(complement, "JPEG", quality=95))
    assert_near(decode(plain).getpixel((8, 8)), RED)


def test_cmyk_tiff_is_converted():
    assert decode(encoded(Image.new("CMYK", (4, 4), (0, 255, 255, 0)), "TIFF")).getpixel(
        (1, 1)
    ) == (RED)


@pytest.mark.parametrize("format_name", ["GIF", "WEBP", "PNG", "TIFF"])
def test_first_frame_of_an_animation_is_taken(format_name):
    frames = [Image.new("RGB", (16, 16), colour) for colour in (RED, GREEN, BLUE)]
    options = {"lossless": True} if format_name == "WEBP" else {}
    data = encoded(frames[0], format_name, save_all=True, append_images=frames[1:], **options)
    assert decode(data).getpixel((8, 8)) == RED


def test_thumbnail_keeps_proportions_and_never_enlarges():
    assert thumbnail(Image.new("RGB", (400, 100)), 50).size == (50, 12)
    assert thumbnail(Image.new("RGB", (1000, 1)), 10).size == (10, 1)
    small = Image.new("RGB", (30, 20))
    assert thumbnail(small, 50).size == (30, 20)
    assert thumbnail(small, 50) is not small
    with pytest.raises(ValueError, match="size: 0"):
        thumbnail(small, 0)


def test_crop_takes_the_named_part():
    image = corner_marked()
    assert crop(image, (0.0, 0.0, 0.5, 0.5)).size == (20, 10)
    assert set(crop(image, (0.0, 0.0, 0.5, 0.5)).get_flattened_data()) == {BLUE}
    assert crop(image, (0.5, 0.5, 1.0, 1.0)).getpixel((0, 0)) == RED
    assert crop(image, (0.0, 0.0, 1.0, 1.0)).size == (40, 20)
    assert crop(image, (0.999, 0.999, 1.0, 1.0)).size == (1, 1)
    assert crop(image, (0.0, 0.0, 0.001, 0.001)).size == (1, 1)


@pytest.mark.parametrize(
    "box",
    [
        (0.5, 0, 0.5, 1),
        (0.6, 0, 0.5, 1),
        (-0.1, 0, 1, 1),
        (0, 0, 1.1, 1),
        (0, 0.2, 1, 0.1),
        (float("nan"), 0, 1, 1),
        (0, 0, float("inf"), 1),
    ],
)
def test_box_that_is_no_part_is_refused(box):
    with pytest.raises(ImageRefused, match="box: ") as caught:
        crop(corner_marked(), box)
    assert (caught.value.field, caught.value.reason) == ("box", "box")


@pytest.mark.parametrize(
    ("size", "least_side", "expected"),
    [
        ((800, 400), 100, (200, 100)),
        ((800, 400), 101, (400, 200)),
        ((800, 400), 50, (100, 50)),
        ((800, 400), 10, (100, 50)),
        ((800, 400), 500, (800, 400)),
        ((801, 403), 100, (201, 101)),
    ],
    ids=str,
)
def test_larger_jpeg_is_shrunk_while_it_is_decoded(size, least_side, expected):
    whole = decode(encoded(corner_marked(size), "JPEG"))
    image = decode(encoded(corner_marked(size), "JPEG"), least_side=least_side)
    assert (image.mode, image.size) == ("RGB", expected)
    small = np.asarray(whole.resize(expected, Image.Resampling.BOX), dtype=float)
    assert np.abs(np.asarray(image, dtype=float) - small).mean() < LOSSY


@pytest.mark.parametrize("format_name", ["PNG", "WEBP", "TIFF"])
def test_other_formats_keep_every_pixel(format_name):
    assert decode(encoded(corner_marked((800, 400)), format_name), least_side=50).size == (
        800,
        400,
    )


def test_shrunk_photo_is_upright_too():
    exif = Image.Exif()
    exif[274] = 6  # to be turned right by 90 degrees
    data = encoded(corner_marked((800, 400)), "JPEG", exif=exif)
    image = decode(data, least_side=100)
    assert image.size == (100, 200)
    assert_near(image.getpixel((95, 5)), BLUE)
