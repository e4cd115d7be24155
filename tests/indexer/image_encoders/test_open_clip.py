"""A SigLIP in open_clip's files; the expected numbers are open_clip 3.3.0's own (timm 1.0.31)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from indexer.encoders.image_probes import probe_photos
from indexer.encoders.image_registry import (
    export_query_image_encoder,
    image_encoder_spec,
    load_image_encoder,
    load_query_image_encoder,
    load_words_encoder,
)
from mappings.errors import EncoderUnavailable
from tests.indexer.image_encoders.open_clip_files import (
    MODEL_CONFIG,
    PHOTO_CONFIG,
    WIDTH,
    build_tiny_open_clip,
    parameters,
)

pytestmark = pytest.mark.models

PHOTOS_EXPECTED = [
    [-0.19615, 0.14046, -0.41618, -0.09305, 0.12271, 0.32369],
    [-0.19080, 0.12557, -0.39656, -0.05865, 0.16947, 0.26587],
]
"""First numbers of the vectors of the first two drawn pictures."""

TEXTS = ["Red shirt!", "a_blue SHOE, with  (usb-c) 2.0"]
TEXTS_EXPECTED = [
    [-0.03843, 0.41539, 0.17684, 0.15276, -0.02282, -0.20468],
    [-0.08491, 0.41396, 0.20261, 0.17019, -0.02653, -0.23015],
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_open_clip(tmp_path_factory.mktemp("open_clip") / "tiny-shop-siglip")


def test_photos_are_as_open_clip_encodes_them_and_no_code_is_run(folder: Path) -> None:
    encoder = load_image_encoder(str(folder), device="cpu", precision="float32")
    vectors = encoder.encode_images(probe_photos()[:2])
    np.testing.assert_allclose(vectors[:, :6], PHOTOS_EXPECTED, atol=0.01)
    assert (encoder.spec.name, encoder.spec.dims) == ("tiny-shop-siglip", WIDTH)


def test_the_service_has_its_photos_and_its_words(folder: Path, tmp_path: Path) -> None:
    export_query_image_encoder(str(folder), model_directory=tmp_path)
    photos = load_query_image_encoder(str(folder), model_directory=tmp_path)
    words = load_words_encoder(str(folder), model_directory=tmp_path)
    assert words is not None
    found = photos.encode_images(probe_photos()[:2])
    np.testing.assert_allclose(found[:, :6], PHOTOS_EXPECTED, atol=0.01)
    np.testing.assert_allclose(words.encode(TEXTS)[:, :6], TEXTS_EXPECTED, atol=1e-4)


def test_parameters_under_the_prefix_of_transformers_are_the_same(
    folder: Path, tmp_path: Path
) -> None:
    from safetensors.numpy import save_file

    other = build_tiny_open_clip(tmp_path / "other")
    (other / "open_clip_model.safetensors").unlink()
    save_file({f"model.{k}": v for k, v in parameters().items()}, other / "model.safetensors")
    first, second = (
        load_image_encoder(str(path), device="cpu", precision="float32")
        for path in (folder, other)
    )
    photos = probe_photos()[:3]
    np.testing.assert_allclose(
        first.encode_images(photos), second.encode_images(photos), atol=1e-5
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": {"embed_dim": WIDTH + 1}}, "is not what open_clip_config.json says"),
        ({"photos": {"resize_mode": "longest"}}, "resize_mode is 'longest'"),
        ({"remove": "tokenizer.json"}, "has no tokenizer.json"),
        ({"remove": "open_clip_model.safetensors"}, "has none of open_clip_model.safetensors"),
        ({"timm": "resnet50"}, "Python code"),
    ],
    ids=["other dims", "other resize", "no tokenizer", "no weights", "no SigLIP"],
)
def test_what_cannot_be_taken_is_named(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    broken = build_tiny_open_clip(tmp_path / "broken")
    match change:
        case {"remove": name}:
            (broken / str(name)).unlink()
        case {"timm": name}:
            _configure(broken, {"vision_cfg": {"timm_model_name": name}}, {})
        case _:
            _configure(broken, change.get("model", {}), change.get("photos", {}))
    with pytest.raises(EncoderUnavailable, match=message):
        load_image_encoder(str(broken), device="cpu")


def test_an_unreadable_configuration_is_named(tmp_path: Path) -> None:
    broken = build_tiny_open_clip(tmp_path / "broken")
    (broken / "open_clip_config.json").write_text("{")
    with pytest.raises(EncoderUnavailable, match="open_clip_config.json"):
        image_encoder_spec(str(broken), model_directory=tmp_path)


def _configure(folder: Path, model: object, photos: object) -> None:
    described = {
        "model_cfg": MODEL_CONFIG | dict(model),  # type: ignore[call-overload]
        "preprocess_cfg": PHOTO_CONFIG | dict(photos),  # type: ignore[call-overload]
    }
    (folder / "open_clip_config.json").write_text(json.dumps(described))
