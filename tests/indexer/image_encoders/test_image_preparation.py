"""What the settings of an image processor become."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from indexer.encoders.image_preparation import PhotoPreparation, preparation_of

CLIP: dict[str, Any] = {
    "size": {"shortest_edge": 8},
    "crop_size": {"height": 8, "width": 8},
    "do_center_crop": True,
    "image_mean": [0.5, 0.4, 0.3],
    "image_std": [0.5, 0.25, 0.2],
    "resample": 3,
}
SIGLIP: dict[str, Any] = {
    "size": {"height": 8, "width": 8},
    "image_mean": [0.5] * 3,
    "image_std": [0.5] * 3,
}


def prepared(settings: dict[str, Any], image: Image.Image) -> np.ndarray:
    preparation = preparation_of(settings)
    assert isinstance(preparation, PhotoPreparation), preparation
    return preparation([image])[0]


def halves(size: tuple[int, int]) -> Image.Image:
    """Black on the left, white on the right."""
    image = Image.new("RGB", size, "white")
    image.paste("black", (0, 0, size[0] // 2, size[1]))
    return image


def test_values_are_scaled_by_mean_and_deviation() -> None:
    white = prepared(CLIP, Image.new("RGB", (20, 20), "white"))
    assert white.dtype == np.float32
    expected = [(1 - 0.5) / 0.5, (1 - 0.4) / 0.25, (1 - 0.3) / 0.2]
    np.testing.assert_allclose(white[:, 4, 4], expected, rtol=1e-5)


def test_the_middle_of_a_wide_photo_is_seen() -> None:
    wide = Image.new("RGB", (300, 100), "red")
    wide.paste("blue", (100, 0, 200, 100))
    seen = prepared(SIGLIP | CLIP | {"image_mean": [0.0] * 3, "image_std": [1.0] * 3}, wide)
    np.testing.assert_allclose(seen[2, :, 1:-1], 1.0, atol=0.02)
    np.testing.assert_allclose(seen[0, :, 1:-1], 0.0, atol=0.02)


def test_the_whole_of_a_wide_photo_is_seen_where_it_is_squashed() -> None:
    seen = prepared(SIGLIP, halves((300, 100)))
    np.testing.assert_allclose(seen[0, :, :3], -1.0, atol=0.02)
    np.testing.assert_allclose(seen[0, :, -3:], 1.0, atol=0.02)


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (20_000, 3), (7, 8)])
@pytest.mark.parametrize("settings", [CLIP, SIGLIP], ids=["cut", "squashed"])
def test_any_proportions_give_the_models_size(
    settings: dict[str, Any], size: tuple[int, int]
) -> None:
    assert prepared(settings, Image.new("RGB", size, "red")).shape == (3, 8, 8)


@pytest.mark.parametrize(
    ("settings", "shortest_edge", "width"),
    [
        ({"size": 8, "crop_size": 6}, 8, 6),
        ({"size": {"shortest_edge": 8}, "crop_size": 8}, 8, 8),
        ({"size": {"height": 9, "width": 8}, "do_center_crop": False}, 0, 8),
    ],
    ids=["numbers", "both forms", "both sides"],
)
def test_sizes_are_read_in_every_form(
    settings: dict[str, Any], shortest_edge: int, width: int
) -> None:
    found = preparation_of(CLIP | settings)
    assert isinstance(found, PhotoPreparation)
    assert (found.shortest_edge, found.width) == (shortest_edge, width)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"size": None}, "has no size"),
        ({"image_mean": None}, "has no image_mean"),
        ({"do_resize": False}, "does not resize"),
        ({"do_pad": True}, "pads"),
        ({"max_num_patches": 256}, "patches"),
        ({"do_center_crop": False}, "different sizes"),
        ({"crop_size": {"height": 9, "width": 9}}, "pads"),
        ({"size": {"height": 8, "width": 8}}, "crops what it does not scale"),
        ({"crop_size": 99_999, "size": 99_999}, "asks for 99999 x 99999"),
        ({"image_std": [0, 1, 1]}, "standard deviation"),
    ],
    ids=str,
)
def test_what_cannot_be_done_without_torch_is_told(settings: dict[str, Any], reason: str) -> None:
    found = preparation_of(CLIP | settings)
    assert isinstance(found, str)
    assert reason in found
