"""A tiny CLIP is fine-tuned for real: frozen but for low-rank maps, and a CLIP again after it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from indexer.encoders.image_registry import load_image_encoder
from indexer.finetune.bases import open_base
from indexer.finetune.photo_files import Photos
from indexer.finetune.photo_training import train_photos
from indexer.finetune.shop_products import ShopProduct
from indexer.finetune.trainer import trained_state
from indexer.finetune.training import TrainingSettings
from tests.indexer.finetune_shop import COLOURS, KINDS, draw
from tests.indexer.image_encoders.models import build_tiny_clip

pytestmark = pytest.mark.models


class Silent:
    """A watcher that says nothing."""

    def stage(self, text):
        pass

    def counted(self, done, of):
        pass

    def trained(self, progress):
        pass


def no_words():
    raise AssertionError("a CLIP brings its own words")


@pytest.fixture(autouse=True)
def one_thread():
    """Networks this small wait for each other's threads longer than they compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_a_clip_learns_by_low_rank_maps_and_loads_again(tmp_path):
    folder = build_tiny_clip(tmp_path / "clip")
    base = open_base(str(folder), load_words=no_words, seed=0)
    frozen = {
        name: value.clone()
        for name, value in base.model.state_dict().items()
        if name not in trained_state(base.model)
    }
    assert frozen
    learned = [name for name, one in base.model.named_parameters() if one.requires_grad]
    assert learned
    assert all("vision" in name or "visual" in name for name in learned)
    generator = np.random.default_rng(0)
    products, images = [], []
    for number in range(60):
        kind, colour = KINDS[number % 3], list(COLOURS)[number // 3 % 3]
        title = f"{colour} {kind} {number}"
        products.append(ShopProduct(f"p{number}", f"p{number}", title, kind, colour))
        images.append(base.prepare(draw(kind, colour, generator)))
    trained = train_photos(
        products,
        Photos(np.stack(images), np.arange(60), ()),
        base,
        TrainingSettings(epochs=4, batch_size=16, learning_rate=3e-3),
        folder=tmp_path / "work",
        watcher=Silent(),
    )
    losses = trained.result.history.losses
    assert losses[-1]["phrases"] < losses[0]["phrases"]
    state = trained.model.state_dict()
    assert all(torch.equal(state[name], value) for name, value in frozen.items())
    photo = draw("circles", "red", generator)
    pixels = torch.from_numpy(base.prepare(photo)).permute(2, 0, 1)[None] / 255
    with torch.inference_mode():
        expected = torch.nn.functional.normalize(trained.model(pixels)[1], dim=1)[0].numpy()
    spec = base.save(trained.model, tmp_path / "new-clip")
    encoder = load_image_encoder(str(tmp_path / "new-clip"), threads=1)
    assert encoder.spec == spec
    assert float(encoder.encode_images([photo])[0] @ expected) > 0.999
