"""Rendered pictures: the same for a seed, of the asked kind and colour, each unlike the others."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from embedded.pictures.__main__ import sheet
from embedded.pictures.colours import COLOURS, MANY_COLOURS
from embedded.pictures.render import KINDS, SCENE, STUDIO, PictureUnknown, render

SEEDS = range(6)
SINGLE_COLOURS = tuple(name for name in COLOURS if name != MANY_COLOURS)
DYED = (
    *("t-shirt", "shirt", "sweater", "hoodie", "trousers", "skirt", "dress", "heels"),
    *("handbag", "wallet", "scarf", "cap", "mouse", "kettle", "mug", "towel"),
)
"""Kinds of which most of the picture has the asked colour."""


def pixels(picture: Image.Image) -> NDArray[np.float64]:
    return np.asarray(picture, dtype=np.float64)


def thing(kind: str, colour: str, seed: int, size: int = 48) -> NDArray[np.float64]:
    """Return the thing's own pixels (n, 3): those that do not change with the background."""
    white, green = (
        pixels(render(kind, colour, seed, size, background=background, pattern="plain"))
        for background in ("white", "#00ff00")
    )
    return white[(white == green).all(axis=2)]


@pytest.mark.parametrize(("place", "kind"), list(enumerate(KINDS)), ids=KINDS)
def test_every_kind_is_drawn_in_any_colour(place: int, kind: str):
    # A quarter of the colours each, another one for the next kind.
    for seed, colour in enumerate([*list(COLOURS)[place % 4 :: 4], MANY_COLOURS]):
        picture = render(kind, colour, seed, 32)
        assert picture.size == (32, 32) and picture.mode == "RGB"
        share = (pixels(picture) < 250).any(axis=2).mean()
        assert 0.03 < share < 0.98, f"{colour}, seed {seed}: {share:.0%} of the picture is drawn"


def test_a_seed_gives_the_same_picture_and_another_seed_another():
    for kind in KINDS:
        first, again, other = (render(kind, "teal", seed, 48).tobytes() for seed in (4, 4, 5))
        assert first == again
        assert first != other


DIGESTS = """
import hashlib
from embedded.pictures.render import render
for kind in ("t-shirt", "sports shoes", "handbag", "mouse", "drill"):
    print(hashlib.sha256(render(kind, "blue", 1, 64, background="scene").tobytes()).hexdigest())
"""


def test_a_process_that_hashes_otherwise_draws_the_same():
    first, second = (
        subprocess.run(
            [sys.executable, "-c", DIGESTS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    )
    assert first == second and len(set(first.split())) == 5


def test_another_view_shows_the_same_thing_elsewhere():
    first, second = (pixels(render("mouse", "red", 3, 64, view=view)) for view in (0, 1))
    assert not np.array_equal(first, second)
    means = [view[(view < 245).any(axis=2)].mean(axis=0) for view in (first, second)]
    assert np.abs(means[0] - means[1]).max() < 12


@pytest.mark.parametrize("kind", DYED)
def test_a_plain_thing_has_the_asked_colour(kind: str):
    named = np.array([COLOURS[name] for name in SINGLE_COLOURS], dtype=np.float64)
    for colour in ("red", "blue", "yellow", "black", "white", "green"):
        seen = np.median(np.concatenate([thing(kind, colour, seed) for seed in SEEDS]), axis=0)
        wanted = np.array(COLOURS[colour], dtype=np.float64)
        assert np.abs(seen - wanted).mean() < 32, f"{colour} looks like {seen.round()}"
        nearest = np.argsort(np.linalg.norm(named - seen, axis=1))[:5]
        assert colour in [SINGLE_COLOURS[place] for place in nearest]


def test_kinds_differ_from_each_other():
    shapes = {kind: _silhouettes(kind, SEEDS) for kind in KINDS}
    alike = [
        (one, other)
        for one, other in itertools.combinations(KINDS, 2)
        if np.abs(shapes[one] - shapes[other]).mean() < 0.02
    ]
    assert not alike


def _silhouettes(kind: str, seeds: Sequence[int]) -> NDArray[np.float64]:
    """Return the mean grey picture of a kind, 0 to 1."""
    pictures = [pixels(render(kind, "blue", seed, 32).convert("L")) for seed in seeds]
    return np.mean(pictures, axis=0) / 255


@pytest.mark.parametrize("background", ["white", "#102030", STUDIO, SCENE])
def test_a_thing_stands_before_the_asked_background(background: str):
    corner = pixels(render("mug", "red", 2, 64, background=background))[:3, :3].reshape(-1, 3)
    expected = {"white": (255, 255, 255), "#102030": (16, 32, 48)}
    if background in expected:
        assert (corner == expected[background]).all()
    else:
        assert (corner != 255).any()


def test_many_colours_are_many():
    seen = pixels(render("t-shirt", MANY_COLOURS, 1, 64)).reshape(-1, 3)
    hues = {tuple(colour) for colour in (seen // 64).astype(int)}
    plain = pixels(render("t-shirt", "red", 1, 64, pattern="plain")).reshape(-1, 3)
    assert len(hues) > len({tuple(colour) for colour in (plain // 64).astype(int)})


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("flying carpet", "red", 0), "flying carpet"),
        (("mug", "ultraviolet", 0), "ultraviolet"),
        (("mug", "red", 0, 5), "5"),
        (("mug", "red", 0, 100_000), "100000"),
    ],
)
def test_what_nobody_has_drawn_is_refused_by_name(arguments: tuple[str, ...], names: str):
    with pytest.raises(PictureUnknown, match=names):
        render(*arguments)


@pytest.mark.parametrize("option", ["background", "pattern"])
def test_an_unknown_option_is_refused_by_name(option: str):
    with pytest.raises(PictureUnknown, match="no-such"):
        render("mug", "red", 0, **{option: "no-such"})


def test_words_of_a_kind_begin_with_its_name_and_no_two_kinds_share_a_name():
    assert len(KINDS) > 150
    for name, words in KINDS.items():
        assert words[0] == name and len(set(words)) == len(words)


def test_a_sheet_shows_every_kind():
    kinds = list(KINDS)[:5]
    picture = sheet(kinds, size=32, columns=3)
    assert picture.size == (96, 2 * (32 + 14))
    assert (pixels(picture) < 250).any()
