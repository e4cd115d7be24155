"""Folders of image towers, as `shelfwise finetune` writes them; the weights are random here."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from indexer.encoders import minilm
from indexer.encoders.base import ImageEncoder
from indexer.encoders.image_probes import probe_photos
from indexer.encoders.image_registry import (
    export_query_image_encoder,
    image_encoder_spec,
    load_image_encoder,
    load_query_image_encoder,
    load_words_encoder,
)
from indexer.encoders.image_tower import write_tower_spec
from indexer.towers import shipped
from mappings.errors import EncoderUnavailable


@pytest.fixture
def folder(tiny_tower: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(tiny_tower, tmp_path / tiny_tower.name))


def query(folder: Path) -> ImageEncoder:
    return load_query_image_encoder(str(folder), model_directory=folder)


def test_the_shipped_tower_is_in_the_space_of_the_default_text_encoder() -> None:
    spec = image_encoder_spec("tower", model_directory=Path("nowhere"))
    assert (spec.name, spec.text_space, spec.dims) == ("tower", minilm.REVISION, minilm.DIMS)


def test_another_file_than_the_shipped_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tower.onnx").write_bytes(b"other weights")
    monkeypatch.setattr(shipped, "model_path", lambda: tmp_path / "tower.onnx")
    with pytest.raises(EncoderUnavailable, match="is not the file that was shipped"):
        load_image_encoder("tower")


def test_an_installation_without_the_shipped_file_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "model_path", lambda: tmp_path / "tower.onnx")
    with pytest.raises(EncoderUnavailable, match="there is no file .*install shelfwise again"):
        image_encoder_spec("tower", model_directory=tmp_path)


@pytest.mark.models
def test_worker_and_service_run_the_same_tower(folder: Path) -> None:
    worker, service = load_image_encoder(str(folder), device="cpu"), query(folder)
    photos = probe_photos()
    cosines = np.sum(worker.encode_images(photos) * service.encode_images(photos), axis=1)
    assert cosines.min() > 0.9999
    assert worker.spec == service.spec == image_encoder_spec(str(folder), model_directory=folder)
    assert (worker.spec.name, worker.spec.text_space) == ("our-photos", "f00d")


@pytest.mark.models
def test_a_tower_needs_no_export_and_no_words_of_its_own(folder: Path, tmp_path: Path) -> None:
    assert export_query_image_encoder(str(folder), model_directory=tmp_path) == tmp_path
    assert load_words_encoder(str(folder), model_directory=tmp_path) is None


@pytest.mark.models
def test_other_weights_are_another_revision(folder: Path) -> None:
    before = image_encoder_spec(str(folder), model_directory=folder)
    with (folder / "model.onnx").open("ab") as graph:
        graph.write(b"\0")
    assert image_encoder_spec(str(folder), model_directory=folder).revision != before.revision


@pytest.mark.models
@pytest.mark.parametrize("file", ["model.onnx", "spec.json"])
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(EncoderUnavailable, match=file):
        load_image_encoder(str(folder))


@pytest.mark.models
@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", '{"kind": "tower", "input_size": 0}', "input_size is 0"),
        ("config.json", '{"kind": "tower"}', "input_size"),
        ("config.json", "{", "config.json"),
        ("spec.json", "[]", "spec.json"),
        ("spec.json", '{"name": "x"}', "spec.json"),
        ("model.onnx", "no graph", "model.onnx"),
    ],
    ids=[
        "size of 0",
        "no size",
        "config is no JSON",
        "spec is a list",
        "keys missing",
        "no graph",
    ],
)
def test_a_broken_file_is_named(folder: Path, file: str, content: str, message: str) -> None:
    (folder / file).write_text(content)
    with pytest.raises(EncoderUnavailable, match=message):
        query(folder)


@pytest.mark.models
def test_vectors_of_another_length_than_the_spec_are_refused(folder: Path) -> None:
    write_tower_spec(folder, dims=25, text_space="")
    with pytest.raises(EncoderUnavailable, match="gives 24 dims, should be 25"):
        query(folder)
