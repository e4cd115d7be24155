"""The histogram of colours beside a tower's network."""

import numpy as np
import pytest
import torch
from PIL import Image

from indexer.towers.colours import COLOUR_BINS, ColourPart
from indexer.towers.preprocessing import preprocess

pytestmark = pytest.mark.models

SIZE = 48


def _histograms(*images: Image.Image) -> np.ndarray:
    part = ColourPart(SIZE, 4)
    return part.histogram(torch.from_numpy(preprocess(images, SIZE))).numpy()


def _patch(colour: str, box: tuple[int, int, int, int] = (12, 12, 36, 36)) -> Image.Image:
    image = Image.new("RGB", (SIZE, SIZE), "white")
    image.paste(colour, box)
    return image


def _alike(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def test_a_white_picture_has_no_colour_and_no_nan():
    assert _histograms(Image.new("RGB", (SIZE, SIZE), "white")) == pytest.approx(
        np.zeros((1, COLOUR_BINS))
    )


def test_shares_of_a_picture_and_of_its_middle_come_near_one_each():
    shares = _histograms(Image.new("RGB", (SIZE, SIZE), "black"))[0] ** 2
    whole, middle = shares[: COLOUR_BINS // 2].sum(), shares[COLOUR_BINS // 2 :].sum()
    assert 0.9 < middle < whole < 1.0


def test_colours_compare_whatever_the_size_of_what_is_shown():
    large, small, other = _histograms(
        _patch("navy", (8, 8, 40, 40)), _patch("navy"), _patch("darkgreen")
    )
    assert _alike(large, small) > 0.98
    assert _alike(large, other) < 0.5


@pytest.mark.parametrize(
    ("colour", "near", "far"),
    [
        ("#1a1a1a", "#202020", "#14143c"),  # black, and navy
        ("#c01020", "#b41424", "#c01080"),  # red, and magenta
        ("#808080", "#8a8a8a", "#808a60"),  # grey, and olive
    ],
    ids=["black", "red", "grey"],
)
def test_another_light_differs_less_than_another_name(colour, near, far):
    one, alike, different = _histograms(_patch(colour), _patch(near), _patch(far))
    assert _alike(one, alike) > _alike(one, different) + 0.05


def test_what_lies_in_the_middle_counts_more():
    striped = _patch("red", (0, 0, SIZE, 12))
    striped.paste("blue", (12, 16, 36, 40))
    shares = _histograms(striped)[0] ** 2
    red, blue = (_histograms(_patch(name))[0] > 0 for name in ("red", "blue"))
    half = COLOUR_BINS // 2
    ratios = [
        shares[part][blue[part]].sum() / shares[part][red[part]].sum()
        for part in (slice(half), slice(half, None))
    ]
    assert ratios[1] > 2 * ratios[0]
