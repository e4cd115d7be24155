"""What every encoder of photos promises, worker side and service side."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.encoders.base import ImageEncoder
from indexer.encoders.image_probes import probe_photos
from indexer.encoders.image_registry import (
    IMAGE_ENCODERS,
    image_encoder_spec,
    load_image_encoder,
    load_query_image_encoder,
)

MODELS = ["tiny_tower", "tiny_torchvision", "tiny_clip", "tiny_siglip"]
NAMES = [*IMAGE_ENCODERS, *(pytest.param(name, marks=pytest.mark.models) for name in MODELS)]
PHOTOS = [
    *probe_photos(),
    Image.new("RGB", (5000, 10), (30, 160, 70)),
    Image.new("RGB", (10, 5000), (90, 10, 170)),
    Image.new("RGB", (2, 1), "black"),
]

SMALLEST_DIFFERENCE = 1e-4
"""Above rounding; random weights tell photos apart less than trained ones."""


@pytest.fixture(scope="module", params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    """An encoder's name or folder."""
    registered = request.param in IMAGE_ENCODERS
    return request.param if registered else str(request.getfixturevalue(request.param))


@pytest.fixture(scope="module")
def worker(name: str) -> ImageEncoder:
    return load_image_encoder(name, device="cpu", precision="float32")


@pytest.fixture(scope="module")
def service(name: str, model_directory: Path) -> ImageEncoder:
    return load_query_image_encoder(name, model_directory=model_directory)


@pytest.fixture(params=["worker", "service"])
def encoder(
    request: pytest.FixtureRequest, worker: ImageEncoder, service: ImageEncoder
) -> ImageEncoder:
    return {"worker": worker, "service": service}[request.param]


def smallest_cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.sum(first * second, axis=1).min())


def test_it_is_an_image_encoder(encoder: ImageEncoder) -> None:
    assert isinstance(encoder, ImageEncoder)


def test_vectors_are_float32_of_the_specs_length(encoder: ImageEncoder) -> None:
    vectors = encoder.encode_images(PHOTOS)
    assert vectors.shape == (len(PHOTOS), encoder.spec.dims)
    assert vectors.dtype == np.float32


def test_every_photo_gives_a_unit_vector(encoder: ImageEncoder) -> None:
    norms = np.linalg.norm(encoder.encode_images(PHOTOS), axis=1)
    np.testing.assert_allclose(norms, 1.0, atol=1e-5)


def test_no_photos_give_no_rows(encoder: ImageEncoder) -> None:
    assert encoder.encode_images([]).shape == (0, encoder.spec.dims)


def test_the_same_photos_give_the_same_numbers_again(encoder: ImageEncoder) -> None:
    again = encoder.encode_images(PHOTOS)
    np.testing.assert_array_equal(encoder.encode_images(PHOTOS), again)


def test_alone_and_in_a_batch_agree(encoder: ImageEncoder) -> None:
    alone = np.vstack([encoder.encode_images([photo]) for photo in PHOTOS])
    assert smallest_cosine(encoder.encode_images(PHOTOS), alone) > 0.9999


def test_order_is_kept(encoder: ImageEncoder) -> None:
    photos = [Image.new("RGB", (40 + n, 60 - n), (n * 8, 250 - n * 4, n * 5)) for n in range(30)]
    forwards, backwards = encoder.encode_images(photos), encoder.encode_images(photos[::-1])
    assert smallest_cosine(forwards, backwards[::-1]) > 0.9999
    assert np.abs(forwards[0] - forwards[-1]).max() > SMALLEST_DIFFERENCE


def test_different_photos_give_different_vectors(encoder: ImageEncoder) -> None:
    red, blue, mosaic = encoder.encode_images([PHOTOS[0], PHOTOS[1], PHOTOS[5]])
    for first, second in ((red, blue), (blue, mosaic), (mosaic, red)):
        assert np.abs(first - second).max() > SMALLEST_DIFFERENCE


def test_threads_do_not_mix_up_their_photos(encoder: ImageEncoder) -> None:
    expected = encoder.encode_images(PHOTOS)
    with ThreadPoolExecutor(6) as threads:
        asked = [
            (start, threads.submit(encoder.encode_images, PHOTOS[start:]))
            for start in [*range(len(PHOTOS))] * 2
        ]
        for start, future in asked:
            assert smallest_cosine(future.result(), expected[start:]) > 0.9999


def test_the_argument_is_not_changed(encoder: ImageEncoder) -> None:
    photo = probe_photos()[0]
    before = photo.tobytes()
    encoder.encode_images([photo])
    assert photo.tobytes() == before


def test_worker_and_service_agree(worker: ImageEncoder, service: ImageEncoder) -> None:
    vectors = worker.encode_images(PHOTOS), service.encode_images(PHOTOS)
    assert smallest_cosine(*vectors) > 0.999


def test_worker_and_service_have_one_identity(
    name: str, worker: ImageEncoder, service: ImageEncoder, model_directory: Path
) -> None:
    told = image_encoder_spec(name, model_directory=model_directory)
    assert worker.spec == service.spec == told
    assert (told.similarity, told.template) == ("cosine", "")
