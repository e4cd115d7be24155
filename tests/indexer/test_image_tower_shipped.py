"""The tower that comes with the package is the one that was measured, and sees what it should."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.photo_quality import (
    encode_photos,
    photo_figures,
    read_photo_catalogue,
    simple_baselines,
)
from embedded.pictures.render import render
from indexer.encoders.image_registry import load_image_encoder
from indexer.encoders.minilm import REVISION
from indexer.encoders.registry import load_text_encoder
from indexer.towers import shipped
from indexer.towers.preprocessing import preprocess
from indexer.towers.tower import load_tower

FASHION = Path(__file__).parents[3] / "shared" / "data" / "fashion"
EVERY = 4
"""One photo in so many is enough for a floor; the benchmark takes all."""

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def tower():
    return load_image_encoder("tower", threads=1)


@pytest.fixture(scope="module")
def words():
    return load_text_encoder("minilm", template="{title}", precision="float32", threads=1)


def test_the_file_is_the_pinned_one():
    digest = hashlib.sha256(shipped.model_path().read_bytes()).hexdigest()
    assert digest == shipped.SHA256


def test_it_is_a_few_megabytes():
    assert shipped.model_path().stat().st_size < 8_000_000


def test_it_is_in_the_space_of_minilm(tower):
    assert tower.spec.text_space == REVISION
    assert tower.spec.dims == shipped.DIMS == 384


@pytest.mark.parametrize(
    ("kind", "colour", "right", "wrong"),
    [
        ("shirt", "red", "red shirt", "blue shoe"),
        ("shirt", "red", "red shirt", "green shirt"),
        ("sports shoes", "blue", "blue sports shoes", "blue shirt"),
        ("handbag", "black", "black handbag", "white handbag"),
        ("watch", "silver", "silver watch", "silver umbrella"),
    ],
    ids=lambda value: value,
)
def test_pictures_are_nearer_to_their_own_words(tower, words, kind, colour, right, wrong):
    pictures = [render(kind, colour, seed=9_000_000 + number) for number in range(8)]
    cosines = tower.encode_images(pictures) @ words.encode([right, wrong]).T
    assert np.mean(cosines[:, 0] > cosines[:, 1]) >= 0.75


def test_a_photo_finds_its_kind_and_colour_among_others(tower):
    shown = [
        (kind, colour) for kind in ("t-shirt", "jeans", "watch") for colour in ("red", "blue")
    ]
    first, second = (
        tower.encode_images([render(kind, colour, seed) for kind, colour in shown])
        for seed in (9_100_000, 9_100_001)
    )
    assert np.mean((first @ second.T).argmax(axis=1) == np.arange(len(shown))) >= 0.8


@pytest.mark.parametrize("colour", ["white", "black", "red"])
def test_a_picture_of_nothing_has_a_direction_too(tower, colour):
    vector = tower.encode_images([Image.new("RGB", (40, 40), colour)])[0]
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-4)


def test_the_checkpoint_beside_it_is_the_same_tower(tower):
    checkpoint = load_tower(shipped.checkpoint_path())
    pictures = [render("watch", "silver", 9_200_000), render("jeans", "blue", 9_200_001)]
    inputs = torch.from_numpy(preprocess(pictures, shipped.INPUT_SIZE))
    with torch.no_grad():
        expected = torch.nn.functional.normalize(checkpoint(inputs), dim=1).numpy()
    assert tower.encode_images(pictures) == pytest.approx(expected, abs=2e-3)


@pytest.mark.relevance
@pytest.mark.skipif(not FASHION.is_dir(), reason="../shared/data is not here")
def test_on_photos_of_a_shop_it_beats_every_simple_baseline_and_words_find_types(tower, words):
    whole = read_photo_catalogue(FASHION)
    some = replace(
        whole,
        images=whole.images[::EVERY],
        titles=whole.titles[::EVERY],
        types=whole.types[::EVERY],
        colours=whole.colours[::EVERY],
    )
    vectors, _ = encode_photos(tower, some.images)
    figures = photo_figures(some, vectors, words)
    baselines = [
        photo_figures(some, baseline, None)["photo_type"]
        for baseline in simple_baselines(some).values()
    ]
    assert figures["photo_type"] > max(baselines) + 0.03
    assert figures["trained_words_type"] >= 0.38
    assert figures["words_colour"] >= 0.5
