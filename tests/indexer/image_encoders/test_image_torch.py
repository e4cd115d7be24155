"""How batches of photos reach a torch model, on a CPU's lanes and beside a GPU."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pytest
from PIL import Image

from indexer.encoders.base import ImageEncoder, LoadOptions
from indexer.towers.preprocessing import preprocess
from mappings.encoder_spec import EncoderSpec
from mappings.errors import EncoderUnavailable

pytestmark = pytest.mark.models

SIDE, DIMS = 8, 6
SPEC = EncoderSpec("linear", "1", DIMS, template="")
PHOTOS = [Image.new("RGB", (9, 7), (n * 9, 255 - n * 7, n * 3)) for n in range(25)]


@pytest.fixture(params=["lanes of a CPU", "prepared ahead of a GPU"])
def encoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ImageEncoder:
    """A linear model; what a GPU would do runs on the CPU here."""
    import torch

    from indexer.encoders import image_torch

    with torch.random.fork_rng():
        torch.manual_seed(2)
        model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * SIDE * SIDE, DIMS))
    monkeypatch.setattr(image_torch, "PREPARED_AT_ONCE", 2)
    built = image_torch.TorchImageEncoder.load(
        model,
        spec=SPEC,
        prepare=_prepare,
        options=LoadOptions(device="cpu", batch_size=3, precision="float32", threads=2),
    )
    if request.param.endswith("GPU"):
        monkeypatch.setattr(built, "_lanes", None)
    return built


def _prepare(images: Sequence[Image.Image]) -> np.ndarray:
    if any(image.size == (1, 1) for image in images):
        raise RuntimeError("a photo cannot be prepared")
    return preprocess(images, SIDE)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 25])
def test_every_photo_keeps_its_place_through_the_batches(
    encoder: ImageEncoder, count: int
) -> None:
    alone = [encoder.encode_images([photo])[0] for photo in PHOTOS[:count]]
    expected = np.array(alone, dtype=np.float32).reshape(count, DIMS)
    np.testing.assert_allclose(encoder.encode_images(PHOTOS[:count]), expected, atol=1e-6)


def test_what_a_photo_breaks_is_raised_and_the_encoder_goes_on(encoder: ImageEncoder) -> None:
    with pytest.raises(RuntimeError, match="cannot be prepared"):
        encoder.encode_images([*PHOTOS, Image.new("RGB", (1, 1))])
    assert encoder.encode_images(PHOTOS).shape == (len(PHOTOS), DIMS)


def test_a_gpu_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from indexer.encoders.image_torch import TorchImageEncoder

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(EncoderUnavailable, match="'cuda:1' is configured"):
        TorchImageEncoder.load(
            torch.nn.Flatten(),
            spec=SPEC,
            prepare=partial(preprocess, size=SIDE),
            options=LoadOptions(device="cuda:1"),
        )
