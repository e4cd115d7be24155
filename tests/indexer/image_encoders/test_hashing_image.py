"""The encoder of photos that needs no model."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from indexer.encoders import hashing
from indexer.encoders.hashing import HashingEncoder
from indexer.encoders.image_hashing import COLOURS, HashingImageEncoder


def photo(colour: str | tuple[int, int, int], box: tuple[int, ...] = (15, 20, 45, 60)) -> Image:
    """A product of one colour on white."""
    image = Image.new("RGB", (60, 80), "white")
    ImageDraw.Draw(image).rectangle(box, fill=colour)
    return image


def cosine(first: Image, second: Image) -> float:
    one, other = HashingImageEncoder().encode_images([first, second])
    return float(one @ other)


def test_equal_photos_are_equal() -> None:
    assert cosine(photo("red"), photo("red")) == pytest.approx(1.0)


def test_a_shade_is_nearer_than_another_colour() -> None:
    assert cosine(photo("red"), photo((200, 45, 45))) > 0.9
    assert cosine(photo("red"), photo("blue")) < 0.6


def test_a_like_layout_is_nearer_than_another() -> None:
    like, other = photo("red", (16, 22, 44, 60)), photo("red", (0, 0, 59, 10))
    assert cosine(photo("red"), like) > cosine(photo("red"), other) + 0.05


@pytest.mark.parametrize("name", COLOURS)
def test_the_name_of_a_colour_finds_its_photos_first(name: str) -> None:
    photos = HashingImageEncoder().encode_images([photo(colour) for colour in COLOURS.values()])
    words = HashingEncoder().encode([f"{name} shirt"])[0]
    assert list(COLOURS)[int(np.argmax(photos @ words))] == name


def test_its_space_is_that_of_the_hashing_text_encoder() -> None:
    spec = HashingImageEncoder().spec
    assert (spec.text_space, spec.dims) == (hashing.REVISION, hashing.DIMS)


EXPECTED = [0.024120, 0.006074, 0.007673, -0.046315]
"""First numbers of a red product's vector."""


def test_vectors_are_the_same_on_every_machine() -> None:
    """Numbers of another machine may differ in the last digits only."""
    first = HashingImageEncoder().encode_images([photo((210, 30, 35))])[0]
    np.testing.assert_allclose(first[:4], EXPECTED, atol=1e-5)
