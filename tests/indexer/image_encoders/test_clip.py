"""CLIP-like models: the vectors are those of transformers, whoever computes them."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.encoders.base import TextEncoder
from indexer.encoders.image_probes import probe_photos
from indexer.encoders.image_registry import (
    export_query_image_encoder,
    image_encoder_spec,
    load_image_encoder,
    load_query_image_encoder,
    load_words_encoder,
)
from mappings.errors import EncoderUnavailable

pytestmark = pytest.mark.models

TEXTS = ["red shirt", "a blue case for the hp laptop with usb", "Mouse", "shoes of " * 40, ""]


@pytest.fixture(scope="module", params=["tiny_clip", "tiny_siglip"])
def folder(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(request.param)


def reference(folder: Path, **asked: Any) -> np.ndarray:
    """Unit vectors from transformers alone: its own processor, its own model."""
    import torch
    from transformers import AutoModel, AutoProcessor

    model = AutoModel.from_pretrained(folder).eval()
    inputs = AutoProcessor.from_pretrained(folder)(return_tensors="pt", **asked)
    method = model.get_image_features if "images" in asked else model.get_text_features
    with torch.no_grad():
        output = method(**inputs)
    vectors = getattr(output, "pooler_output", output)
    return torch.nn.functional.normalize(vectors, dim=1).numpy()


def smallest_cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.sum(first * second, axis=1).min())


def words_of(folder: Path, model_directory: Path) -> TextEncoder:
    encoder = load_words_encoder(str(folder), model_directory=model_directory)
    assert encoder is not None
    return encoder


def test_photos_are_as_transformers_encodes_them(folder: Path, model_directory: Path) -> None:
    expected = reference(folder, images=probe_photos())
    worker = load_image_encoder(str(folder), device="cpu", precision="float32")
    service = load_query_image_encoder(str(folder), model_directory=model_directory)
    assert smallest_cosine(worker.encode_images(probe_photos()), expected) > 0.999
    assert smallest_cosine(service.encode_images(probe_photos()), expected) > 0.999


def test_words_are_as_transformers_encodes_them(folder: Path, model_directory: Path) -> None:
    expected = reference(folder, text=TEXTS, padding="max_length", truncation=True)
    found = words_of(folder, model_directory).encode(TEXTS)
    assert smallest_cosine(found, expected) > 0.9999


def test_words_alone_and_in_a_batch_agree(folder: Path, model_directory: Path) -> None:
    words = words_of(folder, model_directory)
    alone = np.vstack([words.encode([text]) for text in TEXTS])
    assert smallest_cosine(words.encode(TEXTS), alone) > 0.9999


def test_photos_and_words_share_identity_and_space(folder: Path, model_directory: Path) -> None:
    spec = image_encoder_spec(str(folder), model_directory=model_directory)
    words = words_of(folder, model_directory).spec
    assert (words.name, words.revision, words.dims) == (spec.name, spec.revision, spec.dims)
    assert spec.text_space == ""


def test_a_service_without_the_model_finds_its_export_by_name(
    folder: Path, model_directory: Path
) -> None:
    here = image_encoder_spec(str(folder), model_directory=model_directory)
    for name in (here.name, f"/elsewhere/models/{here.name}"):
        encoder = load_query_image_encoder(name, model_directory=model_directory)
        assert encoder.spec == image_encoder_spec(name, model_directory=model_directory) == here


def test_an_export_of_the_same_revision_is_kept(folder: Path, model_directory: Path) -> None:
    spec = image_encoder_spec(str(folder), model_directory=model_directory)
    kept = export_query_image_encoder(str(folder), model_directory=model_directory)
    written = (kept / "photos.onnx").stat().st_mtime_ns
    assert kept.name.startswith(spec.revision)
    assert export_query_image_encoder(str(folder), model_directory=model_directory) == kept
    assert (kept / "photos.onnx").stat().st_mtime_ns == written


def test_a_missing_export_names_the_command(tiny_clip: Path, tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match="shelfwise encoder export --photos"):
        load_query_image_encoder(str(tiny_clip), model_directory=tmp_path)


def test_another_preparation_is_another_revision(tiny_clip: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(tiny_clip, tmp_path / tiny_clip.name))
    before = image_encoder_spec(str(copied), model_directory=tmp_path)
    settings = copied / "processor_config.json"
    settings.write_text(settings.read_text().replace("0.48145466", "0.5"))
    assert image_encoder_spec(str(copied), model_directory=tmp_path).revision != before.revision


def test_a_folder_of_sentence_transformers_is_the_same_model(
    tiny_clip: Path, tmp_path: Path
) -> None:
    saved = tmp_path / "clip-of-sentence-transformers"
    shutil.copytree(tiny_clip, saved / "0_CLIPModel")
    module = {"idx": 0, "name": "0", "path": "0_CLIPModel"}
    module["type"] = "sentence_transformers.models.CLIPModel"
    (saved / "modules.json").write_text(json.dumps([module]))
    plain, wrapped = (
        load_image_encoder(str(path), device="cpu", precision="float32")
        for path in (tiny_clip, saved)
    )
    vectors = [encoder.encode_images(probe_photos()) for encoder in (plain, wrapped)]
    assert smallest_cosine(*vectors) > 0.9999
    assert wrapped.spec.dims == plain.spec.dims


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"model_type": "bert", "hidden_size": 8}, "holds no model of photos and words"),
        ({"auto_map": {"AutoModel": "code.Model"}, "vision_config": {}}, "Python code .* not run"),
        (["clip"], "is not a JSON object"),
    ],
    ids=["words alone", "code from the hub", "a list"],
)
def test_a_model_that_cannot_be_taken_says_why(
    tmp_path: Path, config: object, message: str
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(EncoderUnavailable, match=message):
        load_image_encoder(str(tmp_path))


@pytest.mark.skipif(find_spec("sentencepiece") is not None, reason="sentencepiece is installed")
def test_a_tokenizer_that_needs_another_package_names_it(
    tiny_siglip: Path, tmp_path: Path
) -> None:
    copied = Path(shutil.copytree(tiny_siglip, tmp_path / "of-sentencepiece"))
    settings = copied / "tokenizer_config.json"
    changed = json.loads(settings.read_text()) | {"tokenizer_class": "SiglipTokenizer"}
    settings.write_text(json.dumps(changed))
    with pytest.raises(EncoderUnavailable, match="SentencePiece"):
        load_image_encoder(str(copied), device="cpu")


def test_a_model_whose_photos_need_torch_is_not_exported(tiny_clip: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(tiny_clip, tmp_path / "uncut"))
    settings = copied / "processor_config.json"
    changed = json.loads(settings.read_text())
    changed["image_processor"]["do_resize"] = False
    settings.write_text(json.dumps(changed))
    with pytest.raises(EncoderUnavailable, match="'uncut' cannot be exported .* does not resize"):
        export_query_image_encoder(str(copied), model_directory=tmp_path)
