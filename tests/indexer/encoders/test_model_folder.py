"""A model is identified by the files that decide its vectors, and by nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from indexer.encoders.model_folder import file_digests, fingerprint, read_model_folder
from mappings.errors import EncoderUnavailable

MODULES = [{"path": ""}, {"path": "1_Pooling"}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's files as sentence-transformers lays them out, without real weights."""
    path = tmp_path / "shop-model"
    (path / "1_Pooling").mkdir(parents=True)
    (path / "modules.json").write_text(json.dumps(MODULES))
    (path / "config.json").write_text('{"hidden_size": 48}')
    (path / "model.safetensors").write_bytes(b"weights")
    (path / "tokenizer.json").write_text("{}")
    (path / "1_Pooling/config.json").write_text(
        '{"word_embedding_dimension": 48, "pooling_mode_mean_tokens": true}'
    )
    return path


def revision(folder: Path) -> str:
    return read_model_folder("shop-model", folder).revision


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("model.safetensors", "other weights"),
        ("tokenizer.json", '{"version": "2"}'),
        ("vocab.txt", "new"),
        ("1_Pooling/config.json", '{"embedding_dimension": 48, "pooling_mode": "cls"}'),
        ("sentence_bert_config.json", '{"max_seq_length": 128}'),
        ("config_sentence_transformers.json", '{"prompts": {"query": "query: "}}'),
    ],
)
def test_what_changes_vectors_changes_the_revision(file: str, content: str, folder: Path) -> None:
    before = revision(folder)
    (folder / file).write_text(content)
    assert revision(folder) != before


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("README.md", "words"),
        ("pytorch_model.bin", "the same weights, pickled"),
        ("config_sentence_transformers.json", '{"__version__": {"torch": "9"}, "prompts": {}}'),
        ("optimizer.pt", "state"),
    ],
)
def test_what_changes_no_vector_keeps_the_revision(file: str, content: str, folder: Path) -> None:
    before = revision(folder)
    (folder / file).write_text(content)
    assert revision(folder) == before


def test_pickled_weights_count_where_there_are_no_others(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"weights")
    assert "pytorch_model.bin" in file_digests(folder)


def test_fingerprint_does_not_depend_on_the_order() -> None:
    assert fingerprint({"a": "1", "b": "2"}) == fingerprint({"b": "2", "a": "1"})


@pytest.mark.parametrize(
    ("pooling", "dense", "expected"),
    [
        ({"word_embedding_dimension": 48, "pooling_mode_mean_tokens": True}, None, 48),
        ({"embedding_dimension": 48, "pooling_mode": "cls"}, None, 48),
        ({"embedding_dimension": 48, "pooling_mode": ["cls", "max"]}, None, 96),
        (
            {
                "word_embedding_dimension": 48,
                "pooling_mode_mean_tokens": True,
                "pooling_mode_max_tokens": True,
            },
            {"in_features": 96, "out_features": 20},
            20,
        ),
    ],
    ids=["old pooling", "new pooling", "two modes", "dense"],
)
def test_dims_come_from_the_last_module_that_sets_them(
    pooling: dict, dense: dict | None, expected: int, folder: Path
) -> None:
    (folder / "1_Pooling/config.json").write_text(json.dumps(pooling))
    if dense is not None:
        (folder / "2_Dense").mkdir()
        (folder / "2_Dense/config.json").write_text(json.dumps(dense))
        (folder / "modules.json").write_text(json.dumps([*MODULES, {"path": "2_Dense"}]))
    assert read_model_folder("shop-model", folder).dims == expected


@pytest.mark.parametrize("files", [{}, {"config.json": "{}"}], ids=["empty", "no dims"])
def test_a_folder_without_a_model_is_refused(files: dict[str, str], tmp_path: Path) -> None:
    for file, content in files.items():
        (tmp_path / file).write_text(content)
    with pytest.raises(EncoderUnavailable, match="'thing'"):
        read_model_folder("thing", tmp_path)


def test_an_absent_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match="no folder"):
        read_model_folder("thing", tmp_path / "absent")
