"""Exports: complete or not there at all, found again, and refused when they are broken."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from indexer.encoders.base import TextEncoder
from indexer.encoders.model_export import (
    ExportedEncoder,
    find_export,
    publish_export,
    read_export,
    unfinished_export,
    write_description,
)
from indexer.encoders.registry import (
    export_query_encoder,
    load_query_encoder,
    load_text_encoder,
    text_encoder_spec,
)
from mappings.errors import EncoderUnavailable
from tests.indexer.encoders.conftest import TEMPLATE

EXPORTED = ExportedEncoder(
    name="org/model",
    revision="aa11",
    dims=8,
    similarity="cosine",
    max_tokens=16,
    inputs=("input_ids", "attention_mask"),
    prompt="query: ",
    pad_token_id=0,
    padding_side="right",
    pooling="mean",
    normalise=True,
    agreement=1.0,
)


def publish(directory: Path, revision: str) -> Path:
    with unfinished_export(directory, "org/model") as folder:
        write_description(folder, ExportedEncoder(**EXPORTED.__dict__ | {"revision": revision}))
        return publish_export(folder, revision=revision)


def files_under(directory: Path) -> set[str]:
    return {path.relative_to(directory).as_posix() for path in directory.rglob("*")}


def test_a_description_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_description(tmp_path, EXPORTED)
    assert read_export(tmp_path) == EXPORTED


def test_each_revision_has_a_folder_and_the_last_is_current(tmp_path: Path) -> None:
    first, second = publish(tmp_path, "aa11"), publish(tmp_path, "bb22")
    assert first != second
    assert find_export(tmp_path, "org/model", revision=None) == second
    assert find_export(tmp_path, "org/model", revision="aa11") == first


def test_a_revision_that_another_process_wrote_meanwhile_is_kept(tmp_path: Path) -> None:
    first = publish(tmp_path, "aa11")
    (first / "mark").touch()
    assert publish(tmp_path, "aa11") == first
    assert (first / "mark").exists()
    assert not [name for name in files_under(tmp_path) if "unfinished" in name]


def test_an_interrupted_export_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), unfinished_export(tmp_path, "org/model") as folder:
        write_description(folder, EXPORTED)
        raise KeyboardInterrupt
    assert files_under(tmp_path) == {"org--model"}


@pytest.mark.parametrize("revision", [None, "aa11"])
def test_an_absent_export_names_the_command(revision: str | None, tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match="shelfwise encoder export org/model"):
        find_export(tmp_path, "org/model", revision=revision)


@pytest.mark.parametrize("name", ["minilm", "/models/not/here"])
def test_a_service_without_an_export_does_not_start(name: str, tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match="shelfwise encoder export"):
        load_query_encoder(name, template=TEMPLATE, model_directory=tmp_path)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"inputs": ["input_ids"], "dims": 8}'], ids=range(4)
)
def test_a_broken_description_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "encoder.json").write_text(content)
    with pytest.raises(EncoderUnavailable, match=r"encoder\.json"):
        read_export(tmp_path)


def test_hashing_has_nothing_to_export(tmp_path: Path) -> None:
    written = export_query_encoder("hashing", template=TEMPLATE, model_directory=tmp_path)
    assert written == tmp_path
    assert files_under(tmp_path) == set()


@pytest.mark.models
def test_an_export_has_its_three_files(tiny_export: Path) -> None:
    assert files_under(tiny_export) == {"model.onnx", "tokenizer.json", "encoder.json"}
    described = json.loads((tiny_export / "encoder.json").read_text())
    assert described["pooling"] == "cls"
    assert described["max_tokens"] == 24
    assert described["prompt"] == "phone: "
    assert described["agreement"] >= 0.999


@pytest.mark.models
def test_the_same_revision_is_not_exported_again(
    tiny_export: Path, tiny_model: Path, model_directory: Path
) -> None:
    before = (tiny_export / "model.onnx").stat().st_mtime_ns
    again = export_query_encoder(
        str(tiny_model), template="{title}", model_directory=model_directory
    )
    assert again == tiny_export
    assert (tiny_export / "model.onnx").stat().st_mtime_ns == before


@pytest.mark.models
def test_an_export_that_disagrees_with_torch_never_becomes_visible(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from indexer.encoders import onnx_export

    # The wrong prompt is what a careless export forgets; the vectors are then other ones.
    monkeypatch.setattr(onnx_export, "QUERY_PROMPTS", ("document",))
    with pytest.raises(EncoderUnavailable, match="differs from torch"):
        export_query_encoder(str(tiny_model), template=TEMPLATE, model_directory=tmp_path)
    assert not list(tmp_path.rglob("encoder.json"))
    with pytest.raises(EncoderUnavailable, match="shelfwise encoder export"):
        load_query_encoder(str(tiny_model), template=TEMPLATE, model_directory=tmp_path)


@pytest.mark.models
def test_queries_and_products_get_the_models_own_prompts(
    tiny_torch: TextEncoder, tiny_onnx: TextEncoder, tiny_model: Path
) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(tiny_model), device="cpu")
    texts = ["cordless mouse", "red shoes for the phone"]
    products = model.encode_document(texts, normalize_embeddings=True)
    queries = model.encode_query(texts, normalize_embeddings=True)
    np.testing.assert_allclose(tiny_torch.encode(texts), products, atol=1e-5)
    np.testing.assert_allclose(tiny_onnx.encode(texts), queries, atol=1e-4)


@pytest.mark.models
def test_a_service_that_has_only_the_export_knows_the_identity(
    tiny_export: Path, tiny_model: Path, tiny_torch: TextEncoder, model_directory: Path
) -> None:
    moved = tiny_model.with_name("moved-away")
    tiny_model.rename(moved)
    try:
        spec = text_encoder_spec(
            str(tiny_model), template=TEMPLATE, model_directory=model_directory
        )
        query = load_query_encoder(
            str(tiny_model), template=TEMPLATE, model_directory=model_directory
        )
    finally:
        moved.rename(tiny_model)
    assert spec == query.spec == tiny_torch.spec


@pytest.mark.models
def test_a_changed_model_does_not_get_the_old_export(
    tiny_export: Path, tiny_model: Path, model_directory: Path
) -> None:
    settings = tiny_model / "config_sentence_transformers.json"
    before = settings.read_text()
    settings.write_text(before.replace("phone: ", "mouse: "))
    try:
        with pytest.raises(EncoderUnavailable, match="shelfwise encoder export"):
            load_query_encoder(str(tiny_model), template=TEMPLATE, model_directory=model_directory)
    finally:
        settings.write_text(before)


@pytest.mark.models
@pytest.mark.parametrize("file", ["model.onnx", "tokenizer.json"])
def test_a_broken_file_is_named(
    file: str, tiny_export: Path, tiny_model: Path, tmp_path: Path
) -> None:
    exports = tmp_path / tiny_export.parent.name
    shutil.copytree(tiny_export.parent, exports)
    (exports / tiny_export.name / file).write_bytes(b"broken")
    with pytest.raises(EncoderUnavailable, match=file):
        load_query_encoder(str(tiny_model), template=TEMPLATE, model_directory=tmp_path)


@pytest.mark.models
@pytest.mark.parametrize("name", ["./no/such/folder", "/no/such/folder"])
def test_a_path_that_is_not_there_is_refused_without_asking_the_hub(name: str) -> None:
    with pytest.raises(EncoderUnavailable, match="no such folder"):
        load_text_encoder(name, template=TEMPLATE)


@pytest.mark.models
def test_a_hub_model_that_cannot_be_fetched_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def unreachable(*_: object, **__: object) -> str:
        raise ConnectionError("no route to the hub")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.raises(EncoderUnavailable, match="'org/no-such-model'.*no route"):
        load_text_encoder("org/no-such-model", template=TEMPLATE)


@pytest.mark.models
def test_a_hub_model_is_known_by_its_hub_name(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(tiny_model))
    encoder = load_text_encoder("org/tiny", template=TEMPLATE, device="cpu")
    assert encoder.spec.name == "org/tiny"
    assert encoder.spec == text_encoder_spec(
        "org/tiny", template=TEMPLATE, model_directory=tmp_path
    )
