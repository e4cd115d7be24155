"""A torchvision backbone with a projection that is learned from photos and their texts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from indexer.encoders.hashing import HashingEncoder
from indexer.encoders.image_probes import probe_photos
from indexer.encoders.image_registry import (
    image_encoder_spec,
    load_image_encoder,
    load_query_image_encoder,
    load_words_encoder,
)
from indexer.encoders.torchvision_projection import fit_projection
from mappings.errors import EncoderUnavailable
from tests.indexer.image_encoders.models import COLOURS, coloured

RANDOM = np.random.default_rng(4)


def test_a_linear_relation_is_found_again() -> None:
    features, wanted = RANDOM.normal(size=(400, 12)), RANDOM.normal(size=(12, 5))
    found = fit_projection(features, features @ wanted + 3.0, ridge=1e-9)
    np.testing.assert_allclose(found.weight, wanted.T, atol=1e-5)
    np.testing.assert_allclose(found.bias, 3.0, atol=1e-5)


def test_more_ridge_gives_smaller_weights_and_keeps_the_mean() -> None:
    features, texts = RANDOM.normal(size=(50, 80)), RANDOM.normal(size=(50, 6))
    weak, strong = (fit_projection(features, texts, ridge=ridge) for ridge in (0.01, 10.0))
    assert np.linalg.norm(strong.weight) < 0.5 * np.linalg.norm(weak.weight)
    means = features.mean(axis=0) @ strong.weight.T + strong.bias
    np.testing.assert_allclose(means, texts.mean(axis=0), atol=1e-5)


@pytest.mark.parametrize(
    ("features", "texts", "ridge", "message"),
    [
        (np.ones((3, 2)), np.ones((2, 2)), 1.0, "as many rows"),
        (np.ones((1, 2)), np.ones((1, 2)), 1.0, "2 or more"),
        (np.full((2, 2), np.nan), np.ones((2, 2)), 1.0, "finite"),
        (np.eye(2), np.eye(2), 0.0, "ridge is 0.0"),
        (np.ones((2, 2)), np.eye(2), 1.0, "the same for all photos"),
    ],
    ids=["rows differ", "one photo", "not a number", "no ridge", "photos alike"],
)
def test_what_cannot_be_fitted_is_named(
    features: np.ndarray, texts: np.ndarray, ridge: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        fit_projection(features, texts, ridge=ridge)


@pytest.mark.models
def test_words_find_photos_after_the_projection_is_learned(
    tiny_torchvision: Path, model_directory: Path
) -> None:
    encoder = load_query_image_encoder(str(tiny_torchvision), model_directory=model_directory)
    photos = encoder.encode_images([coloured(colour, 900) for colour in COLOURS.values()])
    words = HashingEncoder().encode(list(COLOURS))
    assert np.argmax(words @ photos.T, axis=1).tolist() == [0, 1, 2, 3]


@pytest.mark.models
def test_it_has_no_words_of_its_own(tiny_torchvision: Path, model_directory: Path) -> None:
    spec = image_encoder_spec(str(tiny_torchvision), model_directory=model_directory)
    assert (spec.name, spec.text_space) == ("our-backbone", HashingEncoder().spec.revision)
    assert load_words_encoder(str(tiny_torchvision), model_directory=model_directory) is None


@pytest.mark.models
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"dims": 0}, "dims is 0"),
        ({"input_size": "big"}, "input_size is 'big'"),
        ({"dims": 9}, "is not what config.json says"),
        ({"backbone": "resnet19"}, "backbone: 'resnet19' is no classifier"),
    ],
    ids=["no dims", "size is a word", "other dims", "unknown backbone"],
)
def test_a_wrong_configuration_is_named(
    tiny_torchvision: Path, tmp_path: Path, changed: dict[str, object], message: str
) -> None:
    folder = Path(shutil.copytree(tiny_torchvision, tmp_path / "broken"))
    config = json.loads((folder / "config.json").read_text()) | changed
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(EncoderUnavailable, match=message):
        load_image_encoder(str(folder), device="cpu")


@pytest.mark.models
def test_weights_are_not_downloaded_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from indexer.encoders.torchvision_model import load_backbone

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(EncoderUnavailable, match="may not be downloaded; fetch https://"):
        load_backbone("mobilenet_v3_small", weights="DEFAULT")
    with pytest.raises(EncoderUnavailable, match="there are IMAGENET1K_V1"):
        load_backbone("mobilenet_v3_small", weights="IMAGENET9")


@pytest.mark.models
def test_weights_of_a_local_file_are_taken(tmp_path: Path) -> None:
    import torch
    import torchvision

    from indexer.encoders.torchvision_model import load_backbone, photo_features

    model = torchvision.models.get_model("mobilenet_v3_small", weights=None).eval()
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    backbone = load_backbone("mobilenet_v3_small", weights=tmp_path / "weights.pth")
    features = photo_features(backbone, probe_photos(), input_size=32)
    again = load_backbone("mobilenet_v3_small", weights=tmp_path / "weights.pth")
    assert features.shape == (len(probe_photos()), 1024)
    np.testing.assert_array_equal(features, photo_features(again, probe_photos(), input_size=32))


@pytest.mark.models
def test_a_file_of_other_objects_than_tensors_is_refused(tmp_path: Path) -> None:
    import torch

    from indexer.encoders.torchvision_model import load_backbone

    torch.save({"model": Path("anything")}, tmp_path / "weights.pth")
    with pytest.raises(EncoderUnavailable, match="weights.pth"):
        load_backbone("mobilenet_v3_small", weights=tmp_path / "weights.pth")
